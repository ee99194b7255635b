#include "plimsoll/commitlog/internal/partition_log.h"

#include <cinttypes>
#include <cstdio>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

Bytes PartitionLog::cost() {
  // With what the two shared_ptrs to it, its place in its topic and the heap's own bookkeeping take.
  return Bytes(sizeof(PartitionLog) + sizeof(Partition) + 96);
}

PartitionLog::PartitionLog(std::shared_ptr<StoreContext> store, std::shared_ptr<TopicIdentity> topic,
                           std::int32_t index, Charge charge, Point point)
    : store_(std::move(store)),
      topic_(std::move(topic)),
      index_(index),
      point_(point),
      charge_(std::move(charge)) {}

PartitionLog::~PartitionLog() {
  PLIMSOLL_CHECK(watchers_ == nullptr, "somebody still watches %s/%d", topic_->name().c_str(), index_);
}

std::string PartitionLog::directory() const {
  return store_->topic_directory(topic_->name()) + "/" + std::to_string(index_);
}

std::string PartitionLog::path(std::int64_t base, const char* ending) const {
  char name[48];
  std::snprintf(name, sizeof name, "/%020" PRId64 "%s", base, ending);
  return directory() + name;
}

bool PartitionLog::ready() {
  // Relaxed: it is set under the lock that is held.
  if (removed_.load(std::memory_order_relaxed)) return false;
  if (!opened_) opened_ = open_log(false) == LogError::kNone;
  return opened_;
}

std::shared_ptr<OpenSegment> PartitionLog::acquire(const Segment& segment) {
  if (std::shared_ptr<OpenSegment> open = store_->segments.find(key(segment))) return open;
  Result<std::shared_ptr<StoredFile>> file =
      store_->options.storage.open(path(segment.base, ".log"), OpenMode::kWrite);
  if (!file) return nullptr;
  auto open = std::make_shared<OpenSegment>();
  open->log = *std::move(file);
  store_->segments.insert(key(segment), open);
  return open;
}

SegmentIndex* PartitionLog::index_of(Segment& segment, OpenSegment& open) {
  if (!open.index && !open.without_index) {
    Result<SegmentIndex> index = SegmentIndex::open(path(segment.base, ""), segment.size);
    if (!index) {
      open.without_index = true;
      return nullptr;
    }
    open.index = *std::move(index);
    const auto interval = static_cast<std::uint64_t>(topic_->config()->index_interval_bytes);
    // A sealed one without entries was lost, if it is long enough to have had some.
    const bool lost = !is_active(segment) && open.index->points() == 0 && segment.size > 4 * interval + 65536;
    if (lost) return rebuild_index(segment, open);
    store_->segments.settle(key(segment), open, is_active(segment));
  }
  return open.index ? &*open.index : nullptr;
}

SegmentIndex* PartitionLog::rebuild_index(Segment& segment, OpenSegment& open) {
  if (!open.index) return nullptr;
  add(store_->counters.indexes_rebuilt);
  SegmentIndex& index = *open.index;
  index.cut(0, 0);
  const auto interval = static_cast<std::uint64_t>(topic_->config()->index_interval_bytes);
  BatchScanner scanner(*open.log, {0, segment.size}, segment.base);
  TimePoint latest;
  std::uint64_t unindexed = 0;
  bool added = true;
  while (added && scanner.next(false) == BatchScanner::Status::kBatch) {
    const BatchHeader& header = scanner.header();
    const auto relative = static_cast<std::uint32_t>(header.base_offset - segment.base);
    if (header.max_timestamp > latest.timestamp) latest = {header.max_timestamp, relative};
    if (unindexed > interval) {
      added = index.add(latest) &&
              index.add(IndexPoint{relative, static_cast<std::uint32_t>(scanner.position())});
      unindexed = 0;
    }
    unindexed += header.size();
  }
  added = added && index.add(latest);
  segment.max_timestamp = latest.timestamp == TimePoint::kNone ? -1 : latest.timestamp;
  if (is_active(segment)) {
    unindexed_ = unindexed;
    max_relative_ = latest.relative;
  }
  if (added && !is_active(segment)) added = index.trim();
  if (!added) {
    lose_index(segment, open);
    return nullptr;
  }
  store_->segments.settle(key(segment), open, is_active(segment));
  return open.index ? &*open.index : nullptr;
}

void PartitionLog::lose_index(Segment& segment, OpenSegment& open) {
  open.index.reset();
  open.without_index = true;
  store_->segments.settle(key(segment), open, false);
  // Without files it is made anew when it is next looked for; with half of them it might be believed.
  static_cast<void>(store_->options.storage.remove(path(segment.base, ".index")));
  static_cast<void>(store_->options.storage.remove(path(segment.base, ".timeindex")));
}

bool PartitionLog::begin_segment() {
  Storage& storage = store_->options.storage;
  if (segments_.empty() && !storage.make_directory(directory())) return false;
  Result<std::shared_ptr<StoredFile>> file = storage.open(path(end_offset_, ".log"), OpenMode::kCreate);
  if (!file) return false;
  // What an attempt that failed may have left.
  if (!(*file)->truncate(0)) return false;
  auto open = std::make_shared<OpenSegment>();
  open->log = *std::move(file);
  const std::uint64_t place = segments_.empty() ? 0 : segments_.back().place + segments_.back().size;
  segments_.push_back({.base = end_offset_, .max_timestamp = -1, .place = place, .size = 0, .synced = false});
  store_->segments.drop(key(segments_.back()));
  store_->segments.insert(key(segments_.back()), std::move(open));
  new_names_ = true;
  first_ms_ = -1;
  max_relative_ = 0;
  unindexed_ = write_started_ = 0;
  settle_charge();
  return true;
}

