// Any pattern and text, cut at the first NUL: the answer of a matcher that is too simple to be wrong, where
// the pattern has no classes, and what must hold of every pattern.
#pragma once

#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/glob.h"
#include "plimsoll/wire/internal/fuzz_input.h"

namespace plimsoll::detail {

// A table of which prefixes of the text the pattern so far matches. REQUIRES: no '[' in it.
inline bool glob_matches_by_table(std::string_view pattern, std::string_view text) {
  if (text.empty()) return pattern.empty();
  std::vector<bool> row(text.size() + 1, false);
  row[0] = true;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    std::vector<bool> next(text.size() + 1, false);
    const bool star = pattern[at] == '*';
    const bool any = pattern[at] == '?';
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    if (star) next[0] = row[0];
    for (std::size_t i = 0; i < text.size(); ++i) {
      next[i + 1] = star ? row[i + 1] || next[i] : row[i] && (any || pattern[at] == text[i]);
    }
    row = next;
  }
  return row[text.size()];
}

inline void fuzz_glob(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kMost = 512;  // the table is as large as the product
  const std::string_view input = FuzzInput(bytes).rest().substr(0, kMost);
  const std::string pattern(input.substr(0, input.find('\0')));
  const std::string text(pattern.size() < input.size() ? input.substr(pattern.size() + 1) : "");
  const bool matched = glob_matches(pattern, text);
  if (pattern.find('[') == std::string::npos) PLIMSOLL_CHECK(matched == glob_matches_by_table(pattern, text));
  if (matched && !text.empty()) {
    PLIMSOLL_CHECK(glob_matches("*" + pattern, text) && glob_matches("?*" + pattern, "x" + text));
  }
  glob_matches(pattern, text, GlobCase::kIgnore);

  std::string escaped;
  for (char c : text) (escaped += '\\') += c;
  PLIMSOLL_CHECK(glob_matches(escaped, text) && glob_matches(escaped, text, GlobCase::kIgnore));
}

}  // namespace plimsoll::detail
