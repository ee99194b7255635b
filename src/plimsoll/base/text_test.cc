#include "plimsoll/base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(Text, ReadsSizesAsPeopleWriteThem) {
  struct Row {
    const char* text;
    std::uint64_t bytes;
  };
  constexpr Row kRows[] = {
      {"0", 0},
      {"4096", 4096},
      {"4096b", 4096},
      {"4096 B", 4096},
      {"1k", 1024},
      {"1K", 1024},
      {"1kb", 1024},
      {"1KB", 1024},
      {"1Ki", 1024},
      {"1KiB", 1024},
      {"1kib", 1024},
      {"512MiB", 512ull << 20},
      {"512MB", 512ull << 20},
      {"1.5GiB", 3ull << 29},
      {"0.5k", 512},
      {".5k", 512},
      {"2t", 2ull << 40},
      {"2TiB", 2ull << 40},
      {"  64 KiB\n", 64 << 10},
      {"0.0001k", 0},
      {"9007199254740993", 9007199254740993},        // 2^53 + 1, which a double cannot hold
      {"9223372036854775807", 9223372036854775807},  // 2^63 - 1
      {"8388607TiB", 8388607ull << 40},
  };
  for (const Row& row : kRows) {
    Result<Bytes> read = parse_bytes(row.text);
    ASSERT_TRUE(read.has_value()) << row.text;
    EXPECT_EQ(read->count(), row.bytes) << row.text;
  }
}

TEST(Text, WhatIsNotASizeIsAnErrorThatSaysWhatWouldBe) {
  for (const char* text :
       {"",    " ",     "x",   "KiB", "12 apples", "1.5.2k", "-1",  "-1k",    "+1",    "1e5", "0x10",
        "1kk", "1 k b", "nan", "inf", "infinity",  "1,5k",   "50%", "64MiBs", "1_000", "\xff"}) {
    Result<Bytes> read = parse_bytes(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid) << text;
    EXPECT_NE(read.error().message().find("as in 4096"), std::string::npos) << text;
  }
  EXPECT_FALSE(parse_bytes(std::string_view("1\0k", 3)).has_value());
}

TEST(Text, ASizeBeyondTheLargestIsOutOfRange) {
  std::string long_number(400, '9');
  for (const std::string& text :
       {std::string("9223372036854775808"), std::string("18446744073709551616"), std::string("8388608TiB"),
        std::string("99999999999TiB"), long_number, long_number + "k"}) {
    Result<Bytes> read = parse_bytes(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kOutOfRange) << text;
  }
}

TEST(Text, AShareIsOfTheWholeAndASizeIsASize) {
  EXPECT_EQ(parse_bytes_or_share("50%", 1_GiB).value(), 512_MiB);
  EXPECT_EQ(parse_bytes_or_share(" 12.5% ", 1_KiB).value(), 128_B);
  EXPECT_EQ(parse_bytes_or_share("100%", 7_B).value(), 7_B);
  EXPECT_EQ(parse_bytes_or_share("2MiB", 1_B).value(), 2_MiB);
  for (const char* text : {"%", "0%", "-5%", "101%", "5%%", "x%", "5k%", "nan%", "inf%", "5 %x"}) {
    EXPECT_FALSE(parse_bytes_or_share(text, 1_GiB).has_value()) << text;
  }
}

