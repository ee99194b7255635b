#include "plimsoll/cache/internal/level_lane.h"

#include <algorithm>
#include <utility>

namespace plimsoll {

LevelLane::Ticket LevelLane::push(LevelTask task) {
  queued_ += task.size();
  tasks_.push_back(std::move(task));
  work_.notify_one();
  return ++last_;
}

LevelLane::PutResult LevelLane::put(LevelTask task, const std::atomic<int>& closed) {
  MutexLock lock(mutex_);
  // relaxed: whoever closes takes this lock next, and finds the task.
  if (closed.load(std::memory_order_relaxed) != 0 || task.generation < floor_ || stopping_)
    return PutResult::kClosed;
  if (queued_ + task.size() > queue_maximum_) return PutResult::kQueueFull;
  if (!filter_.add(task.hash, task.generation)) return PutResult::kNoMemory;
  ++pending_[task.hash].writes;
  push(std::move(task));
  return PutResult::kDone;
}

LevelLane::Ticket LevelLane::erase(std::uint64_t hash, std::string_view key, bool all) {
  MutexLock lock(mutex_);
  if (!all && !filter_.may_hold(hash) && !found_.may_hold(hash)) return 0;
  if (stopping_) return 0;
  LevelTask task;
  task.kind = LevelTask::Kind::kErase;
  task.hash = hash;
  task.key = key;
  Pending& pending = pending_[hash];
  ++pending.writes;
  // relaxed: read under the lock of the key's shard, as it is written.
  erasures_.fetch_add(1, std::memory_order_relaxed);
  return pending.erasure = push(std::move(task));
}

bool LevelLane::take(LevelTask task) {
  MutexLock lock(mutex_);
  if (looking_up_ >= kLookUps || stopping_) return false;
  ++looking_up_;
  push(std::move(task));
  return true;
}

LevelLane::Ticket LevelLane::clear() {
  MutexLock lock(mutex_);
  LevelTask task;
  task.kind = LevelTask::Kind::kClear;
  return push(std::move(task));
}

LevelLane::Ticket LevelLane::erasing(std::uint64_t hash) const {
  MutexLock lock(mutex_);
  const auto found = pending_.find(hash);
  return found == pending_.end() ? 0 : found->second.erasure;
}

bool LevelLane::may_hold(std::uint64_t hash) const {
  MutexLock lock(mutex_);
  return filter_.may_hold(hash) || found_.may_hold(hash);
}

std::vector<std::uint32_t> LevelLane::generations_of(std::uint64_t hash) const {
  std::vector<std::uint32_t> written, found;
  MutexLock lock(mutex_);
  filter_.find(hash, written);
  found_.find(hash, found);
  written.insert(written.end(), found.begin(), found.end());
  return written;
}

bool LevelLane::may_restore(std::uint64_t hash, std::uint32_t generation,
                            const std::atomic<int>& closed) const {
  MutexLock lock(mutex_);
  return closed.load(std::memory_order_relaxed) == 0 && generation >= floor_ && !pending_.contains(hash);
}

bool LevelLane::add_found(std::uint64_t hash, std::uint32_t generation) {
  MutexLock lock(mutex_);
  return generation < floor_ || found_.add(hash, generation);
}

void LevelLane::drop_before(std::uint32_t generation) {
  MutexLock lock(mutex_);
  filter_.drop_before(generation);
  found_.drop_before(generation);
}

void LevelLane::forget(std::uint32_t floor) {
  MutexLock lock(mutex_);
  floor_ = std::max(floor_, floor);
  filter_.clear();
  found_.clear();
  for (LevelTask& task : tasks_) {
    if (task.kind != LevelTask::Kind::kPut) continue;
    // It keeps its ticket, and its place among the pending ones until then.
    queued_ -= task.record.size();
    std::string().swap(task.record);
    task.generation = 0;
  }
}

bool LevelLane::next(std::vector<LevelTask>& tasks, std::size_t limit) {
  tasks.clear();
  MutexLock lock(mutex_);
  while (tasks_.empty() && !stopping_) work_.wait(mutex_);
  while (!tasks_.empty() && tasks.size() < limit) {
    tasks.push_back(std::move(tasks_.front()));
    tasks_.pop_front();
  }
  return !tasks.empty();
}

void LevelLane::done(const std::vector<LevelTask>& tasks, std::size_t begin, std::size_t end) {
  std::vector<std::shared_ptr<LevelWait>> reached;
  {
    MutexLock lock(mutex_);
    for (std::size_t i = begin; i < end; ++i) {
      const LevelTask& task = tasks[i];
      queued_ -= task.size();
      if (task.kind == LevelTask::Kind::kTake) --looking_up_;
      if (task.kind == LevelTask::Kind::kErase) erasures_.fetch_sub(1, std::memory_order_relaxed);
      if (task.kind != LevelTask::Kind::kErase && task.kind != LevelTask::Kind::kPut) continue;
      const auto pending = pending_.find(task.hash);
      if (--pending->second.writes == 0) pending_.erase(pending);
    }
    // release: pairs with reached(); who sees the ticket done sees what the level did.
    const Ticket now = done_.load(std::memory_order_relaxed) + (end - begin);
    done_.store(now, std::memory_order_release);
    const auto waiting =
        std::partition(waits_.begin(), waits_.end(), [now](const auto& wait) { return wait.first > now; });
    for (auto at = waiting; at != waits_.end(); ++at) reached.push_back(std::move(at->second));
    waits_.erase(waiting, waits_.end());
  }
  for (std::size_t i = begin; i < end; ++i) {
    if (tasks[i].wait) tasks[i].wait->finish();
  }
  for (const auto& wait : reached) wait->finish();
}

void LevelLane::stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  work_.notify_one();
}

bool LevelLane::wait(Ticket ticket, const std::shared_ptr<LevelWait>& wait) {
  MutexLock lock(mutex_);
  if (done_.load(std::memory_order_relaxed) >= ticket) return false;
  wait->add();
  waits_.emplace_back(ticket, wait);
  return true;
}

Bytes LevelLane::queued() const {
  MutexLock lock(mutex_);
  return Bytes(queued_);
}

}  // namespace plimsoll
