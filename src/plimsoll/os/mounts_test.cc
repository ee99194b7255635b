#include "plimsoll/os/internal/mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/os/internal/recorded_machines.h"

namespace plimsoll {
namespace {

using recorded::put_group_v1;
using recorded::put_group_v2;
using testing::ElementsAre;

constexpr const char* kV1Mount = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
constexpr const char* kV2Mount = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(Membership, FindsTheMemoryControllerWhereverItIsMounted) {
  CgroupMembership v1 = parse_membership("9:name=systemd:/\n4:cpu,memory:/jobs/a:b\n0::/\n");
  EXPECT_EQ(v1.memory, "/jobs/a:b");
  EXPECT_EQ(v1.unified, "/");
  CgroupMembership v2 = parse_membership("0::/user.slice/x y");
  EXPECT_EQ(v2.memory, std::nullopt);
  EXPECT_EQ(v2.unified, "/user.slice/x y");
  CgroupMembership none =
      parse_membership("4:memories:/x\n1:name=memory:/y\nmemory\n4:memory\n4:memory:\n\n:::\n");
  EXPECT_EQ(none.memory, std::nullopt);
  EXPECT_EQ(none.unified, std::nullopt);
}

TEST(Mountinfo, FindsMountsWithTheMemoryController) {
  std::vector<CgroupMount> mounts = parse_mountinfo(
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
      "36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n"
      "35 31 0:32 /docker/a\\040b /my\\040mnt\\134x rw,relatime master:11 propagate_from:2 - cgroup none "
      "rw,cpu,memory\n"
      "41 31 0:38 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup rw,nsdelegate\n"
      "35 31 0:32 / relative rw - cgroup cgroup rw,memory\n"
      "short line\n - cgroup2 x y\n"
      "42 31 0:38 / / rw - cgroup2 cgroup2 rw\n"
      "43 31 0:38 /x /y rw - cgroup2");
  ASSERT_EQ(mounts.size(), 4u);
  EXPECT_EQ(mounts[0].version, CgroupVersion::kV1);
  EXPECT_EQ(mounts[0].root, "/docker/a b");
  EXPECT_EQ(mounts[0].point, "/my mnt\\x");
  EXPECT_EQ(mounts[1].version, CgroupVersion::kV2);
  EXPECT_EQ(mounts[1].point, "/sys/fs/cgroup");
  EXPECT_EQ(mounts[2].point, "");
  EXPECT_EQ(mounts[3].point, "/y");
}

TEST(Mountinfo, OctalThatIsNoneStays) {
  EXPECT_EQ(unescape_octal("a\\040b\\011\\012\\134"), "a b\t\n\\");
  EXPECT_EQ(unescape_octal("\\04"), "\\04");
  EXPECT_EQ(unescape_octal("\\089\\"), "\\089\\");
  EXPECT_EQ(unescape_octal(""), "");
}

TEST(PathBelow, IsWhatRemains) {
  EXPECT_EQ(path_below("/", "/"), "");
  EXPECT_EQ(path_below("/", "/a/b"), "/a/b");
  EXPECT_EQ(path_below("/a", "/a"), "");
  EXPECT_EQ(path_below("/a", "/a/b"), "/b");
  EXPECT_EQ(path_below("/a", "/ab"), std::nullopt);
  EXPECT_EQ(path_below("/a/b", "/a"), std::nullopt);
  EXPECT_EQ(path_below("/..", "/../x"), "/x");
}

TEST(PathBelow, OutsideTheNamespaceNobodyCanTell) {
  EXPECT_EQ(path_below("/", "/.."), std::nullopt);
  EXPECT_EQ(path_below("/", "/../x"), std::nullopt);
  EXPECT_EQ(path_below("/..", "/"), std::nullopt);
  EXPECT_EQ(path_below("/..", "/../../x"), std::nullopt);
  EXPECT_EQ(path_below("/", "/..x"), "/..x");
}

TEST(Locate, WalksFromOurGroupToTheMountPoint) {
  RecordedTree tree;
  recorded::put_v1_host(tree, "268435456\n");
  CgroupLocation found = *locate_memory_cgroup(tree.root(), "self");
  EXPECT_EQ(found.version, CgroupVersion::kV1);
  EXPECT_TRUE(found.certain);
  EXPECT_EQ(found.process_id, 4711u);
  EXPECT_THAT(found.chain, ElementsAre("/sys/fs/cgroup/memory/jobs/a", "/sys/fs/cgroup/memory/jobs",
                                       "/sys/fs/cgroup/memory"));
}

TEST(Locate, MemoryOnVersionOneWinsInAHybrid) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "4:memory:/job\n0::/other\n");
  tree.put("/proc/self/mountinfo", std::string(kV2Mount) + kV1Mount);
  put_group_v1(tree, "/sys/fs/cgroup/memory/job");
  put_group_v1(tree, "/sys/fs/cgroup/memory");
  tree.put("/sys/fs/cgroup/unified/other/cgroup.procs", "4711\n");
  CgroupLocation found = *locate_memory_cgroup(tree.root(), "self");
  EXPECT_EQ(found.version, CgroupVersion::kV1);
  EXPECT_EQ(found.chain.front(), "/sys/fs/cgroup/memory/job");
}

