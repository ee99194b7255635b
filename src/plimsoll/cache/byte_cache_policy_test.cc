// Policies in the cache: bounds, pins and switching while it runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <thread>
#include <vector>

#include "plimsoll/cache/internal/fixture.h"

namespace plimsoll {
namespace {

struct Bounded {
  Bounded(PolicyKind policy, std::uint64_t items, Bytes bytes = {}, std::size_t shards = 1)
      : cache({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = 1_GiB,
               .shards = shards,
               .policy = policy,
               .seed = 7,
               .max_items = items,
               .max_bytes = bytes}) {}

  // A request of a read-through cache; whether it was there.
  bool request(std::uint64_t key) {
    ByteCache::Slot slot = cache.lock({reinterpret_cast<const char*>(&key), sizeof key}, 1000);
    slot.touch();
    const bool hit = slot.exists();
    if (!hit) {
      EXPECT_EQ(slot.put_weight(1), WriteStatus::kDone);
    }
    return hit;
  }

  SystemPages pages;
  LoadLine line{{.limit = 256_MiB}};
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  ByteCache cache;
};

class Zipf {
 public:
  Zipf(std::uint64_t keys, double skew, std::uint64_t seed) : random_(seed) {
    double sum = 0;
    for (std::uint64_t i = 0; i < keys; ++i)
      cumulative_.push_back(sum += std::pow(static_cast<double>(i + 1), -skew));
  }
  std::uint64_t operator()() {
    const double u = static_cast<double>(random_() >> 11) * 0x1p-53 * cumulative_.back();
    return static_cast<std::uint64_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), u) -
                                      cumulative_.begin());
  }

 private:
  Random random_;
  std::vector<double> cumulative_;
};

double hit_rate(Bounded& cache, Zipf& keys, int requests) {
  int hits = 0;
  for (int i = 0; i < requests; ++i) hits += cache.request(keys());
  return static_cast<double>(hits) / requests;
}

class EachPolicy : public testing::TestWithParam<PolicyKind> {};

TEST_P(EachPolicy, HoldsAsManyItemsAsItIsToldAndNoMore) {
  Bounded f(GetParam(), 1000, {}, 4);
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    f.request(random.below(3000));
    if (i % 1000 == 0) {
      EXPECT_LE(f.cache.size(), 1000u);
    }
  }
  EXPECT_GE(f.cache.size(), 990u);
  EXPECT_LE(f.cache.size(), 1000u);
  f.cache.CheckInvariants();
}

