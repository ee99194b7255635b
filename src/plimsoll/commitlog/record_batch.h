// BatchHeader, check_batch, RecordReader: Kafka's record batch, version 2, read and patched where it lies.
//
// A log keeps batches on disk as they are on the wire, so all that a produce does to a batch is one pass to
// check it and 12 bytes to patch: base offset and leader epoch are outside the checksum for that reason. Only
// log-append time changes bytes inside it, and has it computed again.
//
//   BatchCheck check = check_batch(bytes, {.max_bytes = config.max_message_bytes});
//   if (check.error != LogError::kNone) return check.error;
//   set_base_offset(bytes, next);
//
// Invariant: nothing outside the span is read, whatever lengths the batch names.
//
// Thread-safety: pure functions on the caller's bytes. Cost: check_batch() 10 ns a record and 0.1 ns a byte
// (CRC-32C); a header 10 ns. Limits: version 2 only; records of compressed batches are not read (that takes
// their codec: internal/record_fronts.h). Errors: a LogError; nothing a client sends aborts. Ownership: views
// live as long as the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/commitlog/log_error.h"

namespace plimsoll {

enum class BatchCodec : std::uint8_t { kNone, kGzip, kSnappy, kLz4, kZstd };  // by their numbers on the wire

struct BatchHeader {
  static constexpr std::size_t kSize = 61;
  static constexpr std::size_t kPrefix = 12;   // base offset and length, which the length does not count
  static constexpr std::size_t kChecked = 21;  // the checksum covers the bytes from here on
  static constexpr std::uint16_t kCodecMask = 7;
  static constexpr std::uint16_t kAppendTime = 8;
  static constexpr std::uint16_t kTransactional = 16;
  static constexpr std::uint16_t kControl = 32;

  std::int64_t base_offset = 0;
  std::int32_t length = 0;  // of what follows it
  std::int32_t leader_epoch = 0;
  std::int8_t magic = 0;
  std::uint32_t crc = 0;
  std::uint16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp = 0;
  std::int64_t max_timestamp = 0;
  std::int64_t producer_id = -1;  // -1: not idempotent
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t count = 0;

  // REQUIRES: length >= 0.
  std::size_t size() const { return static_cast<std::size_t>(length) + kPrefix; }
  std::int64_t last_offset() const { return base_offset + last_offset_delta; }
  unsigned codec() const { return attributes & kCodecMask; }
  bool append_time() const { return (attributes & kAppendTime) != 0; }
  bool control() const { return (attributes & kControl) != 0; }
  // Lengths and counts that a batch of version 2 can have; `most` bytes in all.
  bool plausible(std::uint64_t most) const;
};

// Nothing when the span is shorter than a header. Any 61 bytes are a header: plausible() judges.
std::optional<BatchHeader> read_batch_header(std::span<const char> bytes);
// Of the bytes from kChecked to the end of the batch.
std::uint32_t batch_crc(std::span<const char> batch);

struct BatchLimits {
  std::uint64_t max_bytes = 1'048'588;
  bool allow_control = false;
  bool require_keys = false;  // of uncompressed batches; others: check_compressed_keys()
};

struct BatchCheck {
  LogError error = LogError::kNone;
  BatchHeader header;
  std::int32_t record_index = -1;
};

// All that can be said of a produced batch without knowing the log: `batch` is exactly one batch.
BatchCheck check_batch(std::span<const char> batch, const BatchLimits& limits);

// REQUIRES of all three: at least a header of bytes.
void set_base_offset(std::span<char> batch, std::int64_t offset);
void set_leader_epoch(std::span<char> batch, std::int32_t epoch);
// Sets the maximum timestamp and the bit that says so, and computes the checksum again. REQUIRES: one whole
// batch.
void set_append_time(std::span<char> batch, std::int64_t ms);

struct RecordView {
  std::int64_t offset = 0;
  std::int64_t timestamp = 0;
  std::optional<std::string_view> key;    // nothing: null
  std::optional<std::string_view> value;  // nothing: null
  std::int32_t headers = 0;               // how many; their bytes are in header_bytes
  std::string_view header_bytes;
};

// The records of one uncompressed batch, in order:
//   for (RecordReader reader(batch, header); reader.next();) use(reader.record());
class RecordReader {
 public:
  // REQUIRES: the batch is not compressed.
  RecordReader(std::span<const char> batch, const BatchHeader& header);

  // False at the end, and where a record is malformed: then malformed().
  bool next();
  const RecordView& record() const { return record_; }
  std::int32_t index() const { return index_; }  // of record()
  bool malformed() const { return malformed_; }

 private:
  bool read_record(std::string_view body);

  std::string_view rest_;
  BatchHeader header_;
  RecordView record_;
  std::int32_t index_ = -1;
  bool malformed_ = false;
};

// A zigzag varint from the front of `in`, which it is taken off; nothing when it is cut or too long.
std::optional<std::int64_t> take_varint(std::string_view& in);

}  // namespace plimsoll
