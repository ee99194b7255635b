#include "plimsoll/budget/tally.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

TEST(Tally, AddsUp) {
  Tally tally;
  tally.add(3);
  tally.add(0);
  tally.add(std::uint64_t{1} << 40);
  EXPECT_EQ(tally.total(), (std::uint64_t{1} << 40) + 3);
}

TEST(Tally, LosesNothingOfMoreThreadsThanItHasCells) {
  constexpr unsigned kThreads = Tally::kOwn + 6;
  constexpr std::uint64_t kEach = 20'000;
  Tally tally, other;
  std::latch all(kThreads);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      tally.add(1);
      all.arrive_and_wait();  // no cell is free again before all have one
      for (std::uint64_t n = 1; n < kEach; ++n) {
        tally.add(1);
        other.add(2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tally.total(), kThreads * kEach);
  EXPECT_EQ(other.total(), kThreads * (kEach - 1) * 2);
}

TEST(Tally, KeepsWhatThreadsThatEndedHaveAdded) {
  Tally tally;
  for (int i = 0; i < 100; ++i) std::thread([&] { tally.add(7); }).join();
  EXPECT_EQ(tally.total(), 700U);
}

// A thread's other variables may charge while they are destroyed, after its cell was given back.
TEST(Tally, CountsWhatAThreadAddsWhileItEnds) {
  static Tally tally;
  struct Last {
    ~Last() { tally.add(5); }
  };
  std::thread([] {
    static thread_local const Last last;  // made first, so destroyed last
    static_cast<void>(last);
    tally.add(1);
  }).join();
  EXPECT_EQ(tally.total(), 6U);
}

}  // namespace
}  // namespace plimsoll
