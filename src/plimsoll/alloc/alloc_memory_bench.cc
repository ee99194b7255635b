// What is held beside what lives, and how much goes back: each allocator in a process of its own, by the
// resident memory that the kernel counts.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "alloc_bench.h"
#include "parts.h"

namespace plimsoll {
namespace {

using bench::Object;
using Clock = std::chrono::steady_clock;

double resident() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  double pages = 0;
  if (file != nullptr && std::fscanf(file, "%*f %lf", &pages) != 1) pages = 0;  // NOLINT
  if (file != nullptr) std::fclose(file);
  return pages * 4096;
}

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Objects in use, every byte of them touched, and what the process held before the first.
template <typename Allocator>
class Heap {
 public:
  Allocator& allocator() { return allocator_; }
  double live() const { return live_; }
  double held() const { return resident() - before_; }

  Object add(std::size_t size) {
    Object object{static_cast<char*>(allocator_.allocate(size)), size};
    std::memset(object.place, 1, size);
    live_ += static_cast<double>(size);
    return object;
  }
  void drop(Object& object) {
    if (object.place == nullptr) return;
    allocator_.free(object.place, object.size);
    live_ -= static_cast<double>(object.size);
    object.place = nullptr;
  }
  void fill(std::vector<Object>& objects, double bytes) {
    while (live_ < bytes) objects.push_back(add(bench::kMixed[random_.below(bench::kMixed.size())]));
  }
  void drop_at_random(std::vector<Object>& objects, std::uint64_t one_in_kept) {
    for (Object& object : objects) {
      if (random_.below(one_in_kept) != 0) drop(object);
    }
  }
  Random& random() { return random_; }

