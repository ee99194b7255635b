#include "plimsoll/cache/internal/level_record.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

TEST(LevelRecord, GivesBackWhatWasWritten) {
  const std::string bytes = LevelRecord::encode("user:17", std::string("a\0b", 3), 1'700'000'000'000);
  const auto record = LevelRecord::decode("user:17", bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->value, std::string_view("a\0b", 3));
  EXPECT_EQ(record->expires_at_ms, 1'700'000'000'000);
  EXPECT_TRUE(LevelRecord::decode("", LevelRecord::encode("", "", -1)));
}

TEST(LevelRecord, IsOfItsKeyOnly) {
  const std::string bytes = LevelRecord::encode("user:17", "Ada", -1);
  EXPECT_FALSE(LevelRecord::decode("user:18", bytes));
  EXPECT_FALSE(LevelRecord::decode("user:1", bytes));
  EXPECT_FALSE(LevelRecord::decode("user:17A", bytes)) << "a byte of the value is none of the key";
}

TEST(LevelRecord, IsNothingWithOneBitChangedAnywhere) {
  const std::string whole = LevelRecord::encode("k", "some value", 12345);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(LevelRecord::decode("k", changed)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(LevelRecord::decode("k", std::string_view(whole).substr(0, size))) << size << " bytes";
  }
}

}  // namespace
}  // namespace plimsoll
