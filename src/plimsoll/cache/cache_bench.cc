// A hit in the cache, by one thread and by two: of bytes (`ByteCache`), of objects (`Cache`), beside a
// locked hash table and list, which is what every cache is at first. An operation is one read of a key drawn
// at random beforehand; its cost is CPU time, so that two threads on a shared machine are measured as on one
// of their own: what they gain is twice one thread's cost over theirs.
#include <array>
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

constexpr std::size_t kInL2 = 4'000;  // keys of 16 bytes and values of 64: half a MiB with all there is
constexpr std::size_t kInMemory = 2'000'000;  // 250 MiB
constexpr std::size_t kValue = 64;

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

struct Value {
  std::array<char, kValue> bytes;
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
  explicit LockedTable(std::size_t count) : keys(count) {
    for (std::size_t i = 0; i < count; ++i) {
      order.push_front({key_of(i), std::string(kValue, 'v')});
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

// Nanoseconds of CPU an operation.
template <typename Set>
double read_all(Set& set, std::size_t threads) {
  std::array<std::uint64_t, 2> cpu{};
  std::array<int, 2> sums{};
  auto run = [&](std::size_t number) {
    const std::size_t begin = number * Keys::kAsked / 2;
    const std::uint64_t before = thread_cpu_ns();
    int sum = 0;
    for (std::size_t i = 0; i < Keys::kAsked; ++i) sum |= set.read(set.keys.at(begin + i));
    cpu[number] = thread_cpu_ns() - before;
    sums[number] = sum;
  };
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) running.emplace_back(run, i);
  for (std::thread& thread : running) thread.join();
  PLIMSOLL_CHECK(sums[0] != 0, "nothing was found");
  return static_cast<double>(cpu[0] + cpu[1]) / static_cast<double>(threads * Keys::kAsked);
}

template <typename Set>
void add_rows(RowPrinter& rows, const std::string& what, std::size_t count, double must, double aim) {
  Set set(count);
  LockedTable peer(count);
  const PairedResult one = PairedRounds(9).run([&] { return read_all(set, 1); },
                                               {{"locked table", [&] { return read_all(peer, 1); }},
                                                {"two threads", [&] { return read_all(set, 2); }}});
  rows.add(row_of(
      PairedResult{.ours = one.ours, .again = one.again, .peers = {one.peers[0]}},
      {.bench = "a hit of " + what, .unit = "ns", .must = must, .aim = aim, .bound = BenchBound::kAtMost}));
  rows.add({.bench = "two threads, " + what,
            .unit = "x",
            .ours = 2 * one.peers[1].ratio,
            .must = 1.8,
            .aim = 1.9,
            .bound = BenchBound::kAtLeast,
            .counts = one.steady()});
}

const BenchPart kObjects("objects", [](RowPrinter& rows) {
  rows.title("a hit in a cache of objects: CPU an operation, and what two threads get done");
  add_rows<OurObjects>(rows, "objects, in L2", kInL2, 50, 30);
  add_rows<OurObjects>(rows, "objects, in memory", kInMemory, 150, 100);
});

}  // namespace
}  // namespace plimsoll
