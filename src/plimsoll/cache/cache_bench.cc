// A hit in the cache, by one thread and by two: of bytes (`ByteCache::read`, the value copied out) under each
// policy, and of objects (`Cache`), beside a locked hash table and list, which is what every cache is at
// first, and which copies its value too. An operation is one read of a key drawn at random beforehand; keys
// lie in the order that they are asked in, so that they cost no misses of their own. Its cost is CPU time:
// what two threads gain is twice one thread's cost over theirs. CPU time leaves out what they wait for each
// other asleep, and a neighbour's turn on the processor hides what they would have waited, so a round of two
// counts only if each had 0.9 of a core.
//
// In memory a processor begins the next reads while it waits for one. So there each is measured in three
// ways: reads that do not depend on each other, which is what a loop over requests does; each after the one
// before, which is what one waits for; and sixteen that are prefetched together. Beside them is the floor: an
// array that does nothing but the misses, one line to find the record and the record, which is copied.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "parts.h"
#include "plimsoll/base/hash.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/cache.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

// Objects of 64 bytes with keys of 16: half a MiB with all there is, and 250 MiB.
constexpr std::size_t kObjectsInL2 = 4'000;
constexpr std::size_t kObjectsInMemory = 2'000'000;
constexpr std::size_t kObject = 64;
// Values of 100 bytes: 72 KiB, and 280 MiB, which is many times what a processor keeps.
constexpr std::size_t kValuesInL2 = 512;
constexpr std::size_t kValuesInMemory = std::size_t{1} << 21;
constexpr std::size_t kValue = 100;
// Keys that are asked for: few where they must leave room in L2, but more than a branch predictor learns.
constexpr std::size_t kAskedInL2 = std::size_t{1} << 14;
constexpr std::size_t kAskedInMemory = std::size_t{1} << 20;
constexpr std::size_t kReads = std::size_t{1} << 19;  // a round
constexpr std::size_t kTogether = 16;
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
  explicit Keys(std::size_t count) : asked(count >= kReads ? kAskedInMemory : kAskedInL2) {
    Random random(5);
    bytes.reserve(asked * 16);
    for (std::size_t i = 0; i < asked; ++i) bytes += key_of(random.below(count));
  }
  std::string_view at(std::size_t i) const { return {bytes.data() + (i & (asked - 1)) * 16, 16}; }
  std::size_t asked;
  std::string bytes;
};
using Room = std::array<char, kValue>;

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
      const std::string key = key_of(i);
      PLIMSOLL_CHECK(cache.lock(key, 0).put(std::string(kValue, 'v')) == WriteStatus::kDone,
                     "it was refused");
    }
  }
  int read(std::string_view key, Room& room) { return cache.read(key, 0, room).exists ? room[0] : 0; }
  void prefetch(std::span<const std::string_view> some) { cache.prefetch(some); }
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
  OurObjects(std::size_t count, PolicyKind policy)
      : keys(count), cache(Cache<std::string, Value>::build(account).policy(policy).open()) {
    for (std::size_t i = 0; i < count; ++i) cache.put(key_of(i), Value{{1}});
  }
  int read(std::string_view key, Room& /*room*/) {
    CacheHandle<Value> value = cache.get(key);
    return value ? value->bytes[0] : 0;
  }
  Keys keys;
  LoadLine line{{.limit = 4_GiB}};
  Account& account = line.open({.name = "objects", .kind = AccountKind::kDroppable});
  Cache<std::string, Value> cache;
};

struct LockedTable {
  LockedTable(std::size_t count, std::size_t size) : keys(count) {
    for (std::size_t i = 0; i < count; ++i) {
      order.push_front({key_of(i), std::string(size, 'v')});
      table.emplace(order.front().first, order.begin());
    }
  }
  int read(std::string_view key, Room& room) {
    MutexLock lock(mutex);
    auto found = table.find(key)->second;
    order.splice(order.begin(), order, found);
    std::copy(found->second.begin(), found->second.end(), room.begin());
    return room[0];
  }
  Keys keys;
  Mutex mutex;
  std::list<std::pair<std::string, std::string>> order;
  std::unordered_map<std::string_view, std::list<std::pair<std::string, std::string>>::iterator> table;
};

