// RespWriter: writes RESP2 and RESP3 replies, and a client's requests, into a ByteSink.
//
// One call is one item, written in full or not at all; a bulk whose payload the caller sends itself (straight
// from a cache's page, or in pieces) is bulk_header(), the payload, line_end().
//
//   writer.array(2) && writer.bulk("a") && writer.null_bulk();   // *2\r\n$1\r\na\r\n$-1\r\n
//
// Invariant: what a sink has been given is whole items.
//
// Thread-safety: one thread. Cost: 1-8 ns an item and the copy of its bytes. Limits: an item takes one
// reserve() of its size and at most kMaxHeader bytes more. Errors: false when the sink refused. Ownership:
// refers to the sink.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "plimsoll/wire/byte_sink.h"

namespace plimsoll {
namespace detail {

inline char* put_line_end(char* to) {
  to[0] = '\r';
  to[1] = '\n';
  return to + 2;
}

inline constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// At most 20 bytes. Two digits at a time, backwards: a third of the time of std::to_chars, which counts
// first.
inline char* put_decimal(char* to, std::int64_t number) {
  std::uint64_t rest = static_cast<std::uint64_t>(number);
  if (number < 0) {
    *to++ = '-';
    rest = 0 - rest;
  }
  char digits[20];
  char* const end = digits + sizeof digits;
  char* at = end;
  for (; rest >= 100; rest /= 100) std::memcpy(at -= 2, &kDigitPairs[rest % 100 * 2], 2);
  if (rest >= 10) {
    std::memcpy(at -= 2, &kDigitPairs[rest * 2], 2);
  } else {
    *--at = static_cast<char>('0' + rest);
  }
  const auto size = static_cast<std::size_t>(end - at);
  std::memcpy(to, at, size);
  return to + size;
}

// The type, a decimal number and a line end; at most RespWriter::kMaxHeader bytes.
inline char* put_header(char* to, char type, std::int64_t number) {
  to[0] = type;
  if (number >= 0 && number < 10) {  // most of them
    to[1] = static_cast<char>('0' + number);
    return put_line_end(to + 2);
  }
  return put_line_end(put_decimal(to + 1, number));
}

inline char* put_bytes(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace detail

template <ByteSink Sink>
class RespWriter {
 public:
  static constexpr std::size_t kMaxHeader = 23;  // "$-9223372036854775808\r\n"

  explicit RespWriter(Sink& sink) : sink_(sink) {}

  // +text. REQUIRES: no line end in `text`.
  bool simple(std::string_view text) { return line('+', text); }
  // -text, where `text` begins with its code: "ERR no such thing". Line ends become blanks, for such a text
  // may quote what a client sent.
  bool error(std::string_view text) { return line('-', text); }
  bool integer(std::int64_t value) { return header(':', value); }

  bool bulk(std::string_view bytes) {
    char* to = sink_.reserve(bytes.size() + kMaxHeader + 2);
    if (to == nullptr) return false;
    char* end = detail::put_header(to, '$', static_cast<std::int64_t>(bytes.size()));
    end = detail::put_line_end(detail::put_bytes(end, bytes));
    sink_.commit(static_cast<std::size_t>(end - to));
    return true;
  }
  // A bulk string of the number's decimal form.
  bool bulk_integer(std::int64_t value) {
    char digits[20];
    const char* end = detail::put_decimal(digits, value);
    return bulk({digits, static_cast<std::size_t>(end - digits)});
  }
  // What `size` bytes and line_end() have to follow.
  bool bulk_header(std::size_t size) { return header('$', static_cast<std::int64_t>(size)); }
  bool line_end() { return raw("\r\n"); }

  bool null_bulk() { return raw("$-1\r\n"); }
  bool null_array() { return raw("*-1\r\n"); }
  // What `size` items have to follow.
  bool array(std::size_t size) { return header('*', static_cast<std::int64_t>(size)); }
  bool ok() { return raw("+OK\r\n"); }
  // RESP3's own. What `pairs` keys with their values, or `size` items, have to follow.
  bool map(std::size_t pairs) { return header('%', static_cast<std::int64_t>(pairs)); }
  bool set(std::size_t size) { return header('~', static_cast<std::int64_t>(size)); }
  bool null() { return raw("_\r\n"); }
  // A text for people, of which `size` bytes and line_end() have to follow.
  bool verbatim_header(std::size_t size) {
    constexpr std::string_view kText = "txt:";
    char* to = sink_.reserve(kMaxHeader + kText.size());
    if (to == nullptr) return false;
    char* end = detail::put_header(to, '=', static_cast<std::int64_t>(size + kText.size()));
    sink_.commit(static_cast<std::size_t>(detail::put_bytes(end, kText) - to));
    return true;
  }
  // A client's request: an array of bulks.
  bool request(std::span<const std::string_view> args) {
    bool written = array(args.size());
    for (std::string_view arg : args) written = written && bulk(arg);
    return written;
  }
  // Bytes that are encoded already.
  bool raw(std::string_view bytes) { return write_bytes(sink_, bytes); }

 private:
  bool header(char type, std::int64_t number) {
    char* to = sink_.reserve(kMaxHeader);
    if (to == nullptr) return false;
    sink_.commit(static_cast<std::size_t>(detail::put_header(to, type, number) - to));
    return true;
  }

  bool line(char type, std::string_view text) {
    char* to = sink_.reserve(text.size() + 3);
    if (to == nullptr) return false;
    *to = type;
    char* end = to + 1;
    for (char c : text) *end++ = c == '\r' || c == '\n' ? ' ' : c;
    end = detail::put_line_end(end);
    sink_.commit(static_cast<std::size_t>(end - to));
    return true;
  }

  Sink& sink_;
};

}  // namespace plimsoll
