#include "plimsoll/report/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/base/random.h"
#include "plimsoll/report/json_writer.h"

namespace plimsoll {
namespace {

using ::testing::HasSubstr;

JsonValue read(std::string_view text) {
  Result<JsonValue> value = JsonValue::parse(text);
  EXPECT_TRUE(value) << text;
  return value.value_or(JsonValue());
}

TEST(JsonValue, IsWhatTheDocumentSays) {
  const JsonValue value =
      read(R"( {"level": {"name":"high","number":2}, "on":true, "ratio":-0.25e1, "none":null,)"
           R"( "accounts":[{"name":"cache"},{"name":"a\"b\\\n\u00e9\ud83d\ude00"}], "off" : false} )");
  EXPECT_EQ(value["level"]["name"].text(), "high");
  EXPECT_EQ(value["level"]["number"].count(), 2u);
  EXPECT_TRUE(value["on"].truth());
  EXPECT_FALSE(value["off"].truth());
  EXPECT_EQ(value["ratio"].number(), -2.5);
  EXPECT_TRUE(value["none"].null());
  ASSERT_EQ(value["accounts"].items().size(), 2u);
  EXPECT_EQ(value["accounts"].items()[1]["name"].text(), "a\"b\\\n\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(value.names()[0], "level");
}

TEST(JsonValue, WhatIsNotThereIsNullEmptyAndZero) {
  const JsonValue value = read(R"({"a":1})");
  EXPECT_TRUE(value["b"]["c"].null());
  EXPECT_EQ(value["a"]["b"].number(), 0);
  EXPECT_EQ(value["a"].text(), "");
  EXPECT_TRUE(value["a"].items().empty());
  EXPECT_FALSE(value["a"].truth());
}

TEST(JsonValue, ACountIsNeverWrongByItsSignOrSize) {
  EXPECT_EQ(read("-5").count(), 0u);
  EXPECT_EQ(read("1e300").count(), ~std::uint64_t{0});
  EXPECT_EQ(read("4096").count(), 4096u);
}

TEST(JsonValue, WhatIsNoJsonIsRefusedWithItsPlace) {
  for (std::string_view text :
       {"",    "{",   "[1,]",    "{\"a\":}",  "{\"a\" 1}", "{a:1}", "01", "1 2",   "nul",        "inf",
        "nan", "\"a", "\"\\x\"", "\"\\u12\"", "\"\t\"",    "+1",    "-",  "[1 2]", "{\"a\":1,}", "'a'"}) {
    Result<JsonValue> value = JsonValue::parse(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kInvalid) << text;
    EXPECT_THAT(value.error().message(), HasSubstr("no JSON: ")) << text;
  }
}

TEST(JsonValue, HasBoundsForWhatComesFromOutside) {
  EXPECT_TRUE(JsonValue::parse(std::string(31, '[') + std::string(31, ']')));
  EXPECT_EQ(JsonValue::parse(std::string(100'000, '[')).error().code, ErrorCode::kOutOfRange);
  std::string many = "[0";
  for (int i = 0; i < 100'000; ++i) many += ",0";
  EXPECT_EQ(JsonValue::parse(many + "]").error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(JsonValue::parse("1e999").error().code, ErrorCode::kOutOfRange);
}

TEST(JsonValue, HalvesOfAPairAreNoCharacter) {
  EXPECT_EQ(read(R"("\ud800")").text(), "\xef\xbf\xbd");
  EXPECT_EQ(read(R"("\ud800\u0041")").text(), "\xef\xbf\xbd");
  EXPECT_EQ(read(R"("\udc00")").text(), "\xef\xbf\xbd");
}

// A document of the writer's, made at random, beside what was put into it.
std::string write_random(Random& random, JsonWriter& json, int depth) {
  const std::uint64_t kind = random.below(depth > 4 ? 3 : 5);
  if (kind == 0) {
    const std::uint64_t number = random.below(1ULL << 50);
    json.value(number);
    return std::to_string(number);
  }
  if (kind == 1) {
    std::string text;
    for (std::uint64_t i = random.below(6); i > 0; --i) text += static_cast<char>(random.below(128));
    json.value(text);
    return "'" + text + "'";
  }
  if (kind == 2) return json.value(nullptr), "null";
  const bool object = kind == 3;
  object ? json.begin_object() : json.begin_array();
  std::string shown = object ? "{" : "[";
  for (std::uint64_t i = random.below(5); i > 0; --i) {
    if (object) {
      json.key("k" + std::to_string(i));
      shown += "k" + std::to_string(i) + ":";
    }
    shown += write_random(random, json, depth + 1) + ",";
  }
  json.end();
  return shown + (object ? "}" : "]");
}

std::string shown(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull:
      return "null";
    case JsonValue::Kind::kTruth:
      return value.truth() ? "true" : "false";
    case JsonValue::Kind::kNumber:
      return std::to_string(value.count());
    case JsonValue::Kind::kText:
      return "'" + std::string(value.text()) + "'";
    case JsonValue::Kind::kArray:
    case JsonValue::Kind::kObject:
      break;
  }
  const bool object = value.kind() == JsonValue::Kind::kObject;
  std::string text = object ? "{" : "[";
  for (std::size_t i = 0; i < value.items().size(); ++i)
    text += (object ? value.names()[i] + ":" : "") + shown(value.items()[i]) + ",";
  return text + (object ? "}" : "]");
}

TEST(JsonValue, ReadsBackWhateverTheWriterWrites) {
  Random random(7);
  for (int round = 0; round < 2'000; ++round) {
    JsonWriter json;
    const std::string put = write_random(random, json, 0);
    const std::string document = json.take();
    ASSERT_EQ(shown(read(document)), put) << document;
  }
}

}  // namespace
}  // namespace plimsoll
