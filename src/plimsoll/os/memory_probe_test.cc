#include "plimsoll/os/memory_probe.h"

#include <gtest/gtest.h>

#include <cstring>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/os/internal/recorded_machines.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

using recorded::kMiB;
using recorded::line;

constexpr ProcessMemory kProcess{.resident = 110_MiB,
                                 .anonymous = 100_MiB,
                                 .file = 6_MiB,
                                 .shared_memory = 4_MiB,
                                 .page_tables = 512_KiB,
                                 .threads = 4};

TEST(Held, EstimatesKernelMemoryWhereTheGroupIsNotOurs) {
  Held held = held_of(kProcess, std::nullopt);
  EXPECT_EQ(held.kernel, 512_KiB + 64_KiB);
  EXPECT_FALSE(held.kernel_measured);
  EXPECT_FALSE(held.sockets_known);
  EXPECT_EQ(held.total(), 104_MiB + 576_KiB);
  EXPECT_EQ(held.beyond_anonymous(), 4_MiB + 576_KiB);
}

TEST(Held, TakesKernelAndSocketsFromAGroupOfOurOwn) {
  GroupUse group{.kernel = 3_MiB, .kernel_reclaimable = 1_MiB, .sockets = 7_MiB, .sockets_known = true};
  Held held = held_of(kProcess, group);
  EXPECT_EQ(held.kernel, 2_MiB);
  EXPECT_TRUE(held.kernel_measured);
  EXPECT_TRUE(held.sockets_known);
  EXPECT_EQ(held.total(), 113_MiB);
}

TEST(Held, LockedFilePagesCountAndLockedAnonymousOnesOnlyOnce) {
  ProcessMemory process = kProcess;
  process.locked = 50_MiB;  // may all be anonymous
  EXPECT_EQ(held_of(process, std::nullopt).locked_file, 0_B);
  process.locked = 106_MiB;
  EXPECT_EQ(held_of(process, std::nullopt).locked_file, 2_MiB);
  process.locked = 1_GiB;  // mlockall over address space with nothing behind it
  EXPECT_EQ(held_of(process, std::nullopt).locked_file, 6_MiB);
}

TEST(Held, AnAbsurdNumberOfThreadsIsNoEnd) {
  ProcessMemory process = kProcess;
  process.threads = ~std::uint64_t{0};
  EXPECT_LT(held_of(process, std::nullopt).kernel, 1_GiB * 100);
}

TEST(SystemProbe, FastFollowsAnonymousMemoryAndKeepsTheRest) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({.root = tree.root(), .limit = {}});
  ASSERT_TRUE(probe);
  const Bytes page = system_page_size();
  FastSample fast = *(*probe)->fast();
  EXPECT_EQ(fast.resident, page * 28160);
  EXPECT_EQ(fast.anonymous, page * 25600);
  EXPECT_EQ(fast.held, page * 25600 + 4_MiB + 576_KiB);
  tree.put("/proc/self/statm", "300000 30160 2560 512 0 90000 0\n");
  EXPECT_EQ((*probe)->fast()->held, page * 27600 + 4_MiB + 576_KiB);
}

TEST(SystemProbe, SlowReadsTheWorld) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  SlowSample slow = *probe->slow();
  EXPECT_EQ(slow.process.anonymous, 100_MiB);
  EXPECT_EQ(slow.faults.major, 19u);
  ASSERT_TRUE(slow.group);
  EXPECT_EQ(slow.group->total, 123_MiB);
  EXPECT_EQ(slow.machine.total, 8_GiB);
  EXPECT_EQ(slow.events.oom_kills, 3u);
  EXPECT_EQ(slow.machine_sockets.tcp_in_use, 17u);
  EXPECT_EQ(slow.held.total(), 104_MiB + 576_KiB);
}

TEST(SystemProbe, AloneInItsGroupMeasuresKernelMemory) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  tree.put("/sys/fs/cgroup/system.slice/plimsoll.service/cgroup.procs", "4711\n");
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  EXPECT_TRUE(probe->slow()->held.kernel_measured);
  EXPECT_EQ(probe->limit()->others, 0_B);
  // Somebody joins: from the next look at the limit on, the kernel memory of the group is not all ours.
  tree.put("/sys/fs/cgroup/system.slice/plimsoll.service/cgroup.procs", "4711\n4712\n");
  ASSERT_TRUE(probe->limit());
  EXPECT_FALSE(probe->slow()->held.kernel_measured);
  EXPECT_EQ(probe->limit()->others, 2_MiB - 576_KiB);
}

// The group's figures are behind ours for a moment: alone in it, that is not somebody else.
TEST(SystemProbe, AloneInItsGroupOnlyFilesInMemoryAreAnothers) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  const std::string ours = "/sys/fs/cgroup/system.slice/plimsoll.service";
  recorded::put_group_v2(tree, ours, line(256 * kMiB), {.anonymous = 130 * kMiB, .shared = 14 * kMiB});
  tree.put(ours + "/cgroup.procs", "4711\n");
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  EXPECT_EQ(probe->limit()->others, 10_MiB);  // left there by somebody, and nobody maps them
  EXPECT_EQ(probe->limit()->limit, 246_MiB);
  tree.put(ours + "/cgroup.procs", "4711\n4712\n");
  EXPECT_GE(probe->limit()->others, 40_MiB);
}

