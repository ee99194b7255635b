// ProducerState: what a partition remembers of its idempotent producers, so that a batch sent again is not
// appended again.
//
// Of each producer the epoch and its last five batches, as many as a client has under way (Kafka's KIP-98). A
// duplicate among them gets its first offsets again, a gap is refused, an unknown producer begins anywhere.
// Kept in snapshot files beside the segments, from the newest of which the log is replayed.
//
// Thread-safety: under its partition's lock. Cost: a hash look-up; 160 bytes a producer. Limits: five batches
// each; above Options::producers the one that was silent longest is forgotten. Errors: LogError; a snapshot
// that is not what was written is not read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plimsoll/base/bytes.h"
#include "plimsoll/commitlog/log_error.h"
#include "plimsoll/commitlog/record_batch.h"

namespace plimsoll {

class ProducerState {
 public:
  static constexpr Bytes kCost{160};
  static constexpr std::size_t kBatches = 5;

  struct Verdict {
    LogError error = LogError::kNone;
    bool duplicate = false;
    bool fresh = false;             // of a producer that is not known yet
    std::int64_t base_offset = -1;  // of a duplicate
    std::int64_t last_offset = -1;
  };

  Verdict judge(const BatchHeader& header) const;
  // REQUIRES: an idempotent batch, with its offset.
  void remember(const BatchHeader& header, std::int64_t now_ms);
  // Returns how many went.
  std::size_t forget_before(std::int64_t time_ms);
  void forget_oldest();
  // Those whose last batches are furthest up in the log, when there are more than `most`.
  void keep_newest(std::size_t most);

  std::size_t size() const { return producers_.size(); }
  void clear() { producers_.clear(); }

  // With a checksum over all of it.
  std::string snapshot() const;
  static std::optional<ProducerState> from_snapshot(std::string_view bytes);

 private:
  struct Sent {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    std::int64_t last_offset = 0;
    std::int32_t last_delta = 0;
  };
  struct Producer {
    std::int64_t last_ms = 0;
    std::int16_t epoch = 0;
    std::uint8_t count = 0;             // of sent
    std::array<Sent, kBatches> sent{};  // oldest first
  };

  std::unordered_map<std::int64_t, Producer> producers_;
};

}  // namespace plimsoll
