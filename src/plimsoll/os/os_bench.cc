// What watching costs: the fast and slow samples, the limit, and the files they are made of; pages beside
// malloc.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>

#include "plimsoll/os/cgroup.h"
#include "plimsoll/os/machine.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/os/process.h"

namespace plimsoll {
namespace {

std::unique_ptr<SystemProbe> open_probe(benchmark::State& state) {
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
  if (!probe) {
    state.SkipWithError(probe.error().what);
    return nullptr;
  }
  return *std::move(probe);
}

template <typename Method>
void run_probe(benchmark::State& state, Method method) {
  std::unique_ptr<SystemProbe> probe = open_probe(state);
  for (auto _ : state) {
    auto sample = ((*probe).*method)();
    benchmark::DoNotOptimize(sample);
  }
}

void BM_ProbeFast(benchmark::State& state) { run_probe(state, &SystemProbe::fast); }
void BM_ProbeSlow(benchmark::State& state) { run_probe(state, &SystemProbe::slow); }
void BM_ProbeLimit(benchmark::State& state) { run_probe(state, &SystemProbe::limit); }
BENCHMARK(BM_ProbeFast);
BENCHMARK(BM_ProbeSlow);
BENCHMARK(BM_ProbeLimit);

template <typename Reader, typename Method>
void run_reader(benchmark::State& state, Result<Reader> reader, Method method) {
  if (!reader) {
    state.SkipWithError(reader.error().what);
    return;
  }
  for (auto _ : state) {
    auto value = ((*reader).*method)();
    benchmark::DoNotOptimize(value);
  }
}

void BM_ProcessStatus(benchmark::State& state) {
  run_reader(state, ProcessReader::open(), &ProcessReader::memory);
}
void BM_ProcessFaults(benchmark::State& state) {
  run_reader(state, ProcessReader::open(), &ProcessReader::faults);
}
void BM_MachineMemory(benchmark::State& state) {
  run_reader(state, MachineReader::open(), &MachineReader::memory);
}
void BM_MachineEvents(benchmark::State& state) {
  run_reader(state, MachineReader::open(), &MachineReader::events);
}
void BM_MachineSockets(benchmark::State& state) {
  run_reader(state, MachineReader::open(), &MachineReader::sockets);
}
void BM_CgroupBounds(benchmark::State& state) {
  run_reader(state, CgroupMemory::find(), &CgroupMemory::bounds);
}
void BM_CgroupUse(benchmark::State& state) {
  Result<CgroupMemory> group = CgroupMemory::find();
  if (!group) {
    state.SkipWithError(group.error().what);
    return;
  }
  for (auto _ : state) {
    Result<GroupUse> use = group->use();
    benchmark::DoNotOptimize(use);
  }
}
void BM_CgroupFind(benchmark::State& state) {
  for (auto _ : state) {
    Result<CgroupMemory> group = CgroupMemory::find();
    benchmark::DoNotOptimize(group);
  }
}
BENCHMARK(BM_ProcessStatus);
BENCHMARK(BM_ProcessFaults);
BENCHMARK(BM_MachineMemory);
BENCHMARK(BM_MachineEvents);
BENCHMARK(BM_MachineSockets);
BENCHMARK(BM_CgroupBounds);
BENCHMARK(BM_CgroupUse);
BENCHMARK(BM_CgroupFind);

// Touch and give back 2 MiB, the step in which memory is returned.
void BM_GiveBack(benchmark::State& state) {
  SystemPages pages;
  Result<PageRange> range = pages.map(2_MiB, 2_MiB);
  if (!range || !pages.advise(*range, Advice::kNoHugePage)) {
    state.SkipWithError("no pages");
    return;
  }
  for (auto _ : state) {
    state.PauseTiming();
    std::memset(range->begin, 1, range->size.count());
    state.ResumeTiming();
    Result<void> given = pages.give_back(*range);
    benchmark::DoNotOptimize(given);
  }
  Result<void> unmapped = pages.unmap(*range);
  benchmark::DoNotOptimize(unmapped);
}
BENCHMARK(BM_GiveBack)->Iterations(500);

void BM_Populate(benchmark::State& state) {
  SystemPages pages;
  Result<PageRange> range = pages.map(2_MiB, 2_MiB);
  if (!range || !pages.advise(*range, Advice::kNoHugePage)) {
    state.SkipWithError("no pages");
    return;
  }
  for (auto _ : state) {
    Result<void> populated = pages.populate(*range);
    benchmark::DoNotOptimize(populated);
    state.PauseTiming();
    Result<void> given = pages.give_back(*range);
    benchmark::DoNotOptimize(given);
    state.ResumeTiming();
  }
  Result<void> unmapped = pages.unmap(*range);
  benchmark::DoNotOptimize(unmapped);
}
BENCHMARK(BM_Populate)->Iterations(500);

}  // namespace
}  // namespace plimsoll
