#include "plimsoll/wire/redis_number.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace plimsoll {

std::optional<long double> parse_long_double(std::string_view text) {
  if (text.empty() || text.size() >= kMaxLongDoubleText) return std::nullopt;
  if (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')) return std::nullopt;
  char copy[kMaxLongDoubleText];  // strtold wants an end; a NUL within `text` stops it early, which is seen
  *std::copy(text.begin(), text.end(), copy) = '\0';
  char* end = nullptr;
  errno = 0;
  const long double value = std::strtold(copy, &end);
  if (end != copy + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

std::string_view format_long_double_human(long double value, std::span<char, kMaxLongDoubleText> to) {
  const int printed = std::snprintf(to.data(), to.size(), "%.17Lf", value);
  std::string_view text(to.data(), static_cast<std::size_t>(printed));
  if (text.find('.') == std::string_view::npos) return text;  // inf
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.remove_suffix(1);
  return text == "-0" ? text.substr(1) : text;
}

}  // namespace plimsoll