TEST_P(EachPolicy, HoldsAsManyBytesAsItIsToldAndRefusesWhatIsHeavier) {
  Bounded f(GetParam(), 0, 10'000_B);
  Random random(1);
  auto put = [&](std::uint64_t key, std::uint64_t weight) {
    return f.cache.lock({reinterpret_cast<const char*>(&key), sizeof key}, 0).put_weight(weight);
  };
  for (std::uint64_t i = 0; i < 5000; ++i)
    ASSERT_EQ(put(random.below(500), random.below(400)), WriteStatus::kDone);
  EXPECT_GE(f.cache.size(), 10'000u / 400);
  f.cache.CheckInvariants();
  EXPECT_EQ(put(1, 10'001), WriteStatus::kTooLong);
  EXPECT_EQ(put(1, 10'000), WriteStatus::kDone);
  EXPECT_EQ(f.cache.size(), 1u);
  f.cache.CheckInvariants();
}

TEST_P(EachPolicy, PassesOverWhatIsBeingSent) {
  CacheFixture f(32_MiB, true, 2, GetParam());
  const std::string large(100'000, 'l');
  f.set("sent", large);
  PinnedValue pinned = f.cache.lock("sent", 1000).pin();
  for (int i = 0; i < 600; ++i) ASSERT_EQ(f.set("large" + std::to_string(i), large), WriteStatus::kDone);
  EXPECT_EQ(f.get("sent"), large);
  EXPECT_GT(f.cache.stats().evicted, 200u);
  pinned = PinnedValue();
  for (int i = 0; i < 600; ++i) ASSERT_EQ(f.set("other" + std::to_string(i), large), WriteStatus::kDone);
  f.cache.CheckInvariants();
}

TEST_P(EachPolicy, AnswersTheSameWhileThereIsRoomForAll) {
  Bounded f(GetParam(), 500);
  Random random(5);
  std::vector<bool> seen(400);
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t key = random.below(400);
    EXPECT_EQ(f.request(key), seen[key]);
    seen[key] = true;
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, EachPolicy, testing::ValuesIn(kPolicyKinds),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

// What was learned survives: right after a switch the hit rate is that of before or of the new policy's own,
// whichever is lower, within a point.
TEST(SwitchingPolicies, KeepsTheHitRateOfASteadyLoad) {
  constexpr std::uint64_t kKeys = 20'000;
  constexpr std::uint64_t kHeld = 1000;
  constexpr int kWarm = 60'000;
  constexpr int kJudged = 10'000;  // whatever was thrown away would be missed now
  std::map<PolicyKind, double> steady;
  for (PolicyKind kind : kPolicyKinds) {
    Zipf keys(kKeys, 0.9, 11);
    Bounded own(kind, kHeld, {}, 2);
    hit_rate(own, keys, kWarm);
    steady[kind] = hit_rate(own, keys, kJudged);
  }
  for (PolicyKind from : kPolicyKinds) {
    for (PolicyKind to : kPolicyKinds) {
      SCOPED_TRACE(std::string(name_of(from)) + " to " + std::string(name_of(to)));
      Zipf keys(kKeys, 0.9, 11);
      Bounded switched(from, kHeld, {}, 2);
      hit_rate(switched, keys, kWarm);
      switched.cache.set_policy(to);
      EXPECT_EQ(switched.cache.policy(), to);
      EXPECT_GE(switched.cache.size(), kHeld - 1);
      switched.cache.CheckInvariants();
      // The same requests that both policies were judged by.
      EXPECT_GE(hit_rate(switched, keys, kJudged), std::min(steady[from], steady[to]) - 0.01);
    }
  }
}

TEST(SwitchingPolicies, KeepsTheHotItemsOfLfuWhenAScanFollows) {
  for (PolicyKind to : {PolicyKind::kAdaptive, PolicyKind::kLru}) {
    Bounded f(PolicyKind::kLfu, 1000);
    for (int round = 0; round < 50; ++round)
      for (std::uint64_t hot = 0; hot < 100; ++hot) f.request(hot);
    for (std::uint64_t cold = 0; cold < 5000; ++cold) f.request(10'000 + cold);
    f.cache.set_policy(to);
    for (std::uint64_t cold = 0; cold < 800; ++cold) f.request(50'000 + cold);
    int kept = 0;
    for (std::uint64_t hot = 0; hot < 100; ++hot) kept += f.request(hot);
    EXPECT_EQ(kept, 100) << name_of(to);
  }
}

TEST(SwitchingPolicies, KeepsFrequenciesThroughOthers) {
  Bounded f(PolicyKind::kLfu, 100);
  for (std::uint64_t key = 0; key < 100; ++key)
    for (std::uint64_t i = 0; i <= key; ++i) f.request(key);
  f.cache.set_policy(PolicyKind::kLru);
  f.cache.set_policy(PolicyKind::kFifo);
  f.cache.set_policy(PolicyKind::kLfu);
  f.cache.CheckInvariants();
  for (std::uint64_t key = 1000; key < 1050; ++key) f.request(key);
  // The first goes for the first new key, and each new one for the next.
  for (std::uint64_t key = 1; key < 100; ++key) EXPECT_TRUE(f.request(key)) << key;
}

// With one shard, so that others meet each of its slices; a clear() may end a change halfway.
TEST(SwitchingPolicies, LetsOthersUseTheCacheMeanwhile) {
  CacheFixture f(32_MiB, true, 1);
  for (int key = 0; key < 60'000; ++key) f.set("key" + std::to_string(key), "value of 16 bytes");
  std::atomic<bool> ended{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> others;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    others.emplace_back([&, seed] {
      Random random(seed);
      while (!ended.load(std::memory_order_relaxed)) {
        const std::string key = "key" + std::to_string(random.below(60'000));
        const std::uint64_t choice = random.below(20'000);
        if (choice == 0) {
          f.cache.clear();
        } else if (choice % 2 == 0) {
          f.set(key, value_for(key.size(), 0, 8 + choice % 64));
        } else if (choice % 16 == 1) {
          ByteCache::Slot slot = f.cache.lock(key, 1000);
          if (slot.exists()) slot.erase();
        } else if (const std::string value = f.get(key); value != "(absent)") {
          wrong += value != "value of 16 bytes" && value != value_for(key.size(), 0, value.size());
        }
      }
    });
  }
  for (int round = 0; round < 40; ++round) f.cache.set_policy(kPolicyKinds[static_cast<unsigned>(round) % 4]);
  ended.store(true);
  for (std::thread& other : others) other.join();
  EXPECT_EQ(wrong, 0);
  f.cache.CheckInvariants();
}

}  // namespace
}  // namespace plimsoll
