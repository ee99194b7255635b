#include "plimsoll/wire/http_response.h"

#include <charconv>

#include "plimsoll/base/text.h"
#include "plimsoll/wire/internal/http_head.h"

namespace plimsoll {
namespace detail {
namespace {

constexpr std::size_t kMaxNumber = 20;

char* put(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// A line end from elsewhere must not begin a line of its own.
char* put_value(char* to, std::string_view text) {
  for (char c : text) *to++ = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return to;
}

char* put_field(char* to, std::string_view name, std::string_view value) {
  to = put(put_value(to, name), ": ");
  return put(put_value(to, value), "\r\n");
}

char* put_number(char* to, std::uint64_t number) { return std::to_chars(to, to + kMaxNumber, number).ptr; }

}  // namespace

std::size_t http_head_bound(const HttpHead& head) {
  constexpr std::size_t kFixed = 256;  // the status line, the names of our fields, the empty line
  std::size_t size = kFixed + head.content_type.size();
  for (const HttpField& field : head.extra) size += field.name.size() + field.value.size() + 4;
  return size;
}

char* put_http_head(char* to, const HttpHead& head) {
  to = put_number(put(to, "HTTP/1.1 "), static_cast<std::uint64_t>(head.status));
  to = put(put(put(to, " "), http_reason(head.status)), "\r\n");
  if (!head.content_type.empty()) to = put_field(to, "Content-Type", head.content_type);
  if (head.chunked) {
    to = put_field(to, "Transfer-Encoding", "chunked");
  } else if (head.content_length) {
    to = put(put_number(put(to, "Content-Length: "), *head.content_length), "\r\n");
  }
  const bool ends_itself = head.chunked || head.content_length || head.status == 204 || head.status == 304;
  to = put_field(to, "Connection", head.keep_alive && ends_itself ? "keep-alive" : "close");
  for (const HttpField& field : head.extra) to = put_field(to, field.name, field.value);
  return put(to, "\r\n");
}

char* put_http_chunk_begin(char* to, std::size_t size) {
  return put(std::to_chars(to, to + kMaxChunkBegin - 2, size, 16).ptr, "\r\n");
}

}  // namespace detail

HttpResponseDecoder::Status HttpResponseDecoder::next(std::string_view in) {
  if (failed_) return Status::kError;
  if (consumed_ != 0) scanner_.reset();
  consumed_ = 0;
  const std::size_t size = scanner_.find_end(in);
  if (size == 0 && in.size() <= kMaxHttpHead) return Status::kNeedMore;
  failed_ = size == 0 || size > kMaxHttpHead || !read(in.substr(0, size));
  if (failed_) return Status::kError;
  consumed_ = size;
  return Status::kResponse;
}

bool HttpResponseDecoder::read(std::string_view head) {
  std::string_view line = detail::take_http_line(head);
  while (line.empty()) line = detail::take_http_line(head);
  response_.version = detail::read_http_version(take_until(line, ' '));
  const std::string_view status = take_until(line, ' ');
  response_.reason = line;
  const std::optional<std::uint64_t> code = parse_uint64(status);
  if (response_.version / 10 != 1 || !code || *code < 100 || *code > 599 || status.size() != 3) return false;
  response_.status = static_cast<int>(*code);

  response_.fields.clear();
  if (detail::read_http_fields(head, response_.fields) != 0) return false;
  bool malformed = false;
  response_.chunked = response_.fields.has_token("transfer-encoding", "chunked");
  response_.content_length = detail::content_length(response_.fields, malformed);
  if (response_.chunked) response_.content_length.reset();  // RFC 9112, 6.3
  response_.keep_alive = detail::http_keeps_alive(response_.version, response_.fields);
  return !malformed;
}

}  // namespace plimsoll
