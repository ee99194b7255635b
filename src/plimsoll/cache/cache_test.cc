#include "plimsoll/cache/cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/cache/internal/object_fixture.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;

TEST(Cache, GivesBackTheObjectsThatWerePut) {
  ObjectLine l;
  auto cache = Cache<std::string, std::vector<int>>::build(l.account).open();
  EXPECT_FALSE(cache.get("a"));
  EXPECT_EQ(cache.put("a", {1, 2, 3}), WriteStatus::kDone);
  CacheHandle<std::vector<int>> a = cache.get("a");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->size(), 3u);
  EXPECT_EQ(a.get(), cache.get("a").get()) << "one object, not copies";
  EXPECT_TRUE(cache.erase("a"));
  EXPECT_FALSE(cache.erase("a"));
  EXPECT_FALSE(cache.get("a"));
  EXPECT_EQ(cache.stats().cache.hits, 2u);
  EXPECT_EQ(cache.stats().cache.misses, 2u);
  cache.CheckInvariants();
}

TEST(Cache, TakesKeysThatAreTheirBytes) {
  struct Place {
    std::int32_t row, column;
  };
  struct Padded {
    std::int8_t row;
    std::int32_t column;
  };
  static_assert(cache::kIsItsBytes<std::string> && cache::kIsItsBytes<Place>);
  static_assert(!cache::kIsItsBytes<Padded> && !cache::kIsItsBytes<double>);
  static_assert(!cache::kIsItsBytes<const char*> && !cache::kIsItsBytes<std::string_view>);
  ObjectLine l;
  auto cache = Cache<Place, int>::build(l.account).open();
  cache.put({1, 2}, 12);
  cache.put({2, 1}, 21);
  EXPECT_EQ(*cache.get({1, 2}), 12);
  EXPECT_EQ(*cache.get({2, 1}), 21);
  EXPECT_FALSE(cache.get({1, 1}));
}

