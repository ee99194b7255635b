// Text: parsing and printing of sizes, numbers and durations as people write them.
//
// Sizes: "512MiB", "64k" (KiB), "1.5GiB", "4096"; binary units only (KiB MiB GiB TiB, or k m g t in either
// case; "MB" and "Mb" are read as MiB, as memory is counted). A Size may also be a share, "50%", of a whole
// that the reader knows.
//
// Thread-safety: pure functions. Cost: one short string a print. Limits: sizes to 2^63-1 bytes.
// Errors: kInvalid (not a size or number), kOutOfRange (too large).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

Result<Bytes> parse_bytes(std::string_view text);
// "50%" of `whole`, or an absolute size.
Result<Bytes> parse_bytes_or_share(std::string_view text, Bytes whole);
// "500ms", "90s", "10m", "2h", "7d"; a plain number is seconds. To 100 years.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// The same the other way: 600 s -> "10m".
std::string short_duration(std::chrono::milliseconds duration);
// The whole of `text` as a decimal integer, or nothing.
std::optional<std::int64_t> parse_int64(std::string_view text);
std::optional<std::uint64_t> parse_uint64(std::string_view text);

// "245.8 MiB": four significant digits at most, the largest unit that keeps the figure at 1 or more.
std::string format_bytes(Bytes bytes);
// "1.5 ms", "12 s", "3 min 20 s".
std::string format_duration(std::chrono::nanoseconds duration);
// 1234567 -> "1,234,567".
std::string format_count(std::uint64_t count);

std::string_view trim(std::string_view text);
// Cuts `text` at the first `separator`: the part before is returned, `text` keeps the part after (empty at
// the end).
std::string_view take_until(std::string_view& text, char separator);
bool equals_ignoring_case(std::string_view a, std::string_view b);
// The candidate nearest to `word` by edit distance, when near enough to be what was meant; empty otherwise.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace plimsoll
