// What watching an allocator adds to a pair of an allocation and a free: the same slabs with a monitor before
// them and without. The bound is 2 ns more than the pair without, which is taken before each round.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "plimsoll/alloc/monitored.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr double kAddedMost = 2.0;  // nanoseconds a pair
constexpr double kAddedAim = 1.0;

struct Stage {
  SystemPages pages;
  LoadLine line{{.limit = 1_GiB}};
  Account& account = line.open({.name = "slabs"});
  Account& idle = line.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs{{.account = account, .idle = idle, .pages = pages, .line = line.line()}};
  MonitoredAllocator<SlabAllocator> watched{slabs};
};

template <typename Allocator>
void pairs(Allocator& allocator, std::size_t size, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    void* object = allocator.allocate(size);
    benchmark::DoNotOptimize(object);
    allocator.deallocate(object, size);
  }
}

// 1000 objects, and then all of them freed.
template <typename Allocator>
void batches(Allocator& allocator, std::size_t size, std::size_t count) {
  std::array<void*, 1000> objects;
  for (std::size_t done = 0; done < count; done += objects.size()) {
    for (void*& object : objects) object = allocator.allocate(size);
    benchmark::DoNotOptimize(objects.data());
    for (void* object : objects) allocator.deallocate(object, size);
  }
}

constexpr std::size_t kPiece = 10'000;

// The least of many pieces: what disturbs one only adds.
double ns_each(const std::function<void()>& piece) {
  double least = 1e9;
  for (int i = 0; i < 200; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    piece();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    least = std::min(least, taken.count() / static_cast<double>(kPiece));
  }
  return least;
}

void add_rows(const std::string& row, const std::function<void()>& watched,
              const std::function<void()>& plain) {
  auto add = [&row](const std::string& part, const std::function<void()>& piece,
                    const std::function<void()>& base) {
    benchmark::RegisterBenchmark((row + "/" + part).c_str(), [=](benchmark::State& state) {
      const double without = ns_each(base);
      while (state.KeepRunningBatch(kPiece)) piece();
      if (part != "ours") return;
      state.counters["must"] = (without + kAddedMost) / without;
      state.counters["aim"] = (without + kAddedAim) / without;
    });
  };
  add("ours", watched, plain);
  add("again", watched, plain);
  add("peer:without a monitor", plain, plain);
}

const bool kRegistered = [] {
  static Stage stage;
  for (std::size_t size : {std::size_t{64}, std::size_t{256}, std::size_t{4096}}) {
    const std::string of = " of " + std::to_string(size);
    add_rows(
        "watched pair" + of, [size] { pairs(stage.watched, size, kPiece); },
        [size] { pairs(stage.slabs, size, kPiece); });
    add_rows(
        "watched, 1000" + of, [size] { batches(stage.watched, size, kPiece); },
        [size] { batches(stage.slabs, size, kPiece); });
  }
  return true;
}();

}  // namespace
}  // namespace plimsoll
