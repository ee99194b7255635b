// What a write costs in the library, by policy, where every write evicts, and a switch of the policy. (What a
// hit costs: cache_bench.cc.)
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
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

// The longest that one thread waits for a write, of those it makes one after the other until it is told to
// stop.
class SlowestWrite {
 public:
  explicit SlowestWrite(ByteCache& cache, std::size_t items)
      : thread_([this, &cache, items] {
          Random random(5);
          const std::string value(kValue, 'w');
          while (!ended_.load(std::memory_order_relaxed)) {
            const Key key = key_of(random.below(items));
            const auto begin = std::chrono::steady_clock::now();
            static_cast<void>(cache.lock({key.data(), key.size()}, 0).put(value));
            slowest_ = std::max(slowest_, std::chrono::steady_clock::now() - begin);
          }
        }) {}
  double end_ms() {
    ended_.store(true, std::memory_order_relaxed);
    thread_.join();
    return std::chrono::duration<double, std::milli>(slowest_).count();
  }

 private:
  std::atomic<bool> ended_{false};
  std::chrono::steady_clock::duration slowest_{};
  std::thread thread_;
};

// Items were read at random, so that the order is not the one they lie in.
const BenchPart kSwitch("switch", [](RowPrinter& rows) {
  constexpr std::size_t kItems = 1'000'000;
  constexpr int kRounds = 5;
  rows.title("a policy switch, and the slowest write beside it (eight shards, a million items of 16+100 B)");
  Loaded loaded(PolicyKind::kLru, kItems, 1_GiB);
  Random random(3);
  for (PolicyKind to : {PolicyKind::kAdaptive, PolicyKind::kLfu, PolicyKind::kFifo, PolicyKind::kLru}) {
    const std::string name = std::string(name_of(loaded.cache.policy())) + " to " + std::string(name_of(to));
    const PolicyKind from = loaded.cache.policy();
    std::vector<double> ms, slowest;
    for (int round = 0; round < kRounds; ++round) {
      loaded.cache.set_policy(from);
      for (std::size_t i = 0; i < kItems; ++i) {
        const Key key = key_of(random.below(kItems));
        static_cast<void>(loaded.cache.read({key.data(), key.size()}, 0, {}));
      }
      for (const bool beside : {false, true}) {
        loaded.cache.set_policy(from);
        std::optional<SlowestWrite> writer;
        if (beside) writer.emplace(loaded.cache, kItems);
        const auto begin = std::chrono::steady_clock::now();
        loaded.cache.set_policy(to);
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
        (beside ? slowest : ms).push_back(beside ? writer->end_ms() : took.count());
      }
    }
    char note[64];
    std::snprintf(note, sizeof note, "in all, %.1f..%.1f", quantile_of(ms, 0), quantile_of(ms, 1));
    rows.add({.bench = "a switch, " + name, .unit = "ms", .ours = median(ms), .note = note});
    std::snprintf(note, sizeof note, "%.2f..%.2f", quantile_of(slowest, 0), quantile_of(slowest, 1));
    rows.add({.bench = "slowest write beside it", .unit = "ms", .ours = median(slowest), .note = note});
  }
});

}  // namespace
}  // namespace plimsoll
