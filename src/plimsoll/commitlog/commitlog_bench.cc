// What a log costs its appender and its reader: a look-up in an index, batches a core, opening what is there.
//
// M2 asks for 200 ns a look-up. Appends go to files under /tmp; the figure is of the page cache and not of a
// disk.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "plimsoll/base/crc32c.h"
#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/internal/segment_index.h"
#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

// A segment of 64 MiB has 16,384 entries.
constexpr std::uint32_t kEntries = 16'384;

void index_lookup(benchmark::State& state) {
  const std::string path = "/tmp/plimsoll_index_bench_" + std::to_string(::getpid());
  SegmentIndex index = *SegmentIndex::open(path, std::uint64_t{1} << 31);
  for (std::uint32_t i = 1; i <= kEntries; ++i) PLIMSOLL_CHECK(index.add(IndexPoint{i * 4, i * 4096}));
  Random random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.floor(static_cast<std::uint32_t>(random.below(kEntries * 4))));
  }
  state.counters["must"] = 200;
  std::filesystem::remove(path + ".index");
}
BENCHMARK(index_lookup)->Name("index_lookup/ours");
BENCHMARK(index_lookup)->Name("index_lookup/again");

void checksum(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(0, bytes.data(), bytes.size()));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(1024)->Arg(65536)->Arg(1 << 20);

// A batch of so many records of 1 KiB.
void append_batches(benchmark::State& state) {
  LogFixture fixture;
  TopicConfig config;
  config.retention_bytes = 128 << 20;
  config.max_message_bytes = 8 << 20;
  config.file_delete_delay_ms = 0;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  PLIMSOLL_CHECK(fixture.store().start().has_value());
  std::string batch = batch_of({.count = static_cast<std::int32_t>(state.range(0)), .value = 1024});
  for (auto _ : state) {
    PLIMSOLL_CHECK(topic->partition(0).append(batch, kNow).error == LogError::kNone);
    if (state.iterations() % 4096 == 0) fixture.clock().advance(std::chrono::seconds(31));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
}
BENCHMARK(append_batches)->Arg(1)->Arg(16)->Arg(64)->Arg(1000);

void plan_a_read(benchmark::State& state) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  for (int i = 0; i < 50'000; ++i) append(topic->partition(0), batch_of({.value = 1024}));
  Random random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        topic->partition(0).read(static_cast<std::int64_t>(random.below(50'000)), 1_MiB, true));
  }
}
BENCHMARK(plan_a_read);

void open_thousand_partitions(benchmark::State& state) {
  LogFixture fixture;
  for (int t = 0; t < 10; ++t) {
    std::shared_ptr<Topic> topic = *fixture.store().create("t" + std::to_string(t), 100, {});
    for (std::int32_t i = 0; i < 100; ++i) append(topic->partition(i), batch_of({.value = 10'000}));
  }
  for (auto _ : state) {
    state.PauseTiming();
    fixture.close();
    state.ResumeTiming();
    fixture.open();
  }
  state.SetLabel("listening again");
}
BENCHMARK(open_thousand_partitions)->Iterations(5);

}  // namespace
}  // namespace plimsoll
