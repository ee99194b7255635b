#include "plimsoll/wire/http.h"

#include <gtest/gtest.h>

#include <string>

namespace plimsoll {
namespace {

TEST(HttpFields, AreFoundInAnyCase) {
  HttpFields fields;
  EXPECT_TRUE(fields.add({"Host", "a"}));
  EXPECT_TRUE(fields.add({"ACCEPT", "x"}));
  EXPECT_TRUE(fields.add({"accept", "y"}));
  EXPECT_EQ(fields.find("host"), "a");
  EXPECT_EQ(fields.find("Accept"), "x");
  EXPECT_FALSE(fields.find("accept-encoding"));
  EXPECT_EQ(fields.count("Accept"), 2u);
}

TEST(HttpFields, FindTokensInListsOverSeveralFields) {
  HttpFields fields;
  fields.add({"Connection", "upgrade, Keep-Alive ,,"});
  fields.add({"connection", "close"});
  fields.add({"Other", "thing"});
  EXPECT_TRUE(fields.has_token("connection", "keep-alive"));
  EXPECT_TRUE(fields.has_token("connection", "close"));
  EXPECT_FALSE(fields.has_token("connection", "keep"));
  EXPECT_FALSE(fields.has_token("connection", "thing"));
}

TEST(HttpFields, AreLimited) {
  HttpFields fields;
  for (std::size_t i = 0; i < kMaxHttpFields; ++i) EXPECT_TRUE(fields.add({"a", "b"}));
  EXPECT_FALSE(fields.add({"a", "b"}));
  EXPECT_EQ(fields.size(), kMaxHttpFields);
}

TEST(HttpReason, NamesEveryStatusThatIsSent) {
  for (int status : {200, 204, 304, 400, 401, 403, 404, 405, 414, 431, 500, 501, 503, 505}) {
    EXPECT_NE(http_reason(status), "Unknown") << status;
  }
  EXPECT_EQ(http_reason(404), "Not Found");
  EXPECT_EQ(http_reason(299), "Unknown");
}

TEST(PercentDecode, TurnsEscapesIntoBytes) {
  char to[16];
  EXPECT_EQ(percent_decode("a%20b%2Fc%2f", to), "a b/c/");
  EXPECT_EQ(percent_decode("a+b", to), "a+b");
  EXPECT_EQ(percent_decode("a+b", to, PlusSign::kBlank), "a b");
  EXPECT_EQ(percent_decode("", to), "");
  EXPECT_EQ(percent_decode("%00", to), std::string_view("\0", 1));
}

TEST(PercentDecode, RefusesWhatIsMalformedOrTooLong) {
  char to[3];
  for (std::string_view text : {"%", "%2", "%2x", "%x2", "a%", "abcd"})
    EXPECT_FALSE(percent_decode(text, to)) << text;
  EXPECT_EQ(percent_decode("%61%62%63", to), "abc");
}

TEST(PercentDecode, WorksInPlace) {
  std::string text = "%41%42c%43";
  EXPECT_EQ(percent_decode(text, text), "ABcC");
}

TEST(HttpQuery, IsReadParameterByParameter) {
  std::string_view query = "a=1&b&=x&c=d=e";
  HttpParameter parameter = take_query_parameter(query);
  EXPECT_EQ(parameter.name, "a");
  EXPECT_EQ(parameter.value, "1");
  parameter = take_query_parameter(query);
  EXPECT_EQ(parameter.name, "b");
  EXPECT_EQ(parameter.value, "");
  parameter = take_query_parameter(query);
  EXPECT_EQ(parameter.name, "");
  EXPECT_EQ(parameter.value, "x");
  parameter = take_query_parameter(query);
  EXPECT_EQ(parameter.name, "c");
  EXPECT_EQ(parameter.value, "d=e");
  EXPECT_TRUE(query.empty());
}

TEST(HttpQuery, FindsAParameterByItsName) {
  EXPECT_EQ(query_value("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(query_value("a=1&b=2", "b"), "2");
  EXPECT_FALSE(query_value("a=1&b=2", "c"));
  EXPECT_FALSE(query_value("", "a"));
}

}  // namespace
}  // namespace plimsoll
