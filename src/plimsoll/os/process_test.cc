#include "plimsoll/os/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/os/internal/recorded_machines.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

TEST(ProcessReader, TellsKindsOfMemoryApart) {
  RecordedTree tree;
  recorded::put_process(tree);
  Result<ProcessReader> reader = ProcessReader::open(tree.root());
  ASSERT_TRUE(reader);
  ProcessMemory memory = *reader->memory();
  EXPECT_EQ(memory.resident, 110_MiB);
  EXPECT_EQ(memory.anonymous, 100_MiB);
  EXPECT_EQ(memory.file, 6_MiB);
  EXPECT_EQ(memory.shared_memory, 4_MiB);
  EXPECT_EQ(memory.locked, 0_B);
  EXPECT_EQ(memory.page_tables, 512_KiB);
  EXPECT_EQ(memory.stack, 132_KiB);
  EXPECT_EQ(memory.swapped, 8_KiB);
  EXPECT_EQ(memory.data, 360'000_KiB);
  EXPECT_EQ(memory.threads, 4u);
}

TEST(ProcessReader, StatmIsInPages) {
  RecordedTree tree;
  recorded::put_process(tree);
  FastMemory fast = *ProcessReader::open(tree.root())->fast();
  EXPECT_EQ(fast.resident, system_page_size() * 28160);
  EXPECT_EQ(fast.shared, system_page_size() * 2560);
  EXPECT_EQ(fast.anonymous, fast.resident - fast.shared);
}

TEST(ProcessReader, CountsFaultsBehindAnyName) {
  RecordedTree tree;
  recorded::put_process(tree);
  PageFaults faults = *ProcessReader::open(tree.root())->faults();
  EXPECT_EQ(faults.minor, 5213u);
  EXPECT_EQ(faults.major, 19u);
}

TEST(ProcessReader, GarbageIsAnErrorAndHugeFiguresAreCut) {
  RecordedTree tree;
  recorded::put_process(tree);
  Result<ProcessReader> reader = ProcessReader::open(tree.root());
  for (const char* garbage :
       {"", "\n", "x y z\n", "1 2", "-1 -1 -1\n", "((((", ") S", "Threads:\nVmRSS:\n"}) {
    tree.put("/proc/self/statm", garbage);
    tree.put("/proc/self/status", garbage);
    tree.put("/proc/self/stat", garbage);
    EXPECT_EQ(reader->fast().error().code, ErrorCode::kInvalid) << garbage;
    EXPECT_EQ(reader->memory().error().code, ErrorCode::kInvalid) << garbage;
    EXPECT_EQ(reader->faults().error().code, ErrorCode::kInvalid) << garbage;
  }
  tree.put("/proc/self/statm", "1 99999999999999999999999 18446744073709551615\n");
  FastMemory fast = *reader->fast();
  EXPECT_EQ(fast.resident, fast.shared);
  EXPECT_EQ(fast.anonymous, 0_B);
  tree.put("/proc/self/status", "RssAnon: 18446744073709551615 kB\nThreads: 1\n");
  EXPECT_LT(reader->memory()->anonymous, Bytes::max());
  tree.put("/proc/self/statm", std::string(1000, '1'));
  EXPECT_EQ(reader->fast().error().code, ErrorCode::kOutOfRange);
  tree.put("/proc/self/status", std::string(100'000, '1'));
  EXPECT_EQ(reader->memory().error().code, ErrorCode::kOutOfRange);
  tree.put("/proc/self/stat", std::string(100'000, '1'));
  EXPECT_EQ(reader->faults().error().code, ErrorCode::kOutOfRange);
}

// A read may end anywhere; what is understood of a shorter text is never more than what the whole one says.
TEST(ProcessReader, TextsCutAnywhereAreNoHarm) {
  RecordedTree tree;
  recorded::put_process(tree);
  Result<ProcessReader> reader = ProcessReader::open(tree.root());
  const std::string status = tree.get("/proc/self/status");
  for (std::size_t length = 0; length < status.size(); ++length) {
    tree.put("/proc/self/status", std::string_view(status).substr(0, length));
    Result<ProcessMemory> memory = reader->memory();
    if (memory) {
      EXPECT_LE(memory->anonymous, 100_MiB) << length;
    }
  }
}

TEST(ProcessReader, MissingFilesAreNotFound) {
  RecordedTree tree;
  EXPECT_EQ(ProcessReader::open(tree.root()).error().code, ErrorCode::kNotFound);
  for (const char* file : {"/proc/self/status", "/proc/self/stat"}) {
    recorded::put_process(tree);
    tree.remove(file);
    EXPECT_EQ(ProcessReader::open(tree.root()).error().code, ErrorCode::kNotFound) << file;
  }
}

TEST(ProcessReader, SeesThisProcessGrow) {
  if (kThreadSanitized) GTEST_SKIP() << "the sanitizer's own memory grows with ours";
  Result<ProcessReader> reader = ProcessReader::open();
  ASSERT_TRUE(reader);
  FastMemory fast_before = *reader->fast();
  ProcessMemory before = *reader->memory();
  PageFaults faults_before = *reader->faults();
  SystemPages pages;
  PageRange range = *pages.map(32_MiB, 0_B);
  ASSERT_TRUE(pages.advise(range, Advice::kNoHugePage));
  std::memset(range.begin, 1, range.size.count());
  FastMemory fast = *reader->fast();
  ProcessMemory memory = *reader->memory();
  EXPECT_NEAR((fast.anonymous - fast_before.anonymous).as_double(), (32_MiB).as_double(),
              (1_MiB).as_double());
  EXPECT_NEAR((memory.anonymous - before.anonymous).as_double(), (32_MiB).as_double(), (1_MiB).as_double());
  EXPECT_GE(memory.page_tables, before.page_tables + 60_KiB);  // 16 tables of 4 KiB
  EXPECT_GE(memory.threads, 1u);
  EXPECT_GE(reader->faults()->minor, faults_before.minor + 8000);
  EXPECT_NEAR(memory.resident.as_double(),
              (memory.anonymous + memory.file + memory.shared_memory).as_double(), (64_KiB).as_double());
  EXPECT_TRUE(pages.unmap(range));
}

TEST(ProcessReader, FollowsAnotherProcessUntilItEnds) {
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  Result<ProcessReader> reader = ProcessReader::open("/", std::to_string(child));
  ASSERT_TRUE(reader);
  EXPECT_GT(reader->fast()->resident, 0_B);
  EXPECT_GE(reader->memory()->threads, 1u);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(reader->fast().error().errno_value, ESRCH);
  EXPECT_EQ(reader->memory().error().errno_value, ESRCH);
  EXPECT_EQ(reader->faults().error().errno_value, ESRCH);
}

TEST(ProcessReader, IsReadByManyThreads) {
  Result<ProcessReader> reader = ProcessReader::open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        EXPECT_GT(reader->fast()->resident, 0_B);
        EXPECT_GE(reader->memory()->threads, 1u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ResourceLimits, AreThoseOfTheProcess) {
  struct rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  ResourceLimits limits = resource_limits();
  EXPECT_EQ(limits.files_soft, limit.rlim_cur);
  EXPECT_EQ(limits.files_hard, limit.rlim_max);
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &limit), 0);
  if (limit.rlim_cur == RLIM_INFINITY) {
    EXPECT_EQ(limits.data, Bytes::max());
  }
}

TEST(ResourceLimits, TheSoftLimitOnFilesRisesToTheHardOne) {
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit low{before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(*raise_file_limit(), before.rlim_max);
  EXPECT_EQ(resource_limits().files_soft, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(Machine, HasAtLeastOneCoreForUs) {
  EXPECT_GE(cpus_allowed(), 1u);
  EXPECT_LE(cpus_allowed(), static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF)));
}

TEST(Machine, BootHasAName) {
  EXPECT_EQ(boot_id()->size(), 36u);
  EXPECT_EQ(*boot_id(), *boot_id());
  RecordedTree tree;
  EXPECT_EQ(boot_id(tree.root()).error().code, ErrorCode::kNotFound);
  tree.put("/proc/sys/kernel/random/boot_id", "\n");
  EXPECT_EQ(boot_id(tree.root()).error().code, ErrorCode::kInvalid);
}

TEST(Malloc, GivesBackWhatItKeeps) {
  if (kSanitized) GTEST_SKIP() << "another malloc";
  EXPECT_TRUE(set_malloc_frugal());
  Result<ProcessReader> reader = ProcessReader::open();
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 20'000; ++i) {
    blocks.push_back(std::make_unique<char[]>(1000));
    std::memset(blocks.back().get(), 1, 1000);
  }
  auto last = std::move(blocks.back());  // holds the top of the heap, so that freeing trims nothing
  Bytes full = reader->memory()->anonymous;
  blocks.clear();
  EXPECT_TRUE(trim_malloc());
  EXPECT_LT(reader->memory()->anonymous + 15_MiB, full);
  last.reset();
}

}  // namespace
}  // namespace plimsoll
