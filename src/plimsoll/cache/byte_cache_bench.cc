// What a write costs in the library, by policy, where every write evicts, and a switch of the policy. (What a
// hit costs: cache_bench.cc.)
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "parts.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr std::size_t kMany = std::size_t{1} << 19;
constexpr std::size_t kValue = 100;

using Key = std::array<char, 16>;

Key key_of(std::uint64_t number) {
  Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>('0' + (number >> (4 * i) & 15));
  return key;
}

struct Loaded {
  Loaded(PolicyKind policy, std::size_t items, Bytes limit)
      : line({.limit = limit}),
        account(line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}})),
        cache({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = {},
               .shards = 8,
               .policy = policy,
               .seed = 7}) {
    for (std::uint64_t i = 0; i < items; ++i) {
      const Key key = key_of(i);
      static_cast<void>(cache.lock({key.data(), key.size()}, 0).put(std::string(kValue, 'v')));
    }
  }

  SystemPages pages;
  LoadLine line;
  Account& account;
  ByteCache cache;
};

void write_where_each_evicts(benchmark::State& state, PolicyKind policy) {
  static std::map<PolicyKind, std::unique_ptr<Loaded>> all;
  std::unique_ptr<Loaded>& loaded = all[policy];
  if (!loaded) loaded = std::make_unique<Loaded>(policy, kMany, 48_MiB);
  const std::string value(kValue, 'v');
  static std::uint64_t number = kMany;
  for (auto step : state) {
    const Key key = key_of(++number);
    benchmark::DoNotOptimize(loaded->cache.lock({key.data(), key.size()}, 0).put(value));
  }
}

const bool kRegistered = [] {
  for (PolicyKind policy : kPolicyKinds) {
    const std::string name(name_of(policy));
    benchmark::RegisterBenchmark(("write that evicts, " + name).c_str(), write_where_each_evicts, policy);
  }
  return true;
}();

// Nobody gets at a shard while its order is converted. Its items were read at random, so that the order is
// not the one they lie in.
const BenchPart kSwitch("switch", [](RowPrinter& rows) {
  constexpr std::size_t kItems = 1'000'000;
  constexpr int kRounds = 9;
  rows.title("a policy switch: how long a shard's lock is held (eight shards, a million items of 16+100 B)");
  Loaded loaded(PolicyKind::kLru, kItems, 1_GiB);
  Random random(3);
  for (PolicyKind to : {PolicyKind::kAdaptive, PolicyKind::kLfu, PolicyKind::kFifo, PolicyKind::kLru}) {
    const std::string name = std::string(name_of(loaded.cache.policy())) + " to " + std::string(name_of(to));
    const PolicyKind from = loaded.cache.policy();
    std::vector<double> ms;
    for (int round = 0; round < kRounds; ++round) {
      loaded.cache.set_policy(from);
      for (std::size_t i = 0; i < kItems; ++i) {
        const Key key = key_of(random.below(kItems));
        static_cast<void>(loaded.cache.read({key.data(), key.size()}, 0, {}));
      }
      const auto begin = std::chrono::steady_clock::now();
      loaded.cache.set_policy(to);
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
      ms.push_back(took.count() / 8);
    }
    char note[64];
    std::snprintf(note, sizeof note, "wall time, %.1f..%.1f", quantile_of(ms, 0), quantile_of(ms, 1));
    rows.add({.bench = "a switch, " + name, .unit = "ms", .ours = median(ms), .note = note});
  }
});

}  // namespace
}  // namespace plimsoll