 private:
  Allocator& allocator_ = *new Allocator;  // its process ends before its objects do
  Random random_{9};
  double live_ = 0;
  // The objects' own table is not the allocator's; it is reserved before, and touched with the objects.
  double before_ = resident();
};

std::vector<Object> table(std::size_t objects) {
  std::vector<Object> all(objects);  // touched now
  all.clear();
  return all;
}

// 48 MiB live, of sizes that wander from 32 bytes to 6 KiB: at each step half of what lives is replaced. The
// mean of resident / live over the steps.
template <typename Allocator>
std::vector<double> drifting() {
  constexpr double kLive = 48.0 * 1024 * 1024;
  std::vector<Object> objects = table(2'000'000);
  Heap<Allocator> heap;
  double sum = 0;
  int steps = 0;
  for (double centre = 64; centre < 4096; centre *= 1.06) {
    auto size = [&] {
      return static_cast<std::size_t>(centre / 2 +
                                      static_cast<double>(heap.random().below(1000)) / 1000 * centre);
    };
    for (Object& object : objects) {
      if (heap.random().below(2) == 0) heap.drop(object);
    }
    std::erase_if(objects, [](const Object& object) { return object.place == nullptr; });
    while (heap.live() < kLive) objects.push_back(heap.add(size()));
    heap.allocator().tick();
    sum += heap.held() / heap.live();
    ++steps;
  }
  return {sum / steps};
}

// 96 MiB of mixed objects, nine in ten freed at random, and the allocator asked to give back what it
// can: MiB that are kept, and MiB that live.
template <typename Allocator>
std::vector<double> kept() {
  std::vector<Object> objects = table(1'000'000);
  Heap<Allocator> heap;
  heap.fill(objects, 96.0 * 1024 * 1024);
  heap.drop_at_random(objects, 10);
  heap.allocator().give_back();
  return {heap.held() / (1024 * 1024), heap.live() / (1024 * 1024)};
}

// Four threads make objects for a fifth that frees them in the order they came, 16 MiB of each under way: the
// median of resident / live.
template <typename Allocator>
std::vector<double> four_to_one() {
  constexpr double kOfEach = 16.0 * 1024 * 1024;
  constexpr std::size_t kBatch = 100;
  struct Producer {
    std::mutex mutex;
    std::vector<Object> ring = std::vector<Object>(100'000);  // touched before
    std::size_t first = 0;
    std::size_t next = 0;
    std::atomic<double> live = 0;
  };
  Allocator& allocator = *new Allocator;
  std::array<Producer, 4> all;
  std::atomic<bool> stop = false;
  const double before = resident();
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < all.size(); ++t) {
    threads.emplace_back([&, t] {
      Producer& mine = all[t];
      Random random(t + 1);
      while (!stop) {
        if (mine.live > kOfEach) {
          std::this_thread::yield();
          continue;
        }
        std::array<Object, kBatch> batch;
        for (Object& object : batch) {
          object.size = bench::kDatabaseMix[random.below(bench::kDatabaseMix.size())];
          object.place = static_cast<char*>(allocator.allocate(object.size));
          std::memset(object.place, 1, object.size);
        }
        const std::lock_guard lock(mine.mutex);
        for (const Object& object : batch) {
          mine.ring[mine.next++ % mine.ring.size()] = object;
          mine.live = mine.live + static_cast<double>(object.size);
        }
      }
    });
  }
  std::vector<double> ratios;
  for (std::size_t step = 0; step < 20'000; ++step) {
    Producer& from = all[step % all.size()];
    {
      const std::lock_guard lock(from.mutex);
      for (std::size_t i = 0; i < 2 * kBatch && from.live > kOfEach * 0.9; ++i) {
        Object& object = from.ring[from.first++ % from.ring.size()];
        allocator.free(object.place, object.size);
        from.live = from.live - static_cast<double>(object.size);
      }
    }
    if (step > 5000 && step % 64 == 0)
      ratios.push_back((resident() - before) / (all[0].live + all[1].live + all[2].live + all[3].live));
    if (step % 1024 == 0) allocator.tick();
    std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return {median(ratios)};
}

// Times that this thread lost its processor to another.
long involuntary_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

// What a caller waits for, in pairs on a thread of its own, while `run` goes on: ms of the longest in which
// its processor was not given to another.
template <typename Allocator>
double longest_wait_during(Allocator& allocator, const std::function<void()>& run) {
  std::atomic<bool> stop = false;
  double longest = 0;
  std::thread caller([&] {
    std::vector<void*> held(256);
    Random random(4);
    while (!stop) {
      const std::size_t i = random.below(held.size());
      const long preempted = involuntary_switches();
      const auto begin = Clock::now();
      if (held[i] != nullptr) allocator.free(held[i], 64 << (i % 7));
      held[i] = allocator.allocate(64 << (i % 7));
      *static_cast<char*>(held[i]) = 1;
      const double took = ms_since(begin);
      if (involuntary_switches() == preempted) longest = std::max(longest, took);
    }
    for (std::size_t i = 0; i < held.size(); ++i) allocator.free(held[i], 64 << (i % 7));
  });
  run();
  stop = true;
  caller.join();
  return longest;
}

// 1 GiB freed, all of it or nine in ten: ms that giving back took, the share of the excess that went, the
// longest that a caller waited, and the longest where nothing is given back.
template <typename Allocator>
std::vector<double> give_back(bool all) {
  std::vector<Object> objects = table(3'000'000);
  Heap<Allocator> heap;
  heap.fill(objects, 1024.0 * 1024 * 1024);
  heap.drop_at_random(objects, all ? ~std::uint64_t{0} : 10);
  const double quiet = longest_wait_during(
      heap.allocator(), [] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); });
  const double excess = heap.held() - heap.live();
  double took = 0;
  const double longest = longest_wait_during(heap.allocator(), [&] {
    const auto begin = Clock::now();
    heap.allocator().give_back();
    took = ms_since(begin);
  });
  return {took, (excess - (heap.held() - heap.live())) / excess, longest, quiet};
}

