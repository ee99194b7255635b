#include "plimsoll/commitlog/internal/store_context.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(KeeperQueue, AWakeThatComesInTheMiddleOfARoundBeginsTheNext) {
  KeeperQueue queue;
  const auto begin = std::chrono::steady_clock::now();
  queue.wake();
  ASSERT_TRUE(queue.wait(begin + 20s));
  queue.wake();  // somebody came to wait for the disk, after the round had looked who does
  static_cast<void>(queue.take_logs());
  ASSERT_TRUE(queue.wait(begin + 20s));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "an interval went by";
}

TEST(StoreContext, TheLongestDelayEndsWithTime) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(later(1'700'000'000'000, 60'000), 1'700'000'060'000);
  EXPECT_EQ(later(1'700'000'000'000, kMost), kMost);
  EXPECT_EQ(later(1, kMost - 1), kMost);
}

}  // namespace
}  // namespace plimsoll
