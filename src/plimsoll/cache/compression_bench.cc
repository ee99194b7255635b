// What compression costs and brings: packing and unpacking by codec and size, a read of a compressed item
// beside one of a plain one, a write to a full cache whose victims are compressed, and how many items that
// cache holds (counter "items").
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/json_like.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr std::size_t kValues = 256;

std::vector<std::string> values_of(std::size_t size) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < kValues; ++i) values.push_back(json_like(i, size));
  return values;
}

struct Bench {
  LoadLine line{{.limit = 256_MiB}};
  Account& account = line.open({.name = "cold", .kind = AccountKind::kPinned, .guarantee = {}});
  Compressor compressor{{.account = account}};
};

void pack(benchmark::State& state, Compression with, std::size_t size) {
  Bench bench;
  const std::vector<std::string> values = values_of(size);
  std::size_t at = 0, bytes = 0;
  for (auto step : state) {
    const Compressor::Buffer packed = bench.compressor.pack(with, values[at++ % kValues]);
    bytes += packed ? packed.view().size() : size;
  }
  state.counters["of_the_size"] = static_cast<double>(bytes) / static_cast<double>(at * size);
}

void unpack(benchmark::State& state, Compression with, std::size_t size) {
  Bench bench;
  std::vector<std::string> packed;
  for (const std::string& value : values_of(size))
    packed.emplace_back(bench.compressor.pack(with, value).view());
  if (packed[0].empty()) return state.SkipWithError("it does not pay");
  std::size_t at = 0;
  for (auto step : state) benchmark::DoNotOptimize(bench.compressor.unpack(packed[at++ % kValues]));
}

std::string key_of(std::uint64_t number) { return "user:" + std::to_string(10'000'000 + number); }

// A cache of 48 MiB, filled twice over.
struct Filled {
  Filled(Compression with, std::size_t size)
      : cache({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = {},
               .shards = 8,
               .policy = PolicyKind::kLru,
               .seed = 7,
               .compression = with}),
        value_size(size) {
    keys = 2 * (48 << 20) / (size + 40);
    for (std::uint64_t i = 0; i < keys; ++i)
      static_cast<void>(cache.lock(std::string_view(key_of(i)), 0).put(json_like(i, size)));
    for (std::uint64_t i = 0; i < keys && read.size() < 4096; ++i) {
      const std::string name = key_of(i);
      const ByteCache::Slot slot = cache.lock(name, 0);
      if (slot.exists() && (slot.packed_with() == with)) read.push_back(key_of(i));
    }
  }
  SystemPages pages;
  LoadLine line{{.limit = 48_MiB}};
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  ByteCache cache;
  std::size_t value_size;
  std::uint64_t keys = 0;
  std::vector<std::string> read;  // keys of plain items, or with compression of compressed ones
};

void read_of_one(benchmark::State& state, Compression with, std::size_t size) {
  Filled filled(with, size);
  if (filled.read.empty()) return state.SkipWithError("nothing is compressed");
  std::size_t at = 0;
  std::uint64_t sum = 0;
  for (auto step : state) {
    ByteCache::Slot slot = filled.cache.lock(filled.read[at++ % filled.read.size()], 0);
    slot.touch();
    if (slot.exists()) sum += static_cast<unsigned char>(slot.value()[size / 2]);
  }
  benchmark::DoNotOptimize(sum);
}

void write_that_evicts(benchmark::State& state, Compression with, std::size_t size) {
  Filled filled(with, size);
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < 4096; ++i) values.push_back(json_like(i, size));
  for (auto step : state) {
    const std::uint64_t number = ++filled.keys;
    benchmark::DoNotOptimize(
        filled.cache.lock(std::string_view(key_of(number)), 0).put(values[number % 4096]));
  }
  state.counters["items"] = static_cast<double>(filled.cache.size());
  state.counters["gain"] = filled.cache.stats().compression_gain();
}

const bool kRegistered = [] {
  for (Compression with : kCompressions) {
    const std::string name(name_of(with));
    for (std::size_t size : {std::size_t{100}, std::size_t{200}, std::size_t{1024}, std::size_t{8192}}) {
      const std::string of = ", " + name + ", " + std::to_string(size) + " B";
      benchmark::RegisterBenchmark(("read" + of).c_str(), read_of_one, with, size);
      benchmark::RegisterBenchmark(("write that evicts" + of).c_str(), write_that_evicts, with, size);
      if (with == Compression::kOff) continue;
      benchmark::RegisterBenchmark(("pack" + of).c_str(), pack, with, size);
      benchmark::RegisterBenchmark(("unpack" + of).c_str(), unpack, with, size);
    }
  }
  return true;
}();

}  // namespace
}  // namespace plimsoll