// An account that is full by its own maximum, below a line that is not, once refused a fifth of the writes.
TEST(Cache, EvictsWhenItsAccountIsAtItsMaximum) {
  LoadLine line({.limit = 256_MiB});
  Account& account =
      line.open({.name = "objects", .kind = AccountKind::kDroppable, .guarantee = {}, .maximum = 8_MiB});
  auto cache = Cache<std::uint64_t, std::vector<char>>::build(account)
                   .weigh([](const std::vector<char>& bytes) { return Bytes(bytes.capacity()); })
                   .open();
  for (std::uint64_t key = 0; key < 4'000; ++key) {
    ASSERT_EQ(cache.put(key, std::vector<char>(8'000)), WriteStatus::kDone) << key;
    ASSERT_TRUE(cache.get(key)) << key;
  }
  EXPECT_LE(account.used(), account.maximum());
  EXPECT_GT(account.used(), account.maximum() / 8 * 7);
  cache.CheckInvariants();
}

TEST(Cache, KeepsAnObjectAndItsChargeUntilTheLastHandleGoes) {
  ObjectLine l;
  const int before = Counted::alive;
  std::shared_ptr<const Counted> shared;
  {
    auto cache = Cache<int, Counted>::build(l.account).weigh([](const Counted&) { return 1_MiB; }).open();
    cache.put(1, Counted(7));
    EXPECT_EQ(l.account.pinned(), 0_B);
    CacheHandle<Counted> handle = cache.get(1);
    EXPECT_GE(l.account.pinned(), 1_MiB);
    cache.erase(1);
    EXPECT_EQ(handle->number, 7);
    shared = handle.shared();
  }
  EXPECT_EQ(shared->number, 7);
  EXPECT_EQ(Counted::alive, before + 1);
  EXPECT_GE(l.account.used(), 1_MiB);
  shared.reset();
  EXPECT_EQ(Counted::alive, before);
  EXPECT_EQ(l.account.used(), 0_B);
  EXPECT_EQ(l.account.pinned(), 0_B);
}

TEST(Cache, StaysWithinTheWeightItIsTold) {
  ObjectLine l;
  auto cache = Cache<int, Counted>::build(l.account)
                   .maximum(4_MiB)
                   .weigh([](const Counted&) { return 10_KiB; })
                   .open();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(cache.put(i, Counted(i)), WriteStatus::kDone);
  EXPECT_LE(cache.size(), 4_MiB / 10_KiB);
  EXPECT_GE(cache.size(), 4_MiB / 10_KiB * 9 / 10);
  EXPECT_GE(l.account.used(), cache.size() * 10_KiB);
  EXPECT_EQ(cache.stats().cache.evicted, 2000 - cache.size());
  cache.CheckInvariants();
}

TEST(Cache, FillsWhatTheLineLeavesAndGivesItBack) {
  ObjectLine l;
  auto cache = Cache<int, Counted>::build(l.account).weigh([](const Counted&) { return 100_KiB; }).open();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(cache.put(i, Counted(i)), WriteStatus::kDone);
  const Bytes full = l.account.used();
  EXPECT_GE(full, l.line.line() / 2);
  EXPECT_LE(full, l.line.line());
  EXPECT_TRUE(cache.get(1999));
  EXPECT_GE(cache.reclaimer().reclaim(16_MiB), 16_MiB);
  EXPECT_LE(l.account.used(), full - 16_MiB);
  cache.CheckInvariants();
}

TEST(Cache, DoesNotKeepWhatIsHeavierThanTheMaximum) {
  ObjectLine l;
  auto cache =
      Cache<int, int>::build(l.account).maximum(1_MiB).weigh([](const int&) { return 2_MiB; }).open();
  EXPECT_EQ(cache.put(1, 1), WriteStatus::kTooLong);
  Result<CacheHandle<int>> one = cache.get_or_load(1, [](int) { return 5; });
  ASSERT_TRUE(one);
  EXPECT_EQ(**one, 5);
  EXPECT_GE(l.account.used(), 2_MiB) << "held is charged";
  EXPECT_FALSE(cache.get(1));
}

TEST(Cache, EvictsNobodyWhoIsRead) {
  ObjectLine l;
  auto cache = Cache<int, int>::build(l.account).maximum_items(10).open();
  std::vector<CacheHandle<int>> held;
  for (int i = 0; i < 10; ++i) {
    cache.put(i, i);
    held.push_back(cache.get(i));
  }
  EXPECT_EQ(cache.put(10, 10), WriteStatus::kRefused);
  Result<CacheHandle<int>> loaded = cache.get_or_load(11, [](int) { return 11; });
  ASSERT_TRUE(loaded);
  EXPECT_EQ(**loaded, 11);
  held.clear();
  EXPECT_EQ(cache.put(10, 10), WriteStatus::kDone);
  EXPECT_EQ(cache.size(), 10u);
}

// A shard whose part of the bound was nothing had none.
TEST(Cache, HoldsNoMoreItemsThanItIsToldHoweverManyShardsItHas) {
  ObjectLine l;
  auto cache = Cache<int, int>::build(l.account).maximum_items(5).shards(16).open();
  for (int i = 0; i < 1000; ++i) cache.put(i, i);
  EXPECT_LE(cache.size(), 5u);
  EXPECT_GE(cache.size(), 4u);
}

TEST(Cache, ForgetsAfterTheTimeToLiveAndTellsSoUnasked) {
  ObjectLine l;
  ManualClock clock;
  std::vector<int> expired;
  auto cache = Cache<int, int>::build(l.account)
                   .expire_after_write(milliseconds(1000))
                   .on_removed([&](int key, int, Removal why) {
                     EXPECT_EQ(why, Removal::kExpired);
                     expired.push_back(key);
                   })
                   .clock(clock)
                   .open();
  cache.put(1, 1);
  cache.put(2, 2, milliseconds(5000));
  cache.put(3, 3, milliseconds(0));
  clock.advance(milliseconds(999));
  EXPECT_TRUE(cache.get(1));
  clock.advance(milliseconds(1));
  EXPECT_FALSE(cache.get(1));
  EXPECT_EQ(expired, std::vector{1});
  clock.advance(milliseconds(10'000));
  cache.reclaimer().tick();
  EXPECT_EQ(expired, (std::vector{1, 2}));
  clock.advance(milliseconds(1'000'000));
  EXPECT_TRUE(cache.get(3)) << "zero is for ever";
  cache.put(6, 6, milliseconds::max());
  EXPECT_TRUE(cache.get(6)) << "so is the longest time there is";
  cache.put(4, 4);
  clock.advance(milliseconds(2000));
  cache.put(5, 5);
  EXPECT_EQ(expired, (std::vector{1, 2, 4})) << "those who write drop what expired";
}

TEST(Cache, TellsEachRemovalOnceAndWhy) {
  ObjectLine l;
  ManualClock clock;
  using Told = std::tuple<std::string, int, Removal>;
  std::vector<Told> told;
  auto cache = Cache<std::string, int>::build(l.account)
                   .maximum_items(2)
                   .clock(clock)
                   .on_removed([&](const std::string& key, int value, Removal why) {
                     told.emplace_back(key, value, why);
                   })
                   .open();
  cache.put("a", 1);
  cache.put("a", 2);
  cache.erase("a");
  cache.put("b", 3, milliseconds(10));
  clock.advance(milliseconds(10));
  cache.get("b");
  cache.put("c", 4);
  cache.put("d", 5);
  cache.put("e", 6);
  cache.clear();
  const std::vector<Told> expected{{"a", 1, Removal::kReplaced}, {"a", 2, Removal::kErased},
                                   {"b", 3, Removal::kExpired},  {"c", 4, Removal::kEvicted},
                                   {"e", 6, Removal::kCleared},  {"d", 5, Removal::kCleared}};
  std::vector<Told> sorted = told, wanted = expected;
  std::sort(sorted.begin(), sorted.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(sorted, wanted);
  EXPECT_TRUE(std::equal(told.begin(), told.begin() + 4, expected.begin())) << "in the order they left";
  EXPECT_EQ(name_of(Removal::kCleared), "cleared");
}

TEST(Cache, LetsAListenerUseTheCache) {
  ObjectLine l;
  Cache<int, int>* self = nullptr;
  int told = 0;
  auto cache = Cache<int, int>::build(l.account)
                   .maximum_items(1)
                   .on_removed([&](int key, int, Removal) {
                     if (++told < 100) self->put(key + 1000, 0);
                   })
                   .open();
  self = &cache;
  cache.put(1, 1);
  cache.put(2, 2);
  EXPECT_EQ(told, 100);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(Cache, DescribesItselfByName) {
  struct Names final : StatSink {
    void value(const Stat& stat, double value) override {
      ASSERT_EQ(stat.labels.size(), 1u);
      EXPECT_EQ(stat.labels[0].value, "numbers");
      seen[std::string(stat.name)] = value;
    }
    void distribution(const Stat&, const Histogram&, double) override { FAIL(); }
    std::map<std::string, double> seen;
  };
  ObjectLine l;
  auto cache = Cache<int, int>::build(l.account).name("numbers").open();
  cache.get_or_load(1, [](int) { return 1; });
  cache.get(1);
  Names names;
  cache.Describe(names);
  EXPECT_EQ(names.seen["object_cache_items"], 1);
  EXPECT_EQ(names.seen["object_cache_hits_total"], 1);
  EXPECT_EQ(names.seen["object_cache_misses_total"], 1);
  EXPECT_EQ(names.seen["object_cache_loads_total"], 1);
  EXPECT_GT(names.seen["object_cache_payload_bytes"], 0);
}

// The ticket keeps a view of its key.
template <typename Key>
constexpr bool kCanBeAskedFor = std::is_constructible_v<HeldCache::Ticket, HeldCache&, Key>;
static_assert(kCanBeAskedFor<std::string&> && kCanBeAskedFor<const std::string&> &&
              kCanBeAskedFor<std::string_view> && kCanBeAskedFor<const char*>);
static_assert(!kCanBeAskedFor<std::string> && !kCanBeAskedFor<const std::string>);

}  // namespace
}  // namespace plimsoll
