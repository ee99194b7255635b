#include "plimsoll/cache/key_watches.h"

#include <algorithm>

#include "plimsoll/base/check.h"

namespace plimsoll {

KeyWatcher::~KeyWatcher() {
  if (watches_ != nullptr) watches_->remove(*this);
}

KeyWatches::~KeyWatches() { PLIMSOLL_CHECK(size() == 0, "%zu keys are watched at the end", size()); }

bool KeyWatches::add(KeyWatcher& watcher, std::uint64_t hash) {
  PLIMSOLL_CHECK(watcher.watches_ == nullptr || watcher.watches_ == this, "a watcher is of one table");
  if (std::find(watcher.hashes_.begin(), watcher.hashes_.end(), hash) != watcher.hashes_.end()) return false;
  MutexLock lock(mutex_);
  watcher.watches_ = this;
  watcher.hashes_.push_back(hash);
  watchers_.emplace(hash, &watcher);
  // relaxed, both: whoever adds takes the key's lock next, and a write behind that sees them (tell()).
  filter_[hash % kFilter].fetch_add(1, std::memory_order_relaxed);
  watched_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void KeyWatches::remove(KeyWatcher& watcher) {
  MutexLock lock(mutex_);
  for (std::uint64_t hash : watcher.hashes_) {
    const auto [begin, end] = watchers_.equal_range(hash);
    watchers_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == &watcher; }));
    filter_[hash % kFilter].fetch_sub(1, std::memory_order_relaxed);
    watched_.fetch_sub(1, std::memory_order_relaxed);
  }
  watcher.hashes_.clear();
  watcher.watches_ = nullptr;
}

void KeyWatches::find_and_tell(std::uint64_t hash) {
  if (filter_[hash % kFilter].load(std::memory_order_relaxed) == 0) return;
  MutexLock lock(mutex_);
  const auto [begin, end] = watchers_.equal_range(hash);
  for (auto it = begin; it != end; ++it) it->second->told_.store(true, std::memory_order_relaxed);
}

}  // namespace plimsoll
