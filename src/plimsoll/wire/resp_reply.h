// RespReplyScanner and take_resp_value: a RESP2 client's side, for load generators and tests.
//
// The scanner finds where replies end, keeping no bytes: a reply of a megabyte can be counted as it streams
// past. A caller that wants the content keeps the bytes of a reply and, once it is complete, takes values off
// it.
//
//   while (!bytes.empty()) {
//     std::size_t taken = scanner.feed(bytes);
//     reply.append(bytes.data(), taken);          // or not
//     bytes = bytes.subspan(taken);
//     if (scanner.failed()) return give_up();
//     if (scanner.complete()) on_reply(scanner.type(), reply), reply.clear();
//   }
//
//   std::string_view rest = reply;
//   std::optional<RespValue> value = take_resp_value(rest);   // of an array, value->text is its elements:
//   take on
//
// Invariant: complete() exactly at the last byte of a top-level reply; the next feed() begins another.
//
// Thread-safety: the scanner is one thread's; take_resp_value is pure. Cost: about 30 ns a value, O(1) for
// the payload of a bulk. Limits: bulks to 2^32 bytes, 2^32 values outstanding; any depth. Errors: failed(),
// which is final; an empty optional. Ownership: a RespValue's text points into the caller's bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace plimsoll {

enum class RespType : char { kSimple = '+', kError = '-', kInteger = ':', kBulk = '$', kArray = '*' };

class RespReplyScanner {
 public:
  // How many bytes at the front of `bytes` belong to the reply under way. Less than all only when complete()
  // or failed().
  std::size_t feed(std::span<const char> bytes);

  bool complete() const { return phase_ == Phase::kComplete; }
  bool failed() const { return phase_ == Phase::kFailed; }

  // Of the top-level reply, once complete(): what it is; an integer's value, or the size of a bulk or an
  // array, -1 for null.
  RespType type() const { return static_cast<RespType>(type_); }
  std::int64_t number() const { return number_; }

 private:
  enum class Phase : std::uint8_t {
    kComplete,  // and so at the start of the next
    kType,
    kText,    // until '\r'
    kNumber,  // until '\r'
    kNumberEnd,
    kPayload,
    kCarriageReturn,
    kLineFeed,
    kFailed,
  };

  const char* step(const char* at, const char* end);
  void begin(char type);
  const char* read_number(const char* at, const char* end);
  void number_read();
  void expect(char got, char wanted, Phase then);
  void value_done();

  Phase phase_ = Phase::kComplete;
  char type_ = '+';
  char current_ = 0;        // the type of the value under way
  bool top_level_ = false;  // which is the reply itself
  std::uint8_t digits_ = 0;
  std::array<char, 20> text_;  // of a number under way
  std::int64_t number_ = 0;
  std::uint64_t payload_left_ = 0;
  std::uint64_t values_left_ = 0;  // to the end of the top-level reply
};

struct RespValue {
  RespType type = RespType::kSimple;
  bool null = false;
  std::int64_t number = 0;  // an integer's value; the size of a bulk or an array
  std::string_view text =
      {};  // of a simple string, error or bulk; of an array, the bytes of all its elements
};

// Takes the value at the front off `bytes`; nothing, and `bytes` as it was, if it is malformed or not all
// there.
std::optional<RespValue> take_resp_value(std::string_view& bytes);

}  // namespace plimsoll
