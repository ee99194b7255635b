#include <algorithm>

#include "plimsoll/commitlog/internal/decompressor.h"
#include "plimsoll/commitlog/internal/partition_log.h"

namespace plimsoll {
namespace {

// A header or two and what is between index entries.
constexpr std::size_t kLook = 4096;
// What is asked of the disk before the reader of one segment comes to the next.
constexpr std::uint64_t kAhead = std::uint64_t{1} << 20;

}  // namespace

std::size_t PartitionLog::segment_of(std::int64_t offset) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                      [](std::int64_t wanted, const Segment& s) { return wanted < s.base; });
  return after == segments_.begin() ? 0 : static_cast<std::size_t>(after - segments_.begin()) - 1;
}

PartitionLog::Place PartitionLog::locate(Segment& segment, OpenSegment& open, std::int64_t offset) {
  for (bool trusted = true;; trusted = false) {
    IndexPoint point;
    if (SegmentIndex* index = index_of(segment, open)) {
      point = index->floor(static_cast<std::uint32_t>(offset - segment.base));
    }
    BatchScanner scanner(*open.log, {point.position, segment.size - point.position},
                         segment.base + point.relative, kLook);
    BatchScanner::Status status{};
    while ((status = scanner.next(false)) == BatchScanner::Status::kBatch) {
      if (scanner.header().last_offset() >= offset)
        return {LogError::kNone, scanner.position(), scanner.header()};
    }
    // An index that led nowhere is made anew, once; a log without the batch is a broken disk.
    if (status == BatchScanner::Status::kFailed || !trusted || point.position == 0) break;
    rebuild_index(segment, open);
  }
  return {.error = LogError::kStorage, .header = {}};
}

ReadOutcome PartitionLog::read(std::int64_t offset, Bytes most, bool whole_first_batch) {
  MutexLock lock(mutex_);
  add(store_->counters.reads);
  if (!ready()) return {.error = LogError::kStorage, .plan = {}};
  ReadOutcome outcome{.start_offset = start_offset_, .end_offset = end_offset_, .plan = {}};
  if (offset < start_offset_ || offset > end_offset_) outcome.error = LogError::kOffsetOutOfRange;
  if (outcome.error != LogError::kNone || offset == end_offset_) return outcome;
  if (most.zero() && !whole_first_batch) return outcome;  // nothing is opened to send nothing
  const std::size_t i = segment_of(offset);
  Segment& segment = segments_[i];
  const std::shared_ptr<OpenSegment> open = acquire(segment);
  Place place{.error = LogError::kStorage, .header = {}};
  if (open) place = locate(segment, *open, offset);
  outcome.error = place.error;
  if (place.error != LogError::kNone) return outcome;
  std::uint64_t size = std::min<std::uint64_t>(segment.size - place.position, most.count());
  if (whole_first_batch) size = std::max<std::uint64_t>(size, place.header.size());
  // A part of the only batch is of no use, and clients take it for a batch that they can never have.
  if (size < place.header.size()) return outcome;
  outcome.plan = {.file = open->log, .position = place.position, .size = Bytes(size)};
  note_reader(segment.place + place.position, segment.place + place.position + size);
  if (place.position + size == segment.size) fetch_ahead(i + 1);
  return outcome;
}

void PartitionLog::note_reader(std::uint64_t from, std::uint64_t to) {
  const LogStore::Options& options = store_->options;
  const std::uint64_t come = readers_.read(from, to, options.clock.monotonic_now());
  // Appends have the store's thread look as well; who catches up is faster than they are.
  if (come >= options.write_behind.count() && store_->short_of_pages.load(std::memory_order_relaxed))
    ask_keeper();
}

void PartitionLog::fetch_ahead(std::size_t segment) {
  if (segment >= segments_.size() || segments_[segment].size == 0) return;
  const std::shared_ptr<OpenSegment> next = acquire(segments_[segment]);
  if (next)
    static_cast<void>(next->log->fetch_ahead({0, std::min<std::uint64_t>(segments_[segment].size, kAhead)}));
}

bool PartitionLog::time_holds(Segment& segment, OpenSegment& open, TimePoint time) {
  const std::int64_t offset = segment.base + time.relative;
  const std::int64_t end = is_active(segment) ? end_offset_ : (&segment + 1)->base;
  if (offset >= end) return false;
  const Place place = locate(segment, open, offset);
  return place.error == LogError::kNone && place.header.base_offset == offset &&
         place.header.max_timestamp == time.timestamp;
}

