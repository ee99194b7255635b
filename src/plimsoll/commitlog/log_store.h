// LogStore: all topics under one directory, and the one thread that keeps their files.
//
// Opening is quick whatever lies there, because nothing of a topic is read but its few lines of topic.conf: a
// partition is opened at its first use. Only when the machine was started anew since an unclean end (the
// kernel's boot id tells) is what lay behind each recovery point checked first. The thread syncs, begins
// write-back early, lets go of page cache that nobody reads behind, rolls, deletes what is old and unlinks it
// (figures: write-behind in steps of 1 MiB and letting go 8 MiB behind cut p99.9 of appends from 7.3 to 0.22
// ms).
//
//   auto store = LogStore::open({.storage = storage, .directory = "/var/lib/plimsoll", ...});
//   (*store)->start();
//   std::shared_ptr<Topic> topic = (*store)->find("orders");
//
// Layout: topics/NAME/topic.conf, topics/NAME/N/%020d.{log,index,timeindex,producers}, `points` (how it was
// ended, the boot id, and below which offset each partition is on disk), `producer_ids`, and a lock.
//
// Invariant: with Sync::kAlways, what sync_before() said yes to survives a crash of the machine; with
// kInterval, what is older than the interval; with kNever, what the kernel wrote, all of it if only the
// process ended.
//
// Thread-safety: all methods from any thread; start() and stop() by one. Cost: find() a lock and a search; a
// partition at rest below 1 KiB; create() two syncs. Limits: 10,000 partitions a topic; names of 1-249
// [a-zA-Z0-9._-]. Errors: create(): kRefused with EEXIST (it exists) or ENOMEM (the line does not grant it),
// kInvalid (the name), kOutOfRange (how many), kSystem (the disk). open(): kRefused when another process has
// the directory. Ownership: owns topics; storage, accounts and clock outlive it; topics that are still held
// when it ends refuse.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/commitlog/topic.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

class StoreCore;

// Who waits for a sync. synced() is called on the store's thread (or in sync_before() when nothing is left to
// do), with a lock held: it must only post. Not called again after cancel(), which must come before it is
// destroyed.
class SyncWaiter {
 public:
  virtual ~SyncWaiter() = default;
  virtual void synced(bool ok) noexcept = 0;

 private:
  friend class SyncQueue;
  SyncWaiter* next_ = nullptr;
  SyncWaiter* previous_ = nullptr;
  std::shared_ptr<Partition> partition_;  // null: not waiting
  std::int64_t offset_ = 0;
};

class LogStore {
 public:
  enum class Sync : std::uint8_t { kNever, kInterval, kAlways };

  struct Options {
    Storage& storage;
    std::string directory;
    Account& state;       // partitions, segments, producers
    Account& indexes;     // maps of indexes
    Account& page_cache;  // what the log needs of it, as far as the account guarantees
    const Clock& clock;
    Sync sync = Sync::kNever;
    Duration sync_interval = std::chrono::seconds(1);
    Bytes index_budget = 64_MiB;   // over all maps of indexes; the coldest is unmapped first
    std::size_t open_files = 512;  // descriptors that may be kept open; the coldest is closed first
    bool lock_indexes = true;      // those that are appended to, as far as RLIMIT_MEMLOCK allows
    Bytes write_behind = 1_MiB;
    Bytes keep_behind = 8_MiB;
    Bytes snapshot_bytes = 64_MiB;  // appended between two snapshots of a partition's producers
    Duration upkeep_interval = std::chrono::seconds(30);  // rolling by time, retention
    Duration points_interval = std::chrono::seconds(60);
    std::chrono::milliseconds producer_expiry = std::chrono::hours(24);
    std::size_t producers = 10'000;  // of a partition
    std::string boot_id_path = "/proc/sys/kernel/random/boot_id";

    Result<void> Validate() const;
  };

  struct Stats {
    std::uint64_t topics = 0;
    std::uint64_t partitions = 0;
    std::uint64_t partitions_open = 0;  // used since the start
    std::uint64_t segments = 0;         // of those
    Bytes bytes;                        // of those
    std::uint64_t producers = 0;
    std::uint64_t batches = 0;  // appended
    std::uint64_t records = 0;
    Bytes appended;
    std::uint64_t duplicates = 0;
    std::uint64_t refused = 0;  // appends
    std::uint64_t reads = 0;
    std::uint64_t syncs = 0;
    std::uint64_t failed_syncs = 0;
    std::uint64_t rolls = 0;
    std::uint64_t segments_deleted = 0;
    Bytes truncated;  // cut off behind the last good batch
    Bytes recovered;  // checked after the machine was started anew
    std::uint64_t indexes_rebuilt = 0;
    Bytes indexes_mapped;
    Bytes indexes_locked;
    std::uint64_t lock_refusals = 0;
    std::uint64_t open_files = 0;
    Bytes page_cache;  // of the log files that are open, in the page cache
    Bytes open_bytes;  // of those files in all
  };

  static Result<std::unique_ptr<LogStore>> open(const Options& options);
  ~LogStore();  // stop()s, and ends cleanly
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  // Runs the thread "plimsoll-log". Errors: kSystem when there is none. REQUIRES: not running.
  Result<void> start();
  // Ends the thread, syncs what is not, and marks the directory as ended cleanly. Final: all topics refuse.
  void stop();
  // One round of all that is due, as the thread does it; returns after how long the next one is. For tests.
  Duration tick();

  std::shared_ptr<Topic> find(std::string_view name) const;  // null: none
  Result<std::shared_ptr<Topic>> create(std::string_view name, std::int32_t partitions,
                                        const TopicConfig& config);
  Result<void> remove(std::string_view name);                                 // kNotFound
  Result<void> add_partitions(std::string_view name, std::int32_t count);     // to so many in all
  Result<void> set_config(std::string_view name, const TopicConfig& config);  // kNotFound
  // Sorted by name, as they were when it was called.
  void for_each_topic(const std::function<void(const std::shared_ptr<Topic>&)>& visit) const;
  // Never the same twice, over restarts and crashes too. kSystem when the disk refuses.
  Result<std::int64_t> new_producer_id();

  // synced(true) once all of the partition below `offset` is on the disk, synced(false) when it cannot be.
  // One sync serves all that wait. REQUIRES: the waiter is not waiting; `partition` is of this store.
  void sync_before(std::shared_ptr<Partition> partition, std::int64_t offset, SyncWaiter& waiter);
  // It will not be called after this. Does nothing for one that does not wait.
  void cancel(SyncWaiter& waiter);

  Sync sync() const;
  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

  static bool valid_name(std::string_view name);

 private:
  explicit LogStore(std::unique_ptr<StoreCore> core);
  const std::unique_ptr<StoreCore> core_;
};

}  // namespace plimsoll
