#include "plimsoll/base/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace plimsoll {
namespace {

template <typename A, typename B>
concept Mixes =
    requires(A a, B b) { a + b; } || requires(A a, B b) { a < b; } || requires(A a, B b) { a = b; };

// A size and a plain number cannot be taken for one another; only scaling by a number is allowed.
static_assert(!Mixes<Bytes, std::uint64_t>);
static_assert(!Mixes<Bytes, int>);
static_assert(!Mixes<std::uint64_t, Bytes>);
static_assert(sizeof(Bytes) == sizeof(std::uint64_t));

constexpr std::uint64_t kHuge = Bytes::kMax;

TEST(Bytes, LiteralsAreBinaryUnits) {
  EXPECT_EQ((3_B).count(), 3u);
  EXPECT_EQ((3_KiB).count(), 3072u);
  EXPECT_EQ((3_MiB).count(), 3145728u);
  EXPECT_EQ((3_GiB).count(), 3221225472u);
  EXPECT_EQ(Bytes().count(), 0u);
}

TEST(Bytes, ArithmeticIsThatOfIntegers) {
  EXPECT_EQ(5_KiB + 3_KiB, 8_KiB);
  EXPECT_EQ(5_KiB - 3_KiB, 2_KiB);
  EXPECT_EQ(5_KiB * 3, 15_KiB);
  EXPECT_EQ(3 * 5_KiB, 15_KiB);
  EXPECT_EQ(7_B / 2, 3_B);
  EXPECT_EQ(1_MiB / 64_KiB, 16u);
  Bytes sum = 1_KiB;
  sum += 2_KiB;
  EXPECT_EQ(sum, 3_KiB);
  sum -= 3_KiB;
  EXPECT_TRUE(sum.zero());
  EXPECT_LT(1_KiB, 1_MiB);
}

TEST(Bytes, TheLargestValueFitsASignedCounter) {
  EXPECT_EQ(Bytes::max().signed_count(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Bytes(kHuge - 1) + 1_B, Bytes::max());
}

TEST(BytesDeathTest, ArithmeticThatWouldWrapAborts) {
  EXPECT_DEATH(1_B - 2_B, "1 - 2 bytes");
  EXPECT_DEATH(Bytes::max() + 1_B, "9223372036854775808 bytes");
  EXPECT_DEATH(Bytes::max() + Bytes::max(), "check failed");
  EXPECT_DEATH(Bytes::max() * 2, "check failed");
  EXPECT_DEATH(4_GiB * (std::uint64_t{1} << 32), "check failed");
  EXPECT_DEATH(Bytes(kHuge + 1), "check failed");
  EXPECT_DEATH(Bytes::max().rounded_up(4_KiB), "check failed");
  EXPECT_DEATH(
      {
        Bytes a = 1_B;
        a -= 2_B;
      },
      "1 - 2 bytes");
}

TEST(Bytes, ClampedFormsStopAtTheirEnds) {
  EXPECT_EQ((1_B).minus_clamped(2_B), 0_B);
  EXPECT_EQ((2_B).minus_clamped(2_B), 0_B);
  EXPECT_EQ((3_B).minus_clamped(2_B), 1_B);
  EXPECT_EQ(Bytes::max().plus_clamped(1_B), Bytes::max());
  EXPECT_EQ(Bytes::max().plus_clamped(Bytes::max()), Bytes::max());
  EXPECT_EQ((1_B).plus_clamped(2_B), 3_B);
  EXPECT_EQ(Bytes::clamped(-1), 0_B);
  EXPECT_EQ(Bytes::clamped(std::numeric_limits<std::int64_t>::min()), 0_B);
  EXPECT_EQ(Bytes::clamped(7), 7_B);
}

TEST(Bytes, ScalingRoundsDownAndSaturates) {
  EXPECT_EQ((100_B).scaled(0.5), 50_B);
  EXPECT_EQ((3_B).scaled(0.5), 1_B);
  EXPECT_EQ((3_B).scaled(0), 0_B);
  EXPECT_EQ(Bytes::max().scaled(1), Bytes::max());
  EXPECT_EQ(Bytes::max().scaled(1e9), Bytes::max());
}

TEST(Bytes, RoundsToUnits) {
  EXPECT_EQ((1_B).rounded_up(4_KiB), 4_KiB);
  EXPECT_EQ((4_KiB).rounded_up(4_KiB), 4_KiB);
  EXPECT_EQ((0_B).rounded_up(4_KiB), 0_B);
  EXPECT_EQ((4097_B).rounded_up(4_KiB), 8_KiB);
  EXPECT_EQ((4095_B).rounded_down(4_KiB), 0_B);
  EXPECT_EQ((8191_B).rounded_down(4_KiB), 4_KiB);
}

TEST(Bytes, ARatioOfNothingIsZero) {
  EXPECT_DOUBLE_EQ(ratio(1_KiB, 4_KiB), 0.25);
  EXPECT_DOUBLE_EQ(ratio(1_KiB, 0_B), 0.0);
}

}  // namespace
}  // namespace plimsoll
