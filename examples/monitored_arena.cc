// Shows a monitored arena: a request allocates by adding and frees all at once, and the monitor before the
// arena knows how much, of which sizes, and how long it took.
//
// Run: build/release/example_monitored_arena
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/memory_resource.h"
#include "plimsoll/alloc/monitored.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

using namespace plimsoll::literals;

int main() {
  // The line, and the slabs that arenas take their chunks from.
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 64_MiB});
  plimsoll::Account& requests = line.open({.name = "requests"});
  plimsoll::Account& idle = line.open({.name = "idle", .kind = plimsoll::AccountKind::kDroppable});
  plimsoll::SlabAllocator slabs({.account = requests, .idle = idle, .pages = pages, .line = line.line()});

  plimsoll::Arena arena({.slabs = slabs, .pages = pages, .account = requests});
  plimsoll::MonitoredAllocator watched(arena, {.name = "request", .timed_one_in = 10});
  plimsoll::MonitoredResource<plimsoll::Arena> resource(watched);

  constexpr int kRequests = 3;
  for (int request = 0; request < kRequests; ++request) {
    {
      std::pmr::map<int, std::pmr::string> fields(&resource);
      for (int i = 0; i < 100; ++i)
        fields.emplace(i, "a field that is longer than a string keeps within itself");
    }
    static_cast<void>(watched.allocate(10'000, 64));  // and something that no container gives back
    watched.reset();
  }

  const plimsoll::AllocationMonitor::Stats stats = watched.stats();
  std::printf("%d requests of %llu allocations, %llu timed: %.0f ns on average\n", kRequests,
              static_cast<unsigned long long>(stats.allocations / kRequests),
              static_cast<unsigned long long>(watched.latency_ns().count()), watched.latency_ns().mean());
  std::printf("peak %llu bytes, now %llu bytes\n", static_cast<unsigned long long>(stats.peak.count()),
              static_cast<unsigned long long>(stats.bytes.count()));
  for (std::size_t bits = 0; bits < stats.by_size.size(); ++bits) {
    if (stats.by_size[bits] == 0) continue;
    std::printf("  up to %6llu bytes: %llu\n", 1ull << bits,
                static_cast<unsigned long long>(stats.by_size[bits]));
  }
  return 0;
}
