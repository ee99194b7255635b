// HTTP/1.1 vocabulary: header fields, status texts, and what a request's target says. The decoders are in
// http_request.h and http_response.h.
//
// Why a codec of our own: a library brought 4.2 MiB of resident memory and a thread a stream, for four pages
// of text. Only what a metrics endpoint, a status page and its client need is here (RFC 9110, RFC 9112).
//
//   for (std::string_view rest = request.query; !rest.empty();) {
//     HttpParameter parameter = take_query_parameter(rest);         // still percent-encoded
//     std::optional<std::string_view> value = percent_decode(parameter.value, buffer);
//   }
//
// Thread-safety: values and pure functions. Cost: linear in the text. Limits: 64 fields, heads of 16 KiB,
// request lines of 8 KiB. Errors: an empty optional. Ownership: views point into the caller's bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace plimsoll {

inline constexpr std::size_t kMaxHttpFields = 64;
inline constexpr std::size_t kMaxHttpLine = std::size_t{8} * 1024;  // of a request
inline constexpr std::size_t kMaxHttpHead = std::size_t{16} * 1024;

struct HttpField {
  std::string_view name;
  std::string_view value;
};

class HttpFields {
 public:
  // False when there are kMaxHttpFields already.
  bool add(HttpField field) {
    if (size_ == kMaxHttpFields) return false;
    fields_[size_++] = field;
    return true;
  }
  // The first of that name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // Whether one of the comma-separated values of the fields of that name is `token`, in any case.
  bool has_token(std::string_view name, std::string_view token) const;

  const HttpField* begin() const { return fields_.data(); }
  const HttpField* end() const { return fields_.data() + size_; }
  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }

 private:
  std::array<HttpField, kMaxHttpFields> fields_;
  std::size_t size_ = 0;
};

// Finds the empty line that ends a head, going on where the last call stopped.
class HttpHeadScanner {
 public:
  // The size of the head with its empty line; 0 when it is not all there. Empty lines in front of it belong
  // to it (RFC 9112, 2.2).
  std::size_t find_end(std::string_view in);
  bool started() const { return text_seen_; }         // more than empty lines
  std::size_t line_end() const { return line_end_; }  // of the first line; 0 until it is there
  void reset() { *this = HttpHeadScanner(); }

 private:
  std::size_t scanned_ = 0;
  std::size_t line_begin_ = 0;  // of the line under way
  std::size_t line_end_ = 0;
  bool text_seen_ = false;
};

// "Not Found"; "Unknown" for what this codec never sends.
std::string_view http_reason(int status);

// The text with its %XX made bytes (and, in a query, '+' a blank), written to `to`; nothing when an escape is
// malformed or `to` too short. `to` may be where `text` is.
enum class PlusSign : std::uint8_t { kPlus, kBlank };
std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> to,
                                               PlusSign plus = PlusSign::kPlus);

struct HttpParameter {
  std::string_view name;
  std::string_view value;  // empty without a '='
};
// Takes the first "name=value" off a query, and the '&' behind it.
HttpParameter take_query_parameter(std::string_view& query);
// The value of the first parameter of that name, as it was sent.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name);

}  // namespace plimsoll
