// Threads that have no magazines of their own: the processors' (rseq), and what is there without them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "plimsoll/alloc/internal/processor_magazines.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class SlabProcessorTest : public ::testing::Test {
 protected:
  SlabAllocator::Options options(SlabFronts fronts) {
    return {.account = account_, .idle = idle_, .pages = pages_, .line = 16_MiB, .fronts = fronts};
  }

  SystemPages pages_;
  LoadLine line_{{.limit = 256_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
};

TEST_F(SlabProcessorTest, ServesEveryClassWithoutMagazinesOfThreads) {
  SlabAllocator slabs(options(SlabFronts::kProcessors));
  for (std::size_t size : {1u, 64u, 200u, 1024u, 4096u, 32768u}) {
    std::set<void*> objects;
    for (int i = 0; i < 300; ++i) {
      void* object = slabs.allocate(size);
      ASSERT_NE(object, nullptr);
      std::memset(object, i % 100, size);
      ASSERT_TRUE(objects.insert(object).second);
    }
    for (void* object : objects) slabs.deallocate(object, size);
  }
  if (ProcessorMagazines::available()) {
    EXPECT_EQ(slabs.stats().threads, 0u);
  }
  slabs.CheckInvariants();
  slabs.reclaim(Bytes::max());
  EXPECT_LE(slabs.stats().slabs, 1_MiB);
}

// Each object carries its owner's mark while it is in use: one that two threads have shows.
TEST_F(SlabProcessorTest, ThreadsThatAreManyMoreThanProcessorsLoseAndShareNothing) {
  SlabAllocator slabs(options(SlabFronts::kProcessors));
  constexpr int kThreads = 24;
  std::atomic<int> wrong = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<std::uint64_t>(t));
      std::vector<std::uint64_t*> mine;
      for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t mark = static_cast<std::uint64_t>(t) << 32 | 7;
        if (mine.empty() || random.below(2) == 0) {
          auto* object = static_cast<std::uint64_t*>(slabs.allocate(48));
          *object = mark;
          mine.push_back(object);
        } else {
          std::swap(mine[random.below(mine.size())], mine.back());
          if (*mine.back() != mark) ++wrong;
          slabs.deallocate(mine.back(), 48);
          mine.pop_back();
        }
      }
      for (std::uint64_t* object : mine) slabs.deallocate(object, 48);
    });
  }
  std::thread reclaimer([&] {
    while (!stop) slabs.reclaim(Bytes::max());
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  reclaimer.join();
  EXPECT_EQ(wrong, 0);
  slabs.CheckInvariants();
  slabs.reclaim(Bytes::max());
  EXPECT_EQ(slabs.stats().slabs, 0_B) << "nothing is left in any magazine";
}

TEST_F(SlabProcessorTest, TheFirstThreadsHaveTheirOwnAndLaterOnesDoNot) {
  if (!ProcessorMagazines::available()) GTEST_SKIP() << "restartable sequences cannot be used here";
  SlabAllocator slabs(options(SlabFronts::kByItself));
  const std::size_t most = 4 * static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_CONF));
  std::atomic<std::size_t> ready = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < most + 5; ++t) {
    threads.emplace_back([&] {
      void* object = slabs.allocate(100);
      EXPECT_NE(object, nullptr);
      ++ready;
      while (!stop) std::this_thread::yield();
      slabs.deallocate(object, 100);
    });
  }
  while (ready < most + 5) std::this_thread::yield();
  EXPECT_EQ(slabs.stats().threads, most);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slabs.stats().threads, 0u);
}

TEST_F(SlabProcessorTest, MagazinesThatAreRefusedAreDoneWithout) {
  FailingPages failing(pages_);
  SlabAllocator slabs({.account = account_,
                       .idle = idle_,
                       .pages = failing,
                       .line = 16_MiB,
                       .fronts = SlabFronts::kProcessors});
  failing.fail_after(PageCall::kReserve, 0);
  void* object = slabs.allocate(64);
  ASSERT_NE(object, nullptr);
  slabs.deallocate(object, 64);
  slabs.CheckInvariants();
}

// glibc does not register its threads when it is told so: then threads have their own magazines.
TEST_F(SlabProcessorTest, WithoutRestartableSequencesThreadsHaveTheirOwn) {
  if (std::getenv("PLIMSOLL_WITHOUT_RSEQ") == nullptr) {
    const std::string again = "GLIBC_TUNABLES=glibc.pthread.rseq=0 PLIMSOLL_WITHOUT_RSEQ=1 /proc/" +
                              std::to_string(::getpid()) +
                              "/exe --gtest_filter=SlabProcessorTest.* > /dev/null 2>&1";
    ASSERT_EQ(std::system(again.c_str()), 0);  // NOLINT: the test's own program
    return;
  }
  ASSERT_FALSE(ProcessorMagazines::available());
  SlabAllocator slabs(options(SlabFronts::kProcessors));
  void* object = slabs.allocate(64);
  EXPECT_EQ(slabs.stats().threads, 1u);
  slabs.deallocate(object, 64);
}

}  // namespace
}  // namespace plimsoll
