// Opening a log: what lies in its directory, how much of it is good, and who had produced to it.
//
// After a kill on the same boot the page cache has all that was written, so that only the end of the active
// segment can be torn: it is checked from its last index entry on. After a start of the machine everything
// behind the durable offset is. The first batch that is not good, and what follows it, was never acknowledged
// as durable.
#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "plimsoll/commitlog/internal/partition_log.h"

namespace plimsoll {
namespace {

constexpr std::size_t kDigits = 20;
constexpr Bytes kMostSnapshot = 64_MiB;
constexpr std::string_view kStartFile = "/start";

bool offset_of(std::string_view name, std::int64_t& offset) {
  if (name.size() < kDigits) return false;
  const auto end = std::from_chars(name.data(), name.data() + kDigits, offset);
  return end.ec == std::errc() && end.ptr == name.data() + kDigits && offset >= 0;
}

}  // namespace

struct PartitionLog::Found {
  std::vector<std::int64_t> snapshots;  // rising
};

LogError PartitionLog::open_log(bool check_all) {
  segments_.clear();
  snapshot_ = older_snapshot_ = -1;
  start_offset_ = end_offset_ = 0;
  Found found;
  if (const LogError error = look_around(found); error != LogError::kNone) return error;
  if (!segments_.empty()) {
    start_offset_ = segments_.front().base;
    std::size_t first = segments_.size();
    if (check_all && !point_.trusted) {
      for (first = 0; first + 1 < segments_.size() && segments_[first + 1].base <= point_.durable;) ++first;
    }
    const LogError error = first < segments_.size() ? check_segments(first) : check_tail();
    if (error != LogError::kNone) return error;
  }
  // What was read after the machine was started is what is on the disk.
  if (check_all || point_.trusted || point_.durable > end_offset_) point_.durable = end_offset_;
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i)
    segments_[i].synced = segments_[i + 1].base <= point_.durable;
  if (!segments_.empty()) segments_.back().synced = end_offset_ <= point_.durable;
  load_start();
  if (const LogError error = load_producers(found); error != LogError::kNone) return error;
  settle_charge();
  if (!segments_.empty()) {
    std::uint64_t place = 0;
    for (Segment& segment : segments_) {
      segment.place = place;
      place += segment.size;
    }
    write_started_ = segments_.back().size;
    forgotten_ = place;
    drop_front(segment_of(start_offset_));
  }
  return LogError::kNone;
}

LogError PartitionLog::look_around(Found& found) {
  Storage& storage = store_->options.storage;
  Result<std::vector<DirectoryEntry>> entries = storage.list(directory());
  if (!entries) {
    return entries.error().code == ErrorCode::kNotFound ? LogError::kNone : LogError::kStorage;
  }
  for (const DirectoryEntry& entry : *entries) {
    const std::string_view name = entry.name;
    std::int64_t offset = 0;
    if (name.ends_with(".deleted") || name.ends_with(".new")) {
      static_cast<void>(storage.remove(directory() + "/" + entry.name));
    } else if (entry.directory || !offset_of(name, offset)) {
      continue;  // not ours
    } else if (name.substr(kDigits) == ".log") {
      const std::uint64_t size =
          std::min<std::uint64_t>(entry.size, std::numeric_limits<std::uint32_t>::max());
      segments_.push_back({.base = offset, .size = static_cast<std::uint32_t>(size)});
    } else if (name.substr(kDigits) == ".producers") {
      found.snapshots.push_back(offset);
    }
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.base < b.base; });
  // A sealed segment is never empty: one was lost with what should have been in it, or never begun.
  const std::int64_t active = segments_.empty() ? 0 : segments_.back().base;
  std::erase_if(segments_, [active](const Segment& s) { return s.size == 0 && s.base != active; });
  segments_.shrink_to_fit();
  return LogError::kNone;
}

