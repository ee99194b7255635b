// AccessSampler: what is learned from a sample of a cache's reads and writes while it serves.
//
// Keys are sampled by their hash (SHARDS, Waldspurger et al., FAST 2015): all requests for one key in so many
// are seen, and none of the others, so that distances between them, divided by the rate, are those of all.
// When the sample is full its rate falls by an eighth. From the same sample come the shares of the pattern
// and a recent trace, which stands for the whole one in a cache that is as much smaller (Waldspurger et al.,
// ATC 2017). Hot keys are from one read in about 64, whatever its key, as a sample of keys may miss them.
//
// Invariant: every key in the sample has a hash of at most highest().
//
// Thread-safety: any thread; its own lock, taken below the shards'. Cost: a comparison of the hash where a
// request is not sampled, about 200 ns where it is; memory as `memory` allows, charged. Limits: distances to
// eight times what the cache holds. Errors: none. Ownership: the account must outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/cache/analysis.h"
#include "plimsoll/cache/internal/distance_histogram.h"
#include "plimsoll/cache/internal/hot_keys.h"
#include "plimsoll/cache/internal/reuse_stack.h"
#include "plimsoll/cache/trace.h"

namespace plimsoll {

class AccessSampler {
 public:
  struct Options {
    Account& account;
    Bytes memory;              // at most
    double rate = 1.0 / 8;     // of keys, at most
    std::uint64_t max_weight;  // of the cache; zero: what its account uses
  };
  struct Read {
    std::uint64_t hash;
    std::uint64_t bytes;  // of the item, if there is one
    bool hit;
    std::uint64_t reads;  // by this shard since the last it reported, and how many hit
    std::uint64_t hits;
  };
  struct Findings {
    double rate = 0;  // of keys
    std::size_t keys = 0;
    Bytes memory;
    double reads = 0;  // that the figures are of; older ones count less
    double hit_rate = 0;
    double mean_hit_bytes = 0;
    double never_read_again = 0;  // share of items
    DistanceHistogram by_objects;
    DistanceHistogram by_bytes;
    AccessPattern pattern;
    std::vector<HotKey> hot;
    Trace recent;  // of sampled reads
  };

  explicit AccessSampler(const Options& options);

  // The bound to compare a hash with; zero where nothing is sampled.
  const std::atomic<std::uint64_t>& highest() const { return highest_; }

  // REQUIRES of all three: the hash was at most highest().
  void read(const Read& r);
  void wrote(std::uint64_t hash, std::uint64_t bytes);
  void erased(std::uint64_t hash);
  // One of kBetweenHot reads, drawn by the caller.
  void read_any(std::uint64_t hash, std::string_view key, bool hit, std::uint64_t bytes);
  static constexpr std::uint64_t kBetweenHot = 64;

  void clear();
  // What the cache holds now, and whether what it missed is what a list in the order of use misses: then the
  // curve is made to agree with it there.
  struct Size {
    std::uint64_t items, weight;
    bool least_recently_used;
  };
  Findings findings(const Size& size, bool with_trace) const;
  Bytes memory() const;
  double rate() const;
  void CheckInvariants() const;

 private:
  enum Kind : std::uint8_t { kRecency, kFrequency, kLoop, kScan, kOnce, kKinds };
  struct Request {  // 12 bytes
    std::uint32_t high, low;
    std::uint32_t bytes;
  };
  static constexpr std::size_t kBytesAKey = 130;      // with its part of the trace
  static constexpr std::size_t kRequestsAKey = 4;     // in the trace
  static constexpr std::size_t kReadsUntilHalf = 64;  // a key
  static constexpr std::uint64_t kHorizon = 8;

  void count(Kind kind) PLIMSOLL_REQUIRES(mutex_) { kinds_[kind] += 1; }
  Kind kind_of(const SampledKey& key, const ReuseStack::Distance& d) const PLIMSOLL_REQUIRES(mutex_);
  bool follows_again(const SampledKey& key, const ReuseStack::Distance& d) const PLIMSOLL_REQUIRES(mutex_);
  void use(SampledKey& key, std::uint64_t bytes) PLIMSOLL_REQUIRES(mutex_);
  void insert(std::uint64_t hash, std::uint64_t bytes) PLIMSOLL_REQUIRES(mutex_);
  void make_room() PLIMSOLL_REQUIRES(mutex_);
  void lower_rate() PLIMSOLL_REQUIRES(mutex_);
  void remember(const Read& r, std::uint64_t bytes) PLIMSOLL_REQUIRES(mutex_);
  void fade() PLIMSOLL_REQUIRES(mutex_);
  void charge() PLIMSOLL_REQUIRES(mutex_);
  Bytes held() const PLIMSOLL_REQUIRES(mutex_);
  double never_read_again() const PLIMSOLL_REQUIRES(mutex_);

  const Options options_;
  const std::size_t most_keys_;
  std::atomic<std::uint64_t> highest_;
  alignas(64) mutable Mutex mutex_;  // on another line than what every request reads
  Charge charge_ PLIMSOLL_GUARDED_BY(mutex_);
  ReuseStack stack_ PLIMSOLL_GUARDED_BY(mutex_);
  DistanceHistogram by_objects_ PLIMSOLL_GUARDED_BY(mutex_);
  DistanceHistogram by_bytes_ PLIMSOLL_GUARDED_BY(mutex_);
  HotKeys hot_ PLIMSOLL_GUARDED_BY(mutex_);
  std::vector<Request> recent_ PLIMSOLL_GUARDED_BY(mutex_);  // a ring when it is full
  std::size_t next_recent_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint32_t clock_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // sampled reads
  std::uint32_t faded_at_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  double reads_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // of all keys
  double hits_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  double unknown_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // of them: of keys from before the sample began
  double hits_measured_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  double hit_bytes_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::array<double, kKinds> kinds_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::uint32_t first_times_ PLIMSOLL_GUARDED_BY(mutex_) = 0;         // of the last 32 reads, a bit each
  std::array<std::uint32_t, 12> left_ PLIMSOLL_GUARDED_BY(mutex_){};  // places of the keys read last, before
};

}  // namespace plimsoll
