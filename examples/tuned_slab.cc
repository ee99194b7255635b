// Shows how size classes are chosen by what a program does: an allocator tells a tracker what it is asked
// for, the tracker suggests classes, magazines for each and what they would save, and the next allocator has
// them.
//
// Run: build/release/example_tuned_slab
#include <array>
#include <cstdio>
#include <utility>
#include <vector>

#include "plimsoll/alloc/pattern_tracker.h"
#include "plimsoll/alloc/size_class.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

using namespace plimsoll::literals;

// A program whose objects fall between the classes: lock entries of 100 bytes, rows of 564, pages of 2,300.
static void work(plimsoll::SlabAllocator& slabs) {
  constexpr std::array<std::size_t, 8> kSizes = {100, 100, 100, 100, 564, 564, 564, 2300};
  std::vector<std::pair<void*, std::size_t>> live(2000);
  plimsoll::Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    auto& [object, size] = live[random.below(live.size())];
    if (object != nullptr) slabs.deallocate(object, size);
    size = kSizes[random.below(kSizes.size())];
    object = slabs.allocate(size);
  }
  for (auto& [object, size] : live) {
    if (object != nullptr) slabs.deallocate(object, size);
  }
}

int main() {
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 256_MiB});
  plimsoll::Account& rows = line.open({.name = "rows"});
  plimsoll::Account& idle = line.open({.name = "idle", .kind = plimsoll::AccountKind::kDroppable});
  plimsoll::PatternTracker tracker;
  plimsoll::SlabAllocator usual({.account = rows,
                                 .idle = idle,
                                 .pages = pages,
                                 .line = line.line(),
                                 .name = "usual",
                                 .tracker = &tracker});
  work(usual);

  std::vector<std::size_t> current(usual.classes().sizes().begin(), usual.classes().sizes().end());
  const plimsoll::PatternSuggestion suggestion = tracker.suggest({.current = current});
  std::printf("classes:");
  for (std::size_t size : suggestion.sizes) std::printf(" %zu", size);
  std::printf("\nin magazines:");
  for (std::uint32_t capacity : suggestion.capacities) std::printf(" %u", capacity);
  std::printf("\nlost %.1f %% with %zu classes, %.1f %% with %zu: would save %.1f %%\n",
              100 * suggestion.before.share(), current.size(), 100 * suggestion.after.share(),
              suggestion.sizes.size(), 100 * suggestion.saving());

  const auto classes = plimsoll::SizeClasses::make(suggestion.sizes);
  if (!classes) return std::printf("%s\n", classes.error().what), 1;
  plimsoll::SlabAllocator tuned({.account = rows,
                                 .idle = idle,
                                 .pages = pages,
                                 .line = line.line(),
                                 .name = "tuned",
                                 .classes = *classes,
                                 .magazines = suggestion.capacities});
  work(tuned);
  std::printf("lost to rounding: usual %.1f %%, tuned %.1f %%\n", 100 * usual.stats().rounding(),
              100 * tuned.stats().rounding());
  return 0;
}
