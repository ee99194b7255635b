#include "plimsoll/os/scratch_cgroup.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/os/internal/recorded_machines.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

using recorded::kMiB;
using recorded::line;

std::string name_for(const char* what) { return "plimsoll-test-" + std::to_string(::getpid()) + "-" + what; }

bool is_there(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0;
}

// Tests of the true kernel; the others use recorded trees.
class ScratchCgroupOfThisMachine : public testing::Test {
 protected:
  void SetUp() override {
    Result<void> usable = cgroup_usable();
    if (!usable) GTEST_SKIP() << "skipped: " << usable.error().message();
  }
  static Result<ScratchCgroup> make(const char* what, Bytes limit) {
    return ScratchCgroup::create({.name = name_for(what), .limit = limit});
  }
  // Runs `body` in a child that has joined the group; returns its wait status.
  template <typename Body>
  static int run_in(const ScratchCgroup& group, Body body) {
    pid_t child = ::fork();
    if (child == 0) {
      if (!group.join(0)) ::_exit(99);
      ::_exit(body());
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }
};

TEST_F(ScratchCgroupOfThisMachine, KillsWhatGoesAboveItsLimitAndCounts) {
  Result<ScratchCgroup> group = make("kill", 32_MiB);
  ASSERT_TRUE(group) << group.error().message();
  EXPECT_EQ(*group->limit(), 32_MiB);
  EXPECT_EQ(*group->oom_kills(), 0u);
  int status = run_in(*group, [] {
    SystemPages pages;
    Result<PageRange> range = pages.map(128_MiB, 0_B);
    if (!range) return 1;
    std::memset(range->begin, 1, range->size.count());
    return 2;
  });
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(*group->oom_kills(), 1u);
  Result<Bytes> peak = group->peak();
  if (peak) {
    EXPECT_GT(*peak, 30_MiB);
    EXPECT_LE(*peak, 32_MiB);
  }
  const std::string directory = group->directory();
  EXPECT_TRUE(group->remove());
  EXPECT_FALSE(is_there(directory));
}

TEST_F(ScratchCgroupOfThisMachine, LimitIsFoundFromInside) {
  Result<ScratchCgroup> group = make("find", 48_MiB);
  ASSERT_TRUE(group);
  int status = run_in(*group, [&] {
    Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
    if (!probe) return 1;
    const CgroupMemory* found = (*probe)->group();
    if (found == nullptr || !found->certain() || !found->alone()) return 2;
    if (under("/", found->directory()) != group->directory()) return 3;
    Result<FoundLimit> limit = (*probe)->limit();
    if (!limit || limit->configured != 48_MiB) return 4;
    if (limit->words.find(group->directory()) == std::string::npos) return 5;
    // Raised and lowered while we look.
    if (!group->set_limit(96_MiB) || (*probe)->limit()->configured != 96_MiB) return 6;
    if (!group->set_limit(40_MiB) || (*probe)->limit()->configured != 40_MiB) return 7;
    Held held = (*probe)->slow()->held;
    if (!held.kernel_measured || held.kernel.zero() || !held.sockets_known) return 8;
    return 0;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ScratchCgroupOfThisMachine, WhatAProcessHoldsIsWhatItsGroupHolds) {
  if (kThreadSanitized) GTEST_SKIP() << "the sanitizer's own memory grows with ours";
  Result<ScratchCgroup> group = make("held", 256_MiB);
  ASSERT_TRUE(group);
  int status = run_in(*group, [&] {
    Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
    if (!probe) return 1;
    GroupUse before = *group->use();
    Bytes held_before = (*probe)->slow()->held.total();
    SystemPages pages;
    Result<PageRange> range = pages.map(64_MiB, 0_B);
    if (!range || !pages.advise(*range, Advice::kNoHugePage)) return 2;
    std::memset(range->begin, 1, range->size.count());
    double by_process = ((*probe)->slow()->held.total() - held_before).as_double();
    double by_group = (group->use()->held() - before.held()).as_double();
    // The group counts in batches of 64 pages a core.
    return by_process > by_group * 0.97 && by_process < by_group * 1.03 ? 0 : 3;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// On version 1 they would be counted nowhere, had the group not been prepared for it.
TEST_F(ScratchCgroupOfThisMachine, UnreadSocketsAreCounted) {
  Result<ScratchCgroup> group = make("sockets", 128_MiB);
  ASSERT_TRUE(group);
  int status = run_in(*group, [&] {
    int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, generic, size) != 0 || ::listen(listener, 1) != 0) return 1;
    if (::getsockname(listener, generic, &size) != 0) return 2;
    int writer = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(writer, generic, size) != 0 || ::accept(listener, nullptr, nullptr) < 0) return 3;
    std::vector<char> bytes(64 << 10, 'x');
    std::size_t written = 0;
    while (written < (8 << 20)) {
      ssize_t put = ::send(writer, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (put <= 0) break;
      written += static_cast<std::size_t>(put);
    }
    if (written < (128 << 10)) return 4;
    GroupUse use = *group->use();
    if (!use.sockets_known) return 5;
    return use.sockets >= Bytes(written) / 2 ? 0 : 6;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ScratchCgroupOfThisMachine, EndsWithTheProcessesInIt) {
  std::string directory;
  pid_t child = -1;
  {
    Result<ScratchCgroup> group = make("end", 64_MiB);
    ASSERT_TRUE(group);
    directory = group->directory();
    child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    ASSERT_TRUE(group->join(child));
    ScratchCgroup moved = *std::move(group);  // one owner, one end
    EXPECT_TRUE(is_there(directory));
    Result<ScratchCgroup> other = make("other", 64_MiB);
    ASSERT_TRUE(other);
    moved = *std::move(other);
    EXPECT_NE(moved.directory(), directory);
  }
  EXPECT_FALSE(is_there(directory));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_F(ScratchCgroupOfThisMachine, ALimitBelowWhatIsHeldIsRefusedOrKills) {
  if (kThreadSanitized) GTEST_SKIP() << "the sanitizer's own memory grows with ours";
  Result<ScratchCgroup> group = make("lower", 64_MiB);
  ASSERT_TRUE(group);
  int status = run_in(*group, [&] {
    SystemPages pages;
    Result<PageRange> range = pages.map(32_MiB, 0_B);
    if (!range) return 1;
    std::memset(range->begin, 1, range->size.count());
    Result<void> lowered = group->set_limit(8_MiB);
    return !lowered && lowered.error().errno_value == EBUSY ? 0 : 2;
  });
  if (group->version() == CgroupVersion::kV1) {
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  } else {
    EXPECT_TRUE(WIFSIGNALED(status));  // version 2 kills to reach the limit
  }
}

TEST_F(ScratchCgroupOfThisMachine, AGroupRemovedUnderAReaderIsNotFound) {
  Result<ScratchCgroup> group = make("gone", 64_MiB);
  ASSERT_TRUE(group);
  Result<KeptFile> file = KeptFile::open(group->directory() + "/memory.stat");
  ASSERT_TRUE(file);
  ASSERT_TRUE(group->remove());
  char buffer[8192];
  EXPECT_EQ(file->read_record(buffer).error().errno_value, ENODEV);
  EXPECT_FALSE(group->use());
  EXPECT_FALSE(group->join(0));
}

TEST(ScratchCgroup, OfVersionTwoIsMadeWhereTheControllerIsHandedDown) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  // As the kernel would fill it: the directory is there already.
  recorded::put_group_v2(tree, "/sys/fs/cgroup/system.slice/box");
  Result<ScratchCgroup> group = ScratchCgroup::create({.name = "box", .limit = 64_MiB, .root = tree.root()});
  ASSERT_TRUE(group) << group.error().message();
  EXPECT_EQ(group->directory(), tree.at("/sys/fs/cgroup/system.slice/box"));
  EXPECT_EQ(group->version(), CgroupVersion::kV2);
  EXPECT_EQ(tree.get("/sys/fs/cgroup/system.slice/box/memory.max"), "67108864");
  EXPECT_EQ(tree.get("/sys/fs/cgroup/system.slice/box/memory.swap.max"), "0");
  EXPECT_TRUE(group->join(1234));
  EXPECT_EQ(tree.get("/sys/fs/cgroup/system.slice/box/cgroup.procs"), "1234");
  EXPECT_TRUE(group->set_limit(32_MiB));
  EXPECT_EQ(*group->limit(), 32_MiB);
  EXPECT_EQ(*group->peak(), 124_MiB);
  EXPECT_EQ(*group->oom_kills(), 2u);
  EXPECT_EQ(group->use()->anonymous, 100_MiB);
  tree.remove("/sys/fs/cgroup/system.slice/box/memory.peak");
  EXPECT_EQ(group->peak().error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(group->kill_all());  // of a recorded tree: nobody
  EXPECT_EQ(group->remove().error().code,
            ErrorCode::kSystem);  // ordinary files do not go with their directory
  tree.remove("/sys/fs/cgroup/system.slice/box");
  EXPECT_TRUE(group->remove());
}

TEST(ScratchCgroup, OfVersionTwoSaysWhyItCannotBeMade) {
  RecordedTree tree;
  recorded::put_v2_service(tree, "max\n");
  tree.put("/sys/fs/cgroup/system.slice/cgroup.subtree_control", "pids\n");
  tree.put("/sys/fs/cgroup/cgroup.subtree_control", "\n");
  Result<void> usable = cgroup_usable(tree.root());
  ASSERT_FALSE(usable);
  EXPECT_EQ(usable.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(usable.error().message().find("subtree_control"), std::string::npos);
  // Handed down, but the kernel made no files in it: a recorded tree.
  tree.put("/sys/fs/cgroup/system.slice/cgroup.subtree_control", "pids memory\n");
  EXPECT_FALSE(cgroup_usable(tree.root()));
}

TEST(ScratchCgroup, OfVersionOneCountsSocketsBeforeAnybodyJoins) {
  RecordedTree tree;
  recorded::put_v1_host(tree, "268435456\n");
  const std::string box = "/sys/fs/cgroup/memory/box";
  recorded::put_group_v1(tree, box);
  tree.remove(box + "/memory.memsw.limit_in_bytes");  // a kernel that does not count swap
  Result<ScratchCgroup> group = ScratchCgroup::create({.name = "box", .limit = 64_MiB, .root = tree.root()});
  ASSERT_TRUE(group) << group.error().message();
  EXPECT_EQ(tree.get(box + "/memory.limit_in_bytes"), "67108864");
  EXPECT_TRUE(group->use()->sockets_known);
  EXPECT_EQ(*group->peak(), 124_MiB);
  EXPECT_FALSE(is_there(tree.at(box + "/memory.memsw.limit_in_bytes")));
}

TEST(ScratchCgroup, NeedsAMachineThatHasThemAndAName) {
  RecordedTree tree;
  EXPECT_EQ(cgroup_usable(tree.root()).error().code, ErrorCode::kNotFound);
  for (const char* name : {"", "a/b", "..", "."}) {
    EXPECT_EQ(ScratchCgroup::create({.name = name, .limit = 1_MiB}).error().code, ErrorCode::kInvalid)
        << name;
  }
}

TEST(ScratchCgroup, FilesThatDoNotReadAreErrors) {
  RecordedTree tree;
  recorded::put_v1_host(tree, "268435456\n");
  const std::string box = "/sys/fs/cgroup/memory/box";
  recorded::put_group_v1(tree, box);
  ScratchCgroup group = *ScratchCgroup::create({.name = "box", .limit = 64_MiB, .root = tree.root()});
  tree.put(box + "/memory.max_usage_in_bytes", "x");
  EXPECT_EQ(group.peak().error().code, ErrorCode::kInvalid);
  tree.remove(box);
  EXPECT_FALSE(group.peak());
  EXPECT_FALSE(group.limit());
  EXPECT_FALSE(group.oom_kills());
  EXPECT_FALSE(group.set_limit(1_MiB));
}

}  // namespace
}  // namespace plimsoll
