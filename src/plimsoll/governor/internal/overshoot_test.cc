#include "plimsoll/governor/internal/overshoot.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

TEST(OvershootTracker, KeepsTheWorst) {
  OvershootTracker tracker(0_B);
  EXPECT_FALSE(tracker.update(90_MiB, 100_MiB, 120_MiB));
  EXPECT_TRUE(tracker.update(102_MiB, 100_MiB, 120_MiB));
  EXPECT_EQ(tracker.worst(), 2_MiB);
  EXPECT_FALSE(tracker.update(101_MiB, 100_MiB, 120_MiB));
  EXPECT_TRUE(tracker.update(103_MiB, 100_MiB, 120_MiB));
  EXPECT_EQ(tracker.worst(), 3_MiB);
}

TEST(OvershootTracker, BeginsWithWhatIsKnown) {
  OvershootTracker tracker(5_MiB);
  EXPECT_FALSE(tracker.update(90_MiB, 100_MiB, 120_MiB));
  EXPECT_FALSE(tracker.update(104_MiB, 100_MiB, 120_MiB));
  EXPECT_EQ(tracker.worst(), 5_MiB);
}

TEST(OvershootTracker, DoesNotBlameTheProcessForALineThatWasLowered) {
  OvershootTracker tracker(0_B);
  EXPECT_FALSE(tracker.update(90_MiB, 100_MiB, 120_MiB));
  EXPECT_FALSE(tracker.update(90_MiB, 50_MiB, 60_MiB));
  EXPECT_FALSE(tracker.update(60_MiB, 50_MiB, 60_MiB)) << "on its way down";
  EXPECT_FALSE(tracker.update(49_MiB, 50_MiB, 60_MiB));
  EXPECT_TRUE(tracker.update(51_MiB, 50_MiB, 60_MiB)) << "now it is";
}

TEST(OvershootTracker, DoesNotCountTheStart) {
  OvershootTracker tracker(0_B);
  EXPECT_FALSE(tracker.update(10_MiB, 5_MiB, 8_MiB)) << "larger than its line from the beginning";
}

TEST(OvershootTracker, IsBoundedByAnEighthOfTheLimit) {
  OvershootTracker tracker(0_B);
  EXPECT_FALSE(tracker.update(90_MiB, 100_MiB, 120_MiB));
  EXPECT_TRUE(tracker.update(200_MiB, 100_MiB, 120_MiB));
  EXPECT_EQ(tracker.worst(), 15_MiB);
  EXPECT_FALSE(tracker.update(300_MiB, 100_MiB, 120_MiB));
}

}  // namespace
}  // namespace plimsoll
