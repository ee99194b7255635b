// What the governor's tests stand on: a scripted machine, a clock of ours, a cache owner. Nothing here
// sleeps.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "plimsoll/base/histogram.h"
#include "plimsoll/base/random.h"
#include "plimsoll/governor/governor.h"

namespace plimsoll {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;

inline constexpr Bytes kLimit = 125_MiB;  // line 120 MiB, headroom 1,920 KiB

inline FoundLimit found(Bytes limit, std::string words = "test limit") {
  FoundLimit found;
  found.limit = found.configured = limit;
  found.words = std::move(words);
  return found;
}

// A machine on which everything charged is held at once, and `unexplained` on top: of the runtime, or of
// others.
class Machine final : public MemoryProbe {
 public:
  explicit Machine(LoadLine& line) : line_(line) {}

  Result<FastSample> fast() override {
    ++fast_reads;
    if (failing) return fail(ErrorCode::kSystem, "statm is gone");
    Bytes held = held_now();
    return FastSample{held, held, held + 6_MiB};
  }
  Result<SlowSample> slow() override {
    ++slow_reads;
    if (failing) return fail(ErrorCode::kSystem, "status is gone");
    SlowSample sample;
    sample.held.anonymous = sample.process.anonymous = held_now();
    sample.held.sockets = sockets;
    sample.process.resident = held_now() + 6_MiB;
    if (group) sample.group = GroupUse();
    return sample;
  }
  Result<FoundLimit> limit() override {
    ++limit_reads;
    if (failing) return fail(ErrorCode::kSystem, "the group is gone");
    return limit_found;
  }

  Bytes unexplained;
  Bytes charged_ahead;  // charged, not held
  Bytes sockets;        // held in sockets
  bool failing = false;
  bool group = true;
  FoundLimit limit_found = found(kLimit);
  int fast_reads = 0;
  int slow_reads = 0;
  int limit_reads = 0;

 private:
  Bytes held_now() const {
    Bytes explained;
    for (const Account* account : line_.accounts()) {
      if (account->name() != "other" && account->name() != "runtime") explained += account->used();
    }
    return explained.minus_clamped(charged_ahead) + unexplained;
  }
  LoadLine& line_;
};

class CacheOwner final : public Reclaimer {
 public:
  explicit CacheOwner(Account& account) : account_(account) {}
  std::string_view name() const override { return account_.name(); }
  ReclaimOffer offer() const override { return {.droppable = held.size(), .untouched = untouched}; }
  Bytes reclaim(Bytes wanted) override {
    ++times;
    if (clock) clock->advance(takes);
    Bytes freed = std::min({std::max(wanted, 512_KiB), slice, held.size()});
    held.shrink(freed);
    return freed;
  }
  // As a cache under load does: takes all it is given.
  void fill() {
    Bytes step = 8_MiB;
    while (!step.zero()) {
      Charge more = account_.charge(step);
      if (more) {
        held.merge(std::move(more));
      } else {
        step = step / 2;
      }
    }
  }

  Charge held;
  Bytes untouched;
  Bytes slice = Bytes::max();
  Duration takes{};
  ManualClock* clock = nullptr;
  int times = 0;

 private:
  Account& account_;
};

class Wait final : public Waiter {
 public:
  void finished() noexcept override { done = true; }
  bool done = false;
};

class GovernorTest : public ::testing::Test {
 protected:
  explicit GovernorTest(bool enforce = true, bool reclaim = true)
      : line_({.limit = kLimit, .enforce = enforce, .clock = &clock_}),
        governor_({.line = line_,
                   .probe = machine_,
                   .board = board_,
                   .events = events_,
                   .reclaim = reclaim,
                   .clock = &clock_,
                   .trim = [this] {
                     ++trims_;
                     machine_.unexplained = machine_.unexplained.minus_clamped(trim_gives_);
                     return !trim_gives_.zero();
                   }}) {
    governor_.add(cache_, cache_account_);
  }
  ~GovernorTest() override {
    governor_.CheckInvariants();
    line_.CheckInvariants();
  }

  // One look, 10 ms after the one before.
  Sample look(Duration after = 10ms) {
    clock_.advance(after);
    due_ = governor_.tick();
    return governor_.snapshot().sample;
  }
  void look_for(Duration time) {
    for (MonotonicTime end = clock_.monotonic_now() + time; clock_.monotonic_now() < end;) look();
  }
  std::vector<std::string> sentences(EventKind kind) const {
    std::vector<std::string> all;
    for (const Event& event : events_.last(EventLog::kEvents)) {
      if (event.kind == kind) all.push_back(event.sentence());
    }
    return all;
  }
  Bytes other() const { return governor_.snapshot().sample.other; }

  ManualClock clock_;
  LoadLine line_;
  Machine machine_{line_};
  AdmissionBoard board_;
  EventLog events_{&clock_};
  Account& index_ = line_.open({.name = "index"});
  Account& cache_account_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable});
  CacheOwner cache_{cache_account_};
  int trims_ = 0;
  Bytes trim_gives_;
  Duration due_{};
  Governor governor_;
};

}  // namespace plimsoll
