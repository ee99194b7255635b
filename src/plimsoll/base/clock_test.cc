#include "plimsoll/base/clock.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(ManualClock, StandsStillUntilItIsAdvanced) {
  ManualClock clock(5000);
  MonotonicTime start = clock.monotonic_now();
  EXPECT_EQ(clock.monotonic_now(), start);
  EXPECT_EQ(clock.wall_ms() - clock.wall_ms(), 0);
}

TEST(ManualClock, BothTimesAdvanceTogether) {
  ManualClock clock;
  MonotonicTime start = clock.monotonic_now();
  std::int64_t wall = clock.wall_ms();
  clock.advance(1500ms);
  EXPECT_EQ(clock.monotonic_now() - start, 1500ms);
  EXPECT_EQ(clock.wall_ms() - wall, 1500);
  clock.advance(400us);
  EXPECT_EQ(clock.wall_ms() - wall, 1500);
  clock.advance(600us);
  EXPECT_EQ(clock.wall_ms() - wall, 1501);
}

TEST(ManualClock, StartsAfterZeroSoThatAnEarlierTimeCanBeNamed) {
  ManualClock clock;
  EXPECT_GT(clock.monotonic_now() - 1ms, MonotonicTime());
}

TEST(SystemClock, ReadsTheSystemsClocks) {
  SystemClock clock;
  MonotonicTime before = std::chrono::steady_clock::now();
  MonotonicTime now = clock.monotonic_now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, std::chrono::steady_clock::now());
  EXPECT_GT(clock.wall_ms(), 1'600'000'000'000);  // 2020: milliseconds, not seconds
  EXPECT_LT(clock.wall_ms(), 10'000'000'000'000);
}

}  // namespace
}  // namespace plimsoll
