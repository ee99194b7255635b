#include "plimsoll/cache/content_type.h"

#include <algorithm>
#include <iterator>

namespace plimsoll {
namespace {

constexpr std::size_t kLooked = 512;
constexpr std::size_t kLongestInteger = 20;

struct Front {
  std::string_view bytes;
  std::string_view type;
};
constexpr Front kFronts[] = {{"\x1f\x8b", "compressed"},          // gzip
                             {"PK\x03\x04", "compressed"},        // zip
                             {"\x28\xb5\x2f\xfd", "compressed"},  // zstd
                             {"\x04\x22\x4d\x18", "compressed"},  // lz4
                             {"BZh", "compressed"},
                             {"\xfd\x37zXZ", "compressed"},
                             {"\x89PNG", "image"},
                             {"\xff\xd8\xff", "image"},
                             {"GIF8", "image"},
                             {"RIFF", "image"}};

bool is_integer(std::string_view value) {
  if (value.starts_with('-')) value.remove_prefix(1);
  return !value.empty() && value.size() <= kLongestInteger &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// How many bytes follow a first byte of UTF-8; -1: it is none.
int following(unsigned char first) {
  if (first < 0x80) return first >= ' ' || first == '\t' || first == '\n' || first == '\r' ? 0 : -1;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

// Without control characters, and UTF-8 but for what the end cuts off.
bool is_text(std::string_view front) {
  for (std::size_t at = 0; at < front.size(); ++at) {
    for (int more = following(static_cast<unsigned char>(front[at])); more != 0; --more) {
      if (more < 0) return false;
      if (++at == front.size()) return true;
      if ((static_cast<unsigned char>(front[at]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

// What RIFF is of, its ninth byte on says; sounds and films are among it.
bool is_other_riff(std::string_view value) {
  return value.starts_with("RIFF") && (value.size() < 12 || value.substr(8, 4) != "WEBP");
}

std::string_view without_spaces(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

std::string_view content_type_of(std::string_view value) {
  if (value.empty()) return "empty";
  if (is_integer(value)) return "integer";
  for (const Front& front : kFronts) {
    if (value.starts_with(front.bytes) && !is_other_riff(value)) return front.type;
  }
  if (!is_text(value.substr(0, kLooked))) return "binary";
  const std::string_view text = without_spaces(value);
  const bool object = text.starts_with('{') && text.ends_with('}');
  const bool array = text.starts_with('[') && text.ends_with(']');
  return text.size() > 1 && (object || array) ? "json" : "text";
}

}  // namespace plimsoll
