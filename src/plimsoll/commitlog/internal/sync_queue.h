// SyncQueue: who waits for which partition to be on the disk, so that one sync serves all who came before it
// (group commit, after DeWitt et al., 1984).
//
// Invariant: a waiter is called once, or was cancelled; never while the queue is unlocked, so that cancel()
// can end it.
//
// Thread-safety: any thread. Cost: settle() walks all that wait.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/commitlog/log_store.h"

namespace plimsoll {

class SyncQueue {
 public:
  void add(std::shared_ptr<Partition> partition, std::int64_t offset, SyncWaiter& waiter)
      PLIMSOLL_EXCLUDES(mutex_);
  void cancel(SyncWaiter& waiter) PLIMSOLL_EXCLUDES(mutex_);
  // Each that is waited for, once.
  std::vector<std::shared_ptr<Partition>> partitions() const PLIMSOLL_EXCLUDES(mutex_);
  // Calls those who wait for no more than `durable`; all others of the partition when the sync failed.
  void settle(const Partition& partition, std::int64_t durable, bool ok) PLIMSOLL_EXCLUDES(mutex_);
  void fail_all() PLIMSOLL_EXCLUDES(mutex_);

 private:
  void unlink(SyncWaiter& waiter) PLIMSOLL_REQUIRES(mutex_);

  mutable Mutex mutex_;
  SyncWaiter* first_ PLIMSOLL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace plimsoll