// Checks one segment from an entry of its index on, completes the index, and cuts the file behind the last
// good batch.
LogError PartitionLog::check_from(Segment& segment, IndexPoint from, std::int64_t& end) {
  const std::shared_ptr<OpenSegment> open = acquire(segment);
  if (!open) return LogError::kStorage;
  SegmentIndex* index = index_of(segment, *open);
  if (index != nullptr) {
    index->cut(from.position + 1u, std::uint64_t{from.relative} + (from.position == 0 ? 0 : 1));
  }
  const auto interval = static_cast<std::uint64_t>(topic_->config()->index_interval_bytes);
  TimePoint latest = index != nullptr ? index->last_time() : TimePoint{};
  BatchScanner scanner(*open->log, {from.position, segment.size - from.position},
                       segment.base + from.relative);
  BatchScanner::Status status{};
  unindexed_ = 0;
  while ((status = scanner.next(true)) == BatchScanner::Status::kBatch) {
    const BatchHeader& header = scanner.header();
    const std::int64_t relative = header.base_offset - segment.base;
    if (header.last_offset() - segment.base > std::numeric_limits<std::int32_t>::max()) break;
    if (header.max_timestamp > latest.timestamp)
      latest = {header.max_timestamp, static_cast<std::uint32_t>(relative)};
    if (unindexed_ > interval && index != nullptr) {
      const IndexPoint point{static_cast<std::uint32_t>(relative),
                             static_cast<std::uint32_t>(scanner.position())};
      if (!index->add(latest) || !index->add(point)) {
        lose_index(segment, *open);
        index = nullptr;
      }
      unindexed_ = 0;
    }
    unindexed_ += header.size();
  }
  if (status == BatchScanner::Status::kFailed) return LogError::kStorage;
  end = scanner.next_offset();
  if (scanner.next_position() != segment.size) {
    add(store_->counters.truncated, segment.size - scanner.next_position());
    if (!open->log->truncate(scanner.next_position())) return LogError::kStorage;
    segment.size = static_cast<std::uint32_t>(scanner.next_position());
    segment.synced = false;
  }
  segment.max_timestamp = latest.timestamp == TimePoint::kNone ? -1 : latest.timestamp;
  max_relative_ = latest.relative;
  store_->segments.settle(key(segment), *open, is_active(segment));
  return LogError::kNone;
}

// The active segment from its last good index entry on, or from its beginning.
LogError PartitionLog::check_tail() {
  Segment& active = segments_.back();
  const std::shared_ptr<OpenSegment> open = acquire(active);
  if (!open) return LogError::kStorage;
  IndexPoint from;
  if (SegmentIndex* index = index_of(active, *open)) {
    const TimePoint last = index->last_time();
    from = index->last();
    BatchScanner scanner(*open->log, {from.position, active.size - from.position},
                         active.base + from.relative, BatchHeader::kSize);
    const bool leads = scanner.next(false) == BatchScanner::Status::kBatch;
    end_offset_ = active.base + from.relative + 1;  // for time_holds(), while the end is not known
    if (from.position != 0 && (!leads || last.timestamp == TimePoint::kNone)) from = {};
    if (from.position != 0 && last.relative <= from.relative && !time_holds(active, *open, last)) from = {};
  }
  first_ms_ = -1;
  BatchScanner first(*open->log, {0, active.size}, active.base, BatchHeader::kSize);
  if (first.next(false) == BatchScanner::Status::kBatch && first.header().max_timestamp >= 0) {
    first_ms_ = std::min(first.header().max_timestamp, store_->options.clock.wall_ms());
  }
  return check_from(active, from, end_offset_);
}

LogError PartitionLog::check_segments(std::size_t first) {
  for (std::size_t i = first; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    std::int64_t end = 0;
    add(store_->counters.recovered, segment.size);
    if (const LogError error = check_from(segment, {}, end); error != LogError::kNone) return error;
    end_offset_ = end;
    first_ms_ = store_->options.clock.wall_ms();
    const bool last = i + 1 == segments_.size();
    // A sealed segment whose end was lost is appended to again; what came after it is lost too.
    if (!last && segments_[i + 1].base != end) drop_behind(i + 1);
    if (last || i + 1 == segments_.size()) break;
    const std::shared_ptr<OpenSegment> open = acquire(segment);
    SegmentIndex* index = open ? index_of(segment, *open) : nullptr;
    if (index == nullptr) continue;
    if (index->add(TimePoint{segment.max_timestamp, max_relative_}) && index->trim()) {
      store_->segments.settle(key(segment), *open, false);
    } else {
      lose_index(segment, *open);
    }
  }
  if (segments_.size() > 1 && segments_.back().size == 0 && segments_.back().base != end_offset_) {
    drop_behind(segments_.size() - 1);
  }
  return LogError::kNone;
}

void PartitionLog::drop_behind(std::size_t count) {
  const std::int64_t now = store_->options.clock.wall_ms();
  for (std::size_t i = count; i < segments_.size(); ++i) {
    add(store_->counters.truncated, segments_[i].size);
    doom_segment(segments_[i], now);
  }
  segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(count), segments_.end());
}

