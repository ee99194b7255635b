// BatchScanner: walks the batches of a segment's file through a small buffer of its own, checking as much as
// it is told to.
//
// What a log does with its own batches (finding an offset, checking a tail, replaying producers) needs
// headers and checksums, not messages: they pass through a few KiB on the stack, and not through the heap.
//
// Thread-safety: one thread. Cost: a pread for each `chunk`, or for each batch larger than that. Limits:
// none. Errors: kBad is the first byte that is not part of a good batch; kFailed a disk that does not read.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "plimsoll/commitlog/record_batch.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

class BatchScanner {
 public:
  enum class Status : std::uint8_t { kBatch, kEnd, kBad, kFailed };
  static constexpr std::size_t kBuffer = std::size_t{32} << 10;

  // Batches from `position` to `end`, the first of them with `offset` (-1: any).
  BatchScanner(const StoredFile& file, FileRange range, std::int64_t offset, std::size_t chunk = kBuffer)
      : file_(file),
        next_position_(range.position),
        end_(range.position + range.size),
        next_offset_(offset),
        chunk_(std::min(chunk, kBuffer)) {}

  Status next(bool verify);
  const BatchHeader& header() const { return header_; }  // REQUIRES of both: kBatch
  std::uint64_t position() const { return position_; }
  // Where the batch after it begins; at kBad, where the good ones end.
  std::uint64_t next_position() const { return next_position_; }
  std::int64_t next_offset() const { return next_offset_; }

  // The first record of the batch, at offset `from` or behind it, whose time is `timestamp` or later: its
  // offset and time. False: none is, or they cannot be read. REQUIRES: kBatch; `from` is not behind it.
  bool find_time(std::int64_t timestamp, std::int64_t from, std::int64_t& offset, std::int64_t& at);

 private:
  // As much as there is, up to `wanted`, from `position`; empty at the end or when the disk does not read.
  std::span<const char> view(std::uint64_t position, std::size_t wanted);
  bool checksum_matches();
  bool find_plain_time(std::int64_t timestamp, std::int64_t from, std::int64_t& offset, std::int64_t& at);
  bool find_compressed_time(std::int64_t timestamp, std::int64_t from, std::int64_t& offset,
                            std::int64_t& at);

  const StoredFile& file_;
  std::uint64_t position_ = 0;
  std::uint64_t next_position_;
  const std::uint64_t end_;
  std::int64_t next_offset_;
  const std::size_t chunk_;
  BatchHeader header_;
  bool failed_ = false;
  std::uint64_t buffer_position_ = 0;
  std::size_t buffer_size_ = 0;
  std::array<char, kBuffer> buffer_;  // what is not read is not written either
};

}  // namespace plimsoll
