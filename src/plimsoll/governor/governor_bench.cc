// What the governor costs: a second of looks, by itself and on its thread with its wake-ups; and how long a
// request that needs memory waits until a cache has given it. S2 allows 0.3 % of a core: 3,000,000 ns a
// second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "plimsoll/governor/governor.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr double kMust = 3e6;

class ByteCache final : public Reclaimer {
 public:
  explicit ByteCache(Account& account) : account_(account) {}
  std::string_view name() const override { return "cache"; }
  ReclaimOffer offer() const override {
    MutexLock lock(mutex_);
    return {.droppable = held_.size()};
  }
  Bytes reclaim(Bytes wanted) override {
    MutexLock lock(mutex_);
    Bytes freed = std::min(std::max(wanted, 512_KiB), held_.size());
    held_.shrink(freed);
    return freed;
  }
  void fill() {
    MutexLock lock(mutex_);
    for (Bytes step = 8_MiB; step >= 64_KiB; step = step / 2) {
      while (Charge more = account_.charge(step)) held_.merge(std::move(more));
    }
  }
  void clear() {
    MutexLock lock(mutex_);
    held_.release();
  }

 private:
  Account& account_;
  mutable Mutex mutex_;
  Charge held_ PLIMSOLL_GUARDED_BY(mutex_);
};

struct Stage {
  explicit Stage(const Clock* clock) : line({.limit = 1_GiB, .clock = clock}) {
    auto opened = SystemProbe::open({.root = "/", .limit = {.line = "1GiB"}});
    PLIMSOLL_CHECK(opened.has_value(), "%s", opened.error().what);
    probe = *std::move(opened);
    governor = std::make_unique<Governor>(Governor::Options{
        .line = line, .probe = *probe, .board = board, .events = events, .clock = clock, .trim = {}});
    governor->add(cache, cache_account);
  }
  ~Stage() {
    governor->stop();
    cache.clear();
  }

  LoadLine line;
  std::unique_ptr<SystemProbe> probe;
  AdmissionBoard board;
  EventLog events;
  Account& cache_account = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& bodies = line.open({.name = "bodies", .kind = AccountKind::kWaitable});
  ByteCache cache{cache_account};
  std::unique_ptr<Governor> governor;
};

// A hundred looks ten milliseconds apart, each after something was charged; the slow files ten times of them.
void second_of_looks(benchmark::State& state) {
  ManualClock clock;
  Stage stage(&clock);
  Charge charge = stage.bodies.charge(1_MiB);
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) {
      clock.advance(10ms);
      PLIMSOLL_CHECK(charge.grow(4_KiB));
      benchmark::DoNotOptimize(stage.governor->tick());
    }
    charge.shrink(charge.size() - 1_MiB);
  }
  state.counters["must"] = kMust;
}
BENCHMARK(second_of_looks);

void second_of_reclaims(benchmark::State& state) {
  ManualClock clock;
  Stage stage(&clock);
  stage.cache.fill();
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) {
      clock.advance(10ms);
      Charge charge = stage.bodies.charge(4_MiB);
      benchmark::DoNotOptimize(stage.governor->tick());
      charge.release();
      stage.cache.fill();
    }
  }
}
BENCHMARK(second_of_reclaims);

// The thread for a second, wake-ups included: all of the process's CPU time.
void thread_second(benchmark::State& state, Bytes charged) {
  Stage stage(nullptr);
  Charge charge = stage.bodies.charge(charged);
  PLIMSOLL_CHECK(stage.governor->start().has_value());
  std::this_thread::sleep_for(200ms);
  for (auto _ : state) std::this_thread::sleep_for(1s);
  state.counters["must"] = kMust;
}
// Above normal it looks every ten milliseconds even if nothing is charged.
void thread_second_busy(benchmark::State& state) { thread_second(state, 700_MiB); }
void thread_second_idle(benchmark::State& state) { thread_second(state, 1_MiB); }
// The floor: a thread that wakes as often and does nothing.
void thread_second_of_wakes(benchmark::State& state) {
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) std::this_thread::sleep_for(10ms);
  }
}
BENCHMARK(thread_second_of_wakes)->Iterations(1)->MeasureProcessCPUTime();
BENCHMARK(thread_second_busy)->Iterations(1)->MeasureProcessCPUTime();
BENCHMARK(thread_second_idle)->Iterations(1)->MeasureProcessCPUTime();

// Wall time from a request's wait for memory to its grant, from a full cache through the governor's thread.
void wait_until_granted(benchmark::State& state) {
  Stage stage(nullptr);
  PLIMSOLL_CHECK(stage.governor->start().has_value());
  for (auto _ : state) {
    state.PauseTiming();
    stage.cache.fill();
    state.ResumeTiming();
    Result<Charge> charge = stage.bodies.charge_before(32_MiB, std::chrono::steady_clock::now() + 10s);
    PLIMSOLL_CHECK(charge.has_value());
    state.PauseTiming();
    charge->release();
    state.ResumeTiming();
  }
}
BENCHMARK(wait_until_granted)->UseRealTime();

void admission_look(benchmark::State& state) {
  AdmissionBoard board;
  for (auto _ : state) benchmark::DoNotOptimize(board.look(RequestKind::kBody));
}
BENCHMARK(admission_look);

void event_added(benchmark::State& state) {
  EventLog log;
  for (auto _ : state) log.add({.kind = EventKind::kReclaimed, .subject = "cache", .cause = "bench"});
}
BENCHMARK(event_added);

}  // namespace
}  // namespace plimsoll
