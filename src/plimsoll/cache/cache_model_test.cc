// Cache<K, V> against a map, and under threads.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/random.h"
#include "plimsoll/cache/cache.h"
#include "plimsoll/cache/internal/object_fixture.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;

// Against a map: without eviction it answers the same; with it, the same or nothing; and every value that was
// put leaves exactly once.
class CacheModel {
 public:
  CacheModel(std::uint64_t seed, PolicyKind policy, std::uint64_t maximum_items)
      : evicts_(maximum_items > 0),
        random_(seed),
        cache_(Cache<int, Counted>::build(l_.account)
                   .maximum_items(maximum_items)
                   .shards(2)
                   .policy(policy)
                   .clock(clock_)
                   .weigh([](const Counted& v) { return Bytes(static_cast<unsigned>(v.number % 7) * 1000); })
                   .on_removed([this](int, const Counted& value, Removal why) {
                     ++left_[value.number];
                     ++reasons_[static_cast<std::size_t>(why)];
                   })
                   .open()) {}

  void run() {
    for (int step = 0; step < 20'000; ++step) {
      one_step();
      if (testing::Test::HasFatalFailure()) return;
      if (step % 5000 == 0) cache_.set_policy(kPolicyKinds[random_.below(kPolicyKinds.size())]);
      if (step % 1000 == 0) cache_.CheckInvariants();
    }
    EXPECT_EQ(left_.size() + cache_.size(), static_cast<std::size_t>(puts_));
    for (const auto& [value, times] : left_) ASSERT_EQ(times, 1) << value;
    EXPECT_EQ(reasons_[static_cast<std::size_t>(Removal::kEvicted)] > 0, evicts_);
    for (Removal why : {Removal::kExpired, Removal::kErased, Removal::kReplaced}) {
      EXPECT_GT(reasons_[static_cast<std::size_t>(why)], 0) << name_of(why);
    }
    held_.clear();
    cache_.clear();
    EXPECT_EQ(left_.size(), static_cast<std::size_t>(puts_));
    EXPECT_EQ(l_.account.pinned(), 0_B);
  }

 private:
  void one_step() {
    const int key = static_cast<int>(random_.below(400));
    const std::int64_t now = clock_.wall_ms();
    if (auto known = known_.find(key); known != known_.end() && now > known->second.until) {
      known_.erase(known);
    }
    const bool expected = known_.contains(key);
    switch (random_.below(8)) {
      case 0: {
        const auto ttl = milliseconds(random_.below(3) == 0 ? 1 + random_.below(500) : 0);
        ASSERT_EQ(cache_.put(key, Counted(++puts_), ttl), WriteStatus::kDone);
        known_[key] = {puts_, ttl.count() == 0 ? INT64_MAX : now + ttl.count() - 1};
        return;
      }
      case 1: {
        const bool erased = cache_.erase(key);
        ASSERT_TRUE(evicts_ ? expected || !erased : erased == expected);
        known_.erase(key);
        return;
      }
      case 2:
        clock_.advance(milliseconds(random_.below(20)));
        if (random_.below(10) == 0) cache_.reclaimer().tick();
        return;
      case 3: {
        const bool absent = !cache_.get(key);
        ASSERT_TRUE(evicts_ || absent == !expected);
        const int next = puts_ + 1;
        auto loaded = cache_.get_or_load(key, [&](int) { return Counted(++puts_); });
        ASSERT_TRUE(loaded);
        ASSERT_EQ((*loaded)->number == next, absent);
        if (absent) known_[key] = {next, INT64_MAX};
        return;
      }
      default:
        look(key, expected);
    }
  }

  void look(int key, bool expected) {
    CacheHandle<Counted> found = cache_.get(key);
    ASSERT_TRUE(evicts_ ? expected || !found : static_cast<bool>(found) == expected);
    if (!found) return;
    ASSERT_EQ(found->number, known_[key].number);
    if (random_.below(20) == 0) held_.push_back(found);
    if (held_.size() > 8) held_.erase(held_.begin());
  }

  struct Known {
    int number = 0;
    std::int64_t until = 0;
  };
  const bool evicts_;
  ObjectLine l_;
  ManualClock clock_;
  Random random_;
  std::map<int, Known> known_;
  std::map<int, int> left_;  // how often, by value
  std::array<int, 5> reasons_{};
  int puts_ = 0;
  Cache<int, Counted> cache_;
  std::vector<CacheHandle<Counted>> held_;
};

void run_model(std::uint64_t seed, PolicyKind policy, std::uint64_t maximum_items) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << name_of(policy) << ", " << maximum_items);
  const int before = Counted::alive;
  std::make_unique<CacheModel>(seed, policy, maximum_items)->run();
  EXPECT_EQ(Counted::alive, before);
}

TEST(CacheAsAMap, AnswersLikeAMapAndTellsOfEachValueThatLeaves) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) run_model(seed, PolicyKind::kLru, 0);
}

TEST(CacheAsAMap, NeverAnswersWrongWhileEvicting) {
  for (PolicyKind policy : kPolicyKinds) run_model(11, policy, 100);
}

TEST(Cache, StaysRightUnderThreadsThatLoadAndEraseTheSameKeys) {
  constexpr int kThreads = 4, kKeys = 300, kSteps = 20'000;
  ObjectLine l;
  const int before = Counted::alive;
  std::atomic<std::uint64_t> calls{0}, told{0}, failures{0};
  std::array<std::atomic<int>, kKeys> loading{};
  {
    auto cache = Cache<int, Counted>::build(l.account)
                     .maximum_items(200)
                     .shards(2)
                     .policy(PolicyKind::kFifo)
                     .expire_after_write(milliseconds(1))
                     .weigh([](const Counted&) { return 5_KiB; })
                     .on_removed([&](int key, const Counted& value, Removal) {
                       EXPECT_EQ(key, value.number);
                       ++told;
                     })
                     .open();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Random random(static_cast<std::uint64_t>(t) + 1);
        for (int step = 0; step < kSteps; ++step) {
          const int key = static_cast<int>(random.below(kKeys));
          // Keys of the upper half are loaded only: never two loaders of one at a time.
          if (key < kKeys / 2 && random.below(4) == 0) {
            random.below(2) == 0 ? cache.erase(key) : cache.put(key, Counted(key)) == WriteStatus::kDone;
            continue;
          }
          auto answer = cache.get_or_load(key, [&](int k) -> Result<Counted> {
            ++calls;
            const int others = loading[static_cast<std::size_t>(k)]++;
            EXPECT_TRUE(k < kKeys / 2 || others == 0);
            if (random.below(8) == 0) std::this_thread::yield();
            --loading[static_cast<std::size_t>(k)];
            if (random.below(16) == 0) return fail(ErrorCode::kSystem, "away");
            return Counted(k);
          });
          if (answer) {
            EXPECT_EQ((*answer)->number, key);
          } else {
            ++failures;
          }
          if (t == 0 && step % 2000 == 0) cache.reclaimer().reclaim(100_KiB);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    const Cache<int, Counted>::Stats stats = cache.stats();
    EXPECT_EQ(stats.loads, calls);
    EXPECT_GE(failures, stats.load_failures);
    cache.CheckInvariants();
    cache.clear();
    EXPECT_EQ(told, stats.cache.inserted);
  }
  EXPECT_EQ(Counted::alive, before);
  EXPECT_EQ(l.account.used(), 0_B);
  EXPECT_EQ(l.account.pinned(), 0_B);
}

}  // namespace
}  // namespace plimsoll