// The misses alone: from the hash to a line, from the line to a record as long as the cache's; no key is
// compared, nothing is counted. On huge pages, as far as the kernel gives them.
struct Misses {
  struct alignas(64) Line {
    std::array<std::uint32_t, 16> records;
  };
  using Record = std::array<char, 136>;

  explicit Misses(std::size_t count)
      : keys(count),
        bytes(Bytes(count / 8 * sizeof(Line) + count * sizeof(Record)).rounded_up(2_MiB)),
        range(pages.reserve(bytes, 2_MiB).value()) {
    PLIMSOLL_CHECK(pages.advise(range, Advice::kHugePage) && pages.make_usable(range), "no pages");
    lines = reinterpret_cast<Line*>(range.begin);
    records = reinterpret_cast<Record*>(lines + count / 8);
    Random random(9);
    for (std::size_t i = 0; i < count / 8; ++i) {
      for (std::uint32_t& record : lines[i].records) record = static_cast<std::uint32_t>(random.below(count));
    }
    for (std::size_t i = 0; i < count; ++i) records[i].fill('v');
    mask = count / 8 - 1;
  }
  ~Misses() { static_cast<void>(pages.unmap(range)); }
  Misses(const Misses&) = delete;
  Misses& operator=(const Misses&) = delete;
  int read(std::string_view key, Room& room) {
    const std::uint64_t hash = hash64(key, 7);
    const Record& record = records[lines[hash & mask].records[hash >> 60]];
    std::copy_n(record.begin() + 32, kValue, room.begin());
    return room[0];
  }
  Keys keys;
  SystemPages pages;
  const Bytes bytes;
  const PageRange range;
  Line* lines = nullptr;
  Record* records = nullptr;
  std::size_t mask = 0;
};

struct Cost {
  double ns = 0;          // of CPU, an operation
  double least_core = 1;  // that a thread had while it ran
};

enum class Way { kEach, kChained, kBatch };

template <typename Set>
int read_some(Set& set, std::size_t begin, Way way) {
  Room room;
  int sum = 0;
  if constexpr (requires { set.prefetch({}); }) {
    if (way == Way::kBatch) {
      std::array<std::string_view, kTogether> keys;
      for (std::size_t i = 0; i < kReads; i += kTogether) {
        for (std::size_t k = 0; k < kTogether; ++k) keys[k] = set.keys.at(begin + i + k);
        set.prefetch(keys);
        for (std::string_view key : keys) sum |= set.read(key, room);
      }
      return sum;
    }
  }
  if (way == Way::kEach) {
    for (std::size_t i = 0; i < kReads; ++i) sum |= set.read(set.keys.at(begin + i), room);
    return sum;
  }
  // Which key is next is known when the value came.
  std::size_t next = begin;
  for (std::size_t i = 0; i < kReads; ++i) {
    const int got = set.read(set.keys.at(next), room);
    sum |= got;
    next += got != 0 ? 1 : 2;
    asm volatile("" : "+r"(next) : "r"(got));
  }
  return sum;
}

