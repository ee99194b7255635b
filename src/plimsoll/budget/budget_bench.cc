// What a charge costs, on one thread and on two that share the line, beside malloc and free of the same size,
// which whoever charges does as well; and a lease, that hot paths use instead.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

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

void pair(benchmark::State& state, Account& account) {
  for (auto _ : state) {
    Charge charge = account.charge(64_KiB);
    benchmark::DoNotOptimize(charge);
  }
}
void charge_release(benchmark::State& state) { pair(state, stage().bodies); }
void charge_release_droppable(benchmark::State& state) { pair(state, stage().cache); }
void charge_release_in_a_group(benchmark::State& state) { pair(state, stage().deep); }
BENCHMARK(charge_release)->Name("charge_release/ours");
BENCHMARK(charge_release)->Name("charge_release/again");
void malloc_free(benchmark::State& state) {
  for (auto _ : state) {
    void* memory = std::malloc((64_KiB).count());
    benchmark::DoNotOptimize(memory);
    std::free(memory);
  }
}
BENCHMARK(malloc_free)->Name("charge_release/peer:malloc-free");
BENCHMARK(charge_release)->Name("charge_release_two_threads")->Threads(2);
BENCHMARK(charge_release_droppable);
BENCHMARK(charge_release_in_a_group);

void charge_refused(benchmark::State& state) {
  for (auto _ : state) {
    Charge charge = stage().bodies.charge(600_MiB);
    benchmark::DoNotOptimize(charge);
  }
}
BENCHMARK(charge_refused);

void transfer_there_and_back(benchmark::State& state) {
  Charge charge = stage().bodies.charge(1_MiB);
  for (auto _ : state) {
    benchmark::DoNotOptimize(charge.transfer(stage().cache));
    benchmark::DoNotOptimize(charge.transfer(stage().bodies));
  }
}
BENCHMARK(transfer_there_and_back);

void lease_take_give(benchmark::State& state) {
  Lease lease(stage().connections);
  for (auto _ : state) {
    bool taken = lease.take(2_KiB);
    benchmark::DoNotOptimize(taken);
    lease.give(2_KiB);
  }
}
BENCHMARK(lease_take_give);
BENCHMARK(lease_take_give)->Name("lease_take_give_two_threads")->Threads(2);

// A release that serves the first of so many waiters, which waits again at the end of the queue.
class Wait final : public Waiter {
 public:
  void finished() noexcept override { done = true; }
  bool done = false;
};
void release_to_first_waiter(benchmark::State& state) {
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
BENCHMARK(release_to_first_waiter)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace plimsoll
