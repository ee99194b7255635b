#include "plimsoll/wire/redis_number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

std::string human(long double value) {
  char buffer[kMaxLongDoubleText];
  return std::string(format_long_double_human(value, buffer));
}

std::string human_of(const char* text) {
  const std::optional<long double> value = parse_long_double(text);
  return value ? human(*value) : "none";
}

TEST(RedisInteger, ReadsWhatPrintingAnIntegerGives) {
  EXPECT_EQ(parse_redis_int64("0"), 0);
  EXPECT_EQ(parse_redis_int64("7"), 7);
  EXPECT_EQ(parse_redis_int64("-7"), -7);
  EXPECT_EQ(parse_redis_int64("1234567890123456789"), 1234567890123456789);
  EXPECT_EQ(parse_redis_int64("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_redis_int64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
}

TEST(RedisInteger, ReadsNothingElse) {
  for (std::string_view text : {"",
                                "-",
                                "+1",
                                "01",
                                "-0",
                                "-01",
                                "00",
                                " 1",
                                "1 ",
                                "1x",
                                "x",
                                "0x1",
                                "1.0",
                                "1e3",
                                "9223372036854775808",
                                "-9223372036854775809",
                                "9999999999999999999",
                                "18446744073709551616",
                                "99999999999999999999999999",
                                "--1",
                                "1-"}) {
    EXPECT_FALSE(parse_redis_int64(text)) << text;
  }
  EXPECT_FALSE(parse_redis_int64(std::string_view("1\0", 2)));
}

TEST(RedisInteger, AcceptsATextExactlyWhenPrintingItsValueGivesItBack) {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t size = random.below(22); text.size() < size;) text += "-0123456789"[random.below(11)];
    const std::optional<std::int64_t> value = parse_redis_int64(text);
    char* end = nullptr;
    errno = 0;
    const long long reference = std::strtoll(text.c_str(), &end, 10);
    const bool canonical = errno == 0 && !text.empty() && std::to_string(reference) == text;
    ASSERT_EQ(value.has_value(), canonical) << text;
    if (value) {
      ASSERT_EQ(*value, reference);
    }
  }
}

TEST(RedisFloat, PrintsSeventeenDigitsWithoutTheZerosAtTheEnd) {
  EXPECT_EQ(human(0), "0");
  EXPECT_EQ(human(-0.0L), "0");
  EXPECT_EQ(human(-1e-30L), "0");
  EXPECT_EQ(human(3), "3");
  EXPECT_EQ(human(3000), "3000");
  EXPECT_EQ(human(-2.5L), "-2.5");
  EXPECT_EQ(human_of("10.50"), "10.5");
  EXPECT_EQ(human_of("0.1"), "0.1");
  EXPECT_EQ(human_of("5.0e3"), "5000");
  EXPECT_EQ(human(10.5L + 0.1L), "10.6");
  EXPECT_EQ(human_of("1e-17"), "0.00000000000000001");
  EXPECT_EQ(human_of("1e20"), "100000000000000000000");
  EXPECT_EQ(human(INFINITY), "inf");
  EXPECT_EQ(human(-INFINITY), "-inf");
}

TEST(RedisFloat, PrintsTheLargestOne) {
  const std::string text = human(-std::numeric_limits<long double>::max());
  EXPECT_EQ(text.substr(0, 6), "-11897");
  EXPECT_EQ(text.size(), 1u + 4933);
}

TEST(RedisFloat, ReadsWhatStrtoldReads) {
  EXPECT_EQ(parse_long_double("1.5"), 1.5L);
  EXPECT_EQ(parse_long_double("+1.5"), 1.5L);
  EXPECT_EQ(parse_long_double("-1e3"), -1000.0L);
  EXPECT_EQ(parse_long_double("0x1p4"), 16.0L);
  EXPECT_EQ(parse_long_double(".5"), 0.5L);
  EXPECT_EQ(parse_long_double("inf"), std::numeric_limits<long double>::infinity());
  EXPECT_EQ(parse_long_double("-Infinity"), -std::numeric_limits<long double>::infinity());
  EXPECT_EQ(parse_long_double("0e-9999"), 0.0L);
}

TEST(RedisFloat, RefusesBlanksRestsAndWhatCannotBeHeld) {
  for (const char* text : {"", " 1", "\t1", "\n1", "\v1", "1 ", "1x", "x", "nan", "-nan", "1e9999", "-1e9999",
                           "1e-9999", "1..2", "--1"}) {
    EXPECT_FALSE(parse_long_double(text)) << text;
  }
  EXPECT_FALSE(parse_long_double(std::string_view("1\0", 2)));
  EXPECT_FALSE(parse_long_double(std::string_view("1\0002", 3)));
  EXPECT_TRUE(parse_long_double(std::string(kMaxLongDoubleText - 1, '0')));
  EXPECT_FALSE(parse_long_double(std::string(kMaxLongDoubleText, '0')));
}

TEST(RedisFloat, KeepsNumbersTooSmallToBeNormal) { EXPECT_TRUE(parse_long_double("1e-4940")); }

}  // namespace
}  // namespace plimsoll
