// Governor: the one thread that watches the line and has memory given back in time.
//
// Every 10 ms (25 ms while only charges come and go, 100 ms while nothing does), and at once when a charge
// crosses a level, leaves too little free, waits, or is refused what it cannot drop itself: it reads the
// counters and one file, charges what the process holds without a charge to the account `other`, follows the
// limit, sets the level, publishes what is admitted, has owners give back what is short, and serves who
// waits. Requests never call it; they read the AdmissionBoard.
//
//   Governor governor({.line = line, .probe = *probe, .board = board, .events = events});
//   governor.add(cache, cache_account);
//   governor.start();                       // or tick() from a test that owns the clock
//   ... listen ...
//   governor.measure_runtime();             // once, when the program is ready
//
// `other` is what is held beyond the charges. Memory may be charged before it is touched, which hides as much
// memory that nobody charged; so owners say what they have not touched (ReclaimOffer::untouched), buffers of
// sockets are compared apart (charged by their size, held as far as they are full, and often not shown),
// `other` follows a rise at once and a fall after half a second, and what is charged beyond what is held is
// shown as memory_overcharged_bytes. The line is safe in any case: charged() is never less than what is held.
// Invariant: charged() >= held at the end of a tick, but for what was charged or touched meanwhile.
//
// Thread-safety: all methods from any thread; ticks one at a time. Cost: a tick 10-20 us; 0.1 to 0.3 % of a
// core, as measured. Limits: a few dozen reclaimers; a stack of 256 KiB for them. Errors: a reading that
// fails is counted, logged, and its last value kept; start() says when there is no thread. Ownership: owns
// nothing it is given; all of it must outlive the governor, and reclaimers until they are removed.
#pragma once

#include <functional>
#include <memory>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/budget/reclaimer.h"
#include "plimsoll/governor/admission.h"
#include "plimsoll/governor/event.h"
#include "plimsoll/governor/history.h"
#include "plimsoll/governor/level.h"
#include "plimsoll/governor/response.h"
#include "plimsoll/governor/sample.h"
#include "plimsoll/os/memory_probe.h"

namespace plimsoll {

// What the line is set to follow: the smaller of what the kernel kills at and what it slows down above.
Bytes limit_to_follow(const FoundLimit& found);

class Governor final : public PressureListener {
 public:
  struct Options {
    LoadLine& line;  // its limit is set already; accounts `other` and `runtime` are opened in it
    MemoryProbe& probe;
    AdmissionBoard& board;
    EventLog& events;
    LevelOptions levels{};
    bool reclaim = true;      // false: watch, but have nothing given back (control runs)
    Bytes worst_overshoot{};  // known from before; grows by what is seen
    // Between two looks: while a level is up, something is given back or waited for, or what nobody charges
    // moves; two and a half times as long while only charges come and go; the idle one while nothing does.
    Duration busy_period = std::chrono::milliseconds(10);
    Duration idle_period = std::chrono::milliseconds(100);
    // How often the limit is read while more than half of the line is charged; else once a second.
    Duration limit_period = std::chrono::milliseconds(200);
    Duration trim_cooldown = std::chrono::seconds(10);
    const Clock* clock = nullptr;              // the system's when null
    std::function<bool()> trim = trim_malloc;  // has malloc give back what it keeps free

    Result<void> Validate() const;
  };
  // What the status pages show: the last tick's view.
  struct Snapshot {
    Sample sample;
    SlowSample slow;   // as read last: up to a second old
    FoundLimit limit;  // as found last; `words` says what binds
    Response response = Response::kMonitor;
    std::uint64_t ticks = 0;
    std::uint64_t probe_failures = 0;
    Bytes reclaimed;
    Bytes worst_overshoot;
    Duration thread_cpu{};
  };

  // REQUIRES: options.Validate().
  explicit Governor(const Options& options);
  ~Governor() override;  // stops
  Governor(const Governor&) = delete;
  Governor& operator=(const Governor&) = delete;

  // `account`: where the owner's memory is charged. REQUIRES: not added yet.
  void add(Reclaimer& reclaimer, const Account& account);
  // The owner is not in use any more when this returns.
  void remove(Reclaimer& reclaimer);
  // Where the buffers of sockets are charged, and nothing else. REQUIRES: before start().
  void set_socket_account(const Account& account);

  // Runs the thread "plimsoll-gov". Errors: kSystem when there is no thread. REQUIRES: not running.
  Result<void> start();
  // Ends the thread. Does nothing when not running; may be started again.
  void stop();
  // One look, as the thread does it. Never sleeps. Returns after how long the next one is due.
  Duration tick();

  // Charges what is held now beyond the charges to `runtime`, anew at each call: image, libraries, stacks,
  // the heap of the start-up. Errors: the probe's.
  Result<void> measure_runtime();

  void look_now() noexcept override;

  Snapshot snapshot() const;
  const History& history() const;
  // With the figures of the owners asked, and of the event log.
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
  LoadLine* line_ = nullptr;
};

}  // namespace plimsoll