// The same by ticks alone, ten a second for a second, as the governor does it.
std::vector<double> by_ticks() {
  std::vector<Object> objects = table(3'000'000);
  Heap<bench::Ours> heap;
  heap.fill(objects, 1024.0 * 1024 * 1024);
  heap.drop_at_random(objects, ~std::uint64_t{0});
  const double excess = heap.held() - heap.live();
  const double longest = longest_wait_during(heap.allocator(), [&] {
    const auto begin = Clock::now();
    for (int tick = 1; tick <= 9; ++tick) {
      heap.allocator().tick();
      std::this_thread::sleep_until(begin + tick * std::chrono::milliseconds(100));
    }
  });
  return {1000, (excess - (heap.held() - heap.live())) / excess, longest};
}

// Records, bitmaps and magazines beside the slabs of mixed objects.
std::vector<double> metadata() {
  std::vector<Object> objects = table(1'000'000);
  Heap<bench::Ours> heap;
  heap.fill(objects, 256.0 * 1024 * 1024);
  const SlabAllocator::Stats stats = heap.allocator().slabs.stats();
  const double own = heap.allocator().account.used().as_double() - stats.slabs.as_double();
  return {100 * own / stats.slabs.as_double()};
}

// The database mix of alloc_bench.cc: of allocations and frees, the share that met no depot, and so no lock.
std::vector<double> without_lock() {
  constexpr std::uint64_t kSteps = 4'000'000;
  std::vector<Object> objects(20'000);
  Heap<bench::Ours> heap;
  for (std::uint64_t i = 0; i < kSteps; ++i) {
    Object& object = objects[heap.random().below(objects.size())];
    if (object.place != nullptr) heap.drop(object);
    object = heap.add(bench::kDatabaseMix[heap.random().below(bench::kDatabaseMix.size())]);
  }
  const SlabAllocator::Stats stats = heap.allocator().slabs.stats();
  const auto met = static_cast<double>(stats.exchanges + stats.missed);
  return {100 * (1 - met / (2.0 * kSteps - static_cast<double>(objects.size())))};
}

template <typename Run>
std::vector<double> with_allocator(const std::string& name, const Run& run) {
  if (name == "ours") return run.template operator()<bench::Ours>();
  std::vector<double> numbers;
  bench::for_each_peer([&]<typename Peer>(const char* peer) {
    if (name == peer) numbers = run.template operator()<Peer>();
  });
  return numbers;
}

const BenchChild kDrifting("drifting", [](const std::string& name) {
  return with_allocator(name, []<typename A>() { return drifting<A>(); });
});
const BenchChild kKept("kept", [](const std::string& name) {
  return with_allocator(name, []<typename A>() { return kept<A>(); });
});
const BenchChild kFourToOne("four", [](const std::string& name) {
  return with_allocator(name, []<typename A>() { return four_to_one<A>(); });
});
const BenchChild kAllBack("all_back", [](const std::string& name) {
  return with_allocator(name, []<typename A>() { return give_back<A>(true); });
});
const BenchChild kMostBack("most_back", [](const std::string& name) {
  return with_allocator(name, []<typename A>() { return give_back<A>(false); });
});
const BenchChild kTicks("by_ticks", [](const std::string&) { return by_ticks(); });
const BenchChild kWithoutLock("without_lock", [](const std::string&) { return without_lock(); });
const BenchChild kMetadata("metadata", [](const std::string&) { return metadata(); });

// The median of three processes, number by number; run once for all rows that show one of them.
const std::vector<double>& three(const std::string& child, const std::string& allocator) {
  static std::map<std::pair<std::string, std::string>, std::vector<double>> known;
  const auto [place, is_new] = known.try_emplace({child, allocator});
  std::vector<double>& middle = place->second;
  if (!is_new) return middle;
  std::vector<std::vector<double>> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(run_child(child, allocator));
  for (std::size_t n = 0; n < runs[0].size(); ++n) {
    std::vector<double> values;
    for (const auto& run : runs) values.push_back(n < run.size() ? run[n] : 0);
    middle.push_back(median(values));
  }
  return middle;
}

// One number of a child beside the peers'. A bound of ours alone; the best peer is named.
void add_row(RowPrinter& rows, const std::string& child, std::size_t number, BenchRow row) {
  const std::vector<double> ours = three(child, "ours");
  if (ours.size() <= number) return;
  row.ours = ours[number];
  const bool larger_is_better = row.bound == BenchBound::kAtLeast;
  bench::for_each_peer([&]<typename Peer>(const char* name) {
    const std::vector<double> numbers = three(child, name);
    if (numbers.size() <= number) return;
    const double value = numbers[number];
    char text[64];
    std::snprintf(text, sizeof text, "%s%s %.3g", row.note.empty() ? "" : ", ", name, value);
    row.note += text;
    if (row.peer_value && (larger_is_better ? value <= *row.peer_value : value >= *row.peer_value)) return;
    row.peer = name;
    row.peer_value = value;
    row.ratio = larger_is_better ? value / row.ours : row.ours / value;
  });
  rows.add(row);
}

void add_alone(RowPrinter& rows, const std::string& child, std::size_t number, BenchRow row) {
  const std::vector<double> ours = three(child, "ours");
  if (ours.size() <= number) return;
  row.ours = ours[number];
  rows.add(row);
}

const BenchPart kMemory("memory", [](RowPrinter& rows) {
  rows.title("resident memory beside what lives, each allocator in a process of its own");
  constexpr BenchBound kAtMost = BenchBound::kAtMost;
  add_row(rows, "drifting", 0,
          {.bench = "resident/live, drifting sizes", .unit = "x", .must = 1.2, .aim = 1.1, .bound = kAtMost});
  add_row(rows, "kept", 0,
          {.bench = "kept after 90 % of 96 MiB were freed at random",
           .unit = "MiB",
           .must = 30,
           .aim = 12,
           .bound = kAtMost});
  add_row(rows, "four", 0,
          {.bench = "resident/live, four producers to one consumer",
           .unit = "x",
           .must = 1.08,
           .aim = 1.05,
           .bound = kAtMost});
  add_alone(rows, "metadata", 0,
            {.bench = "metadata, with magazines", .unit = "%", .must = 0.5, .aim = 0.3, .bound = kAtMost});
  add_alone(rows, "without_lock", 0,
            {.bench = "database mix: allocations and frees that meet no lock",
             .unit = "%",
             .must = 95,
             .bound = BenchBound::kAtLeast});
});

const BenchPart kGivingBack("giving_back", [](RowPrinter& rows) {
  rows.title("1 GiB of mixed objects, freed");
  constexpr BenchBound kAtMost = BenchBound::kAtMost;
  constexpr BenchBound kAtLeast = BenchBound::kAtLeast;
  add_row(rows, "all_back", 0,
          {.bench = "all freed: to give it back", .unit = "ms", .must = 1000, .bound = kAtMost});
  add_row(rows, "all_back", 1,
          {.bench = "all freed: share given back", .unit = "", .must = 0.95, .bound = kAtLeast});
  add_row(rows, "all_back", 2,
          {.bench = "all freed: a caller's longest wait", .unit = "ms", .must = 1, .bound = kAtMost});
  add_row(rows, "all_back", 3, {.bench = "all freed: a caller's longest wait before it", .unit = "ms"});
  add_alone(
      rows, "by_ticks", 1,
      {.bench = "all freed: share back by ticks alone in 1 s", .unit = "", .must = 0.95, .bound = kAtLeast});
  add_alone(rows, "by_ticks", 2,
            {.bench = "all freed: a caller's longest wait in that second",
             .unit = "ms",
             .must = 1,
             .bound = kAtMost});
  add_row(rows, "most_back", 0, {.bench = "90 % freed at random: to give it back", .unit = "ms"});
  add_row(rows, "most_back", 1,
          {.bench = "90 % freed at random: share of the excess given back",
           .unit = "",
           .must = 0.8,
           .bound = kAtLeast});
  add_row(
      rows, "most_back", 2,
      {.bench = "90 % freed at random: a caller's longest wait", .unit = "ms", .must = 1, .bound = kAtMost});
});

}  // namespace
}  // namespace plimsoll
