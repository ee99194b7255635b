#include "plimsoll/commitlog/internal/sync_queue.h"

#include <algorithm>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

void SyncQueue::add(std::shared_ptr<Partition> partition, std::int64_t offset, SyncWaiter& waiter) {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(waiter.partition_ == nullptr, "it waits already");
  waiter.partition_ = std::move(partition);
  waiter.offset_ = offset;
  waiter.previous_ = nullptr;
  waiter.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &waiter;
  first_ = &waiter;
}

void SyncQueue::unlink(SyncWaiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first_) = waiter.next_;
  if (waiter.next_ != nullptr) waiter.next_->previous_ = waiter.previous_;
  waiter.next_ = waiter.previous_ = nullptr;
  waiter.partition_.reset();
}

void SyncQueue::cancel(SyncWaiter& waiter) {
  MutexLock lock(mutex_);
  if (waiter.partition_ != nullptr) unlink(waiter);
}

std::vector<std::shared_ptr<Partition>> SyncQueue::partitions() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Partition>> all;
  for (SyncWaiter* waiter = first_; waiter != nullptr; waiter = waiter->next_)
    all.push_back(waiter->partition_);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void SyncQueue::settle(const Partition& partition, std::int64_t durable, bool ok) {
  MutexLock lock(mutex_);
  for (SyncWaiter* waiter = first_; waiter != nullptr;) {
    SyncWaiter& one = *std::exchange(waiter, waiter->next_);
    if (one.partition_.get() != &partition || (ok && one.offset_ > durable)) continue;
    const bool done = one.offset_ <= durable;
    unlink(one);
    one.synced(done);
  }
}

void SyncQueue::fail_all() {
  MutexLock lock(mutex_);
  while (first_ != nullptr) {
    SyncWaiter& one = *first_;
    unlink(one);
    one.synced(false);
  }
}

}  // namespace plimsoll
