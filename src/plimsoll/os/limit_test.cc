#include "plimsoll/os/limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "plimsoll/os/cgroup.h"
#include "plimsoll/os/internal/recorded_machines.h"

namespace plimsoll {
namespace {

using recorded::kMiB;
using recorded::line;
using testing::HasSubstr;

constexpr MachineMemory kMachine{.total = 8_GiB, .free = 4_GiB, .available = 6_GiB};

FoundLimit find(const LimitInputs& inputs, LimitFinder::Options options = {}) {
  Result<LimitFinder> finder = LimitFinder::create(std::move(options));
  EXPECT_TRUE(finder);
  Result<FoundLimit> found = finder->find(inputs);
  EXPECT_TRUE(found);
  return *found;
}

TEST(Limit, OfACgroupIsNamedInWords) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found = find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 107_MiB});
  EXPECT_EQ(found.limit, 256_MiB);
  EXPECT_EQ(found.configured, 256_MiB);
  EXPECT_EQ(found.others, 0_B);
  EXPECT_EQ(found.source, LimitSource::kCgroupV1Limit);
  EXPECT_EQ(found.path, "/sys/fs/cgroup/memory/jobs/a/memory.limit_in_bytes");
  EXPECT_EQ(found.words, "cgroup v1 /sys/fs/cgroup/memory/jobs/a: memory.limit_in_bytes 256 MiB");
  EXPECT_FALSE(found.soft);
  EXPECT_FALSE(found.address_space);
}

TEST(Limit, WhatOthersInTheGroupHoldIsSubtracted) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));  // the group holds 107 MiB
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found = find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 7_MiB});
  EXPECT_EQ(found.limit, 156_MiB);
  EXPECT_EQ(found.configured, 256_MiB);
  EXPECT_EQ(found.others, 100_MiB);
  EXPECT_THAT(found.words, HasSubstr("less 100 MiB of other processes"));
}

TEST(Limit, IsNotBelowNothing) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(64 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found = find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 1_MiB});
  EXPECT_EQ(found.limit, 0_B);
  EXPECT_EQ(found.others, 64_MiB);
}

// The larger of two limits binds when others fill its group.
TEST(Limit, OfTheParentBindsWhenOthersFillIt) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  recorded::put_group_v2(tree, "/sys/fs/cgroup/system.slice", line(1000 * kMiB),
                         {.anonymous = 900 * kMiB, .kernel = 1 * kMiB});
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found = find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 104_MiB});
  EXPECT_EQ(found.source, LimitSource::kCgroupV2Max);
  EXPECT_EQ(found.configured, 1000_MiB);
  EXPECT_EQ(found.limit, 200_MiB);
  EXPECT_EQ(found.path, "/sys/fs/cgroup/system.slice/memory.max");
}

