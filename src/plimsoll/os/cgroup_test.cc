#include "plimsoll/os/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/os/internal/recorded_machines.h"

namespace plimsoll {
namespace {

using recorded::GroupFigures;
using recorded::kMiB;
using recorded::line;
using recorded::put_group_v1;
using recorded::put_group_v2;

TEST(Cgroup, VersionTwoServiceHasItsLimit) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_EQ(group.version(), CgroupVersion::kV2);
  EXPECT_TRUE(group.certain());
  EXPECT_EQ(group.groups(), 2u);  // the root has no memory files
  EXPECT_EQ(group.directory(), "/sys/fs/cgroup/system.slice/plimsoll.service");
  std::vector<GroupBound> bounds = *group.bounds();
  ASSERT_EQ(bounds.size(), 1u);
  EXPECT_EQ(bounds[0].kind, BoundKind::kV2Max);
  EXPECT_EQ(bounds[0].limit, 256_MiB);
  EXPECT_EQ(bounds[0].group, 0u);
  EXPECT_EQ(bounds[0].path, "/sys/fs/cgroup/system.slice/plimsoll.service/memory.max");
}

TEST(Cgroup, LimitsAreReadAnew) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_TRUE(group.bounds()->empty());
  tree.put("/sys/fs/cgroup/system.slice/memory.max", line(512 * kMiB));
  tree.put("/sys/fs/cgroup/system.slice/plimsoll.service/memory.high", line(128 * kMiB));
  std::vector<GroupBound> bounds = *group.bounds();
  ASSERT_EQ(bounds.size(), 2u);
  EXPECT_EQ(bounds[0].kind, BoundKind::kV2High);
  EXPECT_EQ(bounds[0].limit, 128_MiB);
  EXPECT_EQ(bounds[1].kind, BoundKind::kV2Max);
  EXPECT_EQ(bounds[1].group, 1u);
  tree.put("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  EXPECT_EQ(group.bounds()->size(), 1u);
}

TEST(Cgroup, VersionTwoUseIsWhatTheKernelKillsFor) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  put_group_v2(tree, "/sys/fs/cgroup/system.slice/plimsoll.service", "max\n", {.sockets = 7 * kMiB});
  GroupUse use = *CgroupMemory::find(tree.root())->use();
  EXPECT_EQ(use.total, 130_MiB);
  EXPECT_EQ(use.anonymous, 100_MiB);
  EXPECT_EQ(use.shared_memory, 4_MiB);
  EXPECT_EQ(use.page_cache, 16_MiB);
  EXPECT_EQ(use.dirty, 3_MiB);
  EXPECT_EQ(use.mapped_file, 5_MiB);
  EXPECT_EQ(use.unevictable, 8_KiB);
  EXPECT_EQ(use.kernel, 3_MiB);
  EXPECT_EQ(use.kernel_reclaimable, 1_MiB);
  EXPECT_EQ(use.sockets, 7_MiB);
  EXPECT_TRUE(use.sockets_known);
  EXPECT_EQ(use.oom_kills, 2u);
  EXPECT_EQ(use.held(), 100_MiB + 4_MiB + 2_MiB + 7_MiB);
}

TEST(Cgroup, KernelMemoryIsSummedWhereAnOlderKernelDoesNotSumIt) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  tree.put(
      "/sys/fs/cgroup/system.slice/plimsoll.service/memory.stat",
      "anon 4096\nkernel_stack 16384\npagetables 8192\npercpu 4096\nslab_reclaimable 4096\nslab 12288\n");
  GroupUse use = *CgroupMemory::find(tree.root())->use();
  EXPECT_EQ(use.kernel, 40_KiB);
  EXPECT_EQ(use.held(), 40_KiB);
}

TEST(Cgroup, VersionOneUseAndItsSockets) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  const std::string ours = "/sys/fs/cgroup/memory/jobs/a";
  CgroupMemory group = *CgroupMemory::find(tree.root());
  GroupUse use = *group.use();
  EXPECT_EQ(use.total, 123_MiB);
  EXPECT_EQ(use.anonymous, 100_MiB);
  EXPECT_EQ(use.shared_memory, 4_MiB);
  EXPECT_EQ(use.page_cache, 16_MiB);
  EXPECT_EQ(use.dirty, 3_MiB);
  EXPECT_EQ(use.kernel, 3_MiB);
  EXPECT_EQ(use.oom_kills, 2u);
  EXPECT_EQ(use.held(), 107_MiB);
  EXPECT_FALSE(use.sockets_known);  // nobody wrote kmem.tcp.limit_in_bytes
  tree.put(ours + "/memory.kmem.tcp.limit_in_bytes", line(64 * kMiB));
  EXPECT_TRUE(group.use()->sockets_known);
  tree.put(ours + "/memory.kmem.tcp.limit_in_bytes", recorded::kNoLimitV1);
  tree.put(ours + "/memory.kmem.tcp.usage_in_bytes", line(5 * kMiB));
  EXPECT_TRUE(group.use()->sockets_known);
  EXPECT_EQ(group.use()->held(), 112_MiB);
}