TEST(Locate, DockerOnVersionOneMountsOurGroupAsTheRoot) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "4:memory:/docker/c0ffee\n");
  tree.put("/proc/self/mountinfo",
           "35 31 0:32 /docker/c0ffee /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n");
  put_group_v1(tree, "/sys/fs/cgroup/memory");
  CgroupLocation found = *locate_memory_cgroup(tree.root(), "self");
  EXPECT_TRUE(found.certain);
  EXPECT_THAT(found.chain, ElementsAre("/sys/fs/cgroup/memory"));
}

TEST(Locate, AGroupWithinTheContainersGroupIsFound) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "4:memory:/docker/c0ffee/inner\n");
  tree.put("/proc/self/mountinfo",
           "35 31 0:32 /docker/c0ffee /nowhere rw - cgroup cgroup rw,memory\n"
           "36 31 0:32 /docker/c0ffee /cg rw - cgroup cgroup rw,memory\n");
  put_group_v1(tree, "/cg");
  put_group_v1(tree, "/cg/inner");
  EXPECT_THAT(locate_memory_cgroup(tree.root(), "self")->chain, ElementsAre("/cg/inner", "/cg"));
}

TEST(Locate, TheMountThatShowsMostIsTaken) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/pod/box\n");
  tree.put("/proc/self/mountinfo",
           "41 31 0:38 /pod/box /mine rw - cgroup2 cgroup2 rw\n"
           "42 31 0:38 / /all rw - cgroup2 cgroup2 rw\n"
           "43 31 0:38 /elsewhere /other rw - cgroup2 cgroup2 rw\n");
  for (const char* directory : {"/mine", "/all", "/all/pod", "/all/pod/box", "/other"})
    put_group_v2(tree, directory);
  EXPECT_THAT(locate_memory_cgroup(tree.root(), "self")->chain,
              ElementsAre("/all/pod/box", "/all/pod", "/all"));
}

TEST(Locate, AHiddenMountIsPassedOver) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/pod/box\n");
  tree.put("/proc/self/mountinfo",
           "42 31 0:38 / /all rw - cgroup2 cgroup2 rw\n"
           "41 31 0:38 /pod/box /mine rw - cgroup2 cgroup2 rw\n");
  tree.put("/all/pod/box/readme", "another file system is mounted over it\n");
  put_group_v2(tree, "/mine");
  EXPECT_THAT(locate_memory_cgroup(tree.root(), "self")->chain, ElementsAre("/mine"));
}

