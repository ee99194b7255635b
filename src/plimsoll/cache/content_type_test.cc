#include "plimsoll/cache/content_type.h"

#include <gtest/gtest.h>

#include <string>

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(ContentType, IsKnownByItsBytes) {
  const std::pair<std::string_view, std::string_view> kKnown[] = {
      {"", "empty"},
      {"0", "integer"},
      {"-12345678901234567890", "integer"},
      {"123456789012345678901", "text"},
      {"-", "text"},
      {"1.5", "text"},
      {"{\"a\":1}", "json"},
      {"  [1, 2]\n", "json"},
      {"{", "text"},
      {"{\"a\":1", "text"},
      {"Gr\xc3\xbc\xc3\x9f"
       "e\n",
       "text"},
      {"\xe2\x82", "text"},  // cut within a character
      {"a\0b"sv, "binary"},
      {"\xc3(", "binary"},
      {"\xff", "binary"},
      {"\x1f\x8b\x08\0"sv, "compressed"},
      {"\x28\xb5\x2f\xfd"sv, "compressed"},
      {"\x89PNG\r\n", "image"},
      {"RIFF\x10\0\0\0WEBP"sv, "image"},
      {"RIFF\x10\0\0\0WAVE"sv, "binary"},
      {"RIFF", "text"},
      {"RIFF\x10\0\0\0WEB"sv, "binary"},
  };
  for (const auto& [value, type] : kKnown) EXPECT_EQ(content_type_of(value), type) << value;
  EXPECT_EQ(content_type_of(std::string(600, 'x') + '\0'), "text") << "only the front is looked at";
}

}  // namespace
}  // namespace plimsoll
