#include "plimsoll/cache/byte_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "plimsoll/cache/internal/fixture.h"

namespace plimsoll {
namespace {

TEST(ByteCache, FindsWhatWasPut) {
  CacheFixture f;
  EXPECT_EQ(f.get("a"), "(absent)");
  EXPECT_EQ(f.set("a", "1"), WriteStatus::kDone);
  EXPECT_EQ(f.set("b", ""), WriteStatus::kDone);
  EXPECT_EQ(f.set("", "empty key"), WriteStatus::kDone);
  EXPECT_EQ(f.get("a"), "1");
  EXPECT_EQ(f.get("b"), "");
  EXPECT_EQ(f.get(""), "empty key");
  EXPECT_EQ(f.cache.size(), 3u);
  f.cache.lock("a", 0).erase();
  EXPECT_EQ(f.get("a"), "(absent)");
  f.cache.clear();
  EXPECT_EQ(f.cache.size(), 0u);
  EXPECT_EQ(f.account.used(), 0_B);
}

TEST(ByteCache, RefusesKeysAndValuesOverItsLimits) {
  CacheFixture f;
  EXPECT_EQ(f.set(std::string(ByteCache::kMaxKey, 'k'), "x"), WriteStatus::kDone);
  EXPECT_EQ(f.set(std::string(ByteCache::kMaxKey + 1, 'k'), "x"), WriteStatus::kTooLong);
  EXPECT_EQ(f.cache.lock("k", 0).resize(ByteCache::kMaxValue + 1), WriteStatus::kTooLong);
}

TEST(ByteCache, GivesUpNothingForAValueThatIsHeavierThanAllItMayHold) {
  CacheFixture f;
  ByteCache cache({.account = f.account,
                   .pages = f.pages,
                   .line = f.line.line(),
                   .address_space = 256_MiB,
                   .shards = 1,
                   .seed = 7,
                   .max_bytes = 64_KiB});
  for (int i = 0; i < 50; ++i)
    cache.lock(std::string_view("key" + std::to_string(i)), 0).put(std::string(1000, 'x'));
  EXPECT_EQ(cache.lock("large", 0).put(std::string(100'000, 'x')), WriteStatus::kRefused);
  EXPECT_EQ(cache.size(), 50u);
  EXPECT_EQ(cache.stats().refused, 1u);
  EXPECT_EQ(cache.lock("large", 0).put(std::string(40'000, 'x')), WriteStatus::kDone);
  EXPECT_LT(cache.size(), 50u);
  cache.CheckInvariants();
}

TEST(ByteCache, CountsTheItemsOfEachGroupWhateverBecomesOfThem) {
  CacheFixture f;
  ByteCache cache({.account = f.account,
                   .pages = f.pages,
                   .line = f.line.line(),
                   .address_space = 256_MiB,
                   .shards = 2,
                   .seed = 7,
                   .max_items = 500,
                   .group_of = [](std::string_view key) { return static_cast<unsigned>(key.back() & 15); }});
  Random random(11);
  std::int64_t now = 1000;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "k" + std::to_string(random.below(1000));
    if (i % 1000 == 0) cache.expire(now);
    ByteCache::Slot slot = cache.lock(key, now += 1);
    const std::int64_t end =
        random.below(2) == 0 ? ByteCache::kNever : now + 1 + std::int64_t(random.below(300));
    switch (random.below(6)) {
      case 0:
        if (slot.exists()) slot.erase();
        break;
      case 1:
        if (slot.exists()) slot.set_expiry(end);
        break;
      case 2:
        slot.resize(random.below(20'000));
        break;
      default:
        slot.put(std::string(random.below(200), 'x'), end);
    }
  }
  // As of the begin of time, so that those are seen that have expired and were not dropped yet.
  std::array<ByteCache::Group, ByteCache::kGroups> seen{};
  std::uint64_t cursor = 0;
  do {
    cursor = cache.scan_with_expiry(cursor, 100, 0, [&](std::string_view key, std::int64_t end) {
      ++seen[key.back() & 15].items;
      if (end != ByteCache::kNever) ++seen[key.back() & 15].expiring;
    });
  } while (cursor != 0);
  const auto counted = cache.groups();
  for (std::size_t i = 0; i < ByteCache::kGroups; ++i) {
    EXPECT_EQ(counted[i].items, seen[i].items) << i;
    EXPECT_EQ(counted[i].expiring, seen[i].expiring) << i;
  }
  cache.CheckInvariants();
  cache.clear();
  for (const ByteCache::Group& group : cache.groups()) EXPECT_EQ(group.items + group.expiring, 0u);
}

TEST(ByteCache, DropsAnItemAfterItsTimeAndNotBefore) {
  CacheFixture f;
  f.set("k", "v", 5000, 1000);
  EXPECT_EQ(f.get("k", 5000), "v");
  EXPECT_EQ(f.get("k", 5001), "(absent)");
  EXPECT_EQ(f.cache.stats().expired, 1u);
}

TEST(ByteCache, ReturnsMemoryOfExpiredItemsThatNobodyAsksFor) {
  CacheFixture f;
  for (int i = 0; i < 20000; ++i)
    f.set("key" + std::to_string(i), std::string(500, 'x'), 2000 + i % 1000, 1000);
  Bytes full = f.account.used();
  EXPECT_EQ(f.cache.expire(1999), 0u);
  std::size_t dropped = 0;
  while (std::size_t n = f.cache.expire(3200)) dropped += n;
  EXPECT_EQ(dropped, 20000u);
  EXPECT_LT(f.account.used(), full / 10);
  f.cache.CheckInvariants();
}

TEST(ByteCache, KeepsATimeToLiveThroughResizeAndForgetsItOnPut) {
  CacheFixture f;
  f.set("k", "v", 5000, 1000);
  ByteCache::Slot slot = f.cache.lock("k", 1000);
  ASSERT_EQ(slot.resize(100), WriteStatus::kDone);
  EXPECT_EQ(slot.expires_at_ms(), 5000);
  ASSERT_EQ(slot.put("w"), WriteStatus::kDone);
  EXPECT_EQ(slot.expires_at_ms(), ByteCache::kNever);
  ASSERT_TRUE(slot.set_expiry(7000));
  EXPECT_EQ(slot.expires_at_ms(), 7000);
  EXPECT_EQ(slot.value(), "w");
  ASSERT_TRUE(slot.set_expiry(ByteCache::kNever));
  EXPECT_EQ(slot.expires_at_ms(), ByteCache::kNever);
}

TEST(ByteCache, GrowsAValueFromSmallToLargeAndFillsWithZeros) {
  CacheFixture f;
  f.set("k", "head");
  ByteCache::Slot slot = f.cache.lock("k", 1000);
  for (std::size_t size : {std::size_t{10}, ByteCache::kLargeValue - 1, ByteCache::kLargeValue,
                           std::size_t{100'000}, std::size_t{300'000}}) {
    ASSERT_EQ(slot.resize(size), WriteStatus::kDone);
    slot.writable()[size - 1] = 'e';
    ASSERT_EQ(slot.value().size(), size);
    EXPECT_EQ(slot.value().substr(0, 4), "head");
    EXPECT_EQ(slot.value()[size - 1], 'e');
    EXPECT_EQ(slot.value()[size / 2], '\0') << size;
    EXPECT_EQ(slot.large(), size >= ByteCache::kLargeValue);
  }
}

TEST(ByteCache, EvictsTheLeastRecentlyUsedFirst) {
  CacheFixture f(32_MiB);
  const std::string value(1000, 'v');
  auto key = [](int i) { return "key" + std::to_string(i); };
  for (int i = 0; i < 1000; ++i) f.set(key(i), value);
  for (int i = 1000; i < 60000; ++i) {
    ASSERT_EQ(f.set(key(i), value), WriteStatus::kDone);
    f.get(key(i % 1000));  // the first thousand stay in use
  }
  int kept = 0;
  for (int i = 0; i < 1000; ++i) kept += f.get(key(i)) == value;
  EXPECT_GE(kept, 990);
  EXPECT_EQ(f.get(key(1500)), "(absent)");
  EXPECT_EQ(f.get(key(59999)), value);
  EXPECT_GT(f.cache.stats().evicted, 20000u);
  f.cache.CheckInvariants();
}

TEST(ByteCache, GivesBackWhatDeadRecordsTakeBeforeItEvicts) {
  CacheFixture f(64_MiB);
  const std::string value(200, 'v');
  constexpr int kItems = 100'000;
  for (int i = 0; i < kItems; ++i) f.set(std::to_string(i), value);
  const Bytes full = f.cache.stats().segments;
  Random random(3);
  int kept = 0;
  for (int i = 0; i < kItems; ++i) {
    if (random.below(10) == 0) {
      ++kept;
    } else {
      f.cache.lock(std::string_view(std::to_string(i)), 1000).erase();
    }
  }
  const Bytes excess = f.cache.stats().dead;
  EXPECT_GT(excess, full * 3 / 5) << "at random: hardly a segment is free";
  for (Bytes given; given < excess.scaled(0.9);) {
    const Bytes some = f.cache.reclaim(64_KiB);
    ASSERT_GT(some, 0_B);
    given += some;
  }
  EXPECT_EQ(f.cache.stats().evicted, 0u);
  EXPECT_EQ(f.cache.size(), static_cast<std::uint64_t>(kept));
  f.cache.CheckInvariants();
}

TEST(ByteCache, EmptiesSparseSegmentsWhenItIsLookedAt) {
  CacheFixture f(64_MiB);
  for (int i = 0; i < 50'000; ++i) f.set(std::to_string(i), std::string(300, 'v'));
  Random random(3);
  for (int i = 0; i < 100'000; ++i)
    f.set(std::to_string(random.below(50'000)), std::string(random.below(100), 'w'));
  EXPECT_GT(f.cache.stats().dead, f.cache.stats().segments / 4);
  for (int i = 0; i < 1000; ++i) f.cache.tick();
  const ByteCache::Stats stats = f.cache.stats();
  EXPECT_LT(stats.dead, stats.segments / 6);
  EXPECT_EQ(stats.items, 50'000u);
  EXPECT_EQ(stats.evicted, 0u);
  f.cache.CheckInvariants();
}

TEST(ByteCache, SqueezesOutWhatIsDeadWhileNobodyWrites) {
  CacheFixture f(64_MiB);
  Random random(3);
  for (int i = 0; i < 150'000; ++i) {
    f.set(std::to_string(random.below(50'000)), std::string(150 + random.below(300), 'v'));
  }
  auto dead_share = [&] {
    const ByteCache::Stats stats = f.cache.stats();
    return stats.dead.as_double() / stats.segments.as_double();
  };
  for (int i = 0; i < 1000; ++i) f.cache.tick();
  EXPECT_LT(dead_share(), 1.0 / 60);
  f.cache.CheckInvariants();
  const std::uint64_t moved = f.cache.stats().relocated;
  for (int i = 0; i < 1000; ++i) f.cache.tick();
  EXPECT_EQ(f.cache.stats().relocated, moved) << "it moves in vain";
  EXPECT_EQ(f.cache.stats().evicted, 0u);
}

TEST(ByteCache, PutsNewRecordsWhereOthersOfTheirLengthDied) {
  CacheFixture f(32_MiB);
  Random random(9);
  auto fill = [&](int operations) {
    for (int i = 0; i < operations; ++i) {
      const std::string key = std::to_string(100'000 + random.below(80'000));
      ByteCache::Slot slot = f.cache.lock(key, 1000);
      slot.touch();
      if (!slot.exists()) {
        ASSERT_EQ(slot.put(std::string(400, 'v')), WriteStatus::kDone);
      }
    }
  };
  fill(200'000);
  const std::uint64_t moved = f.cache.stats().relocated;
  fill(200'000);
  EXPECT_EQ(f.cache.stats().relocated, moved);
  EXPECT_LT(f.cache.stats().dead, f.cache.stats().segments / 50);
}

TEST(ByteCache, ComesBackToTheMaximumOfItsAccount) {
  LoadLine line({.limit = 256_MiB});
  Account& account = line.open({.name = "small", .kind = AccountKind::kDroppable, .maximum = 8_MiB});
  SystemPages pages;
  ByteCache cache({.account = account, .pages = pages, .line = 8_MiB, .policy = PolicyKind::kAdaptive});
  for (int i = 0; i < 200'000; ++i) {
    const std::string key = std::to_string(i);
    ASSERT_EQ(cache.lock(key, 0).put("x"), WriteStatus::kDone);
  }
  account.set_maximum(5_MiB);
  ASSERT_GT(account.used(), 5_MiB);
  cache.tick();
  EXPECT_LE(account.used(), 5_MiB);
  EXPECT_GT(account.used(), 4_MiB);
  cache.CheckInvariants();
}

TEST(ByteCache, UsesTheLineThatOthersLeaveAndStopsAtIt) {
  CacheFixture f(32_MiB);
  const std::string value(1000, 'v');
  for (int i = 0; i < 60000; ++i) ASSERT_EQ(f.set(std::to_string(i), value), WriteStatus::kDone);
  EXPECT_LE(f.line.charged(), f.line.line() - f.line.headroom());
  EXPECT_GT(f.line.charged(), f.line.line().scaled(0.95));
  Charge other = f.others.charge(f.line.free());
  ASSERT_TRUE(other);
  EXPECT_EQ(f.set("one more", value), WriteStatus::kDone) << "it replaces its own items";
}

TEST(ByteCache, RefusesWritesWhenToldNotToEvict) {
  CacheFixture f(32_MiB, false);
  const std::string value(1000, 'v');
  int done = 0;
  while (done < 100000 && f.set(std::to_string(done), value) == WriteStatus::kDone) ++done;
  EXPECT_GT(done, 20000);
  EXPECT_LT(done, 32768);
  EXPECT_EQ(f.cache.stats().evicted, 0u);
  for (int i = 0; i < done; i += 97) EXPECT_EQ(f.get(std::to_string(i)), value);
  for (int i = 0; i < done; i += 2) f.cache.lock(std::string_view(std::to_string(i)), 0).erase();
  EXPECT_EQ(f.set("again", value), WriteStatus::kDone) << "dead records are cleaned without evicting";
  f.cache.CheckInvariants();
}

TEST(ByteCache, GivesHalfOfItsMemoryBackToTheSystem) {
  CacheFixture f(128_MiB);
  const std::string value(1024, 'v');
  for (int i = 0; i < 200000; ++i) f.set(std::to_string(i), value);
  Bytes before = f.account.used();
  Bytes half = before / 2;
  EXPECT_GE(f.cache.reclaim(half), half);
  EXPECT_LE(f.account.used(), before - half);
  f.cache.CheckInvariants();
}

TEST(ByteCache, ReclaimKeepsWhatIsInUse) {
  CacheFixture f(64_MiB);
  const std::string value(1000, 'v');
  for (int i = 0; i < 50000; ++i) f.set(std::to_string(i), value);
  for (int i = 0; i < 50000; i += 50) f.get(std::to_string(i));
  f.cache.reclaim(f.account.used() / 2);
  int kept = 0, all = 0;
  for (int i = 20000; i < 50000; i += 50, ++all) kept += f.get(std::to_string(i)) == value;
  EXPECT_GE(kept, all * 9 / 10);
}

TEST(ByteCache, KeepsAPinnedValueWhileItsItemIsOverwritten) {
  CacheFixture f;
  std::string old(100'000, 'o');
  f.set("k", old);
  PinnedValue pinned = f.cache.lock("k", 0).pin();
  EXPECT_GE(f.account.pinned(), 100'000_B);
  f.set("k", std::string(100'000, 'n'));
  EXPECT_EQ(pinned.view(), old);
  {
    ByteCache::Slot slot = f.cache.lock("k", 0);
    PinnedValue second = slot.pin();
    ASSERT_EQ(slot.resize(120'000), WriteStatus::kDone);
    slot.writable()[0] = 'x';
    EXPECT_EQ(second.view().size(), 100'000u) << "what is being sent is not written to";
    EXPECT_EQ(second.view()[0], 'n');
  }
  Bytes both = f.account.used();
  pinned = PinnedValue();
  EXPECT_LT(f.account.used(), both);
  EXPECT_EQ(f.account.pinned(), 0_B);
}

TEST(ByteCache, AdoptsTheBodyOfALargeValueWithoutACopy) {
  CacheFixture f;
  Result<ExtentRef> body = f.cache.extents().open(50'000, f.others);
  ASSERT_TRUE(body);
  ASSERT_TRUE((*body)->reserve(50'000));
  (*body)->set_size(50'000);
  std::fill_n((*body)->data(), 50'000, 'b');
  const char* data = (*body)->data();
  EXPECT_GE(f.others.used(), 50'000_B);
  ASSERT_EQ(f.cache.lock("k", 0).put(std::move(*body)), WriteStatus::kDone);
  EXPECT_EQ(f.others.used(), 0_B);
  EXPECT_EQ(f.cache.lock("k", 0).value().data(), data);
}

TEST(ByteCache, FindsItemsThatAreAlignedToACoarserUnit) {
  SystemPages pages;
  LoadLine line({.limit = 64_MiB});
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  ByteCache cache(
      {.account = account, .pages = pages, .line = line.line(), .address_space = 512_GiB, .shards = 2});
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(cache.lock(std::string_view(std::to_string(i)), 0).put(std::to_string(i)), WriteStatus::kDone);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = std::to_string(i);
    ByteCache::Slot slot = cache.lock(name, 0);
    ASSERT_TRUE(slot.exists());
    EXPECT_EQ(slot.value(), std::to_string(i));
  }
  cache.CheckInvariants();
}

TEST(ByteCache, TakesRandomKeysThatExist) {
  CacheFixture f;
  EXPECT_FALSE(f.cache.random_key(0));
  f.set("only", "v");
  EXPECT_EQ(f.cache.random_key(0), "only");
  for (int i = 0; i < 50; ++i) f.set("k" + std::to_string(i), "v");
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(*f.cache.random_key(i));
  EXPECT_GT(seen.size(), 35u);
}

TEST(ByteCache, ScanVisitsEveryKeyThatStaysWhileTheTableGrowsAndShrinks) {
  CacheFixture f(256_MiB);
  for (int i = 0; i < 5000; ++i) f.set("stays" + std::to_string(i), "v");
  std::set<std::string> seen;
  std::uint64_t cursor = 0;
  int round = 0;
  do {
    cursor = f.cache.scan(cursor, 10, 1000, [&](std::string_view key) { seen.insert(std::string(key)); });
    for (int i = 0; i < 100; ++i) {  // grows for a while, then shrinks
      std::string other = "comes" + std::to_string(round < 300 ? round * 100 + i : (round - 300) * 100 + i);
      if (round < 300) f.set(other, "v");
      if (round >= 300) {
        ByteCache::Slot slot = f.cache.lock(other, 1000);
        if (slot.exists()) slot.erase();
      }
    }
    ++round;
  } while (cursor != 0);
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(seen.contains("stays" + std::to_string(i))) << i;
  f.cache.CheckInvariants();
}

TEST(ByteCache, StaysRightUnderThreadsReclaimAndExpiry) {
  CacheFixture f(32_MiB, true, 4);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  auto worker = [&](std::uint64_t seed) {
    Random random(seed);
    std::vector<std::pair<PinnedValue, char>> pins;
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t number = random.below(20000);
      const std::string key = "k" + std::to_string(number);
      const char byte = static_cast<char>('a' + number % 26);
      ByteCache::Slot slot = f.cache.lock(key, 1000 + i);
      slot.touch();
      if (slot.exists()) {
        std::string_view value = slot.value();
        if (value.empty() || value.front() != byte || value.back() != byte) ++wrong;
        if (slot.large()) pins.emplace_back(slot.pin(), byte);
        if (random.below(8) == 0) slot.erase();
      } else {
        std::size_t size = random.below(50) == 0 ? 16'384 + random.below(100'000) : 1 + random.below(2000);
        static_cast<void>(slot.put(std::string(size, byte), random.below(2) ? 1100 + i : ByteCache::kNever));
      }
      if (pins.size() > 4) {
        if (pins[0].first.view().back() != pins[0].second) ++wrong;
        pins.erase(pins.begin());
      }
    }
  };
  std::thread reclaimer([&] {
    std::int64_t now = 1000;
    while (!stop.load()) {
      f.cache.reclaim(1_MiB);
      f.cache.expire(now += 50);
      static_cast<void>(f.cache.offer());
      f.cache.scan(0, 100, now, [](std::string_view) {});
      f.cache.set_policy(kPolicyKinds[static_cast<std::size_t>(now / 50) % kPolicyKinds.size()]);
      f.cache.tick();
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> workers;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) workers.emplace_back(worker, seed);
  for (std::thread& t : workers) t.join();
  stop = true;
  reclaimer.join();
  EXPECT_EQ(wrong.load(), 0);
  f.cache.CheckInvariants();
}

// In one shard, records eight bytes longer than all before them fit no hole, and moving what lives won none.
TEST(ByteCache, GivesUpItemsRatherThanMovingThemInVain) {
  CacheFixture f(16_MiB, true, 1);
  for (int i = 0; i < 30'000; ++i) f.set("user:" + std::to_string(i), std::string(1000, 'v'));
  EXPECT_GT(f.cache.size(), 10'000);
  EXPECT_LT(f.cache.stats().relocated, 30'000);
  EXPECT_EQ(f.cache.stats().refused, 0);
}

// Of values of 11 KiB a segment of 64 KiB has five, and more than an eighth of it stays empty. Asked for what
// is dead, and not to evict, a shard moved all it had in circles: 4,096 segments' worth a tick.
TEST(ByteCache, MovesNothingForLongWhereNothingIsWonByIt) {
  CacheFixture f(16_MiB, true, 1);
  for (int i = 0; i < 3000; ++i) f.set("user:" + std::to_string(i), std::string(11'000, 'v'));
  const ByteCache::Stats before = f.cache.stats();
  ASSERT_GT(before.dead, (before.segments / 8)) << "the ends of segments are what is not used";
  for (int i = 0; i < 1000; ++i) f.cache.tick();
  EXPECT_LT(f.cache.stats().relocated - before.relocated, 1000u);
  EXPECT_EQ(f.cache.stats().items, before.items);
  // What dies later comes back all the same.
  for (int i = 0; i < 3000; i += 2) {
    const std::string key = "user:" + std::to_string(i);
    ByteCache::Slot slot = f.cache.lock(key, 0);
    if (slot.exists()) slot.erase();
  }
  for (int i = 0; i < 1000; ++i) f.cache.tick();
  EXPECT_LT(f.cache.stats().segments, before.segments * 3 / 4);
  f.cache.CheckInvariants();
}

// The slot keeps a view of its key.
template <typename Key>
concept CanBeLocked = requires(ByteCache& cache, Key&& key) { cache.lock(std::forward<Key>(key), 0); };
static_assert(CanBeLocked<std::string&> && CanBeLocked<const std::string&> && CanBeLocked<std::string_view> &&
              CanBeLocked<const char*>);
static_assert(!CanBeLocked<std::string> && !CanBeLocked<const std::string>);

}  // namespace
}  // namespace plimsoll
