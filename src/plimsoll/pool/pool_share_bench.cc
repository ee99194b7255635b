// The share of heap allocations that pools and arenas save in steady state on three workloads, and of buffer
// allocations under a broker's load; and the CPU time that each takes beside its plain form.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "parts.h"
#include "plimsoll/pool/internal/share_workloads.h"

namespace {

// An addition for each allocation, in all rows of this program.
thread_local std::uint64_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  void* place = std::malloc(size == 0 ? 1 : size);
  if (place == nullptr) std::abort();
  return place;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }

namespace plimsoll {
namespace {

constexpr int kWarmUp = 2000;
constexpr int kRounds = 5000;
volatile std::uint64_t kept_sum = 0;

template <typename Workload>
void run(Workload& workload, Random& random, int rounds) {
  std::uint64_t sum = 0;
  for (int i = 0; i < rounds; ++i) sum += workload.round(random);
  kept_sum = kept_sum + sum;
}

// From the heap and, in a pooled form, from what is behind its pools, a round in steady state.
template <typename Workload>
double allocations_a_round() {
  Workload workload;
  Random random(1);
  auto taken = [&]() -> std::uint64_t {
    if constexpr (requires { workload.taken(); }) return workload.taken();
    return 0;
  };
  run(workload, random, kWarmUp);
  const std::uint64_t behind = taken();
  const std::uint64_t before = allocations;
  run(workload, random, kRounds);
  return static_cast<double>(allocations - before + taken() - behind) / kRounds;
}

template <typename Workload>
double cpu_of(Workload& workload, Random& random) {
  const std::uint64_t begin = thread_cpu_ns();
  run(workload, random, kRounds);
  return static_cast<double>(thread_cpu_ns() - begin) / kRounds;
}

template <typename Plain, typename Pooled>
void add_rows(RowPrinter& rows, const std::string& name, double must, double aim) {
  const double plain = allocations_a_round<Plain>();
  const double pooled = allocations_a_round<Pooled>();
  char note[80];
  std::snprintf(note, sizeof note, "%.1f a round, plainly %.1f", pooled, plain);
  rows.add({.bench = name + ", fewer allocations",
            .unit = "%",
            .ours = 100 * (1 - pooled / plain),
            .must = must,
            .aim = aim,
            .bound = BenchBound::kAtLeast,
            .note = note});
  Plain first;
  Pooled second;
  Random for_first(2), for_second(2);
  const PairedResult cpu = PairedRounds(15).run([&] { return cpu_of(second, for_second); },
                                                {{"plainly", [&] { return cpu_of(first, for_first); }}});
  rows.add(row_of(cpu, {.bench = name + ", a round", .unit = "ns"}));
}

const BenchPart kShare("share", [](RowPrinter& rows) {
  rows.title("workloads plainly and with pools, in steady state");
  add_rows<share::PlainProposals, share::PooledProposals>(rows, "consensus proposals", 70, 71);
  add_rows<share::PlainBatches, share::PooledBatches>(rows, "scheduling batches", 70, 77);
  add_rows<share::PlainMessages, share::PooledMessages>(rows, "message serialisation", 70, 76);
});

const BenchPart kBroker("broker", [](RowPrinter& rows) {
  rows.title("64 requests of 1 to 256 KiB in flight");
  share::BrokerBuffers buffers;
  share::PlainBrokerBuffers plain;
  Random random(3), for_plain(3);
  auto cpu = [](auto& workload, Random& numbers) {
    constexpr int kMany = 20'000;
    const std::uint64_t begin = thread_cpu_ns();
    for (int i = 0; i < kMany; ++i) workload.round(numbers);
    return static_cast<double>(thread_cpu_ns() - begin) / kMany;
  };
  cpu(buffers, random);
  const std::uint64_t created = buffers.created();
  const std::uint64_t rounds = buffers.rounds();
  for (int i = 0; i < 50; ++i) cpu(buffers, random);
  const auto fewer = static_cast<double>(buffers.created() - created);
  rows.add({.bench = "buffers of a broker, fewer allocations",
            .unit = "%",
            .ours = 100 * (1 - fewer / static_cast<double>(buffers.rounds() - rounds)),
            .must = 95,
            .aim = 99,
            .bound = BenchBound::kAtLeast,
            .note = std::to_string(buffers.idle().count() / 1024) + " KiB idle at the end"});
  const PairedResult result = PairedRounds(15).run(
      [&] { return cpu(buffers, random); }, {{"new and delete", [&] { return cpu(plain, for_plain); }}});
  rows.add(row_of(result, {.bench = "buffers of a broker, one for another", .unit = "ns"}));
});

}  // namespace
}  // namespace plimsoll