// systemd-nspawn and nested containers: the path is the host's, the mount shows a part, some names are the
// same.
TEST(Locate, AGroupWhosePathCannotBeToldIsOursWhenItListsUs) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "4:memory:/machine/box/system/x\n");
  tree.put("/proc/self/mountinfo", "35 31 0:32 /../.. /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  put_group_v1(tree, "/sys/fs/cgroup/memory");
  put_group_v1(tree, "/sys/fs/cgroup/memory/system");
  put_group_v1(tree, "/sys/fs/cgroup/memory/system/x");
  CgroupLocation unknown = *locate_memory_cgroup(tree.root(), "self");
  EXPECT_FALSE(unknown.certain);
  EXPECT_THAT(unknown.chain, ElementsAre("/sys/fs/cgroup/memory"));
  tree.put("/sys/fs/cgroup/memory/system/x/cgroup.procs", "12\n4711\n");
  CgroupLocation found = *locate_memory_cgroup(tree.root(), "self");
  EXPECT_TRUE(found.certain);
  EXPECT_EQ(found.chain.front(), "/sys/fs/cgroup/memory/system/x");
}

// unshare -C, and containers with a namespace of their own that are given the host's /sys/fs/cgroup.
TEST(Locate, InANamespaceOverTheHostsMountOurGroupIsSearchedFor) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/\n");
  tree.put("/proc/self/mountinfo", "41 31 0:38 /../.. /host rw - cgroup2 cgroup2 rw\n");
  for (const char* directory : {"/host", "/host/a", "/host/b", "/host/b/c", "/host/b/d"})
    put_group_v2(tree, directory);
  tree.put("/host/b/c/cgroup.procs", "47\n471\n");
  tree.put("/host/b/d/cgroup.procs", "1\n4711\n");
  CgroupLocation found = *locate_memory_cgroup(tree.root(), "self");
  EXPECT_TRUE(found.certain);
  EXPECT_THAT(found.chain, ElementsAre("/host/b/d", "/host/b", "/host"));
}

TEST(Locate, TheSearchEnds) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/\n");
  tree.put("/proc/self/mountinfo", "41 31 0:38 /.. /host rw - cgroup2 cgroup2 rw\n");
  put_group_v2(tree, "/host");
  for (int i = 0; i < 30; ++i) tree.put("/host/" + std::to_string(i) + "/below/cgroup.procs", "4711\n");
  EXPECT_FALSE(locate_memory_cgroup(tree.root(), "self", 30)->certain);
  EXPECT_TRUE(locate_memory_cgroup(tree.root(), "self", 40)->certain);
}

TEST(Locate, OutsideTheNamespaceTheMountIsOursWhenItListsUs) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/../other\n");
  tree.put("/proc/self/mountinfo", kV2Mount);
  put_group_v2(tree, "/sys/fs/cgroup/unified");
  EXPECT_FALSE(locate_memory_cgroup(tree.root(), "self")->certain);
  tree.put("/sys/fs/cgroup/unified/cgroup.procs", "4711\n");
  EXPECT_TRUE(locate_memory_cgroup(tree.root(), "self")->certain);
}

TEST(Locate, GroupsThatDoNotCountForTheirParentsEndThePath) {
  RecordedTree tree;
  recorded::put_v1_host(tree, "268435456\n");
  tree.put("/sys/fs/cgroup/memory/memory.use_hierarchy", "0\n");
  EXPECT_THAT(locate_memory_cgroup(tree.root(), "self")->chain,
              ElementsAre("/sys/fs/cgroup/memory/jobs/a", "/sys/fs/cgroup/memory/jobs"));
}

TEST(Locate, WhatIsNotThereIsNotFound) {
  RecordedTree tree;
  EXPECT_EQ(locate_memory_cgroup(tree.root(), "self").error().code, ErrorCode::kNotFound);
  tree.put("/proc/self/cgroup", "");
  EXPECT_EQ(locate_memory_cgroup(tree.root(), "self").error().code, ErrorCode::kNotFound);
  tree.put("/proc/self/mountinfo", std::string(kV1Mount) + kV2Mount);
  EXPECT_EQ(locate_memory_cgroup(tree.root(), "self").error().code, ErrorCode::kNotFound);
  tree.put("/proc/self/cgroup", "4:memory:/job\n");
  EXPECT_EQ(locate_memory_cgroup(tree.root(), "self").error().code, ErrorCode::kNotFound);
  tree.put("/proc/self/cgroup", "0::/\n");
  tree.put("/proc/self/mountinfo", kV1Mount);
  EXPECT_EQ(locate_memory_cgroup(tree.root(), "self").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace plimsoll
