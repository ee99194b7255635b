#include "plimsoll/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace plimsoll {
namespace {

static_assert(std::uniform_random_bit_generator<Random>);

TEST(Random, TheSequenceOfASeedIsFixedForEver) {
  // From an independent implementation of splitmix64 and xoshiro256**.
  Random one(1);
  EXPECT_EQ(one(), 0xb3f2af6d0fc710c5u);
  EXPECT_EQ(one(), 0x853b559647364ceau);
  EXPECT_EQ(one(), 0x92f89756082a4514u);
  EXPECT_EQ(one(), 0x642e1c7bc266a3a7u);
  Random zero(0);
  EXPECT_EQ(zero(), 0x99ec5f36cb75f2b4u);
}

TEST(Random, BelowStaysBelowAndReachesEveryValue) {
  Random random(2);
  for (std::uint64_t bound : {1u, 2u, 3u, 7u, 64u}) {
    std::vector<int> seen(bound);
    for (int i = 0; i < 6400; ++i) {
      std::uint64_t drawn = random.below(bound);
      ASSERT_LT(drawn, bound);
      ++seen[drawn];
    }
    double expected = 6400.0 / static_cast<double>(bound);
    for (int count : seen) EXPECT_NEAR(count, expected, 6 * std::sqrt(expected) + 1) << "bound " << bound;
  }
  EXPECT_LT(random.below(~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(Random, UnitIsUniformInZeroToOne) {
  Random random(3);
  double sum = 0;
  double least = 1;
  double most = 0;
  for (int i = 0; i < 100'000; ++i) {
    double drawn = random.unit();
    ASSERT_GE(drawn, 0.0);
    ASSERT_LT(drawn, 1.0);
    sum += drawn;
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.006);  // six standard deviations
  EXPECT_LT(least, 0.001);
  EXPECT_GT(most, 0.999);
}

TEST(Random, EveryBitIsSetHalfOfTheTime) {
  Random random(4);
  std::array<int, 64> set{};
  for (int i = 0; i < 10'000; ++i) {
    std::uint64_t drawn = random();
    for (std::size_t bit = 0; bit < 64; ++bit) set[bit] += static_cast<int>(drawn >> bit & 1);
  }
  for (int count : set) EXPECT_NEAR(count, 5000, 300);  // six standard deviations
}

}  // namespace
}  // namespace plimsoll
