#include "plimsoll/alloc/size_class.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plimsoll/alloc/magazine.h"

namespace plimsoll {
namespace {

TEST(SizeClasses, GrowStrictlyInMultiplesOfSixteen) {
  EXPECT_EQ(SizeClasses::kSizes.front(), 16);
  EXPECT_EQ(SizeClasses::kSizes.back(), SizeClasses::kLargest);
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) {
    EXPECT_EQ(SizeClasses::size(c) % 16, 0u);
    if (c > 0) {
      EXPECT_GT(SizeClasses::size(c), SizeClasses::size(c - 1));
    }
  }
}

TEST(SizeClasses, AreTheSmallestThatFit) {
  EXPECT_EQ(SizeClasses::size(SizeClasses::of(0)), 16u);
  for (std::size_t size = 1; size <= SizeClasses::kLargest; ++size) {
    const unsigned c = SizeClasses::of(size);
    ASSERT_GE(SizeClasses::size(c), size);
    if (c > 0) {
      ASSERT_LT(SizeClasses::size(c - 1), size);
    }
  }
}

TEST(SizeClasses, FitTheObjectsOfDatabasesExactly) {
  for (std::size_t size : {64, 128, 192, 256, 384, 512, 1024, 2048, 4096})
    EXPECT_EQ(SizeClasses::size(SizeClasses::of(size)), size);
}

TEST(SizeClasses, LoseWhatTheHeaderSays) {
  double lost = 0;
  for (std::size_t size = 1; size <= SizeClasses::kLargest; ++size) {
    const auto whole = static_cast<double>(SizeClasses::size(SizeClasses::of(size)));
    const double share = (whole - static_cast<double>(size)) / whole;
    lost += share;
    if (size >= 80 && size <= 16 * 1024) {
      ASSERT_LE(share, 0.201) << size;
    }
    if (size >= 80) {
      ASSERT_LE(share, 0.334) << size;
    }
  }
  EXPECT_NEAR(lost / SizeClasses::kLargest, 0.11, 0.01);
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) {
    const std::size_t used = SizeClasses::objects(c) * SizeClasses::size(c);
    EXPECT_LE(SizeClasses::kSlab - used, SizeClasses::kSlab / 40)
        << "at the end of a slab of " << SizeClasses::size(c);
  }
}

TEST(SizeClasses, ServeAlignmentsFromClassesOfWholeMultiples) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    for (std::size_t size : {1, 16, 17, 100, 640, 1000, 4096, 5000, 32768}) {
      const unsigned c = SizeClasses::aligned(size, alignment);
      ASSERT_LT(c, SizeClasses::kCount) << size << " on " << alignment;
      EXPECT_EQ(SizeClasses::size(c) % alignment, 0u);
      EXPECT_GE(SizeClasses::size(c), size);
    }
  }
  EXPECT_EQ(SizeClasses::aligned(40, 16), SizeClasses::of(40));
  EXPECT_EQ(SizeClasses::aligned(1, 8192), SizeClasses::kCount) << "above a page";
}

TEST(Magazine, HoldsAtMostALittleMoreThan64KiBForAThread) {
  EXPECT_EQ(2 * magazine_capacity(SizeClasses::of(64)), 128u) << "locks";
  EXPECT_EQ(2 * magazine_capacity(SizeClasses::of(256)), 96u) << "small rows";
  EXPECT_EQ(2 * magazine_capacity(SizeClasses::of(4096)), 16u) << "large index nodes";
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) {
    EXPECT_LE(magazine_capacity(c), Magazine::kSlots);
    if (SizeClasses::size(c) <= 4096) {
      EXPECT_LE(2 * magazine_capacity(c) * SizeClasses::size(c), 64u * 1024);
    }
  }
}

}  // namespace
}  // namespace plimsoll
