// Shows how size classes are chosen by what a program does: a tracker is fed with one allocation in sixteen,
// and suggests classes, magazines for each, and what they would save against the classes there are.
//
// Run: build/release/example_tuned_slab
#include <array>
#include <cstdio>
#include <vector>

#include "plimsoll/alloc/pattern_tracker.h"
#include "plimsoll/alloc/size_class.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

using namespace plimsoll::literals;

int main() {
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 256_MiB});
  plimsoll::Account& rows = line.open({.name = "rows"});
  plimsoll::Account& idle = line.open({.name = "idle", .kind = plimsoll::AccountKind::kDroppable});
  plimsoll::SlabAllocator slabs({.account = rows, .idle = idle, .pages = pages, .line = line.line()});
  plimsoll::PatternTracker tracker;

  // A program whose objects fall between the classes: lock entries of 100 bytes, rows of 564, pages of 2,300.
  constexpr std::array<std::size_t, 8> kSizes = {100, 100, 100, 100, 564, 564, 564, 2300};
  constexpr unsigned kSampled = 16;
  plimsoll::Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    const std::size_t size = kSizes[random.below(kSizes.size())];
    void* object = slabs.allocate(size);
    if (random.below(kSampled) == 0) tracker.record(size, kSampled);
    slabs.deallocate(object, size);
  }

  std::vector<std::size_t> current;
  for (unsigned c = 0; c < plimsoll::SizeClasses::kCount; ++c)
    current.push_back(plimsoll::SizeClasses::size(c));
  const plimsoll::PatternSuggestion suggestion = tracker.suggest({.current = current});

  std::printf("classes:");
  for (std::size_t size : suggestion.sizes) std::printf(" %zu", size);
  std::printf("\nin magazines:");
  for (std::uint32_t capacity : suggestion.capacities) std::printf(" %u", capacity);
  std::printf("\nlost %.1f %% with %zu classes, %.1f %% with %zu: would save %.1f %%\n",
              100 * suggestion.before.share(), current.size(), 100 * suggestion.after.share(),
              suggestion.sizes.size(), 100 * suggestion.saving());

  const plimsoll::SlabAllocator::Stats stats = slabs.stats();
  std::printf("slabs: %llu bytes with objects, %llu kept, %llu objects taken from slabs\n",
              static_cast<unsigned long long>(stats.slabs.count()),
              static_cast<unsigned long long>(stats.idle.count()),
              static_cast<unsigned long long>(stats.from_slabs));
  return 0;
}
