// Values that are compressed instead of being given up, and what is kept of entries.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/cache/internal/fixture.h"
#include "plimsoll/cache/internal/json_like.h"

namespace plimsoll {
namespace {

std::string key_of(std::uint64_t number) { return "user:" + std::to_string(number); }

struct Filled {
  Filled(PolicyKind policy, Compression compression, std::size_t size = 1000, std::uint64_t count = 60'000,
         Bytes limit = 24_MiB)
      : f(limit, true, 2, policy, compression), keys(count) {
    for (std::uint64_t i = 0; i < count; ++i)
      EXPECT_EQ(f.set(key_of(i), json_like(i, size)), WriteStatus::kDone);
    f.cache.CheckInvariants();
  }
  std::uint64_t wrong(std::size_t size = 1000) {
    std::uint64_t bad = 0;
    for (std::uint64_t i = 0; i < keys; ++i) {
      const std::string name = key_of(i);
      ByteCache::Slot slot = f.cache.lock(name, 1000);
      if (!slot.exists()) continue;
      if (slot.packed_with() != Compression::kOff) ++packed;
      const std::string want = json_like(i, size);
      bad += slot.size() != size || slot.value() != want;
    }
    return bad;
  }
  CacheFixture f;
  std::uint64_t keys;
  std::uint64_t packed = 0;
};

TEST(CacheCompression, HoldsDistinctlyMoreItemsOfEveryPolicy) {
  for (PolicyKind policy : kPolicyKinds) {
    SCOPED_TRACE(name_of(policy));
    Filled plain(policy, Compression::kOff);
    Filled lz4(policy, Compression::kLz4);
    Filled zstd(policy, Compression::kZstd);
    const double items = static_cast<double>(plain.f.cache.size());
    EXPECT_GT(static_cast<double>(lz4.f.cache.size()), 1.15 * items);
    EXPECT_GT(static_cast<double>(zstd.f.cache.size()), 1.25 * items);
    EXPECT_EQ(lz4.wrong(), 0);
    EXPECT_EQ(zstd.wrong(), 0);
    EXPECT_GT(zstd.packed, zstd.f.cache.size() / 3);
    EXPECT_EQ(zstd.f.cache.stats().packed, zstd.packed);
    EXPECT_GT(zstd.f.cache.stats().compression_gain(), 1.25);
    EXPECT_EQ(plain.f.cache.stats().compression.packed, 0);
    EXPECT_EQ(plain.f.cache.stats().compression_gain(), 1);
  }
}

TEST(CacheCompression, StaysReadableWhenTheCodecChangesMeanwhile) {
  Filled filled(PolicyKind::kLru, Compression::kZstd, 1000, 30'000);
  filled.f.cache.set_compression(Compression::kLz4);
  for (std::uint64_t i = 30'000; i < 36'000; ++i) filled.f.set(key_of(i), json_like(i, 1000));
  filled.keys = 36'000;
  bool zstd = false, lz4 = false;
  for (std::uint64_t i = 0; i < filled.keys; ++i) {
    const std::string name = key_of(i);
    ByteCache::Slot slot = filled.f.cache.lock(name, 1000);
    if (!slot.exists()) continue;
    zstd |= slot.packed_with() == Compression::kZstd;
    lz4 |= slot.packed_with() == Compression::kLz4;
  }
  EXPECT_TRUE(zstd && lz4);
  EXPECT_EQ(filled.wrong(), 0);
  filled.f.cache.set_compression(Compression::kOff);
  const std::uint64_t before = filled.f.cache.stats().compression.packed;
  for (std::uint64_t i = 36'000; i < 40'000; ++i) filled.f.set(key_of(i), json_like(i, 1000));
  filled.keys = 40'000;
  EXPECT_EQ(filled.f.cache.stats().compression.packed, before);
  EXPECT_EQ(filled.wrong(), 0);
  filled.f.cache.CheckInvariants();
}

// The first key that is packed now.
std::string packed_key(Filled& filled) {
  for (std::uint64_t i = 0; i < filled.keys; ++i) {
    const std::string name = key_of(i);
    ByteCache::Slot slot = filled.f.cache.lock(name, 1000);
    if (slot.exists() && slot.packed_with() != Compression::kOff) return key_of(i);
  }
  return "";
}

TEST(CacheCompression, WritesOfACompressedItemSeeItsWholeValue) {
  Filled filled(PolicyKind::kLru, Compression::kZstd, 1000, 30'000);
  ByteCache& cache = filled.f.cache;
  const std::string key = packed_key(filled);
  ASSERT_FALSE(key.empty());
  const std::string before = filled.f.get(key);
  {
    ByteCache::Slot slot = cache.lock(key, 1000);
    EXPECT_LT(slot.stored_size(), 600);
    EXPECT_LT(slot.memory(), 700);
    ASSERT_EQ(slot.resize(before.size() + 3), WriteStatus::kDone);
    std::span<char> bytes = slot.writable();
    bytes[0] = '[';
    bytes[before.size()] = '!';
    EXPECT_EQ(slot.packed_with(), Compression::kOff);
  }
  EXPECT_EQ(filled.f.get(key), "[" + before.substr(1) + "!" + std::string(2, '\0'));
  const std::string next = packed_key(filled);
  const std::string value = filled.f.get(next);
  EXPECT_TRUE(cache.lock(next, 1000).set_expiry(5000));
  EXPECT_EQ(filled.f.get(next), value);
  EXPECT_EQ(cache.lock(next, 1000).expires_at_ms(), 5000);
  EXPECT_EQ(filled.f.get(next, 6000), "(absent)");
  const std::string third = packed_key(filled);
  EXPECT_EQ(filled.f.set(third, "short"), WriteStatus::kDone);
  EXPECT_EQ(filled.f.get(third), "short");
  const std::string fourth = packed_key(filled);
  cache.lock(fourth, 1000).erase();
  EXPECT_EQ(filled.f.get(fourth), "(absent)");
  cache.CheckInvariants();
}

TEST(CacheCompression, ExpiresWhatIsCompressed) {
  CacheFixture f(24_MiB, true, 2, PolicyKind::kFifo, Compression::kLz4);
  for (std::uint64_t i = 0; i < 30'000; ++i)
    f.set(key_of(i), json_like(i, 1000), 2000 + static_cast<std::int64_t>(i));
  EXPECT_GT(f.cache.stats().packed, 1000);
  EXPECT_EQ(f.cache.stats().expiring, f.cache.size());
  f.cache.CheckInvariants();
  f.cache.expire(100'000, 100'000);
  EXPECT_EQ(f.cache.size(), 0);
  EXPECT_EQ(f.cache.stats().packed, 0);
  EXPECT_EQ(f.cache.stats().saved, 0_B);
  f.cache.CheckInvariants();
}

TEST(CacheCompression, CompressesLargeValuesToo) {
  Filled plain(PolicyKind::kLru, Compression::kOff, 40'000, 2000);
  Filled filled(PolicyKind::kLru, Compression::kZstd, 40'000, 2000);
  EXPECT_GT(static_cast<double>(filled.f.cache.size()), 1.3 * static_cast<double>(plain.f.cache.size()));
  EXPECT_EQ(filled.wrong(40'000), 0);
  EXPECT_GT(filled.packed, 100);
  EXPECT_LE(filled.f.account.used(), filled.f.line.line());
  const std::string key = packed_key(filled);
  {
    ByteCache::Slot slot = filled.f.cache.lock(key, 1000);
    EXPECT_FALSE(slot.large()) << "its pages are not the value";
    const std::string value(slot.value());
    EXPECT_TRUE(slot.set_expiry(9000));
    EXPECT_TRUE(slot.large());
    EXPECT_EQ(slot.value(), value);
  }
  filled.f.cache.CheckInvariants();
  filled.f.cache.clear();
  // What readers might still have looked at is let go of by the second look; two slabs of descriptors and the
  // thread's magazines stay.
  for (int i = 0; i < 3; ++i) filled.f.cache.tick();
  EXPECT_LE(filled.f.account.used(), filled.f.cache.stats().compression.contexts + 144_KiB);
}

// Whose pages are charged to their receiver first, so that room is made before they are the cache's.
TEST(CacheCompression, CompressesLargeValuesWhenBodiesNeedTheRoom) {
  CacheFixture f(24_MiB, true, 4, PolicyKind::kLru, Compression::kLz4);
  for (std::uint64_t i = 0; i < 1500; ++i) {
    Result<ExtentRef> body = f.cache.open_extent(40'000, f.others);
    ASSERT_TRUE(body && f.cache.reserve(**body, 40'000));
    (*body)->set_size(40'000);
    const std::string value = json_like(i, 40'000);
    std::copy(value.begin(), value.end(), (*body)->data());
    ASSERT_EQ(f.cache.lock(std::string_view(key_of(i)), 1000).put(std::move(*body)), WriteStatus::kDone);
  }
  EXPECT_GT(f.cache.stats().packed, 200);
  f.cache.CheckInvariants();
}

TEST(CacheCompression, LeavesAloneWhatDoesNotPayAndSoonStopsTrying) {
  CacheFixture f(16_MiB, true, 2, PolicyKind::kLru, Compression::kLz4);
  Random random(5);
  std::string value(1000, '\0');
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    for (char& c : value) c = static_cast<char>(random.below(256));
    f.set(key_of(i), value);
  }
  const ByteCache::Stats stats = f.cache.stats();
  EXPECT_EQ(stats.packed, 0);
  EXPECT_GT(stats.evicted, 20'000);
  EXPECT_GT(stats.compression.did_not_pay, 32);
  EXPECT_LT(stats.compression.did_not_pay, stats.evicted / 8);
  for (std::uint64_t i = 0; i < 40'000; ++i) f.set(key_of(i), json_like(i, 1000));
  EXPECT_GT(f.cache.stats().packed, 5'000) << "it notices when it pays again";
}

TEST(CacheCompression, KeepsWhatWasReadSinceItWasCompressed) {
  for (PolicyKind policy : {PolicyKind::kLru, PolicyKind::kAdaptive}) {
    SCOPED_TRACE(name_of(policy));
    Filled filled(policy, Compression::kLz4, 1000, 30'000);
    const std::string key = packed_key(filled);
    ASSERT_FALSE(key.empty());
    const std::string value = filled.f.get(key);
    for (std::uint64_t i = 30'000; i < 200'000; ++i) {
      filled.f.set(key_of(i), json_like(i % 64, 1000));
      if (i % 2000 == 0) {
        ASSERT_EQ(filled.f.get(key), value) << i;
      }
    }
  }
}

TEST(CacheCompression, BoundsInBytesAreKeptAndHoldMore) {
  auto items = [](Compression with) {
    LoadLine line({.limit = 64_MiB});
    Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
    SystemPages pages;
    ByteCache cache({.account = account,
                     .pages = pages,
                     .line = line.line(),
                     .address_space = {},
                     .shards = 1,
                     .max_bytes = 1_MiB,
                     .compression = with});
    for (std::uint64_t i = 0; i < 5000; ++i)
      EXPECT_EQ(cache.lock(std::string_view(key_of(i)), 1000).put(json_like(i, 1000)), WriteStatus::kDone);
    cache.CheckInvariants();
    return cache.size();
  };
  EXPECT_NEAR(static_cast<double>(items(Compression::kOff)), 1000, 50);
  EXPECT_GT(items(Compression::kZstd), 1250);
}

TEST(CacheCompression, StaysRightUnderThreadsSwitchesAndReclaim) {
  CacheFixture f(12_MiB, true, 4, PolicyKind::kLru, Compression::kLz4);
  std::atomic<int> wrong{0};
  auto work = [&](std::uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 12'000; ++i) {
      const std::uint64_t number = random.below(20'000);
      const std::string value = json_like(number, 900 + number % 200);
      const std::string key = key_of(number);
      ByteCache::Slot slot = f.cache.lock(key, 1000);
      slot.touch();
      if (!slot.exists()) {
        slot.put(value);
      } else if (slot.value() != value) {
        ++wrong;
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) threads.emplace_back(work, seed);
  for (int i = 0; i < 30; ++i) {
    f.cache.set_compression(kCompressions[static_cast<std::size_t>(i) % kCompressions.size()]);
    f.cache.set_describe_entries(i % 4 == 0);
    f.cache.reclaim(256_KiB);
    static_cast<void>(f.cache.stats());
    std::this_thread::yield();
  }
  f.cache.set_compression(Compression::kLz4);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(f.cache.stats().compression.packed, 100);
  f.cache.CheckInvariants();
}

// A reader that pinned a victim while it was being packed had the shard count less given back than nothing,
// which ended the process.
TEST(CacheCompression, MayPackALargeValueThatSomebodyBeginsToRead) {
  constexpr std::uint64_t kKeys = 600;
  CacheFixture f(12_MiB, true, 1, PolicyKind::kFifo, Compression::kZstd);
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < 16; ++i) values.push_back(json_like(i, 40'000));
  std::atomic<std::uint64_t> written{0};
  std::atomic<int> wrong{0};
  // From the newest back to the first that is packed: the one before it is the next victim.
  std::thread reader([&] {
    std::vector<PinnedValue> held(30);
    std::string space(ByteCache::kLargeValue, '\0');
    for (std::uint64_t i = 0, last = 0; (last = written.load()) < 4000;) {
      for (std::uint64_t at = last; at-- > 0 && last - at < kKeys; ++i) {
        const std::string key = key_of(at % kKeys);
        ByteCache::Reading found = f.cache.read(key, 1000, space);
        if (!found.pinned) break;
        wrong += found.pinned.view().substr(0, 50) != values[at % kKeys % 16].substr(0, 50) ? 1 : 0;
        held[i % held.size()] = std::move(found.pinned);
      }
    }
  });
  for (std::uint64_t i = 0; i < 4000; ++i, ++written)
    static_cast<void>(f.set(key_of(i % kKeys), values[i % kKeys % 16]));
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(f.cache.stats().compression.packed, 100);
  f.cache.CheckInvariants();
}

TEST(CacheCompression, IsNotTriedWhereItemsAreCounted) {
  LoadLine line({.limit = 64_MiB});
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  SystemPages pages;
  ByteCache cache({.account = account,
                   .pages = pages,
                   .line = line.line(),
                   .address_space = {},
                   .shards = 1,
                   .max_items = 100,
                   .compression = Compression::kZstd});
  for (std::uint64_t i = 0; i < 500; ++i)
    static_cast<void>(cache.lock(std::string_view(key_of(i)), 1000).put(json_like(i, 1000)));
  EXPECT_EQ(cache.size(), 100);
  EXPECT_EQ(cache.stats().compression.packed + cache.stats().compression.did_not_pay, 0);
}

TEST(CacheEntryFacts, AreKeptWhereAskedForAndCostTwelveBytes) {
  CacheFixture f(24_MiB, true, 2);
  f.set("before", "value", ByteCache::kNever, 10'000);
  f.cache.set_describe_entries(true);
  f.set("after", "value", ByteCache::kNever, 20'000);
  EXPECT_FALSE(f.cache.lock("before", 20'000).facts());
  for (int i = 0; i < 3; ++i) f.get("after", 30'000 + i * 1000);
  const auto facts = f.cache.lock("after", 40'000).facts();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->created_s, 20);
  EXPECT_EQ(facts->accessed_s, 32);
  EXPECT_EQ(facts->accesses, 3);
  const std::size_t without = f.cache.lock("before", 40'000).memory();
  EXPECT_LE(f.cache.lock("after", 40'000).memory(), without + 16);
  f.cache.CheckInvariants();
}

TEST(CacheEntryFacts, OutliveOverwritingAndCompression) {
  CacheFixture f(24_MiB, true, 2, PolicyKind::kLru, Compression::kZstd, true);
  for (std::uint64_t i = 0; i < 24'000; ++i) f.set(key_of(i), json_like(i, 1000), ByteCache::kNever, 50'000);
  f.set(key_of(23'000), "other", ByteCache::kNever, 60'000);
  f.set(key_of(23'001), json_like(1, 1000), 900'000, 60'000);
  f.set(key_of(23'002), std::string(20'000, 'x'), ByteCache::kNever, 60'000);
  for (std::uint64_t i = 23'000; i < 23'003; ++i) {
    const auto facts = f.cache.lock(std::string_view(key_of(i)), 60'000).facts();
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->created_s, 50);
    EXPECT_EQ(facts->accessed_s, 60);
  }
  std::uint64_t packed = 0;
  for (std::uint64_t i = 0; i < 24'000; ++i) {
    const std::string name = key_of(i);
    ByteCache::Slot slot = f.cache.lock(name, 60'000);
    if (!slot.exists()) continue;
    ASSERT_TRUE(slot.facts());
    ASSERT_EQ(slot.facts()->created_s, 50);
    packed += slot.packed_with() == Compression::kZstd;
  }
  EXPECT_GT(packed, 100);
  f.cache.CheckInvariants();
}

}  // namespace
}  // namespace plimsoll