bool PartitionLog::max_timestamp_of(Segment& segment, std::int64_t& timestamp) {
  if (segment.max_timestamp == kUnknownTime) {
    const std::shared_ptr<OpenSegment> open = acquire(segment);
    if (!open) return false;
    SegmentIndex* index = index_of(segment, *open);
    const TimePoint last = index != nullptr ? index->last_time() : TimePoint{};
    // An index that lost its end still holds: what comes after its last entry is looked at, which is little
    // but where times fell.
    std::int64_t greatest = -1;
    IndexPoint from;
    if (last.timestamp != TimePoint::kNone && time_holds(segment, *open, last)) {
      greatest = last.timestamp;
      if ((index = index_of(segment, *open)) != nullptr) from = index->floor(last.relative);
    }
    BatchScanner scanner(*open->log, {from.position, segment.size - from.position},
                         segment.base + from.relative);
    while (scanner.next(false) == BatchScanner::Status::kBatch) {
      greatest = std::max(greatest, scanner.header().max_timestamp);
    }
    segment.max_timestamp = greatest;
  }
  timestamp = segment.max_timestamp;
  return true;
}

OffsetAt PartitionLog::search_time(Segment& segment, std::int64_t timestamp) {
  const std::shared_ptr<OpenSegment> open = acquire(segment);
  if (!open) return {.error = LogError::kStorage};
  IndexPoint point;
  if (SegmentIndex* index = index_of(segment, *open)) {
    const TimePoint time = index->floor_time(timestamp);
    if (time.timestamp != TimePoint::kNone && !time_holds(segment, *open, time)) {
      index = rebuild_index(segment, *open);
    }
    if (index != nullptr) {
      const TimePoint below = index->floor_time(timestamp);
      if (below.timestamp != TimePoint::kNone) point = index->floor(below.relative);
    }
  }
  BatchScanner scanner(*open->log, {point.position, segment.size - point.position},
                       segment.base + point.relative);
  BatchScanner::Status status{};
  while ((status = scanner.next(false)) == BatchScanner::Status::kBatch) {
    const BatchHeader& header = scanner.header();
    if (header.max_timestamp < timestamp || header.last_offset() < start_offset_) continue;
    OffsetAt found{.offset = header.base_offset, .timestamp = header.max_timestamp};
    // Without memory to unfold it, or where it cannot be unfolded, the batch itself is the answer.
    const Charge memory =
        header.codec() == 0 ? Charge() : store_->options.state.charge(Decompressor::kMemory);
    OffsetAt record = found;
    if ((header.codec() == 0 || memory) &&
        scanner.find_time(timestamp, start_offset_, record.offset, record.timestamp)) {
      found = record;
    } else if (header.codec() == 0) {
      continue;
    }
    found.offset = std::max(found.offset, start_offset_);
    return found;
  }
  return {.error = status == BatchScanner::Status::kEnd ? LogError::kNone : LogError::kStorage};
}

OffsetAt PartitionLog::find_time(std::int64_t timestamp) {
  MutexLock lock(mutex_);
  if (!ready()) return {.error = LogError::kStorage};
  for (std::size_t i = segments_.empty() ? 0 : segment_of(start_offset_); i < segments_.size(); ++i) {
    std::int64_t greatest = 0;
    if (!max_timestamp_of(segments_[i], greatest)) return {.error = LogError::kStorage};
    if (segments_[i].size == 0 || greatest < timestamp) continue;
    const OffsetAt found = search_time(segments_[i], timestamp);
    if (found.error != LogError::kNone || found.offset >= 0) return found;
  }
  return {};
}

OffsetAt PartitionLog::latest_time() {
  MutexLock lock(mutex_);
  if (!ready()) return {.error = LogError::kStorage};
  Segment* latest = nullptr;
  std::int64_t greatest = kUnknownTime;
  for (std::size_t i = segments_.empty() ? 0 : segment_of(start_offset_); i < segments_.size(); ++i) {
    std::int64_t timestamp = 0;
    if (!max_timestamp_of(segments_[i], timestamp)) return {.error = LogError::kStorage};
    if (segments_[i].size == 0 || timestamp <= greatest) continue;
    greatest = timestamp;
    latest = &segments_[i];
  }
  return latest == nullptr ? OffsetAt{} : search_time(*latest, greatest);
}

std::int64_t PartitionLog::start_offset() {
  MutexLock lock(mutex_);
  return ready() ? start_offset_ : -1;
}

std::int64_t PartitionLog::end_offset() {
  MutexLock lock(mutex_);
  return ready() ? end_offset_ : -1;
}

Bytes PartitionLog::size() {
  MutexLock lock(mutex_);
  Bytes sum;
  if (!ready()) return sum;
  for (const Segment& segment : segments_) sum += Bytes(segment.size);
  return sum;
}

LogError PartitionLog::delete_before(std::int64_t offset) {
  MutexLock lock(mutex_);
  if (!ready()) return LogError::kStorage;
  if (offset == -1) offset = end_offset_;
  if (offset < 0 || offset > end_offset_) return LogError::kOffsetOutOfRange;
  if (offset <= start_offset_) return LogError::kNone;
  // All of it: then the active segment can go as well.
  if (offset == end_offset_ && segments_.back().size != 0 && !roll()) return LogError::kStorage;
  // What is said to be gone does not come back with the next start.
  if (!store_start(offset)) return LogError::kStorage;
  start_offset_ = offset;
  drop_front(segment_of(start_offset_));
  tell_watchers();
  return LogError::kNone;
}

}  // namespace plimsoll
