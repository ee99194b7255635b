#include "plimsoll/governor/history.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

Sample at(Duration time, Bytes charged) {
  Sample sample;
  sample.at = MonotonicTime(time);
  sample.charged = charged;
  return sample;
}

TEST(History, KeepsTheHighestOfEachPeriod) {
  History history(10, 1s);
  history.add(at(0ms, 1_MiB));
  history.add(at(500ms, 9_MiB));
  history.add(at(900ms, 2_MiB));
  EXPECT_EQ(history.size(), 0u) << "the period is under way";
  history.add(at(1000ms, 3_MiB));
  history.add(at(2500ms, 4_MiB));
  auto samples = history.last(10);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].charged, 9_MiB);
  EXPECT_EQ(samples[0].at, MonotonicTime(500ms));
  EXPECT_EQ(samples[1].charged, 3_MiB);
}

TEST(History, ForgetsTheOldest) {
  History history(3, 1s);
  for (int i = 0; i < 10; ++i) history.add(at(i * 1s, Bytes(static_cast<std::uint64_t>(i))));
  auto samples = history.last(100);
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].charged, 6_B);
  EXPECT_EQ(samples[2].charged, 8_B);
  EXPECT_EQ(history.last(1)[0].charged, 8_B);
}

TEST(Sample, IsExplainedWithoutOtherAndPressesWithoutWhatCanBeDropped) {
  Sample sample;
  sample.charged = 10_MiB;
  sample.other = 2_MiB;
  sample.droppable = 7_MiB;
  EXPECT_EQ(sample.explained(), 8_MiB);
  EXPECT_EQ(sample.undroppable(), 3_MiB);
}

}  // namespace
}  // namespace plimsoll