template <typename Set>
Cost read_all(Set& set, std::size_t threads, Way way = Way::kEach) {
  struct Part {
    double cpu_ns = 0, wall_ns = 1;
    int sum = 0;
  };
  std::array<Part, 2> parts{};
  static std::size_t rounds = 0;
  const std::size_t first = ++rounds * 12'345;
  auto run = [&](std::size_t number) {
    const std::size_t begin = first + number * set.keys.asked / 2;
    const auto from = std::chrono::steady_clock::now();
    const std::uint64_t before = thread_cpu_ns();
    const int sum = read_some(set, begin, way);
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
    cost.ns += parts[i].cpu_ns / static_cast<double>(threads * kReads);
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

void add_row(RowPrinter& rows, const std::string& name, double ours, const PairedResult& run,
             const std::vector<BenchAgainst>& peers, BenchRow row) {
  row.bench = name;
  row.unit = "ns";
  rows.add(row_of(PairedResult{.ours = ours, .again = run.again, .peers = peers}, std::move(row)));
}

template <typename Set>
void add_rows(RowPrinter& rows, const std::string& what, Set& set, LockedTable& table, Misses* floor) {
  constexpr bool kPrefetches = requires { set.prefetch({}); };
  const bool in_l2 = floor == nullptr;
  bool starved = false;
  std::vector<BenchContender> others = {{"locked table", [&] { return read_all(table, 1).ns; }},
                                        {"two threads", [&] { return read_by_two(set, starved); }}};
  if (!in_l2) {
    others.push_back({kFloor, [&] { return read_all(*floor, 1).ns; }});
    others.push_back({"chained", [&] { return read_all(set, 1, Way::kChained).ns; }});
    others.push_back({"locked table", [&] { return read_all(table, 1, Way::kChained).ns; }});
    others.push_back({kFloor, [&] { return read_all(*floor, 1, Way::kChained).ns; }});
    if (kPrefetches) others.push_back({"together", [&] { return read_all(set, 1, Way::kBatch).ns; }});
  }
  const PairedResult run = PairedRounds(9).run([&] { return read_all(set, 1).ns; }, others);
  const std::string name = what + (in_l2 ? ", in L2" : ", in memory");
  std::vector<BenchAgainst> beside = {run.peers[0]};
  if (!in_l2) beside.push_back(run.peers[2]);
  add_row(rows, "a hit, " + name, run.ours, run, beside,
          {.must = in_l2 ? 50 : 150, .aim = in_l2 ? 30 : 100, .bound = BenchBound::kAtMost});
  if (!in_l2) {
    BenchAgainst table_chained = run.peers[4];
    table_chained.ratio *= run.peers[3].value / run.ours;  // of medians: it is not the verdict's
    add_row(rows, "the same, each after the one before", run.peers[3].value, run,
            {table_chained, run.peers[5]}, {});
    if (kPrefetches) add_row(rows, "the same, sixteen together", run.peers[6].value, run, {}, {});
  }
  const BenchAgainst& two = run.peers[1];
  char note[96];
  std::snprintf(note, sizeof note, "%.2f..%.2f, A/A %.3f%s", 2 * two.low, 2 * two.high, run.again.ratio,
                starved ? ", no two cores free" : "");
  rows.add({.bench = "two threads' reads over one's, " + name,
            .unit = "x",
            .ours = 2 * two.ratio,
            .must = 1.8,
            .aim = 1.9,
            .bound = BenchBound::kAtLeast,
            .counts = run.steady() && !starved,
            .note = note});
}

const BenchPart kHits("hits", [](RowPrinter& rows) {
  rows.title("a hit: CPU an operation, and what two threads get done (A/A pair in the same rounds)");
  for (const bool in_l2 : {true, false}) {
    const std::size_t count = in_l2 ? kValuesInL2 : kValuesInMemory;
    LockedTable values(count, kValue);
    std::optional<Misses> floor;
    if (!in_l2) floor.emplace(count);
    for (PolicyKind policy : kPolicyKinds) {
      OurBytes set(count, policy);
      add_rows(rows, "bytes, " + std::string(name_of(policy)), set, values, floor ? &*floor : nullptr);
    }
  }
});

const BenchPart kObjectHits("objects", [](RowPrinter& rows) {
  rows.title("a hit in a cache of objects");
  for (const bool in_l2 : {true, false}) {
    const std::size_t count = in_l2 ? kObjectsInL2 : kObjectsInMemory;
    LockedTable objects(count, kObject);
    std::optional<Misses> floor;
    if (!in_l2) floor.emplace(kValuesInMemory);
    for (PolicyKind policy : {PolicyKind::kLru, PolicyKind::kAdaptive}) {
      OurObjects set(count, policy);
      add_rows(rows, "objects, " + std::string(name_of(policy)), set, objects, floor ? &*floor : nullptr);
    }
  }
});

}  // namespace
}  // namespace plimsoll
