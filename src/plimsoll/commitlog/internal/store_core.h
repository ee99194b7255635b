// StoreCore: what a LogStore is made of: its directory, its topics, and its thread.
//
// Lock order: changes_ (one topic is made, changed or removed at a time), then topics_mutex_ (the map, never
// held over a system call), then a partition's, then the queues'.
//
// Thread-safety: as LogStore; tick() by one thread at a time.
#pragma once

#include <pthread.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/commitlog/internal/partition_log.h"
#include "plimsoll/commitlog/internal/points.h"
#include "plimsoll/commitlog/internal/store_context.h"
#include "plimsoll/commitlog/internal/sync_queue.h"
#include "plimsoll/commitlog/internal/topic_file.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

class StoreCore {
 public:
  static constexpr std::int32_t kMostPartitions = 10'000;

  explicit StoreCore(const LogStore::Options& options) : context_(std::make_shared<StoreContext>(options)) {}

  // store_core.cc: the directory and the topics.
  Result<void> open();
  void abandon();  // what open() left when it failed
  std::shared_ptr<Topic> find(std::string_view name) const PLIMSOLL_EXCLUDES(topics_mutex_);
  std::vector<std::shared_ptr<Topic>> topics() const PLIMSOLL_EXCLUDES(topics_mutex_);
  Result<std::shared_ptr<Topic>> create(std::string_view name, std::int32_t count, const TopicConfig& config);
  Result<void> remove(std::string_view name);
  Result<void> add_partitions(std::string_view name, std::int32_t count);
  Result<void> set_config(std::string_view name, const TopicConfig& config);
  Result<std::int64_t> new_producer_id();

  // store_keeper.cc: the thread.
  Result<void> start();
  void stop();
  Duration tick();
  LogStore::Stats stats() const;

  StoreContext& context() const { return *context_; }
  SyncQueue& syncs() { return syncs_; }

 private:
  void run();
  bool end_cleanly();

  struct Kept {
    std::shared_ptr<PartitionLog> log;
    MonotonicTime at;
  };

  Storage& storage() const { return context_->options.storage; }
  std::string path(std::string_view name) const {
    return context_->options.directory + "/" + std::string(name);
  }
  Result<void> clear(const std::string& directory);
  Result<void> load_topics(const Points& points, bool trusted);
  Result<void> check_all();
  // Empty when the line refuses; `must`: it is there already, and is only counted.
  std::shared_ptr<Topic> make_topic(std::shared_ptr<TopicIdentity> identity, std::int32_t count,
                                    const Topic* before, bool must, const Points* points, bool trusted);
  void publish(std::shared_ptr<Topic> topic) PLIMSOLL_EXCLUDES(topics_mutex_);
  Result<void> store_topic(const Topic& topic, const TopicConfig& config, std::int32_t count);
  Result<void> store_points(bool ended);

  void sync_waiters();
  void keep_logs(MonotonicTime now);
  void unlink_doomed(std::int64_t now_ms);
  void upkeep(std::int64_t now_ms);
  void charge_page_cache();

  const std::shared_ptr<StoreContext> context_;
  std::optional<DirectoryLock> lock_;
  std::string boot_;
  SyncQueue syncs_;

  mutable Mutex changes_;
  bool ended_ PLIMSOLL_GUARDED_BY(changes_) = false;
  std::int64_t next_producer_ PLIMSOLL_GUARDED_BY(changes_) = 0;
  std::int64_t producers_end_ PLIMSOLL_GUARDED_BY(changes_) = 0;  // of the block that is written down
  bool producers_loaded_ PLIMSOLL_GUARDED_BY(changes_) = false;
  mutable Mutex topics_mutex_;
  std::map<std::string, std::shared_ptr<Topic>, std::less<>> topics_ PLIMSOLL_GUARDED_BY(topics_mutex_);

  // Of the thread that ticks:
  std::map<PartitionLog*, Kept> kept_;
  MonotonicTime next_upkeep_{};
  MonotonicTime next_points_{};
  MonotonicTime next_charge_{};
  Charge page_cache_;
  std::uint64_t charged_at_ = 0;  // bytes appended, and reads, when that was measured
  std::string points_;            // as they were written last
  pthread_t thread_{};
  bool running_ = false;
};

}  // namespace plimsoll
