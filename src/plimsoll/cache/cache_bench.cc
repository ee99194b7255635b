// A hit in the cache, by one thread and by two: of bytes (`ByteCache`) under each policy, and of objects
// (`Cache`), beside a locked hash table and list, which is what every cache is at first. An operation is one
// read of a key drawn at random beforehand. Its cost is CPU time: what two threads gain is twice one thread's
// cost over theirs. CPU time leaves out what they wait for each other asleep, and a neighbour's turn on the
// processor hides what they would have waited, so a round of two counts only if each had 0.9 of a core.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "parts.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/cache.h"

namespace plimsoll {
namespace {

// Objects of 64 bytes with keys of 16: half a MiB with all there is, and 250 MiB.
constexpr std::size_t kObjectsInL2 = 4'000;
constexpr std::size_t kObjectsInMemory = 2'000'000;
constexpr std::size_t kObject = 64;
// Values of 100 bytes: 72 KiB, and 72 MiB.
constexpr std::size_t kValuesInL2 = 512;
constexpr std::size_t kValuesInMemory = std::size_t{1} << 19;
constexpr std::size_t kValue = 100;
constexpr double kCore = 0.9;  // what each of two threads must have had of one
constexpr int kTries = 5;      // to find a round in which they had

std::string key_of(std::uint64_t number) {
  std::string key = "key:000000000000";
  for (std::size_t at = key.size(); number > 0; number /= 10)
    key[--at] = static_cast<char>('0' + number % 10);
  return key;
}

// The keys lie in one block in the order that they are asked in, as a request's would lie in its buffer.
struct Keys {
  explicit Keys(std::size_t count) {
    Random random(5);
    bytes.reserve(kAsked * 16);
    for (std::size_t i = 0; i < kAsked; ++i) bytes += key_of(random.below(count));
  }
  std::string_view at(std::size_t i) const { return {bytes.data() + i % kAsked * 16, 16}; }
  static constexpr std::size_t kAsked = 1 << 20;
  std::string bytes;
};

struct OurBytes {
  OurBytes(std::size_t count, PolicyKind policy)
      : keys(count),
        cache({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = {},
               .policy = policy,
               .seed = 7}) {
    for (std::size_t i = 0; i < count; ++i) {
      PLIMSOLL_CHECK(cache.lock(key_of(i), 0).put(std::string(kValue, 'v')) == WriteStatus::kDone,
                     "it was refused");
    }
  }
  int read(std::string_view key) {
    ByteCache::Slot slot = cache.lock(key, 0);
    slot.touch();
    return slot.exists() ? slot.value()[0] : 0;
  }
  Keys keys;
  SystemPages pages;
  LoadLine line{{.limit = 1_GiB}};
  Account& account = line.open({.name = "bytes", .kind = AccountKind::kDroppable});
  ByteCache cache;
};

struct Value {
  std::array<char, kObject> bytes;
};
struct OurObjects {
  explicit OurObjects(std::size_t count) : keys(count) {
    for (std::size_t i = 0; i < count; ++i) cache.put(key_of(i), Value{{1}});
  }
  int read(std::string_view key) {
    CacheHandle<Value> value = cache.get(key);
    return value ? value->bytes[0] : 0;
  }
  Keys keys;
  LoadLine line{{.limit = 4_GiB}};
  Account& account = line.open({.name = "objects", .kind = AccountKind::kDroppable});
  Cache<std::string, Value> cache = Cache<std::string, Value>::build(account).policy(PolicyKind::kLru).open();
};

struct LockedTable {
  LockedTable(std::size_t count, std::size_t size) : keys(count) {
    for (std::size_t i = 0; i < count; ++i) {
      order.push_front({key_of(i), std::string(size, 'v')});
      table.emplace(order.front().first, order.begin());
    }
  }
  int read(std::string_view key) {
    MutexLock lock(mutex);
    auto found = table.find(key)->second;
    order.splice(order.begin(), order, found);
    return found->second.front();
  }
  Keys keys;
  Mutex mutex;
  std::list<std::pair<std::string, std::string>> order;
  std::unordered_map<std::string_view, std::list<std::pair<std::string, std::string>>::iterator> table;
};

struct Cost {
  double ns = 0;          // of CPU, an operation
  double least_core = 1;  // that a thread had while it ran
};

template <typename Set>
Cost read_all(Set& set, std::size_t threads) {
  struct Part {
    double cpu_ns = 0, wall_ns = 1;
    int sum = 0;
  };
  std::array<Part, 2> parts{};
  auto run = [&](std::size_t number) {
    const std::size_t begin = number * Keys::kAsked / 2;
    const auto from = std::chrono::steady_clock::now();
    const std::uint64_t before = thread_cpu_ns();
    int sum = 0;
    for (std::size_t i = 0; i < Keys::kAsked; ++i) sum |= set.read(set.keys.at(begin + i));
    const auto cpu = static_cast<double>(thread_cpu_ns() - before);
    const std::chrono::duration<double, std::nano> wall = std::chrono::steady_clock::now() - from;
    parts[number] = {cpu, wall.count(), sum};
  };
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) running.emplace_back(run, i);
  for (std::thread& thread : running) thread.join();
  PLIMSOLL_CHECK(parts[0].sum != 0, "nothing was found");
  Cost cost;
  for (std::size_t i = 0; i < threads; ++i) {
    cost.ns += parts[i].cpu_ns / static_cast<double>(threads * Keys::kAsked);
    cost.least_core = std::min(cost.least_core, parts[i].cpu_ns / parts[i].wall_ns);
  }
  return cost;
}

// A round in which both threads had their core; the last, and `starved`, if there was none: then the row has
// no verdict, and no more time is spent on it.
template <typename Set>
double read_by_two(Set& set, bool& starved) {
  Cost cost;
  for (int i = 0; i < (starved ? 1 : kTries); ++i) {
    cost = read_all(set, 2);
    if (cost.least_core >= kCore) return cost.ns;
  }
  starved = true;
  return cost.ns;
}

template <typename Set>
void add_rows(RowPrinter& rows, const std::string& what, Set& set, LockedTable& table, bool in_l2) {
  bool starved = false;
  const PairedResult one = PairedRounds(9).run([&] { return read_all(set, 1).ns; },
                                               {{"locked table", [&] { return read_all(table, 1).ns; }},
                                                {"two threads", [&] { return read_by_two(set, starved); }}});
  const std::string name = what + (in_l2 ? ", in L2" : ", in memory");
  rows.add(row_of(PairedResult{.ours = one.ours, .again = one.again, .peers = {one.peers[0]}},
                  {.bench = "a hit, " + name,
                   .unit = "ns",
                   .must = in_l2 ? 50 : 150,
                   .aim = in_l2 ? 30 : 100,
                   .bound = BenchBound::kAtMost}));
  const BenchAgainst& two = one.peers[1];
  char note[96];
  std::snprintf(note, sizeof note, "%.2f..%.2f, A/A %.3f%s", 2 * two.low, 2 * two.high, one.again.ratio,
                starved ? ", no two cores free" : "");
  rows.add({.bench = "two threads' reads over one's, " + name,
            .unit = "x",
            .ours = 2 * two.ratio,
            .must = 1.8,
            .aim = 1.9,
            .bound = BenchBound::kAtLeast,
            .counts = one.steady() && !starved,
            .note = note});
}

const BenchPart kHits("hits", [](RowPrinter& rows) {
  rows.title("a hit: CPU an operation, and what two threads get done (A/A pair in the same rounds)");
  for (const bool in_l2 : {true, false}) {
    LockedTable values(in_l2 ? kValuesInL2 : kValuesInMemory, kValue);
    for (PolicyKind policy : kPolicyKinds) {
      OurBytes set(in_l2 ? kValuesInL2 : kValuesInMemory, policy);
      add_rows(rows, "bytes, " + std::string(name_of(policy)), set, values, in_l2);
    }
  }
  for (const bool in_l2 : {true, false}) {
    const std::size_t count = in_l2 ? kObjectsInL2 : kObjectsInMemory;
    LockedTable objects(count, kObject);
    OurObjects set(count);
    add_rows(rows, "objects, lru", set, objects, in_l2);
  }
});

}  // namespace
}  // namespace plimsoll
