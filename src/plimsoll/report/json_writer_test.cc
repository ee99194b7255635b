#include "plimsoll/report/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

std::string as_json(std::string_view text) { return JsonWriter().value(text).take(); }

TEST(JsonWriter, WritesNestedDocuments) {
  JsonWriter json;
  json.begin_object().field("level", "normal").field("line", 64_MiB).begin_array("accounts");
  json.begin_object().field("name", "cache").field("full", true).end();
  json.begin_object().end();
  json.end().begin_array("none").end().field("ratio", 0.25).field("absent", nullptr).end();
  EXPECT_EQ(json.take(),
            "{\"level\":\"normal\",\"line\":67108864,\"accounts\":[{\"name\":\"cache\",\"full\":true},{}],"
            "\"none\":[],\"ratio\":0.25,\"absent\":null}");
}

TEST(JsonWriter, CanBeUsedAgainWhenTaken) {
  JsonWriter json;
  EXPECT_EQ(json.value(1).take(), "1");
  EXPECT_EQ(json.begin_array().value(2).value(3).end().take(), "[2,3]");
}

TEST(JsonWriter, KeepsIntegersExact) {
  EXPECT_EQ(JsonWriter().value(std::numeric_limits<std::uint64_t>::max()).take(), "18446744073709551615");
  EXPECT_EQ(JsonWriter().value(std::numeric_limits<std::int64_t>::min()).take(), "-9223372036854775808");
}

TEST(JsonWriter, WritesNullForWhatIsNoNumber) {
  EXPECT_EQ(JsonWriter().value(std::nan("")).take(), "null");
  EXPECT_EQ(JsonWriter().value(std::numeric_limits<double>::infinity()).take(), "null");
}

TEST(JsonWriter, EscapesWhatJsonReserves) {
  EXPECT_EQ(as_json("a\"b\\c\n\r\t"), "\"a\\\"b\\\\c\\n\\r\\t\"");
  EXPECT_EQ(as_json(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\\u007f\"");
  EXPECT_EQ(JsonWriter().begin_object().field("a\"", 1).end().take(), "{\"a\\\"\":1}");
}

TEST(JsonWriter, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_EQ(as_json("Grüße 世界 \U0001F6A2"), "\"Grüße 世界 \U0001F6A2\"");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(as_json("\xFF"), "\"" + bad + "\"");
  EXPECT_EQ(as_json("\xC3"), "\"" + bad + "\"");                      // cut off
  EXPECT_EQ(as_json("\xC0\xAF"), "\"" + bad + bad + "\"");            // overlong
  EXPECT_EQ(as_json("\xED\xA0\x80"), "\"" + bad + bad + bad + "\"");  // a surrogate
  EXPECT_EQ(as_json("\xF4\x90\x80\x80x"), "\"" + bad + bad + bad + bad + "x\"");
}

std::size_t replacements(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("\xEF\xBF\xBD", at)) != std::string_view::npos; ++at) ++count;
  return count;
}

// The oracle: between its quotes a string holds no bare quote and no control character, and writing it once
// more finds nothing left to replace, so that all of it was UTF-8.
TEST(JsonWriter, WritesAValidStringWhateverTheBytes) {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random.below(12), ' ');
    for (char& c : bytes) c = static_cast<char>(random.below(256));
    std::string json = as_json(bytes);
    ASSERT_GE(json.size(), 2U);
    for (std::size_t i = 1; i + 1 < json.size(); ++i) {
      ASSERT_NE(json[i], '"') << "round " << round;
      ASSERT_GE(static_cast<unsigned char>(json[i]), 0x20) << "round " << round;
      if (json[i] == '\\') ++i;
    }
    ASSERT_EQ(replacements(as_json(json)), replacements(json)) << "round " << round;
  }
}

TEST(JsonWriterDeathTest, AbortsWhereNoDocumentWouldCome) {
  EXPECT_DEATH(JsonWriter().begin_object().value(1), "a value without a key");
  EXPECT_DEATH(JsonWriter().begin_array().key("a"), "a key outside an object");
  EXPECT_DEATH(JsonWriter().begin_object().take(), "1 objects and arrays are open");
  EXPECT_DEATH(JsonWriter().end(), "nothing to end");
  EXPECT_DEATH(JsonWriter().value(1).value(2), "a second document");
  EXPECT_DEATH(JsonWriter().begin_object().key("a").end(), "nothing to end");
}

}  // namespace
}  // namespace plimsoll
