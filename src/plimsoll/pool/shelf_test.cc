#include "plimsoll/pool/internal/shelf.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/base/sanitized.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

struct Counting final : ShelfKeeper {
  bool leaving(std::size_t blocks) noexcept override {
    if (refuses) return false;
    on_pile -= blocks;
    return true;
  }
  void arriving(std::size_t blocks) noexcept override { on_pile += blocks; }
  std::size_t on_pile = 0;
  bool refuses = false;
};

class ShelfTest : public ::testing::Test {
 protected:
  ~ShelfTest() override {
    shelf_.drain();
    std::array<void*, 64> out;
    MutexLock lock(shelf_.mutex);
    while (const std::size_t count = shelf_.take_excess(0, out)) keeper_.on_pile -= count;
    EXPECT_EQ(keeper_.on_pile, 0u);
  }
  bool put(void* block) {
    if (shelf_.try_put(block)) return true;
    shelf_.equip();
    MutexLock lock(shelf_.mutex);
    return shelf_.put(block);
  }
  void* take() {
    if (void* block = shelf_.try_take()) return block;
    shelf_.equip();
    MutexLock lock(shelf_.mutex);
    return shelf_.take();
  }
  std::size_t pile() {
    MutexLock lock(shelf_.mutex);
    return shelf_.pile();
  }

  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "shelf"});
  Counting keeper_;
  Shelf shelf_{{.keeper = keeper_, .account = account_, .most = 64, .each = 4}};
  std::array<int, 256> blocks_{};
};

TEST_F(ShelfTest, KeepsAFewWithTheThreadAndTheRestOnThePile) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put(&blocks_[i]));
  EXPECT_GE(pile(), 6u);
  EXPECT_EQ(pile(), keeper_.on_pile);
  int found = 0;
  while (take() != nullptr) ++found;
  EXPECT_EQ(found, 10);
  EXPECT_EQ(shelf_.counts().taken, 10u);
  EXPECT_EQ(shelf_.counts().put, 10u);
}

TEST_F(ShelfTest, KeepsNoMoreThanItMay) {
  std::size_t kept = 0;
  for (int& block : blocks_) kept += put(&block);
  EXPECT_LE(kept, 64u);
  EXPECT_GE(kept, 56u);
}

TEST_F(ShelfTest, LetsOthersHaveWhatAThreadKeeps) {
  ASSERT_TRUE(put(&blocks_[0]));
  std::thread other([this] {
    EXPECT_EQ(take(), nullptr) << "it is with the first thread";
    shelf_.gather();
    EXPECT_EQ(take(), &blocks_[0]);
    EXPECT_TRUE(put(&blocks_[0]));
  });
  other.join();
  EXPECT_EQ(take(), &blocks_[0]) << "from a thread that ended";
}

TEST_F(ShelfTest, GoesTheSlowWayWhileItIsHungry) {
  ASSERT_TRUE(put(&blocks_[0]));
  ASSERT_TRUE(put(&blocks_[1]));
  {
    MutexLock lock(shelf_.mutex);
    shelf_.set_hungry(true);
    EXPECT_FALSE(shelf_.bare());
  }
  EXPECT_EQ(shelf_.try_take(), nullptr);
  EXPECT_FALSE(shelf_.try_put(&blocks_[2]));
  shelf_.gather();
  MutexLock lock(shelf_.mutex);
  EXPECT_TRUE(shelf_.bare());
  EXPECT_EQ(shelf_.pile(), 2u);
  shelf_.set_hungry(false);
  shelf_.CheckInvariants();
  EXPECT_TRUE(shelf_.try_put(&blocks_[2]));
}

TEST_F(ShelfTest, LeavesOnThePileWhatItsKeeperRefuses) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(put(&blocks_[i]));
  shelf_.gather();
  keeper_.refuses = true;
  EXPECT_EQ(take(), nullptr);
  EXPECT_EQ(pile(), 6u);
  keeper_.refuses = false;
  EXPECT_NE(take(), nullptr);
}

// Every block has one holder at any time, while others gather what threads keep.
TEST_F(ShelfTest, GivesABlockToOneThreadAtATimeWhileOthersGather) {
  std::array<std::atomic<int>, 16> held{};
  std::array<std::atomic<int>*, 16> unused;
  for (std::size_t i = 0; i < held.size(); ++i) ASSERT_TRUE(put(unused[i] = &held[i]));
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> rounds = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        auto* block = static_cast<std::atomic<int>*>(take());
        if (block == nullptr) continue;
        EXPECT_EQ(block->fetch_add(1), 0);
        EXPECT_EQ(block->fetch_sub(1), 1);
        EXPECT_TRUE(put(block));
        ++rounds;
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    shelf_.gather();
    std::this_thread::yield();
  }
  while (rounds < 1000) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  shelf_.gather();
  EXPECT_EQ(pile(), held.size()) << "a block was lost";
}

#ifndef PLIMSOLL_THREAD_SANITIZER
TEST_F(ShelfTest, AChildTakesWhatThreadsKeptThatItDoesNotHave) {
  if (kThreadSanitized)
    GTEST_SKIP() << "fork handlers are off under the thread sanitizer (alloc/thread_fronts.cc)";
  ASSERT_TRUE(put(&blocks_[0]));
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) {
      if (void* block = take()) {
        EXPECT_TRUE(put(block));
      }
    }
  });
  for (int i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      shelf_.gather();  // must not wait for the thread that it does not have
      ::_exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  stop = true;
  busy.join();
}
#endif

}  // namespace
}  // namespace plimsoll
