#include "plimsoll/governor/throttle.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(Throttle, PausesNobodyBelowHigh) {
  Throttle throttle;
  MonotonicTime now{};
  for (std::uint64_t i = 1; i < 100; ++i)
    EXPECT_EQ(throttle.update(Level::kModerate, Bytes(i * 1000), now += 100ms), 0);
}

TEST(Throttle, ReachesTheWholePauseInASecondOfGrowth) {
  Throttle throttle;
  MonotonicTime now{};
  std::uint64_t held = 1000;
  throttle.update(Level::kHigh, Bytes(held), now);
  for (int i = 0; i < 5; ++i) throttle.update(Level::kHigh, Bytes(held += 10), now += 100ms);
  EXPECT_NEAR(throttle.share(), 0.5, 1e-9);
  for (int i = 0; i < 20; ++i) throttle.update(Level::kHigh, Bytes(held += 10), now += 100ms);
  EXPECT_EQ(throttle.share(), 1);
}

TEST(Throttle, SettlesWhereWhatComesInMeetsWhatIsDrained) {
  // What comes in falls with the pause, what is drained does not: they meet at a share of 0.6.
  Throttle throttle;
  MonotonicTime now{};
  double held = 1e9;
  double sum = 0;
  for (int i = 0; i < 2000; ++i) {
    const double share =
        throttle.update(Level::kCritical, Bytes(static_cast<std::uint64_t>(held)), now += 10ms);
    held += 1e6 * (1 - share) - 0.4e6;
    if (i >= 1000) sum += share / 1000;
  }
  EXPECT_NEAR(sum, 0.6, 0.02);
}

TEST(Throttle, ForgetsThePauseWhenTheLevelFalls) {
  Throttle throttle;
  MonotonicTime now{};
  for (std::uint64_t i = 1; i < 20; ++i) throttle.update(Level::kCritical, Bytes(i), now += 100ms);
  EXPECT_GT(throttle.share(), 0);
  EXPECT_EQ(throttle.update(Level::kNormal, Bytes(100), now += 100ms), 0);
}

}  // namespace
}  // namespace plimsoll
