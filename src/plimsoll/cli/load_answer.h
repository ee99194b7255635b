// AnswerScanner: reads RESP2 replies off a stream of any pieces, and checks values as they pass.
//
// It keeps no value: a bulk of 1 MiB is compared with what it should be while it goes by, so that thousands
// of connections share one read buffer. It does not use the server's own codec, so that one mistake cannot
// hide in both.
//
//   while (scanner.next(input, &expected, reply) == AnswerScanner::State::kAnswer) ...
//
// Invariant: the pieces a stream is cut into do not change what is reported.
//
// Thread-safety: one thread. Cost: a memcmp a value; some 100 bytes a connection. Limits: a line (status,
// error, length) of kLongestLine bytes; values inside arrays are counted, not checked. Errors: kBroken once
// the stream is not RESP2, for ever. Ownership: refers to the ValueSource in an ExpectedValue for the call
// only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plimsoll/cli/load_value.h"

namespace plimsoll {

enum class AnswerKind : std::uint8_t { kStatus, kError, kInteger, kBulk, kNil, kArray };

struct Answer {
  AnswerKind kind = AnswerKind::kStatus;
  std::string_view line;   // without the type and the line's end; valid until the next call
  std::uint64_t size = 0;  // of a bulk, in bytes; of an array, in elements
  bool right = true;       // of a bulk: it is what was expected
};

// What a bulk should hold: one of the first `versions` versions of the key's value.
struct ExpectedValue {
  const ValueSource* values = nullptr;  // null: not checked
  std::uint64_t key = 0;
  std::uint32_t versions = 1;  // at most 32
  std::uint64_t size = 0;
};

class AnswerScanner {
 public:
  static constexpr std::size_t kLongestLine = 4096;
  enum class State : std::uint8_t { kNeedMore, kAnswer, kBroken };

  // Takes bytes off the front of `input`, up to the end of one whole reply. kNeedMore: all of it was taken.
  State next(std::string_view& input, const ExpectedValue& expected, Answer& answer);
  // For a new connection.
  void reset() { *this = AnswerScanner(); }
  bool broken() const { return part_ == Part::kBroken; }

 private:
  enum class Part : std::uint8_t { kLine, kBulk, kBulkEnd, kBroken };

  bool take_line(std::string_view& input);
  void read_line(const ExpectedValue& expected);
  void read_length(AnswerKind kind, const ExpectedValue& expected);
  void compare(std::string_view piece, const ExpectedValue& expected);
  void element_ends(AnswerKind kind, std::uint64_t size);

  std::string line_;
  Part part_ = Part::kLine;
  bool line_done_ = false;
  std::uint64_t elements_ = 1;  // still to come of the reply under way
  bool outermost_ = true;       // the next element is the reply itself and not inside an array
  Answer whole_;
  std::uint64_t bulk_size_ = 0;
  std::uint64_t bulk_seen_ = 0;
  std::uint32_t alive_ = 0;  // a bit for each version that the bulk may still be
};

}  // namespace plimsoll
