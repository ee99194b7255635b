// Collector: asks the owners of memory to give it back, one after the other, until enough is free.
//
// The biggest and coldest is asked first: the order is by bytes times age, the benefit of log-structured
// cleaners (Rosenblum and Ousterhout, SOSP 1991), so that a small cold cache goes before a large hot one only
// if it is worth it. What is missing is measured again after each, as others give and take meanwhile, and an
// owner may free less than it says. Invariant: no owner is asked once nothing is missing.
//
// Thread-safety: all methods from any thread; collect() by one at a time. Cost: an offer() of each owner and
// what reclaiming takes. Limits: a few dozen owners. Errors: none: freeing less than was wanted is an
// outcome. Ownership: owners and accounts are the caller's; remove() returns when the owner is not in use any
// more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/histogram.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/budget/reclaimer.h"
#include "plimsoll/governor/event.h"

namespace plimsoll {

class Collector {
 public:
  struct Outcome {
    Bytes wanted;
    Bytes freed;  // by the owners' own word
    bool satisfied = false;
    MonotonicTime first_freed{};  // when the first byte was; set if freed is not zero
  };

  Collector(EventLog& events, const Clock& clock) : events_(events), clock_(clock) {}
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // `account`: where the memory of this owner is charged. REQUIRES: not added yet.
  void add(Reclaimer& reclaimer, const Account& account);
  // REQUIRES: not called by the reclaimer itself.
  void remove(Reclaimer& reclaimer);

  // `missing` says how much is still missing; it is called before the first owner and after each slice.
  Outcome collect(const std::function<Bytes()>& missing, const char* cause);
  // Owners whose account is above its maximum give back what is above.
  Outcome collect_above_maxima();
  // Tells every owner that it is time to let go of what it does not need.
  void tick();
  // By how much droppable accounts exceed their maxima.
  Bytes above_maxima() const;
  // Charged for pages that nobody has touched yet, by the owners' word.
  Bytes untouched() const;

  Bytes freed_in_all() const;
  void Describe(StatSink& sink) const;

 private:
  struct Owner {
    Reclaimer* reclaimer;
    const Account* account;
  };
  struct Tally {
    std::uint64_t rounds = 0;
    Bytes freed;
  };
  std::vector<Owner> in_order() const PLIMSOLL_REQUIRES(mutex_);
  static constexpr Bytes kSlice = 4_MiB;  // asked for at once: under a millisecond's work of a cache
  // Returns what is missing then.
  Bytes ask(const Owner& owner, Bytes wanted, const std::function<Bytes()>& missing, const char* cause,
            Outcome& outcome) PLIMSOLL_REQUIRES(mutex_);

  EventLog& events_;
  const Clock& clock_;
  mutable Mutex mutex_;  // held while owners are asked
  std::vector<Owner> owners_ PLIMSOLL_GUARDED_BY(mutex_);
  // Apart, so that a page of figures does not wait for a reclaim. By name: they outlive their owners.
  mutable Mutex tally_mutex_;
  std::map<std::string, Tally, std::less<>> tallies_ PLIMSOLL_GUARDED_BY(tally_mutex_);
  Histogram durations_ns_;
};

}  // namespace plimsoll
