#include "plimsoll/wire/glob.h"

#include <cstddef>
#include <utility>

namespace plimsoll {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class Matcher {
 public:
  Matcher(std::string_view pattern, GlobCase letters)
      : pattern_(pattern), ignore_case_(letters == GlobCase::kIgnore) {}

  // Matches `c` with the element at `at`, which is not a '*', and moves `at` behind it.
  bool element(std::size_t& at, char c) const {
    switch (pattern_[at]) {
      case '?':
        ++at;
        return true;
      case '[':
        ++at;
        return one_of(at, c);
      case '\\':
        if (at + 1 < pattern_.size()) ++at;
        break;
      default:
        break;
    }
    return same(pattern_[at++], c);
  }

 private:
  bool same(char a, char b) const { return a == b || (ignore_case_ && lower(a) == lower(b)); }

  // `at` is behind the '['.
  bool one_of(std::size_t& at, char c) const {
    const bool none_of = at < pattern_.size() && pattern_[at] == '^';
    if (none_of) ++at;
    bool found = false;
    for (; at < pattern_.size() && pattern_[at] != ']'; ++at) {
      const std::size_t left = pattern_.size() - at;
      if (pattern_[at] == '\\' && left >= 2) {
        found = pattern_[++at] == c || found;
      } else if (left >= 3 && pattern_[at + 1] == '-') {
        found = within(pattern_[at], pattern_[at + 2], c) || found;
        at += 2;
      } else {
        found = same(pattern_[at], c) || found;
      }
    }
    if (at < pattern_.size()) ++at;
    return found != none_of;
  }

  // Bytes are compared as signed ones, as Redis does where it runs; with their case dropped, which is done
  // after the ends have changed places, all but 0xff are positive (the C library's tolower makes them so).
  bool within(char first, char last, char c) const {
    int low = signed_byte(first);
    int high = signed_byte(last);
    const int value = signed_byte(c);
    if (low > high) std::swap(low, high);
    if (!ignore_case_) return low <= value && value <= high;
    return lowered(low) <= lowered(value) && lowered(value) <= lowered(high);
  }
  static int signed_byte(char c) {
    const int byte = static_cast<unsigned char>(c);
    return byte < 128 ? byte : byte - 256;
  }
  static int lowered(int byte) {
    if (byte < -1) return byte + 256;
    return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
  }

  std::string_view pattern_;
  bool ignore_case_;
};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, GlobCase letters) {
  if (text.empty()) return pattern.empty();
  const Matcher matcher(pattern, letters);
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t at = 0;
  std::size_t after_star = kNone;  // of the last '*'
  std::size_t star_end = 0;        // the text that '*' takes ends here
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      after_star = ++at;
      star_end = i;
      if (at == pattern.size()) return true;
      continue;
    }
    if (at < pattern.size() && matcher.element(at, text[i])) {
      ++i;
      continue;
    }
    if (after_star == kNone) return false;
    at = after_star;  // the last '*' takes one byte more
    i = ++star_end;
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace plimsoll
