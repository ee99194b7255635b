// The arguments of an inline request, by the rules of Redis's sdssplitargs: blanks separate; "..." takes the
// escapes \n \r \t \b \a \xHH and any other \c for c; '...' takes \' only; a quote may open within a word;
// what closes one must be followed by a blank or the end.
//
// Unquoting makes a text shorter, so it is done in place. A line is counted, and so validated, first: reading
// then cannot fail, and a line that asks for a longer argument list is still as it came.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace plimsoll::detail {

// The number of arguments of a line without its end; nothing when its quotes are not balanced.
std::optional<std::size_t> count_inline_arguments(std::string_view line);

class InlineReader {
 public:
  // REQUIRES: count_inline_arguments(line) counted, and take() is called no more often than that.
  explicit InlineReader(std::span<char> line) : line_(line) {}
  std::string_view take();

 private:
  std::span<char> line_;
  std::size_t at_ = 0;
};

}  // namespace plimsoll::detail
