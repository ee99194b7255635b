// What a charge costs, on one thread and on two that share the line; a lease beside it.
#include <benchmark/benchmark.h>

#include "plimsoll/budget/lease.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

// As many accounts as the server opens, since a charge looks at its siblings' guarantees.
struct Stage {
  LoadLine line{{.limit = 1_GiB}};
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& runtime = line.open({.name = "runtime", .guarantee = 4_MiB});
  Account& other = line.open({.name = "other"});
  Account& bodies = line.open({.name = "bodies", .kind = AccountKind::kWaitable, .maximum = 512_MiB});
  Account& output = line.open({.name = "output", .kind = AccountKind::kWaitable, .maximum = 256_MiB});
  Account& connections = line.open({.name = "connections", .maximum = 512_MiB});
  Account& group = line.open({.name = "group"});
  Account& deep = line.open({.name = "deep"}, &group);
};

Stage& stage() {
  static Stage shared;
  return shared;
}

void charge_release(benchmark::State& state, Account& account) {
  for (auto _ : state) {
    Charge charge = account.charge(64_KiB);
    benchmark::DoNotOptimize(charge);
  }
}
void BM_ChargeRelease(benchmark::State& state) { charge_release(state, stage().bodies); }
void BM_ChargeReleaseDroppable(benchmark::State& state) { charge_release(state, stage().cache); }
void BM_ChargeReleaseInAGroup(benchmark::State& state) { charge_release(state, stage().deep); }
BENCHMARK(BM_ChargeRelease)->Threads(1)->Threads(2);
BENCHMARK(BM_ChargeReleaseDroppable)->Threads(1)->Threads(2);
BENCHMARK(BM_ChargeReleaseInAGroup)->Threads(1);

void BM_ChargeRefused(benchmark::State& state) {
  for (auto _ : state) {
    Charge charge = stage().bodies.charge(600_MiB);
    benchmark::DoNotOptimize(charge);
  }
}
BENCHMARK(BM_ChargeRefused);

void BM_Transfer(benchmark::State& state) {
  Charge charge = stage().bodies.charge(1_MiB);
  for (auto _ : state) {
    benchmark::DoNotOptimize(charge.transfer(stage().cache));
    benchmark::DoNotOptimize(charge.transfer(stage().bodies));
  }
}
BENCHMARK(BM_Transfer);

void BM_LeaseTakeGive(benchmark::State& state) {
  Lease lease(stage().connections);
  for (auto _ : state) {
    bool taken = lease.take(2_KiB);
    benchmark::DoNotOptimize(taken);
    lease.give(2_KiB);
  }
}
BENCHMARK(BM_LeaseTakeGive)->Threads(1)->Threads(2);

// A release that serves the first of so many waiters, which waits again at the end of the queue.
class Wait final : public Waiter {
 public:
  void finished() noexcept override { done = true; }
  bool done = false;
};
void BM_ReleaseServesTheFirstOfManyWaiters(benchmark::State& state) {
  LoadLine line({.limit = 1_GiB});
  Account& account = line.open({.name = "bodies", .maximum = 1_MiB});
  std::vector<Wait> waits(static_cast<std::size_t>(state.range(0)));
  Charge charge = account.charge(1_MiB);
  MonotonicTime far = MonotonicTime::max();
  for (Wait& wait : waits) line.enqueue(wait, account, 1_MiB, far, "bench");
  std::size_t next = 0;
  for (auto _ : state) {
    charge.release();
    charge = waits[next].take_charge();
    line.enqueue(waits[next], account, 1_MiB, far, "bench");
    next = (next + 1) % waits.size();
  }
  for (Wait& wait : waits) line.cancel(wait);
}
BENCHMARK(BM_ReleaseServesTheFirstOfManyWaiters)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace plimsoll