TEST(Cgroup, VersionOneBoundsOfAllKinds) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  tree.put("/sys/fs/cgroup/memory/jobs/a/memory.memsw.limit_in_bytes", line(300 * kMiB));
  tree.put("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", line(400 * kMiB));
  std::vector<GroupBound> bounds = *CgroupMemory::find(tree.root())->bounds();
  ASSERT_EQ(bounds.size(), 3u);
  EXPECT_EQ(bounds[0].kind, BoundKind::kV1Limit);
  EXPECT_EQ(bounds[1].kind, BoundKind::kV1Swap);
  EXPECT_EQ(bounds[1].limit, 300_MiB);
  EXPECT_EQ(bounds[2].group, 1u);
}

TEST(Cgroup, ALimitAboveWhatIsMountedIsSeenInTheStatistics) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "4:memory:/kubepods/burstable/pod1/c0ffee\n");
  tree.put("/proc/self/mountinfo",
           "35 31 0:32 /kubepods/burstable/pod1/c0ffee /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  put_group_v1(tree, "/sys/fs/cgroup/memory", recorded::kNoLimitV1, {.hierarchical_limit = 192 * kMiB});
  CgroupMemory group = *CgroupMemory::find(tree.root());
  std::vector<GroupBound> bounds = *group.bounds();
  ASSERT_EQ(bounds.size(), 1u);
  EXPECT_EQ(bounds[0].kind, BoundKind::kV1Ancestor);
  EXPECT_EQ(bounds[0].limit, 192_MiB);
  // A limit of our own that is as small makes it no news.
  tree.put("/sys/fs/cgroup/memory/memory.limit_in_bytes", line(192 * kMiB));
  bounds = *group.bounds();
  ASSERT_EQ(bounds.size(), 1u);
  EXPECT_EQ(bounds[0].kind, BoundKind::kV1Limit);
}

TEST(Cgroup, KubernetesVersionOneSeenFromTheHost) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup",
           "11:memory:/kubepods/burstable/pod1/c0ffee\n1:name=systemd:/kubepods\n0::/x\n");
  tree.put("/proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  const std::string top = "/sys/fs/cgroup/memory";
  put_group_v1(tree, top);
  put_group_v1(tree, top + "/kubepods", line(6000 * kMiB));
  put_group_v1(tree, top + "/kubepods/burstable");
  put_group_v1(tree, top + "/kubepods/burstable/pod1", line(512 * kMiB));
  put_group_v1(tree, top + "/kubepods/burstable/pod1/c0ffee", line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_EQ(group.groups(), 5u);
  std::vector<GroupBound> bounds = *group.bounds();
  ASSERT_EQ(bounds.size(), 3u);
  EXPECT_EQ(bounds[1].group, 1u);
  EXPECT_EQ(bounds[2].group, 3u);
  EXPECT_TRUE(group.use(2));  // not kept open: opened for the question
}

TEST(Cgroup, DockerVersionTwoNamespace) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/\n");
  tree.put("/proc/self/mountinfo", "41 31 0:38 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n");
  put_group_v2(tree, "/sys/fs/cgroup", line(96 * kMiB));
  tree.put("/sys/fs/cgroup/cgroup.procs", "4711\n");
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_EQ(group.directory(), "/sys/fs/cgroup");
  EXPECT_EQ(group.bounds()->at(0).limit, 96_MiB);
  EXPECT_TRUE(group.alone());
}

TEST(Cgroup, GroupsWithoutTheControllerAreLeftOut) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  const std::string ours = "/sys/fs/cgroup/system.slice/plimsoll.service";
  tree.remove(ours);
  tree.put(ours + "/cgroup.procs", "4711\n");
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_EQ(group.groups(), 1u);
  EXPECT_EQ(group.directory(), "/sys/fs/cgroup/system.slice");
  tree.put("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(CgroupMemory::find(tree.root()).error().code, ErrorCode::kNotFound);
}

TEST(Cgroup, MovedToAnotherGroupIsSaid) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_TRUE(group.bounds());
  tree.put("/proc/self/cgroup", "0::/system.slice\n");
  EXPECT_EQ(group.bounds().error().code, ErrorCode::kNotFound);
  group = *CgroupMemory::find(tree.root());
  EXPECT_EQ(group.directory(), "/sys/fs/cgroup/system.slice");
}

