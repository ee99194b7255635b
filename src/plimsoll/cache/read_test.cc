#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/epoch.h"
#include "plimsoll/cache/internal/fixture.h"

namespace plimsoll {
namespace {

std::string key_of(std::uint64_t number) { return "key:" + std::to_string(number); }

TEST(CacheRead, SaysWhatAKeyHas) {
  CacheFixture f;
  ASSERT_EQ(f.set("small", "value", 5000), WriteStatus::kDone);
  std::string into(ByteCache::kLargeValue, '\0');
  const ByteCache::Reading read = f.cache.read("small", 1000, into);
  EXPECT_TRUE(read.exists);
  EXPECT_EQ(read.size, 5u);
  EXPECT_EQ(read.expires_at_ms, 5000);
  EXPECT_FALSE(read.pinned);
  EXPECT_EQ(into.substr(0, 5), "value");
  EXPECT_FALSE(f.cache.read("other", 1000, into).exists);
  const ByteCache::Reading looked = f.cache.look("small", 1000);
  EXPECT_TRUE(looked.exists);
  EXPECT_EQ(looked.size, 5u);
  EXPECT_EQ(looked.expires_at_ms, 5000);
}

TEST(CacheRead, CopiesNothingThatDoesNotFit) {
  CacheFixture f;
  ASSERT_EQ(f.set("key", "0123456789"), WriteStatus::kDone);
  std::string into(9, '-');
  EXPECT_EQ(f.cache.read("key", 1000, into).size, 10u);
  EXPECT_EQ(into, "---------");
}

TEST(CacheRead, PinsALargeValueUntilItIsDropped) {
  CacheFixture f;
  const std::string value = value_for(1, 1, 100'000);
  ASSERT_EQ(f.set("large", value), WriteStatus::kDone);
  ByteCache::Reading read = f.cache.read("large", 1000, {});
  ASSERT_TRUE(read.pinned);
  EXPECT_GT(f.account.pinned(), Bytes(100'000));
  f.cache.lock("large", 1000).erase();
  EXPECT_EQ(read.pinned.view(), value);
  read = {};
  EXPECT_EQ(f.account.pinned(), 0_B);
  EXPECT_FALSE(f.cache.look("large", 1000).pinned);
}

TEST(CacheRead, DoesNotLetAPinnedValueBeWrittenInPlace) {
  CacheFixture f;
  const std::string value = value_for(1, 1, 100'000);
  ASSERT_EQ(f.set("large", value), WriteStatus::kDone);
  const ByteCache::Reading read = f.cache.read("large", 1000, {});
  {
    ByteCache::Slot slot = f.cache.lock("large", 1000);
    ASSERT_EQ(slot.resize(100'000), WriteStatus::kDone);
    slot.writable()[0] = '!';
  }
  EXPECT_EQ(read.pinned.view(), value);
  EXPECT_EQ(f.get("large")[0], '!');
}

TEST(CacheRead, DropsWhatHasExpired) {
  CacheFixture f;
  ASSERT_EQ(f.set("key", "value", 2000), WriteStatus::kDone);
  EXPECT_EQ(f.get("key", 2000), "value");
  EXPECT_EQ(f.get("key", 2001), "(absent)");
  EXPECT_EQ(f.cache.size(), 0u);
  EXPECT_EQ(f.cache.stats().expired, 1u);
}

TEST(CacheRead, CountsWhatIsReadAndNotWhatIsLookedAt) {
  CacheFixture f;
  ASSERT_EQ(f.set("key", "value"), WriteStatus::kDone);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(f.get("key"), "value");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(f.get("none"), "(absent)");
  static_cast<void>(f.cache.look("key", 1000));
  static_cast<void>(f.cache.look("none", 1000));
  EXPECT_EQ(f.cache.stats().hits, 100u);
  EXPECT_EQ(f.cache.stats().misses, 50u);
}

// What one thread read is known in its order before anything is evicted: as if each had been told at once.
TEST(CacheRead, IsHeardOfByThePolicyBeforeItEvicts) {
  for (const PolicyKind policy : {PolicyKind::kLru, PolicyKind::kLfu}) {
    for (const std::uint64_t reads : {1u, 7u, 61u, 99u}) {  // fewer than a buffer holds, and more
      CacheFixture f;
      ByteCache bounded({.account = f.account,
                         .pages = f.pages,
                         .line = f.line.line(),
                         .address_space = 64_MiB,
                         .shards = 1,
                         .policy = policy,
                         .seed = 7,
                         .max_items = 100});
      for (std::uint64_t i = 0; i < 100; ++i) {
        ASSERT_EQ(bounded.lock(std::string_view(key_of(i)), 0).put("value"), WriteStatus::kDone);
      }
      for (std::uint64_t i = 0; i < reads; ++i) EXPECT_TRUE(bounded.read(key_of(i), 0, {}).exists);
      ASSERT_EQ(bounded.lock("new", 0).put("value"), WriteStatus::kDone);
      for (std::uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(bounded.look(key_of(i), 0).exists, i != reads) << i << " after " << reads;
      }
      bounded.CheckInvariants();
    }
  }
}

TEST(CacheRead, PrefetchesWithoutReading) {
  CacheFixture f;
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 100; ++i) keys.push_back(key_of(i));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  f.cache.prefetch(views);  // of an empty table
  for (const std::string& key : keys) ASSERT_EQ(f.set(key, "value"), WriteStatus::kDone);
  f.cache.prefetch(views);
  EXPECT_EQ(f.cache.stats().hits + f.cache.stats().misses, 0u);
}

// A value is its key, a version, and bytes that follow from both: "17 4 <bytes>".
std::string stamped(std::uint64_t key, std::uint64_t version, std::size_t size) {
  return std::to_string(key) + ' ' + std::to_string(version) + ' ' + value_for(key, version, size);
}
bool is_stamped(std::string_view value, std::uint64_t key) {
  const std::size_t first = value.find(' ');
  const std::size_t second = value.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  std::uint64_t version = 0;
  std::from_chars(value.data() + first + 1, value.data() + second, version);
  return value == stamped(key, version, value.size() - second - 1);
}

// Readers without locks beside everything that moves, ends or overwrites records: what they are given is
// whole, and of the key that they asked for; a key that is always there is always found.
class ReadStress {
 public:
  explicit ReadStress(PolicyKind policy) : f_(24_MiB, true, 2, policy) {
    for (std::uint64_t key = 0; key < kKept; ++key) {
      EXPECT_EQ(kept_.lock(std::string_view(key_of(key)), 0).put(stamped(key, 0, 50)), WriteStatus::kDone);
    }
  }

  void run() {
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 3; ++i) threads.emplace_back([this, i] { read(i); });
    for (std::uint64_t i = 0; i < 2; ++i) threads.emplace_back([this, i] { write(10 + i); });
    threads.emplace_back([this] { disturb(); });
    for (std::size_t i = 3; i < threads.size() - 1; ++i) threads[i].join();
    stop_.store(true);
    for (std::thread& thread : threads) {
      if (thread.joinable()) thread.join();
    }
    EXPECT_EQ(wrong_.load(), 0u);
    EXPECT_EQ(missed_.load(), 0u);
    EXPECT_GT(found_.load(), 0u);
    f_.cache.CheckInvariants();
    kept_.CheckInvariants();
    f_.cache.clear();
    EXPECT_EQ(f_.account.pinned(), 0_B);
  }

 private:
  static constexpr std::uint64_t kKeys = 6000;
  static constexpr std::uint64_t kKept = 400;  // in a cache of their own, which does not evict
  static constexpr int kWrites = kSanitized ? 10'000 : 40'000;

  void read(std::uint64_t seed) {
    Random random(seed);
    std::string into(ByteCache::kLargeValue, '\0');
    while (!stop_.load()) {
      const std::uint64_t number = random.below(kKeys);
      ByteCache::Reading got = f_.cache.read(key_of(number), now_.load(), into);
      if (got.exists) {
        const std::string_view value =
            got.pinned ? got.pinned.view() : std::string_view(into).substr(0, got.size);
        wrong_ += !is_stamped(value, number);
        ++found_;
      }
      const std::uint64_t kept = random.below(kKept);
      got = kept_.read(key_of(kept), 0, into);
      missed_ += !got.exists;
      if (got.exists) wrong_ += !is_stamped(std::string_view(into).substr(0, got.size), kept);
    }
  }

  static std::size_t any_size(Random& random) {
    const std::uint64_t kind = random.below(50);
    if (kind == 0) return ByteCache::kLargeValue + random.below(60'000);
    return kind < 10 ? random.below(3000) : 20 + 8 * random.below(10);
  }

  void write(std::uint64_t seed) {
    Random random(seed);
    for (int i = 1; i <= kWrites; ++i) {
      const std::uint64_t number = random.below(kKeys);
      const std::string value = stamped(number, static_cast<std::uint64_t>(i), any_size(random));
      const std::int64_t expires = i % 5 == 0 ? now_.load() + 50 : ByteCache::kNever;
      {
        const std::string key = key_of(number);
        ByteCache::Slot slot = f_.cache.lock(key, now_.load());
        if (i % 7 == 0) {
          if (slot.exists()) slot.erase();
        } else if (i % 11 == 0) {
          if (slot.resize(value.size()) == WriteStatus::kDone)
            std::copy(value.begin(), value.end(), slot.writable().begin());
        } else if (i % 13 == 0 && slot.exists()) {
          static_cast<void>(slot.set_expiry(expires));
        } else {
          static_cast<void>(slot.put(value, expires));
        }
      }
      const std::uint64_t kept = random.below(kKept);
      EXPECT_EQ(kept_.lock(std::string_view(key_of(kept)), 0)
                    .put(stamped(kept, static_cast<std::uint64_t>(i), 40 + random.below(3) * 8)),
                WriteStatus::kDone);
      // The table grows and shrinks around those that stay.
      const std::string passing = "passing" + std::to_string(seed) + std::to_string(i % 3000);
      ByteCache::Slot slot = kept_.lock(passing, 0);
      slot.exists() ? slot.erase() : static_cast<void>(slot.put("x"));
    }
  }

  void disturb() {
    Random random(99);
    for (int i = 0; !stop_.load(); ++i) {
      now_ += 3;
      f_.cache.reclaim(300_KiB);
      f_.cache.tick();
      kept_.tick();
      f_.cache.expire(now_.load());
      if (i % 50 == 0) f_.cache.set_policy(kPolicyKinds[random.below(kPolicyKinds.size())]);
      if (i % 400 == 399) f_.cache.clear();
      std::this_thread::yield();
    }
  }

  CacheFixture f_;
  Account& kept_account_ = f_.line.open({.name = "kept", .kind = AccountKind::kPinned, .guarantee = 6_MiB});
  ByteCache kept_{{.account = kept_account_,
                   .pages = f_.pages,
                   .line = f_.line.line(),
                   .address_space = 64_MiB,
                   .shards = 1,
                   .evict = false,
                   .seed = 3}};
  std::atomic<std::int64_t> now_{1000};
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> wrong_{0}, missed_{0}, found_{0};
};

TEST(CacheRead, IsNeverWrongBesideWritersErasersGrowthAndReclaim) {
  for (const PolicyKind policy : {PolicyKind::kLru, PolicyKind::kAdaptive}) ReadStress(policy).run();
}

}  // namespace
}  // namespace plimsoll
