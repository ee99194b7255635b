// StoreContext: what the logs of one store share: where they are, what they may hold, what they count, and
// the list of what its thread is to do for them.
//
// Thread-safety: any thread. The queue's lock may be taken with a partition's held, never the other way
// round.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/histogram.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/commitlog/internal/segment_cache.h"
#include "plimsoll/commitlog/log_store.h"

namespace plimsoll {

class PartitionLog;

struct StoreCounters {
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> appended{0};
  std::atomic<std::uint64_t> duplicates{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> syncs{0};
  std::atomic<std::uint64_t> failed_syncs{0};
  std::atomic<std::uint64_t> rolls{0};
  std::atomic<std::uint64_t> segments_deleted{0};
  std::atomic<std::uint64_t> truncated{0};
  std::atomic<std::uint64_t> recovered{0};
  std::atomic<std::uint64_t> indexes_rebuilt{0};
  Histogram sync_ns;
};

inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);  // a figure, which orders nothing
}

// The longest delay that a topic may ask for is longer than time is.
inline std::int64_t later(std::int64_t now_ms, std::int64_t delay_ms) {
  return delay_ms > std::numeric_limits<std::int64_t>::max() - now_ms
             ? std::numeric_limits<std::int64_t>::max()
             : now_ms + delay_ms;
}

struct DoomedFile {
  std::string path;
  bool tree = false;
  std::int64_t due_ms = 0;
};

// What appenders leave for the thread, and what wakes it.
class KeeperQueue {
 public:
  void push(std::shared_ptr<PartitionLog> log) PLIMSOLL_EXCLUDES(mutex_);
  void doom(DoomedFile file) PLIMSOLL_EXCLUDES(mutex_);
  void wake() PLIMSOLL_EXCLUDES(mutex_);

  std::vector<std::shared_ptr<PartitionLog>> take_logs() PLIMSOLL_EXCLUDES(mutex_);
  // Those whose time has come.
  std::vector<DoomedFile> take_doomed(std::int64_t now_ms) PLIMSOLL_EXCLUDES(mutex_);
  // Until woken, told to stop, or the deadline. False: stop.
  bool wait(MonotonicTime deadline) PLIMSOLL_EXCLUDES(mutex_);
  void stop() PLIMSOLL_EXCLUDES(mutex_);
  void restart() PLIMSOLL_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::shared_ptr<PartitionLog>> logs_ PLIMSOLL_GUARDED_BY(mutex_);
  std::vector<DoomedFile> doomed_ PLIMSOLL_GUARDED_BY(mutex_);
  bool woken_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool stopping_ PLIMSOLL_GUARDED_BY(mutex_) = false;
};

struct StoreContext {
  explicit StoreContext(const LogStore::Options& given);

  std::string topic_directory(std::string_view name) const { return topics + "/" + std::string(name); }

  const LogStore::Options options;
  const std::string topics;
  SegmentCache segments;
  StoreCounters counters;
  KeeperQueue queue;
  // What is cached of the log and not needed is in the way of something. A hint, which orders nothing.
  std::atomic<bool> short_of_pages{false};
};

}  // namespace plimsoll