TEST(Limit, HighIsSoftAndDoesNotBind) {
  RecordedTree tree;
  recorded::put_v2_service(tree, line(256 * kMiB));
  tree.put("/sys/fs/cgroup/system.slice/plimsoll.service/memory.high", line(200 * kMiB));
  tree.put("/sys/fs/cgroup/system.slice/memory.high", line(220 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  LimitInputs inputs{.group = &group, .machine = kMachine, .resources = {}, .own_held = 200_MiB};
  EXPECT_EQ(find(inputs).limit, 256_MiB);
  EXPECT_EQ(find(inputs).soft, 200_MiB);
  EXPECT_FALSE(find(inputs, {.line = "100MiB"}).soft);  // it is above the line's limit
}

TEST(Limit, MemswAndAncestorsAreSources) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  tree.put("/sys/fs/cgroup/memory/jobs/memory.memsw.limit_in_bytes", line(200 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  LimitInputs inputs{.group = &group, .machine = kMachine, .resources = {}, .own_held = 107_MiB};
  EXPECT_EQ(find(inputs).source, LimitSource::kCgroupV1Swap);
  recorded::put_group_v1(tree, "/sys/fs/cgroup/memory/jobs/a", line(256 * kMiB),
                         {.hierarchical_limit = 150 * kMiB});
  FoundLimit found = find(inputs);
  EXPECT_EQ(found.source, LimitSource::kCgroupV1Ancestor);
  EXPECT_EQ(found.configured, 150_MiB);
  EXPECT_THAT(found.words, HasSubstr("hierarchical_memory_limit"));
}

TEST(Limit, AGroupWeOnlyGuessedIsSaidToBeGuessed) {
  RecordedTree tree;
  recorded::put_process(tree);
  tree.put("/proc/self/cgroup", "0::/../other\n");
  tree.put("/proc/self/mountinfo", "41 31 0:38 / /cg rw - cgroup2 cgroup2 rw\n");
  recorded::put_group_v2(tree, "/cg", line(512 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found = find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 106_MiB});
  EXPECT_EQ(found.limit, 512_MiB);
  EXPECT_THAT(found.words, HasSubstr("not mounted here"));
}

TEST(Limit, WhereNoCgroupBindsIsAShareOfTheMachine) {
  FoundLimit found = find({.machine = kMachine, .resources = {}, .own_held = 10_MiB});
  EXPECT_EQ(found.limit, 6_GiB);
  EXPECT_EQ(found.source, LimitSource::kMachineShare);
  EXPECT_EQ(found.words, "75% of the machine's 8 GiB, as no cgroup binds");
  EXPECT_TRUE(found.path.empty());
  EXPECT_EQ(
      find({.machine = kMachine, .resources = {}, .own_held = 10_MiB}, {.line = "", .machine_share = 0.5})
          .limit,
      4_GiB);
}

TEST(Limit, OnAFullMachineIsWhatIsAvailableAndOurOwn) {
  MachineMemory full = kMachine;
  full.available = 1_GiB;
  FoundLimit found = find({.machine = full, .resources = {}, .own_held = 512_MiB});
  EXPECT_EQ(found.limit, 1_GiB + 512_MiB);
  EXPECT_EQ(found.source, LimitSource::kMachineAvailable);
  EXPECT_THAT(found.words, HasSubstr("available"));
}

TEST(Limit, ACgroupLimitAboveTheMachineDoesNotBind) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(10'000 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found = find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 107_MiB});
  EXPECT_EQ(found.source, LimitSource::kMachineShare);
}

TEST(Limit, ResourceLimitsOfDataBindAndThoseOfAddressSpaceAreReported) {
  ResourceLimits resources{.data = 512_MiB, .address_space = 100_MiB};
  FoundLimit found = find({.machine = kMachine, .resources = resources, .own_held = 10_MiB});
  EXPECT_EQ(found.limit, 512_MiB);
  EXPECT_EQ(found.source, LimitSource::kResourceLimit);
  EXPECT_EQ(found.words, "RLIMIT_DATA 512 MiB");
  EXPECT_EQ(found.address_space, 100_MiB);
}

TEST(Limit, LineIsASize) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  LimitInputs inputs{.group = &group, .machine = kMachine, .resources = {}, .own_held = 107_MiB};
  FoundLimit found = find(inputs, {.line = "100MiB"});
  EXPECT_EQ(found.limit, 100_MiB);
  EXPECT_EQ(found.source, LimitSource::kLineOption);
  EXPECT_THAT(found.words, HasSubstr("--line 100MiB, below cgroup v1"));
  // More than the kernel allows is not had by asking.
  EXPECT_EQ(find(inputs, {.line = "1GiB"}).source, LimitSource::kCgroupV1Limit);
}

TEST(Limit, LineIsAShareOfWhatWasFound) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  FoundLimit found =
      find({.group = &group, .machine = kMachine, .resources = {}, .own_held = 107_MiB}, {.line = "50%"});
  EXPECT_EQ(found.limit, 128_MiB);
  EXPECT_THAT(found.words, HasSubstr("--line 50% of 256 MiB: cgroup v1"));
  EXPECT_EQ(find({.machine = kMachine, .resources = {}, .own_held = 0_B}, {.line = "50%"}).limit, 3_GiB);
}

// 75 % is for those who said nothing.
TEST(Limit, ALineMayBeMoreThanTheShareOfTheMachineButNotMoreThanTheMachine) {
  LimitInputs inputs{.machine = kMachine, .resources = {}, .own_held = 0_B};
  EXPECT_EQ(find(inputs, {.line = "7GiB"}).limit, 7_GiB);
  EXPECT_EQ(find(inputs, {.line = "7GiB"}).source, LimitSource::kLineOption);
  EXPECT_EQ(find(inputs, {.line = "9GiB"}).limit, 8_GiB);
}

TEST(Limit, IsAssumedWhereNothingCanBeRead) {
  FoundLimit found = find({});
  EXPECT_EQ(found.limit, 256_MiB);
  EXPECT_EQ(found.source, LimitSource::kAssumed);
  EXPECT_THAT(found.words, HasSubstr("assumed"));
  found = find({}, {.line = "1GiB"});
  EXPECT_EQ(found.limit, 1_GiB);
  EXPECT_EQ(found.words, "--line 1GiB");
  EXPECT_EQ(find({}, {.line = "50%"}).limit, 128_MiB);
}

TEST(Limit, BadLinesAreRefusedAtOnce) {
  for (const char* bad : {"x", "12 parsecs", "-1", "101%", "%", "0%", "99999999999999TiB", "0"}) {
    EXPECT_FALSE(LimitFinder::create({.line = bad})) << bad;
  }
  EXPECT_FALSE(LimitFinder::create({.line = "", .machine_share = 0}));
  EXPECT_FALSE(LimitFinder::create({.line = "", .machine_share = 1.1}));
  EXPECT_TRUE(LimitFinder::create({.line = " 64 MiB "}));
}

TEST(Limit, AGroupThatWasLeftIsAnError) {
  RecordedTree tree;
  recorded::put_v1_host(tree, line(256 * kMiB));
  CgroupMemory group = *CgroupMemory::find(tree.root());
  tree.put("/proc/self/cgroup", "4:memory:/\n");
  Result<FoundLimit> found = LimitFinder::create({})->find({.group = &group, .machine = kMachine});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
}

TEST(Limit, SourcesHaveNamesOfTheirOwn) {
  std::vector<std::string_view> names;
  for (int source = 0; source <= static_cast<int>(LimitSource::kAssumed); ++source) {
    names.push_back(name_of(static_cast<LimitSource>(source)));
    EXPECT_FALSE(names.back().empty());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace plimsoll