LogError PartitionLog::load_producers(const Found& found) {
  producers_.reset();
  since_snapshot_ = 0;
  if (segments_.empty()) return LogError::kNone;
  Storage& storage = store_->options.storage;
  std::int64_t from = segments_.front().base;
  for (auto at = found.snapshots.rbegin(); at != found.snapshots.rend(); ++at) {
    const bool useful = *at <= end_offset_ && snapshot_ < 0;
    Result<std::string> bytes = plimsoll::fail(ErrorCode::kNotFound, "not looked for");
    if (useful) bytes = storage.read_whole(path(*at, ".producers"), kMostSnapshot);
    std::optional<ProducerState> state;
    if (bytes) state = ProducerState::from_snapshot(*bytes);
    if (state) {
      snapshot_ = *at;
      from = std::max(from, *at);
      if (state->size() != 0) producers_ = std::make_unique<ProducerState>(*std::move(state));
    } else if (snapshot_ >= 0 && older_snapshot_ < 0) {
      older_snapshot_ = *at;
    } else {
      static_cast<void>(storage.remove(path(*at, ".producers")));
    }
  }
  return replay(from);
}

LogError PartitionLog::replay(std::int64_t from) {
  // They count as heard of now: a record's time is its producer's, who may be sending what is years old.
  const std::int64_t now_ms = store_->options.clock.wall_ms();
  const std::size_t most = store_->options.producers;
  for (std::size_t i = segment_of(from); i < segments_.size() && from < end_offset_; ++i) {
    Segment& segment = segments_[i];
    const std::shared_ptr<OpenSegment> open = acquire(segment);
    if (!open) return LogError::kStorage;
    const Place place = from > segment.base ? locate(segment, *open, from) : Place{.header = {}};
    if (place.error != LogError::kNone) return place.error;
    const std::int64_t offset = from > segment.base ? place.header.base_offset : segment.base;
    BatchScanner scanner(*open->log, {place.position, segment.size - place.position}, offset);
    BatchScanner::Status status{};
    while ((status = scanner.next(false)) == BatchScanner::Status::kBatch) {
      const BatchHeader& header = scanner.header();
      since_snapshot_ += header.size();
      if (header.producer_id < 0 || header.last_offset() < from) continue;
      if (!producers_) producers_ = std::make_unique<ProducerState>();
      producers_->remember(header, now_ms);
      if (producers_->size() >= 2 * most) producers_->keep_newest(most);
    }
    if (status == BatchScanner::Status::kFailed) return LogError::kStorage;
    from = scanner.next_offset();
  }
  if (producers_) producers_->keep_newest(most);
  return LogError::kNone;
}

bool PartitionLog::write_small(const std::string& path, std::string_view bytes) {
  // Not synced: it survives a kill, and after a crash of the machine what is not whole is not read.
  Storage& storage = store_->options.storage;
  Result<std::shared_ptr<StoredFile>> file = storage.open(path + ".new", OpenMode::kCreate);
  if (!file || !(*file)->truncate(0) || !(*file)->write_at(0, bytes)) return false;
  return storage.rename(path + ".new", path).has_value();
}

void PartitionLog::load_start() {
  Result<std::string> text = store_->options.storage.read_whole(directory() + std::string(kStartFile), 64_B);
  std::int64_t offset = 0;
  if (!text || text->size() != kDigits || !offset_of(*text, offset)) return;
  start_offset_ = std::clamp(offset, start_offset_, end_offset_);
}

bool PartitionLog::store_start(std::int64_t offset) {
  std::string text = std::to_string(offset);
  text.insert(0, kDigits - text.size(), '0');
  return write_small(directory() + std::string(kStartFile), text);
}

void PartitionLog::store_snapshot() {
  since_snapshot_ = 0;
  if (snapshot_ == end_offset_) return;
  const std::string bytes = producers_ ? producers_->snapshot() : ProducerState().snapshot();
  if (!write_small(path(end_offset_, ".producers"), bytes)) return;  // the one before is replayed from
  if (older_snapshot_ >= 0)
    static_cast<void>(store_->options.storage.remove(path(older_snapshot_, ".producers")));
  older_snapshot_ = std::exchange(snapshot_, end_offset_);
}

}  // namespace plimsoll
