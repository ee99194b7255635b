#include "plimsoll/os/asymmetric_fence.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace plimsoll {
namespace {

// Dekker's question: without fences both sides may see the other absent.
TEST(AsymmetricFence, LetsAtMostOneSideMissTheOther) {
  AsymmetricFence fence;
  std::atomic<int> mine{0}, theirs{0};
  std::atomic<int> round{0}, done{0};
  int owner_saw = 0;
  constexpr int kRounds = 2000;
  std::thread owner([&] {
    for (int i = 1; i <= kRounds; ++i) {
      while (round.load(std::memory_order_acquire) != i) std::this_thread::yield();
      mine.store(1, std::memory_order_relaxed);
      fence.light();
      owner_saw = theirs.load(std::memory_order_relaxed);
      done.store(i, std::memory_order_release);
    }
  });
  for (int i = 1; i <= kRounds; ++i) {
    mine.store(0, std::memory_order_relaxed);
    theirs.store(0, std::memory_order_relaxed);
    round.store(i, std::memory_order_release);
    theirs.store(1, std::memory_order_relaxed);
    fence.heavy();
    const int other_saw = mine.load(std::memory_order_relaxed);
    while (done.load(std::memory_order_acquire) != i) std::this_thread::yield();
    ASSERT_TRUE(owner_saw == 1 || other_saw == 1) << "round " << i;
  }
  owner.join();
}

TEST(AsymmetricFence, IsTheSameForAllOfAProcess) {
  EXPECT_EQ(AsymmetricFence().available(), AsymmetricFence().available());
}

}  // namespace
}  // namespace plimsoll
