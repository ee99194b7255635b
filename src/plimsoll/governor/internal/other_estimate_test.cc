#include "plimsoll/governor/internal/other_estimate.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(HeldAndCharged, IsTheDifferenceInOneDirectionOrTheOther) {
  HeldAndCharged more{
      .held = 10_MiB, .charged = 7_MiB, .untouched = {}, .sockets_held = {}, .sockets_charged = {}};
  EXPECT_EQ(more.beyond(), 3_MiB);
  EXPECT_EQ(more.overcharged(), 0_B);
  HeldAndCharged less{
      .held = 7_MiB, .charged = 10_MiB, .untouched = {}, .sockets_held = {}, .sockets_charged = {}};
  EXPECT_EQ(less.beyond(), 0_B);
  EXPECT_EQ(less.overcharged(), 3_MiB);
}

TEST(HeldAndCharged, IsNotMisledByWhatIsChargedAndNotTouchedYet) {
  // A segment of 2 MiB was charged and is empty: 1 MiB that nobody charged would be hidden by it.
  HeldAndCharged figures{
      .held = 11_MiB, .charged = 12_MiB, .untouched = 2_MiB, .sockets_held = {}, .sockets_charged = {}};
  EXPECT_EQ(figures.beyond(), 1_MiB);
}

TEST(HeldAndCharged, ComparesSocketsApart) {
  // Charged by their size and empty: they would hide 3 MiB.
  HeldAndCharged hidden{
      .held = 13_MiB, .charged = 14_MiB, .untouched = {}, .sockets_held = {}, .sockets_charged = 4_MiB};
  EXPECT_EQ(hidden.beyond(), 3_MiB);
  HeldAndCharged shown{
      .held = 14_MiB, .charged = 14_MiB, .untouched = {}, .sockets_held = 1_MiB, .sockets_charged = 4_MiB};
  EXPECT_EQ(shown.beyond(), 3_MiB);
  HeldAndCharged more{
      .held = 16_MiB, .charged = 14_MiB, .untouched = {}, .sockets_held = 6_MiB, .sockets_charged = 4_MiB};
  EXPECT_EQ(more.beyond(), 2_MiB) << "beyond what was charged for them counts";
}

TEST(OtherEstimate, FollowsARiseAtOnceAndAFallAfterHalfASecondToAWhole) {
  OtherEstimate estimate;
  MonotonicTime now{10s};
  EXPECT_EQ(estimate.update(5_MiB, now), 5_MiB);
  EXPECT_EQ(estimate.update(8_MiB, now += 10ms), 8_MiB);
  EXPECT_EQ(estimate.update(1_MiB, now += 10ms), 8_MiB) << "a dip";
  MonotonicTime began = now;
  while (estimate.update(1_MiB, now += 10ms) == 8_MiB) ASSERT_LT(now - began, 1100ms);
  EXPECT_GE(now - began, 450ms);
  EXPECT_EQ(estimate.update(1_MiB, now), 1_MiB);
}

TEST(OtherEstimate, ForgetsOldHeightsAfterAPause) {
  OtherEstimate estimate;
  EXPECT_EQ(estimate.update(5_MiB, MonotonicTime(10s)), 5_MiB);
  EXPECT_EQ(estimate.update(1_MiB, MonotonicTime(12s)), 1_MiB);
}

TEST(OtherEstimate, ForgetsWhenTold) {
  OtherEstimate estimate;
  EXPECT_EQ(estimate.update(5_MiB, MonotonicTime(10s)), 5_MiB);
  estimate.forget();
  EXPECT_EQ(estimate.update(0_B, MonotonicTime(10s)), 0_B);
}

}  // namespace
}  // namespace plimsoll
