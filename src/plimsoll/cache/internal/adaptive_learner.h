// AdaptiveLearner: chooses how all shards of a cache run the adaptive order, by simulating every way on a
// sample of the keys.
//
// Why: no way is best for every workload, and a fixed one loses tens of points somewhere: a small queue of a
// tenth loses to LRU on pure recency, and anything like LRU loses all on a loop. Experts are weighed by what
// they would have missed (as LeCaR, Vietri et al., HotStorage 2018, and Caffeine's hill climber do), but from
// simulations, so that what the cache does now does not colour what it sees. One learner serves all shards:
// a shard alone would see too few keys.
// A way takes over when on the last requests (sixteen times as many as the cache has items, the older ones
// faded) it would have missed less by half as many as there are items: about what changing over costs, as
// other items have to come in. Both directions are judged alike, and that is the hysteresis: to come back,
// the other has to make up for what it lost and win as much.
//
// Thread-safety: any thread; under a shard's lock it may be called, and calls nobody. Cost: one
// multiplication a request; for those sampled a lock and four simulated accesses. Limits: about a 100th of
// the cache's memory, or 128 KiB where that is more. Errors: none. Ownership: of the simulations; its
// policies hold it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/internal/shadow_cache.h"
#include "plimsoll/cache/policy.h"

namespace plimsoll {

class AdaptiveLearner {
 public:
  explicit AdaptiveLearner(Objective objective) : objective_(objective) {}

  // A policy comes or goes. When the last goes, all that was learned is forgotten.
  void join();
  void leave(std::int64_t items, std::int64_t weight);
  // What a policy holds grew or shrank.
  void resize(std::int64_t items, std::int64_t weight);
  // A policy evicts: from now on there is something to learn.
  void fill() { full_.store(true, std::memory_order_relaxed); }

  bool learns() const { return full_.load(std::memory_order_relaxed); }
  bool samples(std::uint64_t hash) const {
    // Relaxed: a key too many or too few in the sample is no harm.
    return sampling(hash) >> shift_.load(std::memory_order_relaxed) == 0;
  }
  // A key was read or written, and its item weighs so much; tells nothing when it is not sampled.
  void accessed(std::uint64_t hash, std::uint64_t weight);
  void erased(std::uint64_t hash);

  const AdaptiveMode& mode() const { return kAdaptiveModes[mode_.load(std::memory_order_relaxed)]; }
  std::uint64_t switches() const { return switches_.load(std::memory_order_relaxed); }
  Bytes memory() const;
  Bytes share() const;  // of one policy
  void CheckInvariants() const;

 private:
  static constexpr std::size_t kModes = kAdaptiveModes.size();
  static constexpr std::int64_t kLeastItems = 512;  // sampled: fewer were measured to choose at random
  static constexpr std::int64_t kMostItems = 16'384;
  static constexpr std::int64_t kItemBytes = 400;  // of simulations at most, for an item wanted in the sample
  static constexpr std::int64_t kMemoryPart = 100;  // of the cache
  static constexpr double kWindow = 16;             // requests remembered, for each sampled item
  static constexpr double kWorth = 0.5;  // misses less that are worth a change, for each sampled item

  // 32 bits that neither the shard's nor the index's nor the ghosts' choice correlates with.
  static std::uint64_t mixed(std::uint64_t hash) {
    hash = (hash ^ hash >> 33) * 0xff51'afd7'ed55'8ccd;
    return hash ^ hash >> 33;
  }
  static std::uint64_t sampling(std::uint64_t hash) { return mixed(hash) >> 32; }
  static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(mixed(hash) * 0xc4ce'b9fe'1a85'ec53 >> 32);
  }
  void set_sample() PLIMSOLL_REQUIRES(mutex_);
  void choose() PLIMSOLL_REQUIRES(mutex_);
  Bytes memory_locked() const PLIMSOLL_REQUIRES(mutex_);

  const Objective objective_;
  std::atomic<bool> full_{false};
  std::atomic<unsigned> shift_{32};  // sampled is one key in 2^(32 - shift_); all at first
  std::atomic<std::size_t> mode_{0};
  std::atomic<std::uint64_t> switches_{0};
  std::atomic<std::int64_t> items_{0};
  std::atomic<std::int64_t> weight_{0};

  mutable Mutex mutex_;
  std::size_t policies_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::vector<ShadowCache> shadows_ PLIMSOLL_GUARDED_BY(mutex_);  // one a mode, once the cache is full
  std::array<double, kModes> missed_ PLIMSOLL_GUARDED_BY(mutex_){};
  double sampled_ PLIMSOLL_GUARDED_BY(mutex_) = 1;  // items, of those that the cache holds
};

}  // namespace plimsoll