TEST(Text, AWholeNumberIsAllOfTheTextOrNothing) {
  EXPECT_EQ(parse_int64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_int64("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_uint64("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_uint64("007"), 7u);
  for (const char* text :
       {"", " ", "1 ", " 1", "+1", "1.0", "1e3", "0x1", "--1", "-", "9223372036854775808x"}) {
    EXPECT_EQ(parse_int64(text), std::nullopt) << text;
    EXPECT_EQ(parse_uint64(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_int64("9223372036854775808"), std::nullopt);
  EXPECT_EQ(parse_int64("-9223372036854775809"), std::nullopt);
  EXPECT_EQ(parse_uint64("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_uint64("-1"), std::nullopt);
}

RC_GTEST_PROP(Text, ReadsEveryIntegerThatItPrinted, (std::int64_t signed_number, std::uint64_t number)) {
  RC_ASSERT(parse_int64(std::to_string(signed_number)) == signed_number);
  RC_ASSERT(parse_uint64(std::to_string(number)) == number);
}

TEST(Text, PrintsSizesInTheLargestUnitWithFourDigitsAtMost) {
  EXPECT_EQ(format_bytes(0_B), "0 B");
  EXPECT_EQ(format_bytes(1023_B), "1023 B");
  EXPECT_EQ(format_bytes(1_KiB), "1 KiB");
  EXPECT_EQ(format_bytes(1536_B), "1.5 KiB");
  EXPECT_EQ(format_bytes(257'740'000_B), "245.8 MiB");
  EXPECT_EQ(format_bytes(1000_KiB + 700_B), "1001 KiB");
  EXPECT_EQ(format_bytes(1_MiB - 1_B), "1.0 MiB");
  EXPECT_EQ(format_bytes(1_GiB - 1_B), "1.0 GiB");
  EXPECT_EQ(format_bytes(Bytes::max()), "8 EiB");
}

RC_GTEST_PROP(Text, APrintedSizeReadsBackWithinItsDigits, ()) {
  Bytes size(*rc::gen::arbitrary<std::uint64_t>() >> *rc::gen::inRange(14, 64));  // below 2^50: TiB is read
  std::string printed = format_bytes(size);
  RC_ASSERT(printed.find_first_of(' ') <= 5u);
  Result<Bytes> read = parse_bytes(printed);
  RC_ASSERT(read.has_value());
  double off = read->as_double() - size.as_double();
  RC_ASSERT(std::abs(off) <= 0.05 * size.as_double());
}

TEST(Text, PrintsDurationsInTheUnitAPersonWouldUse) {
  EXPECT_EQ(format_duration(0ns), "0 ns");
  EXPECT_EQ(format_duration(999ns), "999 ns");
  EXPECT_EQ(format_duration(1500ns), "1.5 us");
  EXPECT_EQ(format_duration(999'499ns), "999 us");
  EXPECT_EQ(format_duration(999'700ns), "1 ms");
  EXPECT_EQ(format_duration(1500us), "1.5 ms");
  EXPECT_EQ(format_duration(999'700us), "1 s");
  EXPECT_EQ(format_duration(12s), "12 s");
  EXPECT_EQ(format_duration(59'960ms), "1 min 0 s");
  EXPECT_EQ(format_duration(200s), "3 min 20 s");
  EXPECT_EQ(format_duration(2h + 5min), "2 h 5 min");
}

TEST(Text, ReadsTimesAsTheyAreSet) {
  EXPECT_EQ(parse_duration("0").value(), 0ms);
  EXPECT_EQ(parse_duration("90").value(), 90s);
  EXPECT_EQ(parse_duration(" 500 ms ").value(), 500ms);
  EXPECT_EQ(parse_duration("10m").value(), 10min);
  EXPECT_EQ(parse_duration("2H").value(), 2h);
  EXPECT_EQ(parse_duration("36525d").value(), 36525 * 24h);
  for (const char* bad : {"", "m", "-1s", "1.5h", "10 min", "1m30s", "99999999999999999999s"}) {
    ASSERT_FALSE(parse_duration(bad)) << bad;
    EXPECT_EQ(parse_duration(bad).error().code, ErrorCode::kInvalid) << bad;
  }
  EXPECT_EQ(parse_duration("36526d").error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(parse_duration("9223372036854775807d").error().code, ErrorCode::kOutOfRange);
}

TEST(Text, WritesTimesSoThatTheyAreReadAgain) {
  EXPECT_EQ(short_duration(0ms), "0");
  EXPECT_EQ(short_duration(1500ms), "1500ms");
  EXPECT_EQ(short_duration(90s), "90s");
  EXPECT_EQ(short_duration(600s), "10m");
  EXPECT_EQ(short_duration(48h), "2d");
}

TEST(Text, GroupsDigitsByThree) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_count(~std::uint64_t{0}), "18,446,744,073,709,551,615");
}

TEST(Text, TrimTakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

RC_GTEST_PROP(Text, TakingPartsAndJoiningThemIsTheText, (const std::string& text)) {
  std::string_view rest = text;
  std::string joined;
  bool separated = true;
  while (separated) {
    separated = rest.find(':') != std::string_view::npos;
    joined += take_until(rest, ':');
    if (separated) joined += ':';
  }
  RC_ASSERT(rest.empty());
  RC_ASSERT(joined == text);
}

TEST(Text, ComparesWithoutCase) {
  EXPECT_TRUE(equals_ignoring_case("MaxMemory", "maxmemory"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));  // differ by the same bit as letters of two cases
}

TEST(Text, SuggestsTheNearestWordOrNone) {
  constexpr std::array<std::string_view, 4> kWords = {"resp-port", "http-port", "data-dir", "line"};
  EXPECT_EQ(nearest("resp-prot", kWords), "resp-port");
  EXPECT_EQ(nearest("RESP-PORT", kWords), "resp-port");
  EXPECT_EQ(nearest("resport", kWords), "resp-port");
  EXPECT_EQ(nearest("lien", kWords), "line");
  EXPECT_EQ(nearest("line-size", kWords), "line") << "far by letters, and the same word";
  EXPECT_EQ(nearest("resp", kWords), "resp-port");
  EXPECT_EQ(nearest("completely-other", kWords), "");
  constexpr std::array<std::string_view, 2> kNear = {"axe", "axi"};
  EXPECT_EQ(nearest("axo", kNear), "axe");  // the first of equals
  EXPECT_EQ(nearest("foo", kNear), "");     // nothing in common, however short
  EXPECT_EQ(nearest("x", std::span<const std::string_view>()), "");
}

}  // namespace
}  // namespace plimsoll
