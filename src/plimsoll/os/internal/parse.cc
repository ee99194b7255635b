#include "plimsoll/os/internal/parse.h"

#include <charconv>
#include <limits>

#include "plimsoll/base/text.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

// The number that `text` begins with, which it then no longer has; nothing when it begins with none.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument) return std::nullopt;
  if (error != std::errc()) number = std::numeric_limits<std::uint64_t>::max();
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

void skip_blanks(std::string_view& text) {
  std::size_t begin = text.find_first_not_of(" \t");
  text.remove_prefix(begin == std::string_view::npos ? text.size() : begin);
}

// Which field has this key, looked for from `expected` on; npos when none.
std::size_t find_key(std::span<const Field> fields, std::size_t expected, std::string_view key) {
  for (std::size_t step = 0; step < fields.size(); ++step) {
    std::size_t index = (expected + step) % fields.size();
    if (fields[index].key == key) return index;
  }
  return std::string_view::npos;
}

}  // namespace

Bytes trusted_pages(std::uint64_t count) {
  const Bytes page = system_page_size();
  return count < kMostBytes / page.count() ? page * count : trusted(kMostBytes);
}

Result<std::uint64_t> parse_number(std::string_view text) {
  text = trim(text);
  std::optional<std::uint64_t> number = take_number(text);
  if (!number || !text.empty()) return fail(ErrorCode::kInvalid, "the kernel's file is not one number");
  return *number;
}

Result<Bytes> parse_limit(std::string_view text) {
  if (trim(text) == "max") return Bytes::max();
  Result<std::uint64_t> number = parse_number(text);
  if (!number) return tl::unexpected(number.error());
  return *number >= kMostBytes ? Bytes::max() : Bytes(*number);
}

std::size_t parse_fields(std::string_view text, std::span<const Field> fields) {
  std::size_t found = 0;
  std::size_t expected = 0;
  while (!text.empty() && found < fields.size()) {
    std::string_view line = take_until(text, '\n');
    std::size_t key_end = line.find_first_of(": \t");
    if (key_end == std::string_view::npos) continue;
    std::size_t index = find_key(fields, expected, line.substr(0, key_end));
    if (index == std::string_view::npos) continue;
    line.remove_prefix(key_end + (line[key_end] == ':' ? 1 : 0));
    skip_blanks(line);
    std::optional<std::uint64_t> number = take_number(line);
    if (!number) continue;
    if (trim(line) == "kB" && __builtin_mul_overflow(*number, std::uint64_t{1024}, &*number)) {
      number = std::numeric_limits<std::uint64_t>::max();
    }
    *fields[index].value = *number;
    ++found;
    expected = index + 1;
  }
  return found;
}

std::optional<std::uint64_t> parse_word(std::string_view text, std::string_view name, std::string_view word) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (take_until(line, ':') != name) continue;
    skip_blanks(line);
    while (!line.empty()) {
      std::string_view key = take_until(line, ' ');
      std::string_view value = take_until(line, ' ');
      if (key == word) return take_number(value);
    }
  }
  return std::nullopt;
}

std::size_t parse_row(std::string_view text, std::span<std::uint64_t> numbers) {
  std::size_t found = 0;
  while (found < numbers.size()) {
    std::optional<std::uint64_t> number = take_number(text);
    if (!number) break;
    numbers[found++] = *number;
    if (text.empty() || text.front() != ' ') break;
    text.remove_prefix(1);
  }
  return found;
}

bool has_word(std::string_view list, std::string_view word, char separator) {
  while (!list.empty()) {
    if (take_until(list, separator) == word) return true;
  }
  return false;
}

}  // namespace plimsoll