TEST(Cgroup, AloneMeansOneProcessAndNoGroupBelow) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  const std::string ours = "/sys/fs/cgroup/system.slice/plimsoll.service";
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_FALSE(group.alone());
  tree.put(ours + "/cgroup.procs", "4711\n");
  EXPECT_TRUE(group.alone());
  for (const char* processes :
       {"4711\n12\n", "12\n", "0\n", "", "garbage", "4711\n4711\n4711\n4711\n4711\n4711\n4711\n"}) {
    tree.put(ours + "/cgroup.procs", processes);
    EXPECT_FALSE(group.alone()) << processes;
  }
  tree.put(ours + "/cgroup.procs", "4711\n");
  tree.put(ours + "/below/cgroup.procs", "");
  EXPECT_FALSE(group.alone());
  tree.remove(ours);
  EXPECT_FALSE(group.alone());
}

TEST(Cgroup, GarbageIsAnErrorOrNothingButNeverAnEnd) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  const std::string ours = "/sys/fs/cgroup/memory/jobs/a";
  CgroupMemory group = *CgroupMemory::find(tree.root());
  for (const char* garbage : {"", "x\n", "-1\n", "12 13\n", "0x10\n"}) {
    tree.put(ours + "/memory.limit_in_bytes", garbage);
    EXPECT_EQ(group.bounds().error().code, ErrorCode::kInvalid) << garbage;
    tree.put(ours + "/memory.usage_in_bytes", garbage);
    EXPECT_EQ(group.use().error().code, ErrorCode::kInvalid) << garbage;
  }
  tree.put(ours + "/memory.limit_in_bytes", "18446744073709551615\n");
  EXPECT_TRUE(group.bounds()->empty());
  tree.put(ours + "/memory.usage_in_bytes", "99999999999999999999999\n");
  tree.put(ours + "/memory.kmem.usage_in_bytes", "99999999999999999999999\n");
  tree.put(ours + "/memory.kmem.tcp.usage_in_bytes", "99999999999999999999999\n");
  tree.put(ours + "/memory.stat",
           "total_rss 18446744073709551615\ntotal_shmem 18446744073709551615\n"
           "total_dirty 18446744073709551615\ntotal_writeback 18446744073709551615\n");
  EXPECT_GT(group.use()->held(), 1_GiB);  // absurd, and a value
  tree.put(ours + "/memory.stat", std::string(100'000, 'x'));
  EXPECT_EQ(group.use().error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(group.bounds().error().code, ErrorCode::kOutOfRange);
}

TEST(Cgroup, MissingFilesOfOldKernelsReadAsZero) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  const std::string ours = "/sys/fs/cgroup/memory/jobs/a/";
  for (const char* file :
       {"memory.kmem.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes", "memory.kmem.tcp.limit_in_bytes",
        "memory.oom_control", "memory.memsw.limit_in_bytes"}) {
    tree.remove(ours + file);
  }
  CgroupMemory group = *CgroupMemory::find(tree.root());
  GroupUse use = *group.use();
  EXPECT_EQ(use.kernel + use.sockets, 0_B);
  EXPECT_FALSE(use.sockets_known);
  EXPECT_EQ(use.oom_kills, 0u);
  EXPECT_EQ(group.bounds()->size(), 1u);
  tree.remove(ours + "memory.stat");
  EXPECT_EQ(CgroupMemory::find(tree.root())->directory(), "/sys/fs/cgroup/memory/jobs");
}

TEST(Cgroup, AGroupThatIsGoneWhenAskedIsNotFound) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  tree.remove("/sys/fs/cgroup/memory/jobs");
  EXPECT_EQ(group.use(1).error().code, ErrorCode::kNotFound);
}

TEST(Cgroup, BoundsHaveNames) {
  for (BoundKind kind : {BoundKind::kV2Max, BoundKind::kV2High, BoundKind::kV1Limit, BoundKind::kV1Swap,
                         BoundKind::kV1Ancestor}) {
    EXPECT_THAT(std::string(name_of(kind)), testing::StartsWith("memory."));
  }
}

TEST(CgroupDeathTest, AGroupThatIsNotThereIsAProgrammersError) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  EXPECT_DEATH(static_cast<void>(group.directory(3)), "group 3 of 3");
  EXPECT_DEATH(static_cast<void>(group.use(3)), "group 3 of 3");
}

// Whatever machine this is: found or not found, nothing else.
TEST(Cgroup, OfThisMachine) {
  Result<CgroupMemory> group = CgroupMemory::find();
  if (!group) {
    EXPECT_EQ(group.error().code, ErrorCode::kNotFound) << group.error().message();
    return;
  }
  ASSERT_TRUE(group->bounds());
  Result<GroupUse> use = group->use();
  ASSERT_TRUE(use);
  EXPECT_LE(use->anonymous, use->total + 1_MiB);
  for (std::size_t i = 0; i < group->groups(); ++i) EXPECT_FALSE(group->directory(i).empty());
}

}  // namespace
}  // namespace plimsoll
