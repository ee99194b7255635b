#include "plimsoll/alloc/pattern_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/base/sanitized.h"

namespace plimsoll {
namespace {

using Sizes = std::vector<std::size_t>;

void expect_usable(const PatternSuggestion& suggestion) {
  ASSERT_FALSE(suggestion.sizes.empty());
  ASSERT_EQ(suggestion.sizes.size(), suggestion.capacities.size());
  EXPECT_LE(suggestion.sizes.size(), PatternTracker::kMostClasses);
  EXPECT_EQ(suggestion.sizes.back(), PatternTracker::kLargest);
  for (std::size_t i = 0; i < suggestion.sizes.size(); ++i) {
    EXPECT_EQ(suggestion.sizes[i] % PatternTracker::kGranule, 0u);
    EXPECT_GT(suggestion.sizes[i], i == 0 ? 0 : suggestion.sizes[i - 1]);
    EXPECT_GE(suggestion.capacities[i], 2u);
  }
}

TEST(PatternTracker, SuggestsTheSizesOfADatabaseAndLosesNothing) {
  PatternTracker tracker;
  const Sizes objects = {64, 128, 192, 256, 384, 512, 1024, 2048, 4096};
  for (std::size_t size : objects) tracker.record(size, 1000);
  const PatternSuggestion suggestion = tracker.suggest({.waste_goal = 0, .slab = 0_B});
  Sizes expected = objects;
  expected.push_back(PatternTracker::kLargest);
  EXPECT_EQ(suggestion.sizes, expected);
  EXPECT_EQ(suggestion.after.lost, 0_B);
  EXPECT_EQ(suggestion.after.requested, Bytes(8704) * 1000);
  expect_usable(suggestion);
}

// Of all lists of so many classes, ending with the largest, the one that loses least.
Bytes least_loss(const PatternTracker& tracker, const Sizes& seen, std::size_t classes, Bytes slab) {
  Bytes least = Bytes::max();
  for (unsigned chosen = 0; chosen < 1u << seen.size(); ++chosen) {
    if (static_cast<std::size_t>(std::popcount(chosen)) >= classes) continue;
    Sizes list;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if ((chosen >> i & 1) != 0) list.push_back(seen[i]);
    }
    list.push_back(PatternTracker::kLargest);
    least = std::min(least, tracker.loss_of(list, slab).lost);
  }
  return least;
}

TEST(PatternTracker, FindsTheBestClassesThatThereAre) {
  for (std::uint64_t seed = 1; seed <= (kBrief ? 2 : 20); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    PatternTracker tracker;
    Sizes seen;
    while (seen.size() < 10) {
      const std::size_t size =
          (1 + random.below(random.below(3) == 0 ? 2000 : 60)) * PatternTracker::kGranule;
      if (std::find(seen.begin(), seen.end(), size) != seen.end()) continue;
      seen.push_back(size);
      tracker.record(size - random.below(16), 1 + random.below(1000));
    }
    std::sort(seen.begin(), seen.end());
    for (Bytes slab : {0_B, 64_KiB}) {
      for (std::size_t classes = 1; classes <= 11; ++classes) {
        const PatternSuggestion suggestion =
            tracker.suggest({.max_classes = classes, .waste_goal = 0, .slab = slab});
        expect_usable(suggestion);
        EXPECT_LE(suggestion.sizes.size(), classes);
        // Both are sums of the same numbers in another order.
        EXPECT_NEAR(suggestion.after.lost.as_double(), least_loss(tracker, seen, classes, slab).as_double(),
                    2.0)
            << classes << " classes";
      }
    }
  }
}

TEST(PatternTracker, StopsAtTheGoal) {
  PatternTracker tracker;
  for (std::size_t size = 16; size <= 4096; size += 16) tracker.record(size, 10);
  std::size_t fewer = 0;
  for (double goal : {0.03, 0.05, 0.1, 0.2}) {
    const PatternSuggestion suggestion = tracker.suggest({.waste_goal = goal});
    EXPECT_LE(suggestion.after.share(), goal + 0.005);
    if (fewer != 0) {
      EXPECT_LT(suggestion.sizes.size(), fewer) << goal;
    }
    fewer = suggestion.sizes.size();
  }
  EXPECT_LE(fewer, 8u) << "a fifth lost";
}

TEST(PatternTracker, SaysWhatWouldBeSaved) {
  PatternTracker tracker;
  tracker.record(576, 900);
  tracker.record(100, 100);
  const Sizes current = {64, 128, 256, 512, 1024, 32'768};
  const PatternSuggestion suggestion = tracker.suggest({.slab = 0_B, .current = current});
  EXPECT_EQ(suggestion.before.requested, Bytes(576 * 900 + 100 * 100));
  EXPECT_EQ(suggestion.before.lost, Bytes(448 * 900 + 28 * 100));
  EXPECT_EQ(suggestion.after.lost, Bytes(12 * 100)) << "to a multiple of 16";
  EXPECT_EQ(suggestion.sizes, (Sizes{112, 576, 32'768}));
  const double now = 576 * 900 + 100 * 100 + 448 * 900 + 28 * 100;
  EXPECT_NEAR(suggestion.saving(), (448 * 900 + 16 * 100) / now, 1e-9);
}

// Three of 20,000 fit in a slab, and three of 21,840 do.
TEST(PatternTracker, StretchesClassesToTheSlabsEnd) {
  PatternTracker tracker;
  tracker.record(20'000, 100);
  tracker.record(100, 100);
  const PatternSuggestion suggestion = tracker.suggest({.waste_goal = 0});
  EXPECT_EQ(suggestion.sizes, (Sizes{112, 21'840, 32'768}));
  EXPECT_NEAR(suggestion.after.lost.as_double(), 100 * (65'536 / 3.0 - 20'000 + 65'536 / 585.0 - 100), 2);
}

// Locks 64, rows 256, index nodes 4096, as frequent as they are in a database.
TEST(PatternTracker, GivesFrequentAndSmallObjectsLargerMagazines) {
  PatternTracker tracker;
  tracker.record(64, 500'000);
  tracker.record(256, 280'000);
  tracker.record(4096, 220'000);
  tracker.record(512, 100);
  const PatternSuggestion suggestion = tracker.suggest({.waste_goal = 0});
  ASSERT_EQ(suggestion.sizes, (Sizes{64, 256, 512, 4096, 32'768}));
  EXPECT_EQ(suggestion.capacities[0], 128u);
  EXPECT_EQ(suggestion.capacities[1], 96u);
  EXPECT_EQ(suggestion.capacities[2], 16u) << "an eighth of what its size allows, as it is rare";
  EXPECT_GE(suggestion.capacities[3], 8u);
  EXPECT_LE(suggestion.capacities[3], 16u);
  EXPECT_EQ(suggestion.capacities[4], 2u);
}

TEST(PatternTracker, HasAnAnswerForAnything) {
  PatternTracker tracker;
  PatternSuggestion suggestion = tracker.suggest({});
  EXPECT_EQ(suggestion.sizes, Sizes{32'768});
  EXPECT_EQ(suggestion.saving(), 0);
  tracker.record(0);
  tracker.record(40'000, 7);
  tracker.record(~std::size_t{0});
  EXPECT_EQ(tracker.stats().larger, 8u);
  EXPECT_EQ(tracker.stats().recorded, 9u);
  EXPECT_EQ(tracker.suggest({}).sizes, (Sizes{16, 32'768}));
  for (std::size_t size = 0; size <= PatternTracker::kLargest; ++size) tracker.record(size, size % 91);
  suggestion = tracker.suggest({.waste_goal = 0});
  expect_usable(suggestion);
  EXPECT_GE(suggestion.sizes.size(), 40u);
  EXPECT_LT(suggestion.after.share(), 0.15) << "two of 22 KiB take a slab";
  EXPECT_EQ(tracker.suggest({.max_classes = 1}).sizes, Sizes{32'768});
}

TEST(PatternTracker, Ages) {
  PatternTracker tracker;
  tracker.record(64, 1000);
  tracker.record(40'000, 100);
  tracker.age();
  EXPECT_EQ(tracker.stats().recorded, 550u);
  EXPECT_EQ(tracker.stats().bytes, 32'000_B);
}

TEST(PatternTracker, RecordsFromThreads) {
  PatternTracker tracker;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) tracker.record(16 * (t + 1) + 1, 2);
    });
  }
  expect_usable(tracker.suggest({}));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tracker.stats().recorded, 40'000u);
  EXPECT_EQ(tracker.stats().sizes, 4u);
}

TEST(PatternTracker, ChecksItsOptions) {
  EXPECT_TRUE(PatternTracker::Options{}.Validate());
  EXPECT_FALSE(PatternTracker::Options{.max_classes = 65}.Validate());
  EXPECT_FALSE(PatternTracker::Options{.max_classes = 0}.Validate());
  EXPECT_FALSE(PatternTracker::Options{.waste_goal = 1}.Validate());
  EXPECT_FALSE((PatternTracker::Options{.current = {64, 32}}.Validate()));
}

TEST(PatternTracker, DescribesWhatItSaw) {
  struct Figures final : StatSink {
    void value(const Stat& stat, double value) override { of[std::string(stat.name)] = value; }
    void distribution(const Stat&, const Histogram&, double) override {}
    std::map<std::string, double> of;
  } figures;
  PatternTracker tracker;
  tracker.record(64, 3);
  tracker.Describe(figures);
  EXPECT_EQ(figures.of.at("pattern_recorded"), 3);
  EXPECT_EQ(figures.of.at("pattern_sizes"), 1);
}

}  // namespace
}  // namespace plimsoll
