#include "plimsoll/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace plimsoll {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalid, "not even");
  return number / 2;
}

TEST(Result, HoldsAValueOrAnError) {
  ASSERT_TRUE(half(4).has_value());
  EXPECT_EQ(*half(4), 2);
  ASSERT_FALSE(half(5).has_value());
  EXPECT_EQ(half(5).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(half(5).error().message(), "not even");
}

TEST(Error, AddsTheSystemsWordsWhereThereAreAny) {
  EXPECT_EQ((Error{ErrorCode::kSystem, ENOENT, "cannot open"}).message(),
            "cannot open: No such file or directory");
  EXPECT_EQ((Error{ErrorCode::kSystem, 0, "cannot open"}).message(), "cannot open");
  EXPECT_EQ(Error().message(), "");
}

TEST(Error, FailCarriesWhatItIsGiven) {
  Error error = fail(ErrorCode::kSystem, "cannot map", ENOMEM).value();
  EXPECT_EQ(error.code, ErrorCode::kSystem);
  EXPECT_EQ(error.errno_value, ENOMEM);
  EXPECT_STREQ(error.what, "cannot map");
}

}  // namespace
}  // namespace plimsoll
