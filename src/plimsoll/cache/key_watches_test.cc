#include "plimsoll/cache/key_watches.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/fixture.h"

namespace plimsoll {
namespace {

TEST(KeyWatches, TellsWhoWatchesAndNobodyElse) {
  KeyWatches watches;
  KeyWatcher one, two;
  EXPECT_TRUE(watches.add(one, 7));
  EXPECT_FALSE(watches.add(one, 7)) << "twice";
  EXPECT_TRUE(watches.add(two, 7 + 1024)) << "of the same place in the filter";
  watches.tell(8);
  EXPECT_FALSE(one.told() || two.told());
  watches.tell(7);
  EXPECT_TRUE(one.told());
  EXPECT_FALSE(two.told());
  EXPECT_EQ(watches.size(), 2u);
}

TEST(KeyWatches, AWatcherThatEndsIsForgotten) {
  KeyWatches watches;
  {
    KeyWatcher one;
    watches.add(one, 7);
    watches.add(one, 8);
  }
  EXPECT_EQ(watches.size(), 0u);
  watches.tell(7);
}

// Watchers come and go; each is told when one of its hashes was, and never else.
TEST(KeyWatches, DoesAsAMapOfSets) {
  KeyWatches watches;
  struct Model {
    KeyWatcher watcher;
    std::set<std::uint64_t> hashes;
    bool told = false;
  };
  std::map<int, std::unique_ptr<Model>> all;
  Random random(3);
  for (int step = 0; step < 50'000; ++step) {
    const int who = static_cast<int>(random.below(20));
    const std::uint64_t hash = random.below(40) * 512;
    if (!all.contains(who)) all[who] = std::make_unique<Model>();
    Model& model = *all[who];
    switch (random.below(4)) {
      case 0:
        EXPECT_EQ(watches.add(model.watcher, hash), model.hashes.insert(hash).second);
        break;
      case 1:
        if (random.below(4) == 0) all.erase(who);
        break;
      default:
        watches.tell(hash);
        for (auto& [name, other] : all) other->told = other->told || other->hashes.contains(hash);
    }
    for (auto& [name, other] : all) ASSERT_EQ(other->watcher.told(), other->told) << "step " << step;
  }
}

// What a watcher reads is what was there at its end, unless it is told.
TEST(KeyWatches, NoWriteGoesUnnoticedBetweenThreads) {
  CacheFixture f;
  constexpr int kRounds = 20'000;
  {
    f.cache.lock("counter", 0).put(std::string_view("0"));
  }
  const auto add = [&] {
    for (int done = 0; done < kRounds;) {
      KeyWatcher watcher;
      f.cache.watch(watcher, "counter");
      std::string seen;
      {
        ByteCache::Slot slot = f.cache.lock("counter", 0);
        seen = std::string(slot.value());
      }
      ByteCache::Slot slot = f.cache.lock("counter", 0);
      if (watcher.told()) continue;
      slot.put(std::to_string(std::stoi(seen) + 1));
      ++done;
    }
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(f.cache.lock("counter", 0).value(), std::to_string(2 * kRounds));
}

}  // namespace
}  // namespace plimsoll
