// What a hit and a write cost in the library, by policy: in the second-level cache, in memory, and where
// every write evicts. Keys are made before, and asked for in an order that no predictor learns.
#include <benchmark/benchmark.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr std::size_t kFew = 512;                    // items that stay in a second-level cache
constexpr std::size_t kMany = std::size_t{1} << 19;  // items that do not stay in any
constexpr std::size_t kOrder = std::size_t{1} << 20;
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
               .seed = 7}),
        order(kOrder) {
    for (std::uint64_t i = 0; i < items; ++i) {
      const Key key = key_of(i);
      static_cast<void>(cache.lock({key.data(), key.size()}, 0).put(std::string(kValue, 'v')));
    }
    Random random(3);
    for (Key& key : order) key = key_of(random.below(items));
  }

  SystemPages pages;
  LoadLine line;
  Account& account;
  ByteCache cache;
  std::vector<Key> order;
};

// Kept from one round to the next: filling takes longer than the round.
Loaded& loaded_with(PolicyKind policy, std::size_t items) {
  static std::map<std::pair<PolicyKind, std::size_t>, std::unique_ptr<Loaded>> all;
  std::unique_ptr<Loaded>& made = all[{policy, items}];
  if (!made) made = std::make_unique<Loaded>(policy, items, 1_GiB);
  return *made;
}

void read_hits(benchmark::State& state, PolicyKind policy, std::size_t items) {
  static Loaded* loaded;  // of all threads, which begin the loop together
  if (state.thread_index() == 0) loaded = &loaded_with(policy, items);
  std::size_t at = static_cast<std::size_t>(state.thread_index()) * kOrder / 2;
  std::uint64_t sum = 0;
  std::array<char, kValue> value{};
  for (auto step : state) {
    const Key& key = loaded->order[at++ & (kOrder - 1)];
    if (loaded->cache.read({key.data(), key.size()}, 0, value).exists) {
      sum += static_cast<unsigned char>(value[kValue - 1]);
    }
  }
  benchmark::DoNotOptimize(sum);
}

// As a pipeline or an MGET of sixteen keys is answered.
void read_sixteen(benchmark::State& state, PolicyKind policy, std::size_t items) {
  Loaded& loaded = loaded_with(policy, items);
  std::size_t at = 0;
  std::uint64_t sum = 0;
  std::array<char, kValue> value{};
  std::array<std::string_view, 16> keys;
  for (auto step : state) {
    for (std::string_view& key : keys) {
      const Key& next = loaded.order[at++ & (kOrder - 1)];
      key = {next.data(), next.size()};
    }
    loaded.cache.prefetch(keys);
    for (const std::string_view key : keys) {
      if (loaded.cache.read(key, 0, value).exists) sum += static_cast<unsigned char>(value[kValue - 1]);
    }
  }
  benchmark::DoNotOptimize(sum);
}

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
    for (int threads : {1, 2}) {
      benchmark::RegisterBenchmark(("hit in L2, " + name).c_str(), read_hits, policy, kFew)->Threads(threads);
      benchmark::RegisterBenchmark(("hit in memory, " + name).c_str(), read_hits, policy, kMany)
          ->Threads(threads);
    }
    benchmark::RegisterBenchmark(("sixteen hits in memory, " + name).c_str(), read_sixteen, policy, kMany);
    benchmark::RegisterBenchmark(("write that evicts, " + name).c_str(), write_where_each_evicts, policy);
  }
  return true;
}();

}  // namespace
}  // namespace plimsoll
