#include "plimsoll/wire/http_request.h"

#include <algorithm>

#include "plimsoll/base/text.h"
#include "plimsoll/wire/internal/http_head.h"

namespace plimsoll {
namespace {

constexpr std::string_view kOtherMethods[] = {"POST",    "PUT",   "DELETE", "PATCH",
                                              "OPTIONS", "TRACE", "CONNECT"};

bool is_target_char(char c) { return c > 0x20 && c < 0x7f && c != '#'; }

}  // namespace

HttpRequestDecoder::Status HttpRequestDecoder::next(std::string_view in) {
  if (error_ != 0) return Status::kError;
  if (consumed_ != 0) scanner_.reset();
  consumed_ = 0;
  const std::size_t size = scanner_.find_end(in);
  const std::size_t line = scanner_.line_end() != 0 ? scanner_.line_end() : in.size();
  if (line > kMaxHttpLine) {
    error_ = 414;
  } else if (size > kMaxHttpHead || (size == 0 && in.size() > kMaxHttpHead)) {
    error_ = 431;
  } else if (size == 0) {
    return Status::kNeedMore;
  } else {
    error_ = read(in.substr(0, size));
  }
  if (error_ != 0) return Status::kError;
  consumed_ = size;
  return Status::kRequest;
}

int HttpRequestDecoder::read(std::string_view head) {
  request_.fields.clear();
  std::string_view line = detail::take_http_line(head);
  while (line.empty()) line = detail::take_http_line(head);
  int error = read_line(line);
  if (error == 0) error = detail::read_http_fields(head, request_.fields);
  return error != 0 ? error : check_fields();
}

int HttpRequestDecoder::read_line(std::string_view line) {
  const std::string_view method = take_until(line, ' ');
  const std::string_view target = take_until(line, ' ');
  if (!detail::is_http_token(method)) return 400;
  request_.version = detail::read_http_version(line);
  if (request_.version < 0) return 400;
  if (request_.version / 10 != 1) return 505;
  if (const int error = read_target(target); error != 0) return error;
  if (method == "GET" || method == "HEAD") {
    request_.method = method == "GET" ? HttpMethod::kGet : HttpMethod::kHead;
    return 0;
  }
  return std::find(std::begin(kOtherMethods), std::end(kOtherMethods), method) == std::end(kOtherMethods)
             ? 501
             : 405;
}

// "/path?query", or as a proxy is asked, "http://host/path?query"; "*" and "host:port" only go with methods
// that are refused.
int HttpRequestDecoder::read_target(std::string_view target) {
  if (target.empty() || !std::all_of(target.begin(), target.end(), is_target_char)) return 400;
  request_.target = target;
  constexpr std::string_view kScheme = "http://";
  if (equals_ignoring_case(target.substr(0, kScheme.size()), kScheme)) {
    target.remove_prefix(kScheme.size());
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    if (target.empty() || target.front() == '?') {
      request_.path = "/";
      request_.query = target.empty() ? target : target.substr(1);
      return 0;
    }
  }
  request_.path = take_until(target, '?');
  request_.query = target;
  return 0;
}

int HttpRequestDecoder::check_fields() {
  const HttpFields& fields = request_.fields;
  if (request_.path.empty() || request_.path.front() != '/') return 400;
  const std::size_t hosts = fields.count("host");
  if (hosts > 1 || (hosts == 0 && request_.version >= 11)) return 400;
  if (fields.find("transfer-encoding")) return 501;
  bool malformed = false;
  const std::uint64_t body = detail::content_length(fields, malformed).value_or(0);
  if (malformed || body > 0) return 400;
  request_.keep_alive = detail::http_keeps_alive(request_.version, fields);
  return 0;
}

}  // namespace plimsoll
