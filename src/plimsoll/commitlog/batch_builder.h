// BatchBuilder: makes one uncompressed record batch of version 2 in the caller's bytes.
//
// Tests, benchmarks and clients of the log need batches that are right (and, for tests, wrong in one place),
// without a Kafka client at hand.
//
//   std::array<char, 4096> bytes;
//   BatchBuilder builder(bytes);
//   builder.add({.timestamp = now, .key = "k", .value = "v"});
//   log.append(builder.finish({}), now);
//
// Invariant: what finish() returns passes check_batch() if at least one record was added.
//
// Thread-safety: one thread. Cost: a copy of the record. Limits: as many records as fit. Errors: add() says
// no when the bytes are full, and changes nothing. Ownership: none; the bytes outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "plimsoll/commitlog/record_batch.h"

namespace plimsoll {

struct RecordHeader {
  std::string_view name;
  std::optional<std::string_view> value;
};

struct NewRecord {
  std::int64_t timestamp = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const RecordHeader> headers;
};

class BatchBuilder {
 public:
  struct Producer {
    std::int64_t base_offset = 0;
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    std::int32_t base_sequence = -1;
  };

  explicit BatchBuilder(std::span<char> into) : into_(into) {}

  [[nodiscard]] bool add(const NewRecord& record);
  std::int32_t count() const { return count_; }
  // The batch, with its lengths and checksum. May be added to and finished again.
  std::span<char> finish(const Producer& producer);

 private:
  std::span<char> into_;
  std::size_t size_ = BatchHeader::kSize;
  std::int32_t count_ = 0;
  std::int64_t base_timestamp_ = 0;
  std::int64_t max_timestamp_ = 0;
};

}  // namespace plimsoll
