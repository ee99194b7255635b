// Parsers of the small texts in /proc and cgroups. What they read is not trusted: nothing aborts, and figures
// are cut at kMostBytes, so that sums of a few of them hold in Bytes.
//
// Thread-safety: pure functions. Cost: 1-2 us a KiB.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

// More than any machine has; limits at or above it are none.
inline constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 56;

constexpr Bytes trusted(std::uint64_t count) { return Bytes(count < kMostBytes ? count : kMostBytes); }
Bytes trusted_pages(std::uint64_t count);

// "123\n": one number, saturating at 2^64-1.
Result<std::uint64_t> parse_number(std::string_view text);
// "max\n", or a number; max() where that is no limit (version 1 writes 2^63 - a page).
Result<Bytes> parse_limit(std::string_view text);

struct Field {
  std::string_view key;
  std::uint64_t* value;  // left alone when the key is not there
};
// Lines of "key value" or "Key:  value kB" (which is multiplied by 1024). Returns how many of the fields were
// found. Quickest when the fields are in the order of the file.
std::size_t parse_fields(std::string_view text, std::span<const Field> fields);
// Words of "NAME: word number word number ..." as in sockstat: the number after `word` in the line of `name`.
std::optional<std::uint64_t> parse_word(std::string_view text, std::string_view name, std::string_view word);
// The first numbers of a line of them, separated by single spaces; how many there were.
std::size_t parse_row(std::string_view text, std::span<std::uint64_t> numbers);
// Whether `word` is among the words of a list.
bool has_word(std::string_view list, std::string_view word, char separator);

}  // namespace plimsoll
