#include "plimsoll/wire/internal/http_head.h"

#include "plimsoll/base/text.h"

namespace plimsoll::detail {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return is_digit(c) || is_letter(c) || kMarks.find(c) != std::string_view::npos;
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// No control characters but the tabulator: a carriage return within a value would end it for other readers.
bool is_field_value(std::string_view text) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace

std::string_view take_http_line(std::string_view& head) {
  std::string_view line = take_until(head, '\n');
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

int read_http_fields(std::string_view lines, HttpFields& fields) {
  for (std::string_view line = take_http_line(lines); !line.empty(); line = take_http_line(lines)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return 400;
    const HttpField field{line.substr(0, colon), without_blanks(line.substr(colon + 1))};
    // A line that begins with a blank, or has one before its colon, is no token either.
    if (!is_http_token(field.name) || !is_field_value(field.value)) return 400;
    if (!fields.add(field)) return 431;
  }
  return 0;
}

std::optional<std::uint64_t> content_length(const HttpFields& fields, bool& malformed) {
  std::optional<std::uint64_t> length;
  malformed = false;
  for (const HttpField& field : fields) {
    if (!equals_ignoring_case(field.name, "content-length")) continue;
    const std::optional<std::uint64_t> value = parse_uint64(field.value);
    if (!value || (length && *length != *value)) malformed = true;
    length = value;
  }
  return length;
}

bool is_http_token(std::string_view text) {
  for (char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

int read_http_version(std::string_view text) {
  constexpr std::string_view kName = "HTTP/";
  if (text.size() != kName.size() + 3 || text.substr(0, kName.size()) != kName) return -1;
  const char major = text[5];
  const char minor = text[7];
  if (!is_digit(major) || text[6] != '.' || !is_digit(minor)) return -1;
  return (major - '0') * 10 + (minor - '0');
}

bool http_keeps_alive(int version, const HttpFields& fields) {
  if (fields.has_token("connection", "close")) return false;
  return version >= 11 || fields.has_token("connection", "keep-alive");
}

}  // namespace plimsoll::detail
