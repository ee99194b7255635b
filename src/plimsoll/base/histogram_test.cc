#include "plimsoll/base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

// The obvious reference: all values, sorted.
std::uint64_t exact_quantile(std::vector<std::uint64_t>& sorted, double quantile) {
  auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

// Values of one of four shapes: small, uniform, spread over octaves, and nearly all equal.
std::uint64_t draw(Random& random, std::uint64_t seed) {
  switch (seed % 4) {
    case 0:
      return random.below(40);
    case 1:
      return random.below(1'000'000);
    case 2:
      return random() >> (24 + random.below(40));
    default:
      return random.below(1000) == 0 ? random.below(Histogram::kMaxValue) : 250;
  }
}

TEST(Histogram, QuantilesBoundTheExactOnesWithinASixteenth) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Histogram histogram;
    std::vector<std::uint64_t> values;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0, n = 1 + random.below(3000); i < n; ++i) {
      values.push_back(std::min(draw(random, seed), Histogram::kMaxValue));
      histogram.add(values.back());
      sum += values.back();
    }
    std::sort(values.begin(), values.end());
    for (double quantile : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      std::uint64_t exact = exact_quantile(values, quantile);
      std::uint64_t bound = histogram.quantile(quantile);
      EXPECT_GE(bound, exact) << "quantile " << quantile;
      EXPECT_LE(bound, exact + exact / 16) << "quantile " << quantile;
    }
    EXPECT_EQ(histogram.quantile(1), values.back());
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.count(), values.size());
    EXPECT_EQ(histogram.sum(), sum);
    EXPECT_DOUBLE_EQ(histogram.mean(), static_cast<double>(sum) / static_cast<double>(values.size()));
  }
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 16; ++value) histogram.add(value);
  for (std::uint64_t value = 0; value < 16; ++value) {
    EXPECT_EQ(histogram.quantile(static_cast<double>(value + 1) / 16), value);
    EXPECT_EQ(histogram.count_at_most(value), value + 1);
  }
}

TEST(Histogram, CountsUpToABoundAreExactAtTheEndsOfBuckets) {
  Random random(7);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 5000; ++i) {
    values.push_back(random() >> (24 + random.below(40)));
    histogram.add(values.back());
  }
  for (std::uint64_t bound = 15; bound < Histogram::kMaxValue; bound = 2 * bound + 1) {
    auto exact = std::count_if(values.begin(), values.end(), [&](std::uint64_t v) { return v <= bound; });
    EXPECT_EQ(histogram.count_at_most(bound), static_cast<std::uint64_t>(exact)) << "bound " << bound;
    // Within a bucket only what is surely below counts.
    EXPECT_LE(histogram.count_at_most(bound - 1), static_cast<std::uint64_t>(exact));
  }
}

TEST(Histogram, AnEmptyOneSaysZero) {
  Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0.0);
  EXPECT_EQ(histogram.count_at_most(Histogram::kMaxValue), 0u);
}

TEST(Histogram, ValuesAboveTheLastBucketCountThereAndKeepTheTrueMaximum) {
  Histogram histogram;
  histogram.add(Histogram::kMaxValue + 1);
  histogram.add(~std::uint64_t{0} >> 1);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.quantile(0.1), ~std::uint64_t{0} >> 1);
  EXPECT_EQ(histogram.max(), ~std::uint64_t{0} >> 1);
}

TEST(Histogram, AQuantileOutsideZeroToOneIsTheNearestOne) {
  Histogram histogram;
  histogram.add(3);
  histogram.add(9);
  EXPECT_EQ(histogram.quantile(-1), 3u);
  EXPECT_EQ(histogram.quantile(2), 9u);
}

TEST(Histogram, MergingEqualsAddingAllToOne) {
  Random random(3);
  Histogram one, two, both;
  for (int i = 0; i < 2000; ++i) {
    std::uint64_t value = random() >> (24 + random.below(40));
    (i % 3 == 0 ? one : two).add(value);
    both.add(value);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.sum(), both.sum());
  EXPECT_EQ(one.max(), both.max());
  for (double quantile = 0; quantile <= 1; quantile += 0.05) {
    EXPECT_EQ(one.quantile(quantile), both.quantile(quantile)) << quantile;
  }
}

TEST(Histogram, ResetForgetsAll) {
  Histogram histogram;
  histogram.add(1000);
  histogram.reset();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.sum(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
}

TEST(Histogram, NoAdditionIsLostBetweenThreads) {
  constexpr std::uint64_t kEach = 20'000;
  Histogram histogram;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&histogram, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) histogram.add(t * kEach + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.count(), 4 * kEach);
  EXPECT_EQ(histogram.max(), 4 * kEach - 1);
  EXPECT_EQ(histogram.sum(), 4 * kEach * (4 * kEach - 1) / 2);
}

}  // namespace
}  // namespace plimsoll
