// Watch: what the governor does in one look, without its thread; time passes in by its clock.
//
// Invariant: see governor.h. Thread-safety: tick() and measure_runtime() exclude each other; the readers may
// be called from any thread and wait for no reclaim. Cost, Limits, Errors: as the governor's.
#pragma once

#include <optional>

#include "plimsoll/base/histogram.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/governor/collector.h"
#include "plimsoll/governor/governor.h"
#include "plimsoll/governor/internal/other_estimate.h"
#include "plimsoll/governor/internal/overshoot.h"
#include "plimsoll/governor/throttle.h"

namespace plimsoll {

class Watch {
 public:
  struct Next {
    Duration due;       // when to look again
    Duration shortest;  // how long to wait at least if something wants a look before that
  };

  explicit Watch(const Governor::Options& options);
  ~Watch();

  // `woken_at`: when something asked for this look, if it did.
  Next tick(std::optional<MonotonicTime> woken_at) PLIMSOLL_EXCLUDES(tick_mutex_);
  Result<void> measure_runtime() PLIMSOLL_EXCLUDES(tick_mutex_);
  void set_socket_account(const Account& account) PLIMSOLL_EXCLUDES(tick_mutex_);

  Collector& collector() { return collector_; }
  const History& history() const { return history_; }
  const Clock& clock() const { return clock_; }
  // `thread_cpu`: of the thread that looks.
  Governor::Snapshot snapshot(Duration thread_cpu) const;
  void Describe(StatSink& sink, Duration thread_cpu) const;
  void CheckInvariants() const;

 private:
  void follow_limit(MonotonicTime now) PLIMSOLL_REQUIRES(tick_mutex_);
  void read_slow(MonotonicTime now) PLIMSOLL_REQUIRES(tick_mutex_);
  // Reads what is held, and charges what is beyond the charges to `other`.
  void measure(MonotonicTime now) PLIMSOLL_REQUIRES(tick_mutex_);
  HeldAndCharged compare(Bytes explained) const PLIMSOLL_REQUIRES(tick_mutex_);
  Bytes explained() const PLIMSOLL_REQUIRES(tick_mutex_);
  Sample sample(MonotonicTime now) const PLIMSOLL_REQUIRES(tick_mutex_);
  void track_overshoot(const Sample& sample) PLIMSOLL_REQUIRES(tick_mutex_);
  void set_level(Sample& sample) PLIMSOLL_REQUIRES(tick_mutex_);
  void set_wake_level(const Sample& sample, Level present) PLIMSOLL_REQUIRES(tick_mutex_);
  Pressure pressure(const Sample& sample) const;
  // Whether anything was given back.
  bool respond(const Sample& sample, std::optional<MonotonicTime> woken_at) PLIMSOLL_REQUIRES(tick_mutex_);
  Collector::Outcome collect(const Sample& sample) PLIMSOLL_REQUIRES(tick_mutex_);
  void note_freed(const Collector::Outcome& outcome) PLIMSOLL_REQUIRES(tick_mutex_);
  void trim_heap(const Sample& sample) PLIMSOLL_REQUIRES(tick_mutex_);
  void publish(const Sample& sample) PLIMSOLL_REQUIRES(tick_mutex_);
  Next next(const Sample& sample, bool freed, bool woken) PLIMSOLL_REQUIRES(tick_mutex_);
  void note_failure(const char* what, const Error& error) PLIMSOLL_REQUIRES(tick_mutex_);

  const Governor::Options options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  LoadLine& line_;
  Account& other_account_;
  Account& runtime_account_;
  Collector collector_;
  History history_;
  Histogram first_freed_ns_;  // from the wake-up, or the look before, to the first byte freed
  Histogram tick_ns_;

  mutable Mutex tick_mutex_;
  Charge other_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Charge runtime_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  LevelTracker tracker_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Throttle throttle_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  OtherEstimate estimate_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  OvershootTracker overshoot_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  const Account* socket_account_ PLIMSOLL_GUARDED_BY(tick_mutex_) = nullptr;
  FastSample fast_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Bytes sockets_held_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Bytes untouched_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Bytes overcharged_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Sample last_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Response response_ PLIMSOLL_GUARDED_BY(tick_mutex_) = Response::kMonitor;
  std::optional<MonotonicTime> short_since_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  std::optional<MonotonicTime> limit_read_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  std::optional<MonotonicTime> slow_read_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  std::optional<MonotonicTime> trimmed_ PLIMSOLL_GUARDED_BY(tick_mutex_);
  Bytes other_at_trim_ PLIMSOLL_GUARDED_BY(tick_mutex_);  // or the least since
  bool busy_ PLIMSOLL_GUARDED_BY(tick_mutex_) = true;
  bool more_to_free_ PLIMSOLL_GUARDED_BY(tick_mutex_) = false;  // owners gave, and it was not enough
  bool said_stuck_ PLIMSOLL_GUARDED_BY(tick_mutex_) = false;    // that owners have nothing left to give
  Duration shortest_ PLIMSOLL_GUARDED_BY(tick_mutex_);

  mutable Mutex published_mutex_;
  Governor::Snapshot published_ PLIMSOLL_GUARDED_BY(published_mutex_);
  MonotonicTime last_freed_ PLIMSOLL_GUARDED_BY(published_mutex_);
};

}  // namespace plimsoll
