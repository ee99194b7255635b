#include "plimsoll/server/timeline.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

Sample sample_of(Bytes used) {
  Sample sample;
  sample.line = 100_MiB;
  sample.charged = used;
  sample.droppable = 1_MiB;
  sample.held = 2_MiB;
  sample.level = Level::kHigh;
  return sample;
}

TEST(Timeline, IsDueOnceASecond) {
  Timeline timeline;
  const MonotonicTime start{std::chrono::hours(1)};
  EXPECT_TRUE(timeline.due(start));
  timeline.add(sample_of(3_MiB), {}, start, 1000);
  EXPECT_FALSE(timeline.due(start + std::chrono::milliseconds(999)));
  EXPECT_TRUE(timeline.due(start + std::chrono::seconds(1)));
}

TEST(Timeline, TellsWhatWasDoneInEachSecondAndNotBefore) {
  Timeline timeline;
  timeline.add(sample_of(3_MiB), {.reclaims = 5, .throttles = 1, .rejects = 2}, {}, 1000);
  timeline.add(sample_of(4_MiB), {.reclaims = 7, .throttles = 1, .rejects = 70'002}, {}, 2000);
  const std::vector<Timeline::Point> points = timeline.after(1000);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].wall_ms, 2000);
  EXPECT_EQ(points[0].used, 4_MiB);
  EXPECT_EQ(points[0].level, Level::kHigh);
  EXPECT_EQ(points[0].deeds.reclaims, 2u);
  EXPECT_EQ(points[0].deeds.throttles, 0u);
  EXPECT_EQ(points[0].deeds.rejects, 65'535u) << "as many as it can say";
}

TEST(Timeline, TellsWhatWasChargedAndReleasedInEachSecondAndNotBefore) {
  Timeline timeline;
  timeline.add(sample_of(3_MiB), {.charged = 1 << 30, .released = 1 << 20}, {}, 1000);
  timeline.add(sample_of(4_MiB), {.charged = (1 << 30) + 3 * 1024, .released = (1 << 20) + 2048}, {}, 2000);
  const std::vector<Timeline::Point> points = timeline.after(0);
  EXPECT_EQ(points[0].deeds.charged, 0u);
  EXPECT_EQ(points[1].deeds.charged, 3u * 1024);
  EXPECT_EQ(points[1].deeds.released, 2048u);
}

TEST(Timeline, KeepsTheLastFifteenMinutes) {
  Timeline timeline;
  for (int i = 1; i <= 1000; ++i) timeline.add(sample_of(Bytes(i)), {}, {}, i * 1000);
  const std::vector<Timeline::Point> points = timeline.after(0);
  ASSERT_EQ(points.size(), Timeline::kPoints);
  EXPECT_EQ(points.front().wall_ms, 101'000);
  EXPECT_EQ(points.back().used, Bytes(1000));
}

TEST(Timeline, StaysInOrderWhenTheClockIsSetBack) {
  Timeline timeline;
  for (int i = 1; i <= 3; ++i) timeline.add(sample_of(Bytes(i)), {}, {}, 3'600'000 + i * 1000);
  timeline.add(sample_of(4_B), {}, {}, 9000);
  timeline.add(sample_of(5_B), {}, {}, 10'000);
  // Who has heard of the time before hears all anew, and then what is new.
  const std::vector<Timeline::Point> points = timeline.after(3'603'000);
  ASSERT_EQ(points.size(), 5u);
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].used, Bytes(i + 1));
    EXPECT_EQ(points[i].wall_ms, static_cast<std::int64_t>(6000 + 1000 * i));
  }
  EXPECT_TRUE(timeline.after(10'000).empty());
}

TEST(Timeline, IsWrittenAsRowsUnderTheirColumns) {
  Timeline timeline;
  timeline.add(sample_of(3_MiB), {.reclaims = 1}, {}, 1000);
  EXPECT_EQ(
      timeline_json(timeline.after(0)),
      R"({"columns":["time_ms","line","used","droppable","held","level","reclaims","throttles","rejects",)"
      R"("charged","released"],"points":[[1000,104857600,3145728,1048576,2097152,2,1,0,0,0,0]]})");
}

}  // namespace
}  // namespace plimsoll
