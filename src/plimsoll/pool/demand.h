// DemandTracker: how much a pool should keep idle, from the demand it has seen.
//
// A fixed idle limit is either what the peak of the year needs or what the night needs. This one follows: for
// each tick the peak of concurrent use is noted, and the limit is a high quantile of the last peaks plus a
// little, between the pool's minimum and its maximum. One tick's burst does not raise it (at the quantile of
// 0.9 and 20 ticks, two do not), and under pressure it falls to the minimum at once.
//
//   DemandTracker demand({.minimum = 4, .maximum = 256});
//   demand.note(in_use);                   // wherever it may have grown
//   demand.tick(in_use);                   // once a second: what is idle above demand.limit() may go
//
// Invariant: minimum <= limit() <= maximum. A lasting step of the demand is followed within ticks_to_rise()
// ticks up and, after the tick in which it fell, ticks_to_fall() ticks down.
//
// Thread-safety: all methods from any thread. Cost: note() is a load where the peak stands, an exchange where
// it rises; tick() sorts the peaks kept. Limits: 1024 peaks. Errors: none; Options::Validate() says what is
// wrong with them, and wrong ones abort. Ownership: a value of its pool.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/ring.h"

namespace plimsoll {

class DemandTracker {
 public:
  static constexpr std::size_t kMostTicks = 1024;

  struct Options {
    std::uint64_t minimum = 0;
    std::uint64_t maximum = std::numeric_limits<std::uint64_t>::max();
    std::size_t ticks = 20;   // how many peaks are remembered
    double quantile = 0.9;    // of them
    double headroom = 0.125;  // of that on top, at least one

    Result<void> Validate() const;
  };
  struct Stats {
    std::uint64_t limit = 0;
    std::uint64_t peak = 0;  // since the last tick
    std::uint64_t ticks = 0;
    std::uint64_t pressed = 0;
  };

  explicit DemandTracker(const Options& options);

  // So many are in use at the same time now.
  void note(std::uint64_t in_use) noexcept {
    std::uint64_t seen = peak_.load(std::memory_order_relaxed);
    while (in_use > seen && !peak_.compare_exchange_weak(seen, in_use, std::memory_order_relaxed)) {
    }
  }
  // A tick ends; `in_use` is what the next one begins with. Returns the new limit.
  std::uint64_t tick(std::uint64_t in_use);
  // Memory is short: the limit is the minimum until the next tick, which knows nothing of what was before.
  void press();

  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::size_t ticks_to_rise() const { return options_.ticks - rank_in(options_.ticks) + 1; }
  std::size_t ticks_to_fall() const { return rank_in(options_.ticks); }

  Stats stats() const;
  void CheckInvariants() const;

 private:
  // The place of the quantile among so many values in order, from 1.
  std::size_t rank_in(std::size_t values) const;

  const Options options_;
  std::atomic<std::uint64_t> peak_{0};
  std::atomic<std::uint64_t> limit_;
  mutable Mutex mutex_;
  Ring<std::uint64_t> peaks_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint64_t ticks_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t pressed_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
