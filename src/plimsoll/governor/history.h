// History: the samples of the last minutes in bounded memory, thinned to one a period.
//
// Forecasts and pages want seconds, not ticks; of each period the sample with the highest use is kept, since
// a peak between two seconds is what kills. Invariant: samples are in order of time, at most one a period.
//
// Thread-safety: any thread. Cost: add() a lock and a copy. Limits: 300 samples: five minutes by the second,
// 36 KiB. Errors: none.
#pragma once

#include <cstddef>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/ring.h"
#include "plimsoll/governor/sample.h"

namespace plimsoll {

class History {
 public:
  explicit History(std::size_t capacity = 300, Duration period = std::chrono::seconds(1))
      : period_(period), ring_(capacity) {}
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // REQUIRES: in order of time.
  void add(const Sample& sample);
  // The newest `count` whole periods, oldest first; the period under way is not among them.
  std::vector<Sample> last(std::size_t count) const;
  std::size_t size() const;

 private:
  const Duration period_;
  mutable Mutex mutex_;
  Ring<Sample> ring_ PLIMSOLL_GUARDED_BY(mutex_);
  Sample highest_ PLIMSOLL_GUARDED_BY(mutex_);  // of the period under way
  MonotonicTime period_began_ PLIMSOLL_GUARDED_BY(mutex_);
  bool under_way_ PLIMSOLL_GUARDED_BY(mutex_) = false;
};

}  // namespace plimsoll
