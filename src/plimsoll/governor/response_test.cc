#include "plimsoll/governor/response.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

Pressure at(Level level, Bytes free, Bytes wanted = 0_B) {
  return {
      .present = level, .headroom = 4_MiB, .wanted = wanted, .free = free, .over = 0_B, .droppable = 100_MiB};
}

TEST(Response, OnlyWatchesWhileEnoughIsFree) {
  for (Level level : {Level::kNormal, Level::kModerate, Level::kHigh, Level::kCritical}) {
    Pressure pressure = at(level, 4_MiB);
    EXPECT_EQ(response_for(pressure), Response::kMonitor);
    EXPECT_EQ(missing_for(Response::kMonitor, pressure), 0_B);
  }
}

TEST(Response, IsGentleBelowCriticalAndFreesJustWhatIsShort) {
  for (Level level : {Level::kNormal, Level::kModerate, Level::kHigh}) {
    Pressure pressure = at(level, 3_MiB);
    EXPECT_EQ(response_for(pressure), Response::kGentle);
    EXPECT_EQ(missing_for(Response::kGentle, pressure), 1_MiB);
  }
}

TEST(Response, IsAggressiveAtCriticalAndFreesAHeadroomMore) {
  Pressure pressure = at(Level::kCritical, 3_MiB);
  EXPECT_EQ(response_for(pressure), Response::kAggressive);
  EXPECT_EQ(missing_for(Response::kAggressive, pressure), 5_MiB);
  EXPECT_EQ(missing_for(Response::kAggressive, at(Level::kCritical, 8_MiB)), 0_B) << "and ends";
}

TEST(Response, DropsAllThereIsInAnEmergency) {
  Pressure pressure = at(Level::kEmergency, 10_MiB);
  EXPECT_EQ(response_for(pressure), Response::kEmergency);
  EXPECT_EQ(missing_for(Response::kEmergency, pressure), 100_MiB);
  pressure.droppable = 0_B;
  EXPECT_EQ(missing_for(Response::kEmergency, pressure), 0_B);
}

TEST(Response, FreesWhatIsWaitedFor) {
  Pressure pressure = at(Level::kNormal, 4_MiB, 20_MiB);
  EXPECT_EQ(response_for(pressure), Response::kGentle);
  EXPECT_EQ(missing_for(Response::kGentle, pressure), 20_MiB);
  EXPECT_EQ(missing_for(Response::kGentle, at(Level::kNormal, 4_MiB, Bytes::max())), Bytes::max() - 4_MiB);
}

TEST(Response, FreesAllThatIsAboveTheLine) {
  Pressure pressure = at(Level::kNormal, 0_B);
  pressure.over = 50_MiB;
  EXPECT_EQ(missing_for(Response::kGentle, pressure), 54_MiB);
}

TEST(Response, HasAWord) {
  EXPECT_EQ(name_of(Response::kMonitor), "monitor");
  EXPECT_EQ(name_of(Response::kGentle), "gentle");
  EXPECT_EQ(name_of(Response::kAggressive), "aggressive");
  EXPECT_EQ(name_of(Response::kEmergency), "emergency");
}

}  // namespace
}  // namespace plimsoll
