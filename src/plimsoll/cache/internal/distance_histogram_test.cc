#include "plimsoll/cache/internal/distance_histogram.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

TEST(DistanceHistogram, SaysWhichShareCameBackWithin) {
  DistanceHistogram h;
  EXPECT_EQ(h.share_within(1000), 0);
  for (std::uint64_t distance = 1; distance <= 6; ++distance) h.add(distance);
  h.add_cold();
  h.add_cold();
  EXPECT_DOUBLE_EQ(h.share_within(0), 0);
  EXPECT_DOUBLE_EQ(h.share_within(3), 3.0 / 8);
  EXPECT_DOUBLE_EQ(h.share_within(1'000'000), 6.0 / 8);
}

TEST(DistanceHistogram, KnowsLongDistancesToAThirtieth) {
  for (std::uint64_t distance : {33ull, 64ull, 1000ull, 123'456'789ull, 1ull << 40}) {
    DistanceHistogram h;
    h.add(distance);
    EXPECT_EQ(h.share_within(distance - distance / 30 - 1), 0) << distance;
    EXPECT_GT(h.share_within(distance), 0) << distance;
    EXPECT_EQ(h.share_within(distance + distance / 30 + 1), 1) << distance;
  }
}

TEST(DistanceHistogram, KeepsItsSharesWhenItIsScaled) {
  DistanceHistogram h;
  h.add(10);
  h.add(100);
  h.scale(0.125);
  EXPECT_DOUBLE_EQ(h.total(), 0.25);
  EXPECT_DOUBLE_EQ(h.share_within(50), 0.5);
}

TEST(DistanceHistogram, PutsReadsThatTheSampleMissedAtTheShortestDistance) {
  DistanceHistogram h;
  h.add(100);
  h.add_cold();
  h.adjust_to(4);
  EXPECT_DOUBLE_EQ(h.share_within(1), 0.5);
  EXPECT_DOUBLE_EQ(h.share_within(200), 0.75);
  h.adjust_to(1.5);  // and those that it has too many of are taken away there
  EXPECT_DOUBLE_EQ(h.share_within(200), 0.5 / 1.5);
}

TEST(DistanceHistogram, AgreesWithWhatIsKnownAtOneDistance) {
  DistanceHistogram h;
  for (int i = 0; i < 90; ++i) h.add(1000);
  h.add_cold();
  h.adjust_to(100, 500, 0);
  EXPECT_NEAR(h.share_within(500), 0, 1e-9);  // ten reads too few are not ten of a hot key
  EXPECT_NEAR(h.share_within(2000), 90.0 / 91, 1e-9);
}

}  // namespace
}  // namespace plimsoll
