#include "plimsoll/governor/level.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(LevelOptions, KnowsItsPresetsByName) {
  EXPECT_EQ(LevelOptions::named("default")->watermarks, (std::array{0.60, 0.75, 0.90, 0.95}));
  EXPECT_EQ(LevelOptions::named("broker")->watermarks, (std::array{0.70, 0.85, 0.95, 0.98}));
  EXPECT_EQ(LevelOptions::named("database")->watermarks, (std::array{0.70, 0.80, 0.90, 0.95}));
  EXPECT_FALSE(LevelOptions::named("cache").has_value());
  for (const char* name : {"default", "broker", "database"})
    EXPECT_TRUE(LevelOptions::named(name)->Validate());
}

TEST(LevelOptions, AreWrongWhereWatermarksDoNotRiseOrTimesAreNegative) {
  EXPECT_FALSE((LevelOptions{.watermarks = {0.6, 0.6, 0.9, 0.95}}.Validate()));
  EXPECT_FALSE((LevelOptions{.watermarks = {0.6, 0.7, 0.9, 1.01}}.Validate()));
  EXPECT_FALSE((LevelOptions{.watermarks = {0.0, 0.7, 0.9, 0.95}}.Validate()));
  EXPECT_FALSE((LevelOptions{.watermarks = {0.6, 0.7, 0.9, std::nan("")}}.Validate()));
  EXPECT_FALSE((LevelOptions{.margin = -0.1}.Validate()));
  EXPECT_FALSE((LevelOptions{.margin = 0.6}.Validate()));
  EXPECT_FALSE((LevelOptions{.fall_after = -1s}.Validate()));
  EXPECT_FALSE((LevelOptions{.fall_period = -1s}.Validate()));
  EXPECT_TRUE((LevelOptions{.watermarks = {0.5, 0.7, 0.9, 1.0}, .margin = 0}.Validate()));
}

TEST(LevelOptions, BeginEachLevelAtItsWatermark) {
  LevelOptions options;
  EXPECT_EQ(options.level_of(0), Level::kNormal);
  EXPECT_EQ(options.level_of(0.5999), Level::kNormal);
  EXPECT_EQ(options.level_of(0.60), Level::kModerate);
  EXPECT_EQ(options.level_of(0.75), Level::kHigh);
  EXPECT_EQ(options.level_of(0.90), Level::kCritical);
  EXPECT_EQ(options.level_of(0.95), Level::kEmergency);
  EXPECT_EQ(options.level_of(17), Level::kEmergency);
  EXPECT_EQ(options.begin_of(Level::kNormal), 0.0);
  EXPECT_EQ(options.begin_of(Level::kCritical), 0.90);
}

TEST(Level, HasAWordAndANumber) {
  EXPECT_EQ(name_of(Level::kNormal), "normal");
  EXPECT_EQ(name_of(Level::kModerate), "moderate");
  EXPECT_EQ(name_of(Level::kHigh), "high");
  EXPECT_EQ(name_of(Level::kCritical), "critical");
  EXPECT_EQ(name_of(Level::kEmergency), "emergency");
  EXPECT_EQ(number_of(Level::kEmergency), 4);
}

class LevelTrackerTest : public ::testing::Test {
 protected:
  // The ratio for so long, looked at every 10 ms; returns the changes.
  int hold(double ratio, Duration time) {
    int changes = 0;
    for (MonotonicTime end = now_ + time; now_ < end; now_ += 10ms) {
      if (tracker_.update(ratio, now_)) ++changes;
    }
    return changes;
  }
  LevelTracker tracker_;
  MonotonicTime now_{1s};
};

TEST_F(LevelTrackerTest, RisesAtOnceOverSeveralLevels) {
  auto change = tracker_.update(0.96, now_);
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->from, Level::kNormal);
  EXPECT_EQ(change->to, Level::kEmergency);
  EXPECT_EQ(tracker_.level(), Level::kEmergency);
}

TEST_F(LevelTrackerTest, FallsOnlyAfterItHasBeenClearlyBelowForAWhile) {
  hold(0.80, 1s);
  EXPECT_EQ(hold(0.73, 60s), 0) << "within the margin of 0.75";
  EXPECT_EQ(hold(0.70, 4900ms), 0);
  EXPECT_EQ(tracker_.level(), Level::kHigh);
  EXPECT_EQ(hold(0.70, 200ms), 1);
  EXPECT_EQ(tracker_.level(), Level::kModerate);
}

TEST_F(LevelTrackerTest, StartsToWaitAnewWhenTheRatioRisesBetween) {
  hold(0.80, 1s);
  hold(0.70, 4900ms);
  hold(0.74, 10ms);
  EXPECT_EQ(hold(0.70, 4900ms), 0);
  EXPECT_EQ(hold(0.70, 200ms), 1);
}

TEST_F(LevelTrackerTest, FallsToTheLevelOfTheHighestItSawMeanwhile) {
  hold(0.96, 1s);
  hold(0.10, 3s);
  hold(0.70, 10ms);
  hold(0.10, 3s);
  EXPECT_EQ(tracker_.level(), Level::kModerate);
}

TEST_F(LevelTrackerTest, FallsFromEmergencyToNormalInOneStep) {
  hold(0.99, 1s);
  EXPECT_EQ(hold(0.10, 6s), 1);
  EXPECT_EQ(tracker_.level(), Level::kNormal);
}

TEST_F(LevelTrackerTest, ChangesTwiceAMinuteAtMostWhileALoadSwings) {
  // Six seconds over, six seconds under, for ten minutes: each swing could be a fall and a rise.
  hold(0.80, 6s);
  std::vector<MonotonicTime> changes;
  for (MonotonicTime end = now_ + 600s; now_ < end; now_ += 10ms) {
    bool over = (now_ - MonotonicTime()) / 6s % 2 == 0;
    if (tracker_.update(over ? 0.80 : 0.40, now_)) changes.push_back(now_);
  }
  EXPECT_GE(changes.size(), 10u) << "it does follow";
  for (std::size_t i = 2; i < changes.size(); ++i) EXPECT_GE(changes[i] - changes[i - 2], 60s) << i;
}

TEST_F(LevelTrackerTest, ChangesOnceUnderASteadyOverloadWithNoise) {
  Random random(5);
  int changes = 0;
  for (int i = 0; i < 60'000; ++i, now_ += 10ms) {
    if (tracker_.update(0.90 + 0.04 * (random.unit() - 0.5), now_)) ++changes;
  }
  EXPECT_LE(changes, 2);
  EXPECT_EQ(tracker_.level(), Level::kCritical);
}

TEST_F(LevelTrackerTest, IsNeverBelowTheLevelOfTheRatioNow) {
  Random random(6);
  double ratio = 0.5;
  for (int i = 0; i < 100'000; ++i, now_ += 10ms) {
    ratio = std::clamp(ratio + 0.05 * (random.unit() - 0.5), 0.0, 1.2);
    tracker_.update(ratio, now_);
    ASSERT_GE(tracker_.level(), tracker_.options().level_of(ratio));
  }
}

TEST(LevelTrackerDeathTest, IsNotMadeOfWrongOptions) {
  EXPECT_DEATH(LevelTracker(LevelOptions{.margin = 2}), "margin");
}

}  // namespace
}  // namespace plimsoll
