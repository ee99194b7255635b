// What the store's thread does for a log: write-back and letting go of the page cache behind the appender,
// syncs, retention.
#include <algorithm>
#include <chrono>
#include <utility>

#include "plimsoll/commitlog/internal/partition_log.h"

namespace plimsoll {

LogError PartitionLog::open_checked() {
  MutexLock lock(mutex_);
  if (opened_) return LogError::kNone;
  const LogError error = open_log(true);
  opened_ = error == LogError::kNone;
  return error;
}

PartitionLog::Behind PartitionLog::plan_behind(MonotonicTime now) {
  Behind plan;
  // Long enough for who polls as clients do; what is kept longer is pages that nobody reads again, and the
  // kernel prefers them to those that somebody will read: they were used twice.
  constexpr std::chrono::milliseconds kReaderWindow(500);
  if (now >= next_window_) {
    lowest_read_before_ = std::exchange(lowest_read_, kNobody);
    next_window_ = now + kReaderWindow;
  }
  const LogStore::Options& options = store_->options;
  const std::uint64_t step = options.write_behind.count();
  const std::uint64_t size = segments_.back().size;
  const std::uint64_t whole = size / step * step;
  if (whole > write_started_) {
    plan.start = {write_started_, whole - write_started_};
    write_started_ = whole;
  }
  // A reader that follows finds all that he has not had.
  const std::int64_t lowest = std::min(lowest_read_, lowest_read_before_);
  std::uint64_t end = size > options.keep_behind.count() ? size - options.keep_behind.count() : 0;
  if (lowest != kNobody) end = std::min(end, static_cast<std::uint64_t>(lowest));
  end = end / step * step;
  if (end > forgotten_) {
    plan.forget = {forgotten_, end - forgotten_};
    forgotten_ = end;
  }
  if (plan.start.size != 0 || plan.forget.size != 0) {
    if (const std::shared_ptr<OpenSegment> open = acquire(segments_.back())) plan.file = open->log;
  }
  return plan;
}

PartitionLog::Due PartitionLog::keep(MonotonicTime now) {
  const std::shared_ptr<const TopicConfig> config = topic_->config();
  Behind plan;
  bool sync_now = false;
  {
    MutexLock lock(mutex_);
    asked_ = false;
    if (!opened_ || segments_.empty() || removed_.load(std::memory_order_relaxed)) return {};
    // At 500 MB a second, what comes in between two rounds of upkeep would fill a disk.
    if (std::exchange(rolled_, false) && config->delete_old && !failed_)
      retain(*config, store_->options.clock.wall_ms());
    plan = plan_behind(now);
    sync_now = sync_pending_ && sync_due_ <= now;
  }
  if (plan.file && plan.start.size != 0) static_cast<void>(plan.file->start_writing(plan.start));
  if (plan.file && plan.forget.size != 0) {
    // Only clean pages go. An error of write-back is told once, so that here it is as a sync that failed.
    if (!plan.file->wait_written(plan.forget)) fail();
    static_cast<void>(plan.file->forget(plan.forget));
  }
  sync_segments(sync_now);
  MutexLock lock(mutex_);
  kept_ = sync_pending_ && !failed_;
  if (!kept_) return {};
  return {.again = true, .at = sync_due_};
}

bool PartitionLog::sync() { return sync_segments(true); }

bool PartitionLog::sync_segments(bool active_too) {
  std::vector<std::pair<std::int64_t, std::shared_ptr<OpenSegment>>> files;  // by base
  std::int64_t target = 0;
  bool names = false;
  {
    MutexLock lock(mutex_);
    if (removed_.load(std::memory_order_relaxed) || !ready() || failed_) return false;
    if (segments_.empty()) return true;
    for (const Segment& segment : segments_) {
      if (segment.synced || (!active_too && is_active(segment))) continue;
      std::shared_ptr<OpenSegment> open = acquire(segment);
      if (!open) return false;
      files.emplace_back(segment.base, std::move(open));
    }
    target = active_too ? end_offset_ : segments_.back().base;
    if (files.empty()) {
      if (active_too) sync_pending_ = false;
      point_.durable = std::max(point_.durable, std::min(target, end_offset_));
      return true;
    }
    names = std::exchange(new_names_, false);
    if (active_too) {
      sync_pending_ = false;
      unsynced_records_ = 0;
      segments_.back().synced = true;  // what is appended from now on takes it back
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  Storage& storage = store_->options.storage;
  bool done = true;
  for (const auto& [base, open] : files) done = open->log->sync().has_value() && done;
  if (names) done = storage.sync_directory(directory()).has_value() && done;
  if (names) done = storage.sync_directory(store_->topic_directory(topic_->name())).has_value() && done;
  add(store_->counters.syncs, files.size());
  const auto took = std::chrono::steady_clock::now() - begin;
  store_->counters.sync_ns.add(static_cast<std::uint64_t>(took.count()));
  if (!done) {
    // A topic that was removed meanwhile has no directory any more: nobody is promised anything.
    if (!removed()) fail();
    return false;
  }
  MutexLock lock(mutex_);
  for (Segment& segment : segments_) {
    const auto same = [&segment](const auto& file) { return file.first == segment.base; };
    // The active one may have been sealed since, with more in it than was synced.
    const std::int64_t end = is_active(segment) ? target : (&segment + 1)->base;
    if (!is_active(segment) && end <= target && std::any_of(files.begin(), files.end(), same))
      segment.synced = true;
  }
  point_.durable = std::max(point_.durable, std::min(target, end_offset_));
  return true;
}

void PartitionLog::fail() {
  add(store_->counters.failed_syncs);
  MutexLock lock(mutex_);
  failed_ = true;
}

bool PartitionLog::expired(Segment& segment, const TopicConfig& config, std::int64_t now_ms) {
  if (config.retention_ms < 0 || segment.size == 0) return false;
  std::int64_t newest = 0;
  // Records without a time do not age.
  if (!max_timestamp_of(segment, newest) || newest < 0) return false;
  return now_ms > newest && now_ms - newest > config.retention_ms;
}

void PartitionLog::retain(const TopicConfig& config, std::int64_t now_ms) {
  std::uint64_t total = 0;
  for (const Segment& segment : segments_) total += segment.size;
  const auto bound = static_cast<std::uint64_t>(std::max<std::int64_t>(config.retention_bytes, 0));
  std::size_t count = 0;
  for (; count + 1 < segments_.size(); ++count) {
    Segment& oldest = segments_[count];
    const bool too_much = config.retention_bytes >= 0 && total - oldest.size >= bound;
    if (!too_much && !expired(oldest, config, now_ms)) break;
    total -= oldest.size;
  }
  // Nothing is left but the active one, and that is old too.
  if (count + 1 == segments_.size() && expired(segments_.back(), config, now_ms) && roll()) ++count;
  if (count == 0) return;
  drop_front(count);
  tell_watchers();
}

void PartitionLog::upkeep(std::int64_t now_ms, bool may_open) {
  const std::shared_ptr<const TopicConfig> config = topic_->config();
  MutexLock lock(mutex_);
  if (removed_.load(std::memory_order_relaxed) || (!opened_ && !may_open) || !ready()) return;
  if (producers_) {
    if (producers_->forget_before(now_ms - store_->options.producer_expiry.count()) != 0) settle_charge();
  }
  if (segments_.empty() || failed_) return;
  const bool old = first_ms_ >= 0 && now_ms - first_ms_ >= config->segment_ms;
  if (old && segments_.back().size != 0 && !roll()) return;
  if (config->delete_old) retain(*config, now_ms);
}

bool PartitionLog::close() {
  if (removed()) return true;
  bool opened = false;
  {
    MutexLock lock(mutex_);
    opened = opened_;
  }
  const bool synced = !opened || sync_segments(true);
  MutexLock lock(mutex_);
  if (opened && synced && !segments_.empty()) {
    if (producers_) store_snapshot();
    Segment& active = segments_.back();
    const std::shared_ptr<OpenSegment> open = store_->segments.find(key(active));
    if (open && open->index && !open->index->trim()) lose_index(active, *open);
  }
  refuse();
  return synced;
}

void PartitionLog::refuse() {
  for (const Segment& segment : segments_) store_->segments.drop(key(segment));
  // Release: pairs with the load in removed().
  removed_.store(true, std::memory_order_release);
  charge_.release();
  producers_.reset();
  tell_watchers();
}

void PartitionLog::refuse_all() {
  MutexLock lock(mutex_);
  if (!removed_.load(std::memory_order_relaxed)) refuse();
}

}  // namespace plimsoll
