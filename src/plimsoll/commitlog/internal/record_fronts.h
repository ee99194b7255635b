// RecordFronts: the first bytes of each record of a compressed batch, one after the other.
//
// Times and whether there is a key stand at a record's front, and values are what is large: a window of 32
// KiB sees all fronts, whatever a record or a batch unfolds to.
//
//   RecordFronts fronts(*pieces);
//   while (std::optional<std::string_view> front = fronts.next()) use(*front);
//
// Invariant: no more than kMostUnfolded is unfolded, so that a small batch of zeros costs a bounded time.
//
// Thread-safety: one thread. Cost: the window, and one copy of what is unfolded. Limits: kMostUnfolded.
// Errors: next() ends early; state() says why. Ownership: a front is good until the next; the pieces outlive
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plimsoll/commitlog/internal/decompressor.h"
#include "plimsoll/commitlog/record_batch.h"

namespace plimsoll {

class RecordFronts {
 public:
  static constexpr std::size_t kFront =
      48;  // a length, attributes, two deltas and the key's length: at most 41
  // As large as a request of a client may be: what it could have sent without compressing it.
  static constexpr Bytes kMostUnfolded = 100_MiB;
  enum class State : std::uint8_t { kGood, kEnd, kMalformed, kNotUnfolded };

  explicit RecordFronts(Decompressor& pieces) : pieces_(pieces) {}

  // From behind the record's length, and no more than the record.
  std::optional<std::string_view> next();
  State state() const { return state_; }

 private:
  bool refill();

  Decompressor& pieces_;
  std::string_view rest_;  // of the last piece
  std::string window_;     // used up to at_
  std::size_t at_ = 0;
  std::uint64_t skip_ = 0;  // of what comes: the rest of a record
  Bytes unfolded_;
  bool ended_ = false;
  State state_ = State::kGood;
};

// Whether every record of a compressed batch has a key: kNone; kInvalidRecord with the index of the first
// that has none or is malformed; kUnsupportedCodec when it may be well formed, but wants more memory than
// that.
BatchCheck check_compressed_keys(std::span<const char> batch, const BatchHeader& header, Bytes memory);

}  // namespace plimsoll
