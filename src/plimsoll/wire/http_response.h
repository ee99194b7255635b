// HTTP/1.1 responses: the head and the chunks a server writes, and the head a client reads.
//
//   write_http_head(sink, {.status = 200, .content_type = "text/plain", .content_length = text.size()});
//   write_bytes(sink, text);
//
//   write_http_head(sink, {.status = 200, .content_type = "text/event-stream", .chunked = true});
//   write_http_chunk_begin(sink, event.size()) && write_bytes(sink, event) && write_http_chunk_end(sink);
//   write_http_last_chunk(sink);
//
// Thread-safety: pure functions; a decoder is one thread's. Cost: about 100 ns a head. Limits: a head is one
// reserve() of its size; heads read are at most 16 KiB and 64 fields. Errors: false when the sink refused;
// kError, which is final. Ownership: a response's views point into the caller's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "plimsoll/wire/byte_sink.h"
#include "plimsoll/wire/http.h"

namespace plimsoll {

struct HttpHead {
  int status = 200;
  std::string_view content_type = {};  // none if empty
  std::optional<std::uint64_t> content_length =
      {};  // without it and not chunked, the body lasts to the close
  bool chunked = false;
  bool keep_alive = true;                 // says "Connection: close" if not, or if only a close ends the body
  std::span<const HttpField> extra = {};  // control characters in values become blanks
};

namespace detail {

std::size_t http_head_bound(const HttpHead& head);  // at least its size
char* put_http_head(char* to, const HttpHead& head);
inline constexpr std::size_t kMaxChunkBegin = 18;
char* put_http_chunk_begin(char* to, std::size_t size);

}  // namespace detail

template <ByteSink Sink>
bool write_http_head(Sink& sink, const HttpHead& head) {
  char* to = sink.reserve(detail::http_head_bound(head));
  if (to == nullptr) return false;
  sink.commit(static_cast<std::size_t>(detail::put_http_head(to, head) - to));
  return true;
}

// What `size` bytes, more than none, and write_http_chunk_end() have to follow.
template <ByteSink Sink>
bool write_http_chunk_begin(Sink& sink, std::size_t size) {
  char* to = sink.reserve(detail::kMaxChunkBegin);
  if (to == nullptr) return false;
  sink.commit(static_cast<std::size_t>(detail::put_http_chunk_begin(to, size) - to));
  return true;
}
template <ByteSink Sink>
bool write_http_chunk_end(Sink& sink) {
  return write_bytes(sink, "\r\n");
}
template <ByteSink Sink>
bool write_http_last_chunk(Sink& sink) {
  return write_bytes(sink, "0\r\n\r\n");
}

struct HttpResponse {
  int status = 0;
  std::string_view reason;
  int version = 11;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  HttpFields fields;
};

class HttpResponseDecoder {
 public:
  enum class Status : std::uint8_t { kNeedMore, kResponse, kError };

  // `in` begins where the head does. At kResponse the body begins consumed() bytes on; the next call begins
  // another response.
  Status next(std::string_view in);

  const HttpResponse& response() const { return response_; }  // REQUIRES: kResponse
  std::size_t consumed() const { return consumed_; }          // 0 unless kResponse

 private:
  bool read(std::string_view head);

  HttpResponse response_;
  HttpHeadScanner scanner_;
  std::size_t consumed_ = 0;
  bool failed_ = false;
};

}  // namespace plimsoll