TEST(SystemProbe, LimitMeasuresOurOwnAnew) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  Bytes others = probe->limit()->others;
  // We grow by 50 MiB, and so does the group, after the last slow sample.
  std::string status = tree.get("/proc/self/status");
  status.replace(status.find("102400 kB"), 9, "153600 kB");
  tree.put("/proc/self/status", status);
  recorded::put_group_v2(tree, "/sys/fs/cgroup/system.slice/plimsoll.service", line(256 * kMiB),
                         {.anonymous = 150 * kMiB});
  EXPECT_EQ(probe->limit()->others, others);
}

TEST(SystemProbe, LimitFollowsTheKernel) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  EXPECT_EQ(probe->limit()->configured, 256_MiB);
  tree.put("/sys/fs/cgroup/system.slice/plimsoll.service/memory.max", line(128 * kMiB));
  EXPECT_EQ(probe->limit()->configured, 128_MiB);
}

TEST(SystemProbe, FindsItsGroupAgainWhenItWasMoved) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  tree.put("/sys/fs/cgroup/system.slice/memory.max", line(512 * kMiB));
  tree.put("/proc/self/cgroup", "0::/system.slice\n");
  EXPECT_EQ(probe->limit()->configured, 512_MiB);
  EXPECT_EQ(probe->group()->directory(), "/sys/fs/cgroup/system.slice");
  // Into the root, where there is none, and back again.
  tree.put("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(probe->limit()->source, LimitSource::kMachineShare);
  EXPECT_EQ(probe->group(), nullptr);
  EXPECT_FALSE(probe->slow()->group);
  tree.put("/proc/self/cgroup", "0::/system.slice/plimsoll.service\n");
  EXPECT_EQ(probe->limit()->configured, 256_MiB);
}

TEST(SystemProbe, WorksWithTheBareMinimum) {
  RecordedTree tree;
  recorded::put_process(tree);
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  EXPECT_TRUE(probe->fast());
  EXPECT_EQ(probe->slow()->machine.total, 0_B);
  EXPECT_EQ(probe->limit()->source, LimitSource::kAssumed);
}

TEST(SystemProbe, FailuresAreValues) {
  RecordedTree tree;
  EXPECT_FALSE(SystemProbe::open({.root = tree.root(), .limit = {}}));
  recorded::put_process(tree);
  EXPECT_FALSE(SystemProbe::open({.root = tree.root(), .limit = {.line = "x"}}));
  std::unique_ptr<SystemProbe> probe = *SystemProbe::open({.root = tree.root(), .limit = {}});
  tree.put("/proc/self/statm", "");
  tree.put("/proc/self/status", "");
  EXPECT_FALSE(probe->fast());
  EXPECT_FALSE(probe->slow());
  EXPECT_FALSE(SystemProbe::open({.root = tree.root(), .limit = {}}));
}

TEST(SystemProbe, SeesThisProcessGrow) {
  if (kThreadSanitized) GTEST_SKIP() << "the sanitizer's own memory grows with ours";
  Result<std::unique_ptr<SystemProbe>> opened = SystemProbe::open({});
  ASSERT_TRUE(opened) << opened.error().message();
  MemoryProbe& probe = **opened;
  Bytes before = probe.fast()->held;
  SystemPages pages;
  PageRange range = *pages.map(16_MiB, 0_B);
  std::memset(range.begin, 1, range.size.count());
  EXPECT_NEAR((probe.fast()->held - before).as_double(), (16_MiB).as_double(), (1_MiB).as_double());
  EXPECT_NEAR(probe.slow()->held.total().as_double(), probe.fast()->held.as_double(), (1_MiB).as_double());
  Result<FoundLimit> limit = probe.limit();
  ASSERT_TRUE(limit);
  EXPECT_GT(limit->limit, 16_MiB);
  EXPECT_FALSE(limit->words.empty());
  EXPECT_TRUE(pages.unmap(range));
}

TEST(ScriptedProbe, SaysWhatItIsTold) {
  ScriptedProbe probe;
  probe.hold(100_MiB);
  EXPECT_EQ(probe.fast()->held, 100_MiB);
  EXPECT_EQ(probe.slow()->held.total(), 100_MiB);
  FoundLimit limit;
  limit.limit = 256_MiB;
  probe.set_limit(limit);
  EXPECT_EQ(probe.limit()->limit, 256_MiB);
  probe.set_fast(fail(ErrorCode::kSystem, "gone"));
  probe.set_slow(fail(ErrorCode::kSystem, "gone"));
  EXPECT_FALSE(probe.fast());
  EXPECT_FALSE(probe.slow());
}

}  // namespace
}  // namespace plimsoll
