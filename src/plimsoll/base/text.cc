#include "plimsoll/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

namespace plimsoll {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The exponent of 1024 that a unit stands for; negative when it is none.
int unit_power(std::string_view unit) {
  if (unit.empty() || equals_ignoring_case(unit, "b")) return 0;
  static constexpr std::string_view kLetters = "kmgt";
  std::size_t power = kLetters.find(lower(unit[0]));
  if (power == std::string_view::npos) return -1;
  std::string_view rest = unit.substr(1);
  bool known = rest.empty() || equals_ignoring_case(rest, "b") || equals_ignoring_case(rest, "ib") ||
               equals_ignoring_case(rest, "i");
  return known ? static_cast<int>(power) + 1 : -1;
}

template <typename Integer>
std::optional<Integer> parse_whole(std::string_view text) {
  Integer value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string format_with(const char* format, double value, const char* unit) {
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, format, value, unit);
  return buffer;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t substituted = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  static constexpr const char* kWant = "not a size: write a number and a unit, as in 4096, 64KiB or 1.5GiB";
  static constexpr const char* kTooLarge = "a size must be below 2^63 bytes";
  text = trim(text);
  // A plain count is read as an integer: a double would round it above 2^53.
  if (std::optional<std::uint64_t> count = parse_uint64(text)) {
    if (*count > Bytes::kMax) return fail(ErrorCode::kOutOfRange, kTooLarge);
    return Bytes(*count);
  }
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error == std::errc::result_out_of_range) return fail(ErrorCode::kOutOfRange, kTooLarge);
  if (error != std::errc() || !(number >= 0) || std::isinf(number)) return fail(ErrorCode::kInvalid, kWant);
  int power = unit_power(trim(text.substr(static_cast<std::size_t>(end - text.data()))));
  if (power < 0) return fail(ErrorCode::kInvalid, kWant);
  double bytes = std::ldexp(number, 10 * power);
  if (bytes >= std::ldexp(1.0, 63)) return fail(ErrorCode::kOutOfRange, kTooLarge);
  return Bytes(static_cast<std::uint64_t>(bytes));
}

Result<Bytes> parse_bytes_or_share(std::string_view text, Bytes whole) {
  text = trim(text);
  if (text.empty() || text.back() != '%') return parse_bytes(text);
  text.remove_suffix(1);
  double per_cent = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), per_cent, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(per_cent > 0 && per_cent <= 100)) {
    return fail(ErrorCode::kInvalid,
                "not a share: write a number above 0 and up to 100 and a per cent sign, as in 50%");
  }
  return whole.scaled(per_cent / 100);
}

namespace {

struct TimeUnit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<TimeUnit, 5> kTimeUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::int64_t kLongest = 36'525 * kTimeUnits[0].ms;
  text = trim(text);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::int64_t> number = parse_int64(text.substr(0, digits));
  const std::string_view unit = digits == text.size() ? "s" : trim(text.substr(digits));
  for (const TimeUnit& known : kTimeUnits) {
    if (!equals_ignoring_case(unit, known.name) || !number) continue;
    if (*number > kLongest / known.ms) return fail(ErrorCode::kOutOfRange, "a time must be within 100 years");
    return std::chrono::milliseconds(*number * known.ms);
  }
  return fail(ErrorCode::kInvalid, "not a time: write a number and ms, s, m, h or d, as in 10m");
}

std::string short_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  for (const TimeUnit& unit : kTimeUnits) {
    if (ms != 0 && ms % unit.ms == 0) return std::to_string(ms / unit.ms) + std::string(unit.name);
  }
  return std::to_string(ms);
}

std::optional<std::int64_t> parse_int64(std::string_view text) { return parse_whole<std::int64_t>(text); }
std::optional<std::uint64_t> parse_uint64(std::string_view text) { return parse_whole<std::uint64_t>(text); }

std::string format_bytes(Bytes bytes) {
  static constexpr std::array<const char*, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = bytes.as_double();
  std::size_t unit = 0;
  // 1023.97 would be printed as 1024.0, so it is shown in the next unit.
  while (unit + 1 < kUnits.size() && value >= (unit == 0 ? 1024 : 1023.5)) {
    value /= 1024;
    ++unit;
  }
  bool whole = unit == 0 || value == std::floor(value) || value >= 999.95;
  return format_with(whole ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  double ns = static_cast<double>(duration.count());
  if (ns < 1e3) return format_with("%.0f %s", ns, "ns");
  // Where three digits would round up to the next unit, the next unit it is: 999.7 us would be "1e+03 us".
  if (ns < 999.5e3) return format_with("%.3g %s", ns / 1e3, "us");
  if (ns < 999.5e6) return format_with("%.3g %s", ns / 1e6, "ms");
  if (ns < 59.95e9) return format_with("%.3g %s", ns / 1e9, "s");
  long long seconds = std::llround(ns / 1e9);
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string_view trim(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n";
  std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string_view take_until(std::string_view& text, char separator) {
  std::size_t at = text.find(separator);
  std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 2;  // farther than this is another word, not a slip
  for (std::string_view candidate : candidates) {
    // "--http-port" for "--http" is far by letters, and near to whoever typed it.
    const bool begins_alike = std::min(word.size(), candidate.size()) >= 3 &&
                              (word.starts_with(candidate) || candidate.starts_with(word));
    std::size_t distance = begins_alike ? 1 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace plimsoll
