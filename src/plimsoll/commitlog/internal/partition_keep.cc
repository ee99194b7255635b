// What the store's thread does for a log: write-back and letting go of the page cache behind the appender,
// syncs, retention.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "plimsoll/commitlog/internal/partition_log.h"

namespace plimsoll {
namespace {

constexpr Duration kSyncAgain = std::chrono::seconds(1);

}  // namespace

LogError PartitionLog::open_checked() {
  MutexLock lock(mutex_);
  if (opened_) return LogError::kNone;
  const LogError error = open_log(true);
  opened_ = error == LogError::kNone;
  return error;
}

PartitionLog::Behind PartitionLog::plan_behind(MonotonicTime now) {
  Behind plan;
  const LogStore::Options& options = store_->options;
  const std::uint64_t step = options.write_behind.count();
  const Segment& active = segments_.back();
  const std::uint64_t whole = active.size / step * step;
  if (whole > write_started_) {
    if (const std::shared_ptr<OpenSegment> open = acquire(active))
      plan.start = {open->log, {write_started_, whole - write_started_}};
    write_started_ = whole;
  }
  // A reader that follows finds all that he has not had. Who is further behind than what can be kept for him
  // is not waited for where memory is short: his pages would be taken before he came to them.
  const std::uint64_t end = active.place + active.size;
  const std::uint64_t kept = std::min(end, options.keep_behind.count());
  const bool is_short = store_->short_of_pages.load(std::memory_order_relaxed);
  const std::uint64_t reach = std::max(kept, options.page_cache.guarantee().count());
  const std::uint64_t floor = is_short ? end - std::min(end, reach) : 0;
  const std::uint64_t upto = std::min(end - kept, readers_.lowest(floor, now));
  if (upto >= forgotten_ + step) {
    add_parts({forgotten_, upto}, plan.forget);
    forgotten_ = upto;
  }
  // And what came from the disk once more, as it had been let go of.
  const std::uint64_t limit = is_short ? std::max(floor, forgotten_) : 0;
  for (const ReaderPlaces::Range& had : readers_.take_passed(limit, reach, step)) add_parts(had, plan.forget);
  return plan;
}

void PartitionLog::add_parts(ReaderPlaces::Range range, std::vector<FilePart>& parts) {
  // A step once more: a page that the last range cut, or that was still being sent, goes now.
  range.begin -= std::min(range.begin, store_->options.write_behind.count());
  for (const Segment& segment : segments_) {
    const std::uint64_t begin = std::max(range.begin, segment.place);
    const std::uint64_t end = std::min(range.end, segment.place + segment.size);
    if (begin >= end) continue;
    // One that is closed is not opened for this: its pages are the kernel's affair.
    if (const std::shared_ptr<OpenSegment> open = store_->segments.find(key(segment)))
      parts.push_back({open->log, {begin - segment.place, end - begin}});
  }
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
  if (plan.start.file) static_cast<void>(plan.start.file->start_writing(plan.start.range));
  for (const FilePart& part : plan.forget) {
    // Only clean pages go. An error of write-back is told once, so that here it is as a sync that failed.
    if (!part.file->wait_written(part.range)) fail();
    static_cast<void>(part.file->forget(part.range));
  }
  const bool synced = sync_segments(sync_now);
  MutexLock lock(mutex_);
  kept_ = sync_pending_ && !failed_;
  if (!kept_) return {};
  // A file that cannot be opened now, for want of descriptors, is not asked for again without a pause.
  if (!synced && sync_due_ <= now) sync_due_ = now + kSyncAgain;
  return {.again = true, .at = sync_due_};
}

bool PartitionLog::sync() { return sync_segments(true); }

bool PartitionLog::sync_segments(bool active_too) {
  OpenedSegments files;
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
  bool done = true;
  for (const auto& [base, open] : files) done = open->log->sync().has_value() && done;
  const int unnamed = names ? sync_names() : 0;
  add(store_->counters.syncs, files.size());
  const auto took = std::chrono::steady_clock::now() - begin;
  store_->counters.sync_ns.add(static_cast<std::uint64_t>(took.count()));
  // Without a descriptor for the directory nothing of it was synced, and nothing is lost by that.
  if (done && (unnamed == EMFILE || unnamed == ENFILE)) {
    sync_later(files, active_too);
    return false;
  }
  if (!done || unnamed != 0) {
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

int PartitionLog::sync_names() {
  for (const std::string& folder : {directory(), store_->topic_directory(topic_->name())}) {
    const Result<void> done = store_->options.storage.sync_directory(folder);
    if (!done) return done.error().errno_value != 0 ? done.error().errno_value : EIO;
  }
  return 0;
}

void PartitionLog::sync_later(const OpenedSegments& files, bool active_too) {
  MutexLock lock(mutex_);
  new_names_ = true;
  for (Segment& segment : segments_) {
    const auto same = [&segment](const auto& file) { return file.first == segment.base; };
    if (std::any_of(files.begin(), files.end(), same)) segment.synced = false;
  }
  if (!active_too) return;
  sync_pending_ = true;
  sync_due_ = store_->options.clock.monotonic_now() + kSyncAgain;
  if (!kept_) ask_keeper();
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
