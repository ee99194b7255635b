// KeyWatches: tells whoever watches keys that one of them was written, replaced, given another time or
// deleted.
//
// For optimistic transactions (Redis's WATCH): a watcher reads, and writes only if nobody was there first. A
// watcher is told once and for all; what it watches is known by the key's 64-bit hash. Eviction and expiry
// are not told: a watcher that saw its key looks whether it is still there. Invariant: while nobody watches,
// a write costs one load of a line that nobody writes.
//
// Thread-safety: add(), remove() and tell() from any thread; a watcher's own methods from its owner's. A
// write that comes after add() in the order of the key's lock is told. Cost: tell() a load; two while anybody
// watches, and a lock when it may be this key. Limits: none; two keys of one hash are one. Errors: none.
// Ownership: a watcher takes itself out; it must not outlive the table.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "plimsoll/base/mutex.h"

namespace plimsoll {

class KeyWatches;

class KeyWatcher {
 public:
  KeyWatcher() = default;
  ~KeyWatcher();
  KeyWatcher(const KeyWatcher&) = delete;
  KeyWatcher& operator=(const KeyWatcher&) = delete;

  // Whether one of its keys has changed. relaxed: who asks has the lock of a key that was changed under it,
  // or is told at its next look.
  bool told() const { return told_.load(std::memory_order_relaxed); }

 private:
  friend class KeyWatches;
  KeyWatches* watches_ = nullptr;
  std::vector<std::uint64_t> hashes_;
  std::atomic<bool> told_{false};
};

class KeyWatches {
 public:
  KeyWatches() = default;
  ~KeyWatches();
  KeyWatches(const KeyWatches&) = delete;
  KeyWatches& operator=(const KeyWatches&) = delete;

  // False: it watches this already.
  bool add(KeyWatcher& watcher, std::uint64_t hash);
  void remove(KeyWatcher& watcher);
  // REQUIRES: the lock of the key with this hash is held.
  void tell(std::uint64_t hash) {
    // relaxed: the key's lock orders this behind the add() of whoever has looked at the key since.
    if (watched_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      find_and_tell(hash);
  }
  std::size_t size() const { return watched_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kFilter = 1024;  // so that most writes need no lock while somebody watches

  void find_and_tell(std::uint64_t hash);

  std::atomic<std::size_t> watched_{0};
  std::array<std::atomic<std::uint32_t>, kFilter> filter_{};  // keys watched, by the low bits of their hash
  Mutex mutex_;
  std::unordered_multimap<std::uint64_t, KeyWatcher*> watchers_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
