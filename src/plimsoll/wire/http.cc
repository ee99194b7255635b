#include "plimsoll/wire/http.h"

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string_view> HttpFields::find(std::string_view name) const {
  for (const HttpField& field : *this) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t HttpFields::count(std::string_view name) const {
  std::size_t count = 0;
  for (const HttpField& field : *this) count += equals_ignoring_case(field.name, name) ? 1 : 0;
  return count;
}

bool HttpFields::has_token(std::string_view name, std::string_view token) const {
  for (const HttpField& field : *this) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      if (equals_ignoring_case(trim(take_until(rest, ',')), token)) return true;
    }
  }
  return false;
}

std::size_t HttpHeadScanner::find_end(std::string_view in) {
  while (true) {
    const std::size_t newline = in.find('\n', scanned_);
    if (newline == std::string_view::npos) {
      scanned_ = in.size();
      text_seen_ =
          text_seen_ || in.size() > line_begin_ + 1 || (in.size() > line_begin_ && in.back() != '\r');
      return 0;
    }
    const std::size_t size = newline - line_begin_;
    const bool empty = size == 0 || (size == 1 && in[line_begin_] == '\r');
    scanned_ = line_begin_ = newline + 1;
    if (empty && line_end_ != 0) return scanned_;
    if (!empty && line_end_ == 0) {
      text_seen_ = true;
      line_end_ = newline + 1;
    }
  }
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> to, PlusSign plus) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus == PlusSign::kBlank) {
      c = ' ';
    }
    if (size == to.size()) return std::nullopt;
    to[size++] = c;
  }
  return std::string_view(to.data(), size);
}

HttpParameter take_query_parameter(std::string_view& query) {
  std::string_view parameter = take_until(query, '&');
  std::string_view name = take_until(parameter, '=');
  return {name, parameter};
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const HttpParameter parameter = take_query_parameter(query);
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

}  // namespace plimsoll
