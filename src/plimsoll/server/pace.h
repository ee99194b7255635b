// Pace: how long the cache's reads take, of hits and of misses, and how fast things happen lately.
//
// A read is timed where its command runs: from before its key is looked up until its answer is written to the
// reply. Only one in kOneIn of each thread's reads is, so that two looks at the clock cost nothing that can
// be measured. Rates are differences of counters over the last ten seconds or so. Why: a hit rate says what a
// cache is worth, and these say what it costs and whether it is too small (evictions).
//
// Thread-safety: all from any thread. Cost: a counter a read; two looks at the clock and about 10 ns for one
// that is timed. Limits: 11 KiB. Errors: none. Ownership: none.
#pragma once

#include <array>
#include <cstdint>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/histogram.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"

namespace plimsoll {

class Pace {
 public:
  static constexpr unsigned kOneIn = 64;

  // Counters as they are now, or what they grew by in a second.
  struct Counts {
    std::uint64_t commands = 0, hits = 0, misses = 0, evicted = 0, expired = 0, received = 0, sent = 0;
  };
  struct Quantiles {
    std::uint64_t timed = 0, p50_ns = 0, p99_ns = 0, max_ns = 0;
  };

  // Lives while a read runs. `pace` may be null.
  class Read {
   public:
    explicit Read(Pace* pace) {
      thread_local unsigned left = kOneIn;
      if (pace == nullptr || --left > 0) [[likely]]
        return;
      left = kOneIn;
      pace_ = pace;
      begin_ = std::chrono::steady_clock::now();
    }
    Read(const Read&) = delete;
    Read& operator=(const Read&) = delete;
    void found(bool hit) { hit_ = hit; }
    ~Read() {
      if (pace_ != nullptr) [[unlikely]]
        pace_->add(hit_, std::chrono::steady_clock::now() - begin_);
    }

   private:
    Pace* pace_ = nullptr;
    bool hit_ = false;
    MonotonicTime begin_{};
  };

  void add(bool hit, Duration took);
  bool wants_look(MonotonicTime now) const;
  // Now and then; looks within a second of the last one are left out.
  void look(MonotonicTime now, const Counts& counts);
  // Nothing before the second look.
  Counts per_second() const;
  struct Figures {
    Quantiles hits, misses;
    Counts per_second;
  };
  Figures figures() const { return {of_hits(), of_misses(), per_second()}; }
  Quantiles of_hits() const { return quantiles_of(hits_ns_); }
  Quantiles of_misses() const { return quantiles_of(misses_ns_); }
  void reset();  // the times, not the rates
  void Describe(StatSink& sink) const;

 private:
  static constexpr std::size_t kLooks = 11;
  static constexpr Duration kBetween = std::chrono::seconds(1);
  struct Look {
    MonotonicTime at{};
    Counts counts;
  };

  static Quantiles quantiles_of(const Histogram& of);

  Histogram hits_ns_;
  Histogram misses_ns_;
  mutable Mutex mutex_;
  std::array<Look, kLooks> looks_ PLIMSOLL_GUARDED_BY(mutex_);  // a ring
  std::size_t taken_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
