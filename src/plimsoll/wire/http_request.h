// HttpRequestDecoder: finds the requests in an HTTP/1.1 client's bytes. GET and HEAD, without bodies.
//
// The caller keeps what has come since the request under way began, at any address:
//
//   switch (decoder.next(in)) {
//     case HttpRequestDecoder::Status::kRequest: answer(decoder.request());
//     in.remove_prefix(decoder.consumed()); case HttpRequestDecoder::Status::kNeedMore: // read more behind
//     `in` case HttpRequestDecoder::Status::kError: // answer with decoder.error_status() and close
//   }
//
// What is refused, and how: 400 for what is malformed, a body or a missing Host; 405 (send "Allow: GET,
// HEAD") for other methods of HTTP; 414 for a request line above 8 KiB; 431 for a head above 16 KiB or of
// more than 64 fields; 501 for unknown methods and transfer codings; 505 for other versions than 1.x. A head
// is looked at when it is complete, so that a client that is wrong in several ways gets one answer however
// its bytes are cut.
//
// Invariant: once kRequest, every view of request() lies within the first consumed() bytes of `in`.
//
// Thread-safety: one thread. Cost: about 1 ns a byte; sizeof is 2 KiB, for the fields. Limits: as above.
// Errors: kError is final. Ownership: request() points into the caller's `in`, until the next call of next().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/wire/http.h"

namespace plimsoll {

enum class HttpMethod : std::uint8_t { kGet, kHead };

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string_view target;  // as sent
  std::string_view path;    // of the target, percent-encoded; begins with '/'
  std::string_view query;   // without its '?'
  int version = 11;         // 10 or 11
  bool keep_alive = true;   // what the client wants
  HttpFields fields;
};

class HttpRequestDecoder {
 public:
  enum class Status : std::uint8_t { kNeedMore, kRequest, kError };

  Status next(std::string_view in);

  const HttpRequest& request() const { return request_; }  // REQUIRES: kRequest
  std::size_t consumed() const { return consumed_; }       // 0 unless kRequest
  int error_status() const { return error_; }              // REQUIRES: kError
  // Nothing but empty lines has come since the last request: the connection may be closed at any time.
  bool between_requests() const { return !scanner_.started(); }

 private:
  int read(std::string_view head);
  int read_line(std::string_view line);
  int read_target(std::string_view target);
  int check_fields();

  HttpRequest request_;
  HttpHeadScanner scanner_;
  std::size_t consumed_ = 0;
  int error_ = 0;
};

}  // namespace plimsoll
