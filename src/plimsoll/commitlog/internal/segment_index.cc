#include "plimsoll/commitlog/internal/segment_index.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "plimsoll/commitlog/internal/wire_bytes.h"

namespace plimsoll {
namespace {

Result<MappedFile> open_if_there(const std::string& path) {
  Result<MappedFile> file = MappedFile::open(path, MappedFile::Access::kWrite);
  if (!file && file.error().code == ErrorCode::kNotFound) return MappedFile();
  return file;
}

// Zeros behind the last entry, as the file had them before it was written.
void clear_from(MappedFile& file, std::size_t offset) {
  if (offset >= file.size().count()) return;
  const std::span<std::byte> rest = file.writable_bytes().subspan(offset);
  std::fill(rest.begin(), rest.end(), std::byte{0});
}

}  // namespace

Result<SegmentIndex> SegmentIndex::open(std::string path, std::uint64_t log_size) {
  SegmentIndex index;
  Result<MappedFile> points = open_if_there(path + ".index");
  if (!points) return tl::unexpected(points.error());
  Result<MappedFile> times = open_if_there(path + ".timeindex");
  if (!times) return tl::unexpected(times.error());
  index.path_ = std::move(path);
  index.point_file_ = *std::move(points);
  index.time_file_ = *std::move(times);
  index.count(log_size);
  return index;
}

IndexPoint SegmentIndex::point(std::size_t i) const {
  const std::byte* at = point_file_.bytes().data() + i * kPointSize;
  return {load_big<std::uint32_t>(at), load_big<std::uint32_t>(at + 4)};
}

TimePoint SegmentIndex::time(std::size_t i) const {
  const std::byte* at = time_file_.bytes().data() + i * kTimeSize;
  return {load_big<std::int64_t>(at), load_big<std::uint32_t>(at + 8)};
}

void SegmentIndex::count(std::uint64_t log_size) {
  const std::size_t most_points = point_file_.size().count() / kPointSize;
  IndexPoint before;
  for (points_ = 0; points_ < most_points; ++points_) {
    const IndexPoint next = point(points_);
    if (next.position <= before.position || next.position >= log_size) break;
    if (next.relative <= before.relative) break;
    before = next;
  }
  const std::size_t most_times = time_file_.size().count() / kTimeSize;
  TimePoint earlier;
  for (times_ = 0; times_ < most_times; ++times_) {
    const TimePoint next = time(times_);
    if (next.timestamp <= 0 || next.timestamp <= earlier.timestamp) break;
    if (times_ > 0 && next.relative <= earlier.relative) break;
    earlier = next;
  }
}

IndexPoint SegmentIndex::floor(std::uint32_t relative) const {
  std::size_t low = 0;
  for (std::size_t size = points_; size > 0;) {
    const std::size_t half = size / 2;
    if (point(low + half).relative <= relative) {
      low += half + 1;
      size -= half + 1;
    } else {
      size = half;
    }
  }
  return low == 0 ? IndexPoint{} : point(low - 1);
}

TimePoint SegmentIndex::floor_time(std::int64_t timestamp) const {
  std::size_t low = 0;
  for (std::size_t size = times_; size > 0;) {
    const std::size_t half = size / 2;
    if (time(low + half).timestamp < timestamp) {
      low += half + 1;
      size -= half + 1;
    } else {
      size = half;
    }
  }
  return low == 0 ? TimePoint{} : time(low - 1);
}

bool SegmentIndex::make_room(MappedFile& file, const char* ending, std::size_t size) {
  if (size <= file.size().count()) return true;
  const Bytes wanted = Bytes(size).rounded_up(kStep);
  if (file.size().zero()) {
    Result<MappedFile> made = MappedFile::create(path_ + ending, wanted);
    if (!made) return false;
    file = *std::move(made);
  } else if (!file.grow(wanted)) {
    return false;
  }
  // The map is another one now.
  if (wants_lock_) lock();
  return true;
}

bool SegmentIndex::add(IndexPoint point) {
  if (point.position <= last().position || point.relative <= last().relative) return true;
  const std::size_t at = points_ * kPointSize;
  if (!make_room(point_file_, ".index", at + kPointSize)) return false;
  std::byte* to = point_file_.writable_bytes().data() + at;
  store_big(to, point.relative);
  store_big(to + 4, point.position);
  ++points_;
  return true;
}

bool SegmentIndex::add(TimePoint point) {
  if (point.timestamp <= 0 || point.timestamp <= last_time().timestamp) return true;
  if (times_ > 0 && point.relative <= last_time().relative) return true;
  const std::size_t at = times_ * kTimeSize;
  if (!make_room(time_file_, ".timeindex", at + kTimeSize)) return false;
  std::byte* to = time_file_.writable_bytes().data() + at;
  store_big(to, point.timestamp);
  store_big(to + 8, point.relative);
  ++times_;
  // A kill must not find the offset's entry, which is added next, without this one.
  std::atomic_signal_fence(std::memory_order_release);
  return true;
}

void SegmentIndex::cut(std::uint64_t log_size, std::uint64_t relative_end) {
  while (points_ > 0 && (last().position >= log_size || last().relative >= relative_end)) --points_;
  while (times_ > 0 && last_time().relative >= relative_end) --times_;
  clear_from(point_file_, points_ * kPointSize);
  clear_from(time_file_, times_ * kTimeSize);
}

bool SegmentIndex::trim() {
  bool done = true;
  if (!point_file_.size().zero()) done = point_file_.trim(Bytes(points_ * kPointSize)).has_value();
  if (!time_file_.size().zero()) done = time_file_.trim(Bytes(times_ * kTimeSize)).has_value() && done;
  locked_ = wants_lock_ = false;
  return done;
}

bool SegmentIndex::lock() {
  wants_lock_ = true;
  locked_ = point_file_.lock().has_value() && time_file_.lock().has_value();
  return locked_;
}

}  // namespace plimsoll