bool PartitionLog::roll() {
  Segment& active = segments_.back();
  if (std::shared_ptr<OpenSegment> open = acquire(active)) {
    if (SegmentIndex* index = index_of(active, *open)) {
      const bool sealed = index->add(TimePoint{active.max_timestamp, max_relative_}) && index->trim();
      if (sealed) {
        store_->segments.settle(key(active), *open, false);
      } else {
        lose_index(active, *open);
      }
    }
  }
  if (!begin_segment()) return false;
  add(store_->counters.rolls);
  store_snapshot();
  rolled_ = true;
  ask_keeper();  // what was sealed is synced, and what is too much by now goes
  return true;
}

void PartitionLog::doom_segment(const Segment& segment, std::int64_t due_ms) {
  store_->segments.drop(key(segment));
  for (const char* ending : {".log", ".index", ".timeindex"}) {
    const std::string from = path(segment.base, ending);
    const std::string to = from + ".deleted";
    // Indexes need not be there.
    if (store_->options.storage.rename(from, to)) store_->queue.doom({to, false, due_ms});
  }
}

void PartitionLog::drop_front(std::size_t count) {
  PLIMSOLL_CHECK(count < segments_.size());
  const std::int64_t due = later(store_->options.clock.wall_ms(), topic_->config()->file_delete_delay_ms);
  for (std::size_t i = 0; i < count; ++i) doom_segment(segments_[i], due);
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  start_offset_ = std::max(start_offset_, segments_.front().base);
  add(store_->counters.segments_deleted, count);
  settle_charge();
}

Bytes PartitionLog::wanted_charge() const {
  Bytes wanted = cost() + Bytes(segments_.capacity() * sizeof(Segment));
  if (producers_) wanted += ProducerState::kCost * producers_->size();
  return wanted;
}

void PartitionLog::settle_charge() {
  const Bytes wanted = wanted_charge();
  if (wanted < charge_.size()) {
    charge_.shrink(charge_.size() - wanted);
  } else if (wanted > charge_.size()) {
    // It is there already: what the files hold cannot be refused.
    charge_.merge(store_->options.state.charge_held(wanted - charge_.size()));
  }
}

void PartitionLog::ask_keeper() {
  if (asked_) return;
  asked_ = true;
  store_->queue.push(shared_from_this());
}

void PartitionLog::tell_watchers() {
  for (LogWatcher* watcher = watchers_; watcher != nullptr; watcher = watcher->next_) watcher->changed();
}

void PartitionLog::watch(LogWatcher& watcher) {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(watcher.of_ == nullptr);
  watcher.of_ = this;
  watcher.previous_ = nullptr;
  watcher.next_ = watchers_;
  if (watchers_ != nullptr) watchers_->previous_ = &watcher;
  watchers_ = &watcher;
}

void PartitionLog::unwatch(LogWatcher& watcher) {
  MutexLock lock(mutex_);
  if (watcher.of_ != this) return;
  (watcher.previous_ != nullptr ? watcher.previous_->next_ : watchers_) = watcher.next_;
  if (watcher.next_ != nullptr) watcher.next_->previous_ = watcher.previous_;
  watcher.of_ = nullptr;
  watcher.next_ = watcher.previous_ = nullptr;
}

std::int64_t PartitionLog::durable_offset() const {
  MutexLock lock(mutex_);
  return point_.durable;
}

PartitionLog::Point PartitionLog::point() const {
  MutexLock lock(mutex_);
  return {point_.durable, opened_ || point_.trusted};
}

PartitionLog::Summary PartitionLog::summary() const {
  MutexLock lock(mutex_);
  Summary all{.open = opened_, .segments = segments_.size()};
  for (const Segment& segment : segments_) all.bytes += segment.size;
  all.records = static_cast<std::uint64_t>(end_offset_ - start_offset_);
  if (producers_) all.producers = producers_->size();
  return all;
}

void PartitionLog::CheckInvariants() const {
  MutexLock lock(mutex_);
  if (!opened_) return;
  for (std::size_t i = 1; i < segments_.size(); ++i) {
    PLIMSOLL_CHECK(segments_[i - 1].base < segments_[i].base);
    PLIMSOLL_CHECK(segments_[i - 1].size > 0);
    PLIMSOLL_CHECK(segments_[i - 1].place + segments_[i - 1].size == segments_[i].place);
  }
  if (segments_.empty()) {
    PLIMSOLL_CHECK(end_offset_ == 0 && start_offset_ == 0);
  } else {
    PLIMSOLL_CHECK(segments_.back().base <= end_offset_ && segments_.front().base <= start_offset_);
    PLIMSOLL_CHECK((segments_.back().size == 0) == (segments_.back().base == end_offset_));
  }
  readers_.CheckInvariants();
  PLIMSOLL_CHECK(start_offset_ <= end_offset_ && point_.durable <= end_offset_);
  PLIMSOLL_CHECK(charge_.size() == wanted_charge() || removed_.load(std::memory_order_relaxed));
}

}  // namespace plimsoll
