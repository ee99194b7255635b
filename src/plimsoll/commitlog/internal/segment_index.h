// SegmentIndex: the two indexes of one segment, as maps of their files: where an offset lies, and up to which
// offset all times are below one.
//
// Kafka's formats, big-endian: 8 bytes (relative offset, position) and 12 bytes (timestamp, relative offset),
// both strictly rising. Files are grown by 4 KiB with zeros behind the last entry; no entry has position 0 or
// time 0, so that zeros end it after a kill. Nothing here is trusted: what is out of order is not counted,
// and whoever looks up checks the batch that he is led to.
//
// Thread-safety: under its partition's lock. Cost: a look-up is a binary search, some 20 loads. Limits: a
// 32-bit position. Errors: add() is false when the disk or the system refuses; the index is then to be
// dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/mapped_file.h"

namespace plimsoll {

struct IndexPoint {
  std::uint32_t relative = 0;
  std::uint32_t position = 0;  // 0: there is none, begin at the segment's beginning
};

struct TimePoint {
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
  std::int64_t timestamp = kNone;  // the greatest so far
  std::uint32_t relative = 0;      // of the batch that has it
};

class SegmentIndex {
 public:
  static constexpr std::size_t kPointSize = 8;
  static constexpr std::size_t kTimeSize = 12;
  static constexpr Bytes kStep = 4_KiB;

  // What lies there, as far as it may be of a log of that size; nothing when there are no files. `path` is
  // without the ending.
  static Result<SegmentIndex> open(std::string path, std::uint64_t log_size);

  IndexPoint floor(std::uint32_t relative) const;      // the last at or below
  TimePoint floor_time(std::int64_t timestamp) const;  // the last below
  IndexPoint last() const { return points_ == 0 ? IndexPoint{} : point(points_ - 1); }
  TimePoint last_time() const { return times_ == 0 ? TimePoint{} : time(times_ - 1); }
  std::size_t points() const { return points_; }
  std::size_t times() const { return times_; }

  // What does not rise is left out.
  bool add(IndexPoint point);
  bool add(TimePoint point);
  // Forgets what is at or behind these.
  void cut(std::uint64_t log_size, std::uint64_t relative_end);
  // The files as long as their entries. False when that failed.
  bool trim();
  bool lock();

  Bytes mapped() const { return point_file_.mapped() + time_file_.mapped(); }
  Bytes locked() const { return locked_ ? mapped() : Bytes(); }
  unsigned files() const { return (point_file_.size().zero() ? 0 : 1) + (time_file_.size().zero() ? 0 : 1); }

 private:
  IndexPoint point(std::size_t i) const;
  TimePoint time(std::size_t i) const;
  void count(std::uint64_t log_size);
  bool make_room(MappedFile& file, const char* ending, std::size_t size);

  std::string path_;
  MappedFile point_file_;
  MappedFile time_file_;
  std::uint32_t points_ = 0;
  std::uint32_t times_ = 0;
  bool locked_ = false;
  bool wants_lock_ = false;
};

}  // namespace plimsoll
