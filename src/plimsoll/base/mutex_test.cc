#include "plimsoll/base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(Mutex, LetsOneInAtATime) {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        MutexLock lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 40'000);
}

TEST(Mutex, TryLockRefusesWhileAnotherHoldsIt) {
  Mutex mutex;
  bool taken = false;
  auto try_it = [&] {
    if (mutex.try_lock()) {
      mutex.unlock();
      taken = true;
    }
  };
  {
    MutexLock lock(mutex);
    std::thread(try_it).join();
    EXPECT_FALSE(taken);
  }
  std::thread(try_it).join();
  EXPECT_TRUE(taken);
}

// Two threads hand a number back and forth; a lost wake-up or a wait that keeps the mutex would hang it.
TEST(CondVar, WakesTheOneThatWaits) {
  Mutex mutex;
  CondVar changed;
  int turn = 0;
  auto play = [&](int mine) {
    for (int round = 0; round < 1000; ++round) {
      MutexLock lock(mutex);
      while (turn % 2 != mine) changed.wait(mutex);
      ++turn;
      changed.notify_all();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  EXPECT_EQ(turn, 2000);
}

TEST(CondVar, AWaitEndsAtItsDeadlineWithTheMutexHeld) {
  Mutex mutex;
  CondVar never;
  auto deadline = std::chrono::steady_clock::now() + 10ms;
  bool refused = false;
  {
    MutexLock lock(mutex);
    while (std::chrono::steady_clock::now() < deadline) never.wait_until(mutex, deadline);
    std::thread([&] {
      if (mutex.try_lock()) {
        mutex.unlock();
      } else {
        refused = true;
      }
    }).join();
  }
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace plimsoll
