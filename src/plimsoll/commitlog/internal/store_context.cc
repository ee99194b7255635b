#include "plimsoll/commitlog/internal/store_context.h"

#include <algorithm>
#include <utility>

#include "plimsoll/commitlog/internal/partition_log.h"

namespace plimsoll {

void KeeperQueue::push(std::shared_ptr<PartitionLog> log) {
  MutexLock lock(mutex_);
  logs_.push_back(std::move(log));
  woken_ = true;
  changed_.notify_one();
}

void KeeperQueue::doom(DoomedFile file) {
  MutexLock lock(mutex_);
  doomed_.push_back(std::move(file));
}

void KeeperQueue::wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

std::vector<std::shared_ptr<PartitionLog>> KeeperQueue::take_logs() {
  MutexLock lock(mutex_);
  return std::exchange(logs_, {});
}

std::vector<DoomedFile> KeeperQueue::take_doomed(std::int64_t now_ms) {
  MutexLock lock(mutex_);
  const auto due = std::partition(doomed_.begin(), doomed_.end(),
                                  [now_ms](const DoomedFile& file) { return file.due_ms > now_ms; });
  std::vector<DoomedFile> ready(std::make_move_iterator(due), std::make_move_iterator(doomed_.end()));
  doomed_.erase(due, doomed_.end());
  return ready;
}

bool KeeperQueue::wait(MonotonicTime deadline) {
  MutexLock lock(mutex_);
  while (!woken_ && !stopping_ && std::chrono::steady_clock::now() < deadline) {
    changed_.wait_until(mutex_, deadline);
  }
  // Taken before the round, not in it: who comes to wait while one sync runs has not been seen by that round,
  // and would be left until the next interval.
  woken_ = false;
  return !stopping_;
}

void KeeperQueue::stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void KeeperQueue::restart() {
  MutexLock lock(mutex_);
  stopping_ = false;
}

StoreContext::StoreContext(const LogStore::Options& given)
    : options(given),
      topics(given.directory + "/topics"),
      segments({.indexes = given.indexes,
                .budget = given.index_budget,
                .files = given.open_files,
                .lock = given.lock_indexes}) {}

}  // namespace plimsoll
