#include "plimsoll/alloc/thread_fronts.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/sanitized.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class CountingOwner final : public ThreadFrontOwner {
 public:
  void empty_front(ThreadFront&) noexcept override { ++emptied; }
  void before_fork() noexcept override { ++locked; }
  void after_fork() noexcept override { --locked; }
  std::atomic<int> emptied = 0;
  int locked = 0;
};

class ThreadFrontsTest : public ::testing::Test {
 protected:
  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "fronts"});
  CountingOwner owner_;
};

TEST_F(ThreadFrontsTest, AThreadWithoutOneFindsWhatHoldsAndTakesNothing) {
  ThreadFronts fronts({.owner = owner_, .account = account_, .columns = ThreadFronts::kMostColumns});
  EXPECT_FALSE(fronts.have_mine());
  for (unsigned c = 0; c < ThreadFronts::kMostColumns; ++c) {
    EXPECT_EQ(fronts.mine().pairs()[c].loaded->count, 0u);
    EXPECT_EQ(fronts.mine().pairs()[c].loaded->limit, 0u);
    EXPECT_EQ(fronts.mine().pairs()[c].previous->capacity, 0u);
  }
}

TEST_F(ThreadFrontsTest, EachThreadHasItsOwnAndItsOwnerIsTold) {
  ThreadFronts fronts({.owner = owner_, .account = account_, .columns = 3});
  ThreadFront* mine = fronts.open();
  ASSERT_NE(mine, nullptr);
  EXPECT_EQ(&fronts.mine(), mine);
  std::thread([&] {
    EXPECT_FALSE(fronts.have_mine());
    EXPECT_NE(fronts.open(), mine);
    EXPECT_EQ(fronts.count(), 2u);
  }).join();
  EXPECT_EQ(owner_.emptied, 1) << "its thread has ended";
  EXPECT_EQ(fronts.count(), 1u);
  fronts.close_mine();
  EXPECT_EQ(owner_.emptied, 2);
  EXPECT_FALSE(fronts.have_mine());
  EXPECT_EQ(account_.used(), 0_B);
}

TEST_F(ThreadFrontsTest, EndsBeforeItsThreadsDo) {
  std::atomic<int> step = 0;
  auto fronts = std::make_unique<ThreadFronts>(ThreadFronts::Options{.owner = owner_, .account = account_});
  std::thread thread([&] {
    fronts->open();
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  fronts.reset();
  EXPECT_EQ(owner_.emptied, 1);
  step = 2;
  thread.join();
  EXPECT_EQ(owner_.emptied, 1) << "and not again";
}

TEST_F(ThreadFrontsTest, OwnersBeyondTheSlotsAndThreadsBeyondTheMostHaveNone) {
  std::vector<std::unique_ptr<ThreadFronts>> all;
  for (std::size_t i = 0; i <= detail::kThreadSlots; ++i)
    all.push_back(std::make_unique<ThreadFronts>(
        ThreadFronts::Options{.owner = owner_, .account = account_, .most = 1}));
  EXPECT_EQ(all.back()->open(), nullptr);
  EXPECT_FALSE(all.back()->have_mine());
  ASSERT_NE(all.front()->open(), nullptr);
  std::thread([&] { EXPECT_EQ(all.front()->open(), nullptr); }).join();
  all.erase(all.begin());
  all.push_back(std::make_unique<ThreadFronts>(ThreadFronts::Options{.owner = owner_, .account = account_}));
  EXPECT_NE(all.back()->open(), nullptr) << "its slot was free again";
}

TEST_F(ThreadFrontsTest, IsRefusedWithItsAccount) {
  account_.set_maximum(16_B);
  ThreadFronts fronts({.owner = owner_, .account = account_});
  EXPECT_EQ(fronts.open(), nullptr);
}

TEST_F(ThreadFrontsTest, LocksItsOwnersAroundAFork) {
  if (kThreadSanitized)
    GTEST_SKIP() << "the thread sanitizer aborts where a thread holds more than 64 locks, as a fork must";
  ThreadFronts fronts({.owner = owner_, .account = account_});
  const pid_t child = ::fork();
  if (child == 0) ::_exit(owner_.locked);  // released on this side
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(owner_.locked, 0);
}

// The child of a process whose other threads are in the middle of everything.
TEST_F(ThreadFrontsTest, AForkedChildAllocatesAndFrees) {
  if (kThreadSanitized)
    GTEST_SKIP() << "the thread sanitizer aborts where a thread holds more than 64 locks, as a fork must";
  SystemPages pages;
  LoadLine line{{.limit = 256_MiB}};
  Account& account = line.open({.name = "slabs"});
  Account& idle = line.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs{{.account = account, .idle = idle, .pages = pages, .line = 16_MiB}};
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        std::vector<void*> objects;
        for (int i = 0; i < 500; ++i) objects.push_back(slabs.allocate(200));
        for (void* object : objects) slabs.deallocate(object, 200);
        slabs.tick();
      }
    });
  }
  void* before = slabs.allocate(200);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);  // one that waits for a lock is ended, and seen below
      std::vector<void*> objects;
      for (int i = 0; i < 1000; ++i) objects.push_back(slabs.allocate(200));
      const std::set<void*> different(objects.begin(), objects.end());
      const bool good = different.size() == 1000 && different.count(nullptr) + different.count(before) == 0;
      for (void* object : objects) slabs.deallocate(object, 200);
      slabs.deallocate(before, 200);
      slabs.CheckInvariants();
      ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    ASSERT_EQ(WEXITSTATUS(status), 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  slabs.deallocate(before, 200);
}

}  // namespace
}  // namespace plimsoll
