// Slabs beside the allocators of the distribution: pairs, batches freed in three orders, and the objects of a
// database with random lifetimes; an arena beside the standard library's.
#include "alloc_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory_resource>
#include <numeric>
#include <string>
#include <vector>

#include "plimsoll/alloc/arena.h"

namespace plimsoll {
namespace {

using bench::Object;
using bench::Ours;

constexpr std::array<std::size_t, 4> kSizes = {64, 256, 1024, 4096};
constexpr std::size_t kBatch = 1000;

template <typename Allocator>
void pair(benchmark::State& state, Allocator& allocator, std::size_t size) {
  benchmark::DoNotOptimize(size);
  for (auto _ : state) {
    void* object = allocator.allocate(size);
    benchmark::DoNotOptimize(object);
    allocator.free(object, size);
  }
}

// In the order of `order`; the time is of one allocation and its free.
template <typename Allocator>
void batch(benchmark::State& state, Allocator& allocator, std::size_t size,
           const std::vector<std::size_t>& order) {
  benchmark::DoNotOptimize(size);
  std::vector<void*> objects(kBatch);
  while (state.KeepRunningBatch(kBatch)) {
    for (void*& object : objects) object = allocator.allocate(size);
    benchmark::DoNotOptimize(objects.data());
    for (std::size_t i : order) allocator.free(objects[i], size);
  }
}

// Locks and small rows mostly; each new object takes the place of a random other.
template <typename Allocator>
void database(benchmark::State& state, Allocator& allocator) {
  std::vector<Object> live(20'000);
  Random random(7);
  for (auto _ : state) {
    Object& object = live[random.below(live.size())];
    if (object.place != nullptr) allocator.free(object.place, object.size);
    object.size = bench::kDatabaseMix[random.below(bench::kDatabaseMix.size())];
    object.place = static_cast<char*>(allocator.allocate(object.size));
    *object.place = 1;
  }
  for (Object& object : live) {
    if (object.place != nullptr) allocator.free(object.place, object.size);
  }
}

const std::vector<std::size_t>& order_named(const std::string& name) {
  static std::vector<std::size_t> first_first(kBatch), last_first(kBatch), any(kBatch);
  if (first_first[1] == 0) {
    std::iota(first_first.begin(), first_first.end(), 0);
    last_first.assign(first_first.rbegin(), first_first.rend());
    any = first_first;
    Random random(3);
    for (std::size_t i = kBatch; i > 1; --i) std::swap(any[i - 1], any[random.below(i)]);
  }
  return name == "FIFO" ? first_first : name == "LIFO" ? last_first : any;
}

template <typename Allocator>
void add_rows(Allocator& allocator, const std::string& part) {
  auto name = [&](const std::string& row) { return row + "/" + part; };
  auto add = [&](const std::string& row, double must, double aim,
                 const std::function<void(benchmark::State&)>& run) {
    return benchmark::RegisterBenchmark(name(row).c_str(), [=](benchmark::State& state) {
      run(state);
      if (part != "ours") return;
      state.counters["must"] = benchmark::Counter(must, benchmark::Counter::kAvgThreads);
      state.counters["aim"] = benchmark::Counter(aim, benchmark::Counter::kAvgThreads);
    });
  };
  for (std::size_t size : kSizes) {
    add("pair of " + std::to_string(size), 0.6, 0.4,
        [&allocator, size](benchmark::State& state) { pair(state, allocator, size); });
  }
  for (const char* order : {"FIFO", "LIFO", "random"}) {
    for (std::size_t size : kSizes) {
      add("1000 of " + std::to_string(size) + " " + order, 0.75, 0.5,
          [&allocator, size, order](benchmark::State& state) {
            batch(state, allocator, size, order_named(order));
          });
    }
  }
  auto mix = [&allocator](benchmark::State& state) { database(state, allocator); };
  add("database mix", 0.75, 0.5, mix);
  add("database mix, two threads", 0.75, 0.5, mix)->Threads(2);
}

// 1000 small pieces, then all of them freed at once; the time is of one piece.
template <typename Take, typename Reset>
void arena(benchmark::State& state, const Take& take, const Reset& reset) {
  std::array<std::size_t, 64> sizes{};
  Random random(5);
  for (std::size_t& size : sizes) size = 8 + random.below(57);
  while (state.KeepRunningBatch(kBatch)) {
    for (std::size_t i = 0; i < kBatch; ++i) benchmark::DoNotOptimize(take(sizes[i % sizes.size()]));
    reset();
  }
}

void arena_ours(benchmark::State& state) {
  static Ours ours;
  Arena arena_of_ours({.slabs = ours.slabs, .pages = ours.pages, .account = ours.account});
  arena(
      state, [&](std::size_t size) { return arena_of_ours.allocate(size, 8); },
      [&] { arena_of_ours.reset(); });
  state.counters["must"] = 0.75;
  state.counters["aim"] = 0.6;
}
void arena_monotonic(benchmark::State& state) {
  std::vector<std::byte> kept(128 * 1024);
  std::pmr::monotonic_buffer_resource resource(kept.data(), kept.size());
  arena(state, [&](std::size_t size) { return resource.allocate(size, 8); }, [&] { resource.release(); });
}
void arena_malloc(benchmark::State& state) {
  std::vector<void*> taken;
  arena(
      state, [&](std::size_t size) { return taken.emplace_back(std::malloc(size)); },
      [&] {
        for (void* object : taken) std::free(object);
        taken.clear();
      });
}
BENCHMARK(arena_ours)->Name("arena, 1000 pieces of 8 to 64/ours");
BENCHMARK(arena_ours)->Name("arena, 1000 pieces of 8 to 64/again");
BENCHMARK(arena_monotonic)->Name("arena, 1000 pieces of 8 to 64/peer:pmr monotonic on a kept buffer");
BENCHMARK(arena_malloc)->Name("arena, 1000 pieces of 8 to 64/peer:malloc");

// The same with sizes that the compiler knows; peers have no such form.
template <std::size_t kSize>
void pair_known(benchmark::State& state, Ours& ours) {
  for (auto _ : state) {
    void* object = ours.slabs.allocate<kSize>();
    benchmark::DoNotOptimize(object);
    ours.slabs.deallocate<kSize>(object);
  }
  state.counters["must"] = 0.45;
  state.counters["aim"] = 0.25;
}

template <std::size_t kSize>
void add_known(Ours& ours) {
  const std::string row = "pair of " + std::to_string(kSize) + ", known when compiled/";
  for (const char* part : {"ours", "again"})
    benchmark::RegisterBenchmark((row + part).c_str(),
                                 [&ours](benchmark::State& state) { pair_known<kSize>(state, ours); });
  bench::for_each_peer([&]<typename Peer>(const char* name) {
    static Peer peer;
    benchmark::RegisterBenchmark((row + "peer:" + name).c_str(),
                                 [](benchmark::State& state) { pair(state, peer, kSize); });
  });
}

const bool kRegistered = [] {
  static Ours ours;
  static Ours shared(SlabFronts::kProcessors);
  add_rows(ours, "ours");
  add_rows(ours, "again");
  bench::for_each_peer([]<typename Peer>(const char* name) {
    static Peer peer;
    add_rows(peer, std::string("peer:") + name);
  });
  add_known<64>(ours);
  add_known<4096>(ours);
  for (std::size_t size : kSizes) {
    benchmark::RegisterBenchmark(
        ("pair of " + std::to_string(size) + ", by way of the processor's magazines").c_str(),
        [size](benchmark::State& state) { pair(state, shared, size); });
  }
  return true;
}();

}  // namespace
}  // namespace plimsoll
