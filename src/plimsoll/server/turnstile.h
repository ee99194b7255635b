// Turnstile: lets one loop be alone: it runs commands while no other loop does.
//
// A loop holds its own mutex while it runs a batch of requests, so whoever holds all of them is alone, and
// requests pay nothing for it. A loop under load lets go of its mutex for moments only; the turnstile has it
// wait for whoever wants to be alone, before its next batch.
//
// Thread-safety: pass() and enter() from any thread that holds no loop's mutex. Cost: pass() one load a
// batch. Limits: one at a time. Errors: none. Ownership: none.
#pragma once

#include <atomic>

#include "plimsoll/base/mutex.h"

namespace plimsoll {

class Turnstile {
 public:
  void pass() {
    // relaxed: only fairness depends on it; the loops' mutexes order the rest.
    if (wanted_.load(std::memory_order_relaxed) == 0) [[likely]]
      return;
    MutexLock lock(mutex_);
  }
  void enter() PLIMSOLL_ANNOTATE(acquire_capability(mutex_)) {
    wanted_.fetch_add(1, std::memory_order_relaxed);
    mutex_.lock();
  }
  void leave() PLIMSOLL_ANNOTATE(release_capability(mutex_)) {
    wanted_.fetch_sub(1, std::memory_order_relaxed);
    mutex_.unlock();
  }

 private:
  std::atomic<int> wanted_{0};
  Mutex mutex_;
};

}  // namespace plimsoll
