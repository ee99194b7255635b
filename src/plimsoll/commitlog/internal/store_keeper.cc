// The store's thread: one round is what is due, in the order of how much somebody waits for it.
#include <algorithm>
#include <utility>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/commitlog/internal/store_core.h"
#include "plimsoll/os/page_cache.h"

namespace plimsoll {
namespace {

// The largest thing on it is a scanner's buffer.
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
constexpr Duration kMostIdle = std::chrono::seconds(1);
// Logs that nobody has used yet are opened for their retention a few at a time.
constexpr int kOpenedAtOnce = 32;

}  // namespace

Duration StoreCore::tick() {
  const Clock& clock = context_->options.clock;
  sync_waiters();
  const MonotonicTime now = clock.monotonic_now();
  keep_logs(now);
  unlink_doomed(clock.wall_ms());
  if (now >= next_upkeep_) {
    upkeep(clock.wall_ms());
    next_upkeep_ = now + context_->options.upkeep_interval;
  }
  if (now >= next_charge_) {
    charge_page_cache();
    next_charge_ = now + kMostIdle;
  }
  if (now >= next_points_) {
    // An older file is a lower bound still; the next round writes again.
    static_cast<void>(store_points(false));
    next_points_ = now + context_->options.points_interval;
  }
  Duration wait = std::min<Duration>(kMostIdle, next_upkeep_ - now);
  for (const auto& [log, kept] : kept_) wait = std::min<Duration>(wait, kept.at - now);
  return std::max(wait, Duration::zero());
}

Result<void> StoreCore::start() {
  PLIMSOLL_CHECK(!running_, "it runs already");
  context_->queue.restart();
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  const auto entry = [](void* core) -> void* {
    static_cast<StoreCore*>(core)->run();
    return nullptr;
  };
  const int error = ::pthread_create(&thread_, &attributes, entry, this);
  ::pthread_attr_destroy(&attributes);
  if (error != 0) return fail(ErrorCode::kSystem, "no thread for the log", error);
  ::pthread_setname_np(thread_, "plimsoll-log");
  running_ = true;
  return {};
}

void StoreCore::stop() {
  if (running_) {
    context_->queue.stop();
    ::pthread_join(thread_, nullptr);
    running_ = false;
  }
  MutexLock lock(changes_);
  if (!std::exchange(ended_, true)) end_cleanly();
}

void StoreCore::run() {
  do {
    const Duration wait = tick();
    if (!context_->queue.wait(std::chrono::steady_clock::now() + wait)) return;
  } while (true);
}

void StoreCore::sync_waiters() {
  for (const std::shared_ptr<Partition>& partition : syncs_.partitions()) {
    const bool ok = partition->log().sync();
    syncs_.settle(*partition, partition->log().durable_offset(), ok);
  }
}

void StoreCore::keep_logs(MonotonicTime now) {
  for (std::shared_ptr<PartitionLog>& log : context_->queue.take_logs()) {
    PartitionLog* const which = log.get();
    kept_[which] = {std::move(log), now};
  }
  for (auto at = kept_.begin(); at != kept_.end();) {
    PartitionLog::Due due{.again = true, .at = at->second.at};
    if (due.at <= now) due = at->second.log->keep(now);
    at->second.at = due.at;
    at = due.again ? std::next(at) : kept_.erase(at);
  }
}

void StoreCore::unlink_doomed(std::int64_t now_ms) {
  for (const DoomedFile& file : context_->queue.take_doomed(now_ms)) {
    // What is left is removed when the store or the log is opened again.
    if (file.tree) {
      static_cast<void>(storage().remove_tree(file.path));
    } else {
      static_cast<void>(storage().remove(file.path));
    }
  }
}

void StoreCore::upkeep(std::int64_t now_ms) {
  int may_open = kOpenedAtOnce;
  for (const std::shared_ptr<Topic>& topic : topics()) {
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) {
      PartitionLog& log = topic->partition(i).log();
      const bool open = log.summary().open;
      log.upkeep(now_ms, may_open > 0);
      if (!open) --may_open;
    }
  }
}

void StoreCore::charge_page_cache() {
  // What appends need to stay cached is charged as far as the account guarantees it, so that a cache which
  // was lent the guarantee gives it back; beyond that the kernel decides, and where the line has no room for
  // that, what readers have had is let go of at once.
  const std::uint64_t used = context_->counters.appended.load(std::memory_order_relaxed) +  // figures
                             context_->counters.reads.load(std::memory_order_relaxed);
  if (std::exchange(charged_at_, used) == used) return;
  Account& account = context_->options.page_cache;
  const Bytes room = account.line().free();
  Bytes window;
  for (const auto& file : context_->segments.files()) {
    if (window > account.guarantee() && window > page_cache_.size() + room) break;
    if (Result<CacheShare> share = cached_bytes(*file, {})) window += share->cached;
  }
  const bool is_short = window > page_cache_.size() + room || room < account.guarantee();
  context_->short_of_pages.store(is_short, std::memory_order_relaxed);
  window = std::min(window, account.guarantee());
  if (window < page_cache_.size()) {
    page_cache_.shrink(page_cache_.size() - window);
  } else if (window > page_cache_.size()) {
    Charge more = account.charge_held(window - page_cache_.size());
    if (page_cache_) {
      page_cache_.merge(std::move(more));
    } else {
      page_cache_ = std::move(more);
    }
  }
}

LogStore::Stats StoreCore::stats() const {
  LogStore::Stats stats;
  for (const std::shared_ptr<Topic>& topic : topics()) {
    ++stats.topics;
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) {
      const PartitionLog::Summary one = topic->partition(i).log().summary();
      ++stats.partitions;
      stats.partitions_open += one.open ? 1 : 0;
      stats.segments += one.segments;
      stats.bytes += Bytes(one.bytes);
      stats.producers += one.producers;
    }
  }
  const auto read = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);  // a figure, which orders nothing
  };
  const StoreCounters& counters = context_->counters;
  stats.batches = read(counters.batches);
  stats.records = read(counters.records);
  stats.appended = Bytes(read(counters.appended));
  stats.duplicates = read(counters.duplicates);
  stats.refused = read(counters.refused);
  stats.reads = read(counters.reads);
  stats.syncs = read(counters.syncs);
  stats.failed_syncs = read(counters.failed_syncs);
  stats.rolls = read(counters.rolls);
  stats.segments_deleted = read(counters.segments_deleted);
  stats.truncated = Bytes(read(counters.truncated));
  stats.recovered = Bytes(read(counters.recovered));
  stats.indexes_rebuilt = read(counters.indexes_rebuilt);
  const SegmentCache::Use use = context_->segments.use();
  stats.indexes_mapped = use.mapped;
  stats.indexes_locked = use.locked;
  stats.lock_refusals = use.lock_refusals;
  stats.open_files = use.files;
  for (const auto& file : context_->segments.files()) {
    if (Result<CacheShare> share = cached_bytes(*file, {})) {
      stats.page_cache += share->cached;
      stats.open_bytes += share->size;
    }
  }
  return stats;
}

}  // namespace plimsoll
