#include "plimsoll/base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

std::uint32_t bit_by_bit(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST(Crc32c, IsThatOfTheStandards) {
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283u);
  EXPECT_EQ(crc32c(0, "", 0), 0u);
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(0, std::string(32, '\0').data(), 32), 0x8a9136aau);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff').data(), 32), 0x62a8ab43u);
}

TEST(Crc32c, OfPartsIsThatOfTheWhole) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random.below(3000), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::size_t cut = random.below(bytes.size() + 1);
    const std::uint32_t first = crc32c(0, bytes.data(), cut);
    ASSERT_EQ(crc32c(first, bytes.data() + cut, bytes.size() - cut), bit_by_bit(bytes));
  }
}

}  // namespace
}  // namespace plimsoll
