// Numbers as Redis reads and prints them: what INCR, INCRBYFLOAT and every numeric argument accept and
// answer.
//
// The integer form is strict (no space, '+', leading zero or "-0"): what is accepted is exactly what printing
// an integer gives, so that a value may be kept as an integer and come back byte for byte. The float form is
// an x87 long double, 17 digits after the point with the zeros at the end dropped, never with an exponent.
//
// Thread-safety: pure functions. Cost: about 1 ns a digit; floats go through the C library, about 1 us.
// Limits: integers from -2^63 to 2^63-1; a float's text below kMaxLongDoubleText bytes. The point is the C
// locale's: a process that calls setlocale(LC_NUMERIC) breaks it. Errors: nothing is returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace plimsoll {

constexpr std::optional<std::int64_t> parse_redis_int64(std::string_view text) {
  constexpr std::size_t kMostDigits = 19;
  if (text == "0") return 0;
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kMostDigits || text.front() == '0') return std::nullopt;
  std::uint64_t magnitude = 0;  // 19 digits fit in any case
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(c - '0');
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (magnitude > kMost + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

// The longest finite one has 4,933 digits, a sign, a point and 17 digits more.
inline constexpr std::size_t kMaxLongDoubleText = 5120;

// All of `text`, in any form strtold takes ("3.0e3", "0x1p3", "inf", "+1"), but no blank before it, and no
// NaN; nothing when it overflows, or underflows to zero.
std::optional<long double> parse_long_double(std::string_view text);

// "3000", "0.1", "-1.5", "inf"; "0" for what rounds to minus zero.
std::string_view format_long_double_human(long double value, std::span<char, kMaxLongDoubleText> to);

}  // namespace plimsoll
