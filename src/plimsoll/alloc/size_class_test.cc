#include "plimsoll/alloc/size_class.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace plimsoll {
namespace {

constexpr SizeClasses usual;

TEST(SizeClasses, GrowStrictlyInMultiplesOfSixteen) {
  EXPECT_EQ(usual.sizes().front(), 16);
  EXPECT_EQ(usual.sizes().back(), SizeClasses::kLargest);
  for (unsigned c = 0; c < usual.count(); ++c) {
    EXPECT_EQ(usual.size(c) % 16, 0u);
    if (c > 0) {
      EXPECT_GT(usual.size(c), usual.size(c - 1));
    }
  }
}

TEST(SizeClasses, AreTheSmallestThatFit) {
  EXPECT_EQ(usual.size(usual.of(0)), 16u);
  for (std::size_t size = 1; size <= SizeClasses::kLargest; ++size) {
    const unsigned c = usual.of(size);
    ASSERT_GE(usual.size(c), size);
    if (c > 0) {
      ASSERT_LT(usual.size(c - 1), size);
    }
  }
}

TEST(SizeClasses, FitTheObjectsOfDatabasesExactly) {
  for (std::size_t size : {64, 128, 192, 256, 384, 512, 1024, 2048, 4096})
    EXPECT_EQ(usual.size(usual.of(size)), size);
}

TEST(SizeClasses, LoseWhatTheHeaderSays) {
  double lost = 0;
  for (std::size_t size = 1; size <= SizeClasses::kLargest; ++size) {
    const auto whole = static_cast<double>(usual.size(usual.of(size)));
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
  for (unsigned c = 0; c < usual.count(); ++c) {
    const std::size_t used = usual.objects(c) * usual.size(c);
    EXPECT_LE(SizeClasses::kSlab - used, SizeClasses::kSlab / 40)
        << "at the end of a slab of " << usual.size(c);
  }
}

TEST(SizeClasses, ServeAlignmentsFromClassesOfWholeMultiples) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    for (std::size_t size : {1, 16, 17, 100, 640, 1000, 4096, 5000, 32768}) {
      const unsigned c = usual.aligned(size, alignment);
      ASSERT_LT(c, usual.count()) << size << " on " << alignment;
      EXPECT_EQ(usual.size(c) % alignment, 0u);
      EXPECT_GE(usual.size(c), size);
    }
  }
  EXPECT_EQ(usual.aligned(40, 16), usual.of(40));
  EXPECT_EQ(usual.aligned(1, 8192), usual.count()) << "above a page";
}

TEST(SizeClasses, AreMadeOfAList) {
  const std::array<std::size_t, 5> sizes = {40, 41, 200, 3000, 5000};
  const SizeClasses made = *SizeClasses::make(sizes);
  ASSERT_EQ(made.count(), 5u) << "40 and 41 are one, and the largest is added";
  EXPECT_EQ(made.size(0), 48u);
  EXPECT_EQ(made.size(1), 208u);
  EXPECT_EQ(made.size(4), SizeClasses::kLargest);
  EXPECT_EQ(made.of(49), 1u);
  EXPECT_EQ(made.of(5001), 3u);
  EXPECT_EQ(made.of(5009), 4u);
}

TEST(SizeClasses, ThatCannotBeAreAnErrorThatSaysWhy) {
  auto error_of = [](std::vector<std::size_t> sizes) {
    const Result<SizeClasses> made = SizeClasses::make(sizes);
    return made ? std::string("none") : std::string(made.error().what);
  };
  EXPECT_THAT(error_of({64, 32}), testing::HasSubstr("grow"));
  EXPECT_THAT(error_of({0, 32}), testing::HasSubstr("1 to 32768"));
  EXPECT_THAT(error_of({32769}), testing::HasSubstr("1 to 32768"));
  std::vector<std::size_t> many;
  for (std::size_t i = 1; i <= 65; ++i) many.push_back(i * 16);
  EXPECT_THAT(error_of(many), testing::HasSubstr("at most 64"));
  many.pop_back();
  EXPECT_THAT(error_of(many), testing::HasSubstr("last of 64"));
  EXPECT_EQ(error_of({}), "none");
}

}  // namespace
}  // namespace plimsoll
