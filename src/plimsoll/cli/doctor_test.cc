#include "plimsoll/cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Diagnosis healthy() {
  Diagnosis d;
  d.limit = 256_MiB;
  d.limit_words = "cgroup v1 /sys/fs/cgroup/memory/x: memory.limit_in_bytes 256 MiB";
  d.limit_source = "cgroup-v1";
  d.line = 245_MiB;
  d.bound_by_cgroup = true;
  d.cgroup_usable = true;
  d.kernel = "Linux 6.1.0 x86_64";
  d.machine_memory = 24_GiB;
  d.available = 20_GiB;
  d.huge_pages = "madvise";
  d.overcommit = 0;
  d.files_soft = 1024;
  d.files_hard = 1048576;
  d.cpus = 2;
  d.page_size = 4_KiB;
  d.rseq = true;
  return d;
}

TEST(Doctor, SaysWhatItFoundALineEach) {
  EXPECT_EQ(text_of(healthy()),
            "limit: 256 MiB (cgroup v1 /sys/fs/cgroup/memory/x: memory.limit_in_bytes 256 MiB)\n"
            "line: 245 MiB, a reserve of 11 MiB below it\n"
            "memory cgroup: usable\n"
            "kernel: Linux 6.1.0 x86_64\n"
            "machine: 24 GiB, 20 GiB available\n"
            "swap: none\n"
            "huge pages: madvise\n"
            "overcommit: 0\n"
            "open files: soft 1,024, hard 1,048,576\n"
            "cores: 2\n"
            "page size: 4 KiB\n"
            "rseq: yes\n");
}

TEST(Doctor, SaysWhyNoMemoryCgroupCanBeMade) {
  Diagnosis d = healthy();
  d.cgroup_usable = false;
  d.cgroup_fault = "the memory controller is not delegated here";
  EXPECT_THAT(text_of(d),
              HasSubstr("\nmemory cgroup: not usable: the memory controller is not delegated here\n"));
}

TEST(Doctor, HasNoAdviceWhereAllIsWell) { EXPECT_THAT(advice_on(healthy()), IsEmpty()); }

TEST(Doctor, AdvisesOnEachThingThatCouldBeBetter) {
  Diagnosis d = healthy();
  d.bound_by_cgroup = false;
  d.swap = 1_GiB;
  d.huge_pages = "always";
  d.overcommit = 2;
  d.files_hard = 1024;
  d.page_size = 64_KiB;
  EXPECT_THAT(
      advice_on(d),
      ElementsAre(HasSubstr("no memory cgroup bounds this process"), HasSubstr("swap is on"),
                  HasSubstr("huge pages are given to everybody"), HasSubstr("vm.overcommit_memory = 2"),
                  HasSubstr("at most 1,024 files"), HasSubstr("pages are of 64 KiB")));
  EXPECT_THAT(text_of(d), HasSubstr("\nWhat could be better:\n  - no memory cgroup"));
}

TEST(Doctor, GivesTheSameAsJson) {
  std::string json = json_of(healthy());
  EXPECT_THAT(json, HasSubstr("\"limit\":{\"bytes\":268435456,\"source\":\"cgroup-v1\","));
  EXPECT_THAT(json, HasSubstr("\"memory_cgroup\":{\"usable\":true,\"why_not\":\"\"}"));
  EXPECT_THAT(json, HasSubstr("\"advice\":[]}"));
}

TEST(Doctor, ExaminesTheMachineItRunsOn) {
  Diagnosis d = examine();
  EXPECT_GT(d.limit, 8_MiB) << d.limit_words;
  EXPECT_LT(d.line, d.limit);
  EXPECT_EQ(d.cgroup_usable, d.cgroup_fault.empty());
  EXPECT_THAT(d.kernel, HasSubstr("Linux"));
  EXPECT_GE(d.cpus, 1U);
  EXPECT_GE(d.page_size, 4_KiB);
  EXPECT_GE(d.files_hard, d.files_soft);
}

}  // namespace
}  // namespace plimsoll
