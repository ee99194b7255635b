// What watching costs, against opening the files anew each time; what pages cost, against malloc's.
//
// S2 allows 0.3 % of a core: a second of sampling is 100 fast samples, 10 slow ones and one look at the
// limit.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/os/cgroup.h"
#include "plimsoll/os/file.h"
#include "plimsoll/os/machine.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/os/process.h"

namespace plimsoll {
namespace {

std::unique_ptr<SystemProbe> open_probe() {
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
  PLIMSOLL_CHECK(probe.has_value(), "%s", probe.error().what);
  return *std::move(probe);
}

void second_of_sampling(benchmark::State& state) {
  std::unique_ptr<SystemProbe> probe = open_probe();
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) benchmark::DoNotOptimize(probe->fast());
    for (int i = 0; i < 10; ++i) benchmark::DoNotOptimize(probe->slow());
    benchmark::DoNotOptimize(probe->limit());
  }
  state.counters["must"] = 3e6;
}
BENCHMARK(second_of_sampling);

void sample_fast(benchmark::State& state) {
  std::unique_ptr<SystemProbe> probe = open_probe();
  for (auto _ : state) benchmark::DoNotOptimize(probe->fast());
}
BENCHMARK(sample_fast)->Name("sample_fast/ours");
BENCHMARK(sample_fast)->Name("sample_fast/again");

void open_read_close(benchmark::State& state) {
  for (auto _ : state) {
    Result<ProcessReader> reader = ProcessReader::open();
    benchmark::DoNotOptimize(reader->fast());
  }
}
BENCHMARK(open_read_close)->Name("sample_fast/peer:open-read-close");

void sample_slow(benchmark::State& state) {
  std::unique_ptr<SystemProbe> probe = open_probe();
  for (auto _ : state) benchmark::DoNotOptimize(probe->slow());
}
BENCHMARK(sample_slow);

void find_limit(benchmark::State& state) {
  std::unique_ptr<SystemProbe> probe = open_probe();
  for (auto _ : state) benchmark::DoNotOptimize(probe->limit());
}
BENCHMARK(find_limit);

void read_status(benchmark::State& state) {
  Result<ProcessReader> reader = ProcessReader::open();
  for (auto _ : state) benchmark::DoNotOptimize(reader->memory());
}
BENCHMARK(read_status);

void read_faults(benchmark::State& state) {
  Result<ProcessReader> reader = ProcessReader::open();
  for (auto _ : state) benchmark::DoNotOptimize(reader->faults());
}
BENCHMARK(read_faults);

void read_meminfo(benchmark::State& state) {
  Result<MachineReader> reader = MachineReader::open();
  for (auto _ : state) benchmark::DoNotOptimize(reader->memory());
}
BENCHMARK(read_meminfo);

void read_vmstat(benchmark::State& state) {
  Result<MachineReader> reader = MachineReader::open();
  for (auto _ : state) benchmark::DoNotOptimize(reader->events());
}
BENCHMARK(read_vmstat);

void read_sockstat(benchmark::State& state) {
  Result<MachineReader> reader = MachineReader::open();
  for (auto _ : state) benchmark::DoNotOptimize(reader->sockets());
}
BENCHMARK(read_sockstat);

void read_group_use(benchmark::State& state) {
  Result<CgroupMemory> group = CgroupMemory::find();
  if (!group) return state.SkipWithError(group.error().what);
  for (auto _ : state) benchmark::DoNotOptimize(group->use());
}
BENCHMARK(read_group_use);

void read_group_bounds(benchmark::State& state) {
  Result<CgroupMemory> group = CgroupMemory::find();
  if (!group) return state.SkipWithError(group.error().what);
  for (auto _ : state) benchmark::DoNotOptimize(group->bounds());
}
BENCHMARK(read_group_bounds);

void find_group(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(CgroupMemory::find());
}
BENCHMARK(find_group);

constexpr Bytes kStep = 2_MiB;  // in which memory is given back

void touch(std::byte* begin) {
  for (std::size_t at = 0; at < kStep.count(); at += 4096) begin[at] = std::byte{1};
  benchmark::ClobberMemory();
}

void touch_and_give_back(benchmark::State& state) {
  SystemPages pages;
  PageRange range = *pages.map(kStep, kStep);
  PLIMSOLL_CHECK(pages.advise(range, Advice::kNoHugePage).has_value());
  for (auto _ : state) {
    touch(range.begin);
    PLIMSOLL_CHECK(pages.give_back(range).has_value());
  }
  PLIMSOLL_CHECK(pages.unmap(range).has_value());
}
BENCHMARK(touch_and_give_back)->Name("touch_and_give_back_2MiB/ours");
BENCHMARK(touch_and_give_back)->Name("touch_and_give_back_2MiB/again");

void malloc_touch_free(benchmark::State& state) {
  set_malloc_frugal();  // or it would keep the block, and give nothing back
  for (auto _ : state) {
    void* block = std::malloc(kStep.count());
    benchmark::DoNotOptimize(block);
    touch(static_cast<std::byte*>(block));
    std::free(block);
  }
}
BENCHMARK(malloc_touch_free)->Name("touch_and_give_back_2MiB/peer:malloc");

void populate(benchmark::State& state) {
  SystemPages pages;
  PageRange range = *pages.map(kStep, kStep);
  PLIMSOLL_CHECK(pages.advise(range, Advice::kNoHugePage).has_value());
  for (auto _ : state) {
    PLIMSOLL_CHECK(pages.populate(range).has_value());
    PLIMSOLL_CHECK(pages.give_back(range).has_value());
  }
  PLIMSOLL_CHECK(pages.unmap(range).has_value());
}
BENCHMARK(populate)->Name("populate_and_give_back_2MiB");

}  // namespace
}  // namespace plimsoll
