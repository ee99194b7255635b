#include "plimsoll/cache/internal/policy_adaptive.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/changing_policy.h"
#include "plimsoll/cache/internal/policy_fixture.h"

namespace plimsoll {
namespace {

// The order without size classes once more, as simply as it can be said.
class Reference {
 public:
  Reference(const AdaptiveMode& mode, std::uint64_t capacity) : mode_(mode), capacity_(capacity) {}

  bool request(std::uint64_t key, std::uint64_t weight) {
    if (auto at = uses_.find(key); at != uses_.end()) {
      at->second = std::min(at->second + 1, mode_.uses);
      return true;
    }
    while (weight_of(small_) + weight_of(main_) + weight > capacity_) evict();
    weights_[key] = weight;
    uses_[key] = 0;
    const bool returns = ghosts_.recall(hash64(std::to_string(key)));
    const double total = static_cast<double>(weight_of(small_) + weight_of(main_));
    const bool large = full_ && static_cast<double>(weight) > mode_.small * total;
    push(large || (returns && (!contested(total) || oldest_of_main_yields())) ? main_ : small_, key);
    return false;
  }
  std::uint64_t last_victim() const { return last_victim_; }

 private:
  struct Keys {
    std::deque<std::uint64_t> order;  // the oldest first
    std::uint64_t weight = 0;
    bool empty() const { return order.empty(); }
    std::size_t size() const { return order.size(); }
  };
  static std::uint64_t weight_of(const Keys& keys) { return keys.weight; }
  bool contested(double total) const {
    return mode_.contest && static_cast<double>(weight_of(main_)) >= (1 - mode_.small) * total;
  }
  bool oldest_of_main_yields() {
    if (main_.empty()) return false;
    unsigned& uses = uses_.at(main_.order.front());
    if (uses == 0) return true;
    --uses;
    push(main_, pop(main_));
    return false;
  }
  bool from_small(double total) const {
    if (small_.empty() || main_.empty()) return main_.empty();
    return mode_.contest ? static_cast<double>(weight_of(main_)) <= (1 - mode_.small) * total
                         : static_cast<double>(weight_of(small_)) > mode_.small * total;
  }
  void gone(std::uint64_t key) {
    uses_.erase(key);
    last_victim_ = key;
  }
  void push(Keys& keys, std::uint64_t key) const {
    keys.order.push_back(key);
    keys.weight += weights_.at(key);
  }
  std::uint64_t pop(Keys& keys) const {
    const std::uint64_t key = keys.order.front();
    keys.order.pop_front();
    keys.weight -= weights_.at(key);
    return key;
  }
  void evict() {
    full_ = true;
    const std::size_t items = small_.size() + main_.size();
    const double total = static_cast<double>(weight_of(small_) + weight_of(main_));
    for (;;) {
      if (!from_small(total)) {
        if (oldest_of_main_yields()) return gone(pop(main_));
        continue;
      }
      const std::uint64_t key = pop(small_);
      if (uses_.at(key) == 0) {
        ghosts_.resize(2 * items);
        ghosts_.remember(hash64(std::to_string(key)));
        return gone(key);
      }
      uses_.at(key) = 0;
      if (!contested(total)) {
        push(main_, key);
      } else if (oldest_of_main_yields()) {
        push(main_, key);
        return gone(pop(main_));
      } else {
        push(small_, key);
      }
    }
  }

  AdaptiveMode mode_;
  std::uint64_t capacity_;
  bool full_ = false;
  Keys small_, main_;
  std::map<std::uint64_t, std::uint64_t> weights_;
  std::map<std::uint64_t, unsigned> uses_;
  GhostList ghosts_;
  std::uint64_t last_victim_ = ~std::uint64_t{0};
};

// About as skewed as requests are.
std::uint64_t skewed(Random& random, std::uint64_t keys) {
  const double x = static_cast<double>(random() >> 11) * 0x1p-53;
  return static_cast<std::uint64_t>(x * x * x * static_cast<double>(keys));
}

TEST(AdaptivePolicy, EvictsInEveryModeWhatASimpleSimulatorDoes) {
  for (const AdaptiveMode& mode : kAdaptiveModes) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      RecordsFixture f;
      Random random(seed);
      const std::uint64_t most = seed % 2 == 0 ? 1 : 30;
      const std::uint64_t capacity = most == 1 ? 100 : 1'000;
      Reference reference(mode, capacity);
      PolicyDriver driver(f,
                          std::make_unique<AdaptivePolicy>(
                              PolicyOptions{.items = f.items, .objective = Objective::kBytes}, &mode),
                          capacity);
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        // Half of the time a loop that is larger than the cache.
        const std::uint64_t key = i / 2'000 % 2 == 0 ? skewed(random, 1'000) : 10'000 + i % 150;
        const std::uint64_t weight = 1 + key * 7 % most;
        ASSERT_EQ(driver.request(key, weight), reference.request(key, weight))
            << mode.name << " seed " << seed << " request " << i;
        ASSERT_EQ(driver.last_victim, reference.last_victim())
            << mode.name << " seed " << seed << " request " << i;
      }
      driver.policy->CheckInvariants();
    }
  }
}

double misses(RecordsFixture& f, const AdaptiveMode* mode, const std::vector<std::uint64_t>& trace,
              std::uint64_t capacity) {
  PolicyDriver driver(f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items}, mode), capacity);
  std::size_t missed = 0;
  for (std::uint64_t key : trace) missed += !driver.request(key);
  driver.policy->CheckInvariants();
  return static_cast<double>(missed) / static_cast<double>(trace.size());
}
double lru_misses(RecordsFixture& f, const std::vector<std::uint64_t>& trace, std::uint64_t capacity) {
  PolicyDriver driver(f, make_lru({.items = f.items}), capacity);
  std::size_t missed = 0;
  for (std::uint64_t key : trace) missed += !driver.request(key);
  return static_cast<double>(missed) / static_cast<double>(trace.size());
}

// Each key is asked for twice, the second time after `distance` others, and never again.
std::vector<std::uint64_t> recency_only(std::uint64_t distance, std::size_t requests) {
  std::vector<std::uint64_t> trace;
  std::uint64_t next = 0;
  while (trace.size() < requests) {
    for (int twice = 0; twice < 2; ++twice) {
      for (std::uint64_t key = next; key < next + distance; ++key) trace.push_back(key);
    }
    next += distance;
  }
  return trace;
}

TEST(AdaptivePolicy, IsWithinAPointOfLruWhenOnlyRecencyCounts) {
  for (const double part : {0.05, 0.3, 0.6, 0.85}) {
    RecordsFixture f;
    const auto trace = recency_only(static_cast<std::uint64_t>(part * 500), 100'000);
    EXPECT_LT(misses(f, nullptr, trace, 500), lru_misses(f, trace, 500) + 0.01) << part;
  }
}

TEST(AdaptivePolicy, KeepsAPartOfALoopThatIsLargerThanTheCache) {
  RecordsFixture f;
  std::vector<std::uint64_t> loop;
  for (std::uint64_t i = 0; i < 100'000; ++i) loop.push_back(i % 600);
  EXPECT_DOUBLE_EQ(lru_misses(f, loop, 500), 1);
  EXPECT_LT(misses(f, nullptr, loop, 500), 0.21);  // a sixth is the best there is
}

TEST(AdaptivePolicy, LetsLargeItemsGoFirstWhenObjectsCount) {
  auto small_hits = [](Objective objective) {
    RecordsFixture f;
    Random random(5);
    PolicyDriver driver(
        f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items, .objective = objective}), 20'000);
    std::size_t hits = 0;
    for (int i = 0; i < 60'000; ++i) {
      const std::uint64_t key = skewed(random, 4'000);
      hits += driver.request(key, key % 2 == 0 ? 10 : 1'000);
    }
    driver.policy->CheckInvariants();
    return static_cast<double>(hits) / 60'000;
  };
  EXPECT_GT(small_hits(Objective::kObjects), small_hits(Objective::kBytes) + 0.1);
}

TEST(AdaptivePolicy, DoesNotLetOneLargeItemEmptyTheSmallQueue) {
  RecordsFixture f;
  PolicyDriver driver(
      f,
      std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items, .objective = Objective::kBytes},
                                       kAdaptiveModes.data()),
      1'000);
  for (std::uint64_t key = 0; key < 3'000; ++key) driver.request(key);
  driver.request(10'000, 200);  // twice the small queue
  EXPECT_EQ(f.at(driver.items.at(10'000)).queue(), 1u);
  for (std::uint64_t key = 3'000; key < 3'050; ++key) driver.request(key);
  EXPECT_TRUE(driver.items.contains(10'000));
}

TEST(AdaptivePolicy, PassesOverWhoIsBusy) {
  RecordsFixture f;
  PolicyDriver driver(f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items}), 10);
  for (std::uint64_t key = 0; key < 3; ++key) {
    driver.request(key);
    f.at(driver.items.at(key)).bits |= Item::kBusy;
  }
  EXPECT_EQ(driver.policy->evict(), kNoLocator);
  EXPECT_EQ(driver.policy->size(), 3u);
  f.at(driver.items.at(1)).bits &= static_cast<std::uint16_t>(~Item::kBusy);
  driver.evict();
  EXPECT_EQ(driver.last_victim, 1u);
}

// Whatever the shard does to its records, the policy finds them again.
TEST(AdaptivePolicy, FollowsRecordsThatMoveAndChangeTheirWeight) {
  RecordsFixture f;
  Random random(11);
  PolicyDriver driver(f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items}), 5'000);
  for (int step = 0; step < 30'000; ++step) {
    const std::uint64_t key = skewed(random, 600);
    const auto at = driver.items.find(key);
    const std::uint64_t choice = random() % 8;
    if (at == driver.items.end() || choice < 4) {
      driver.request(key, 1 + random() % 100);
      continue;
    }
    const Locator from = at->second;
    const std::uint64_t before = f.at(from).weight(f.items.unit());
    const std::uint64_t after = 1 + random() % 100;
    driver.held += choice == 5 || choice == 6 ? after - before : 0;
    if (choice == 4) {
      at->second = f.copy(from);
      driver.policy->moved(from, at->second);
      f.forget(from);
    } else if (choice == 5) {
      f.at(from).set_weight(after);
      driver.policy->reweighed(from, before);
    } else if (choice == 6) {
      at->second = f.make(std::to_string(key), after);
      driver.policy->replaced(from, at->second);
      f.forget(from);
    } else {
      driver.erase(key);
    }
    if (step % 500 == 0) driver.policy->CheckInvariants();
  }
  driver.policy->CheckInvariants();
  EXPECT_EQ(driver.policy->size(), driver.items.size());
}

TEST(AdaptivePolicy, KeepsTheHotItemsOfThePolicyBeforeIt) {
  RecordsFixture f;
  PolicyDriver driver(f, make_lfu({.items = f.items}), 1'000);
  for (std::uint64_t key = 0; key < 1'000; ++key) driver.request(key);
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t key = 0; key < 100; ++key) driver.request(key);
  }
  ChangingPolicy change(f.items, std::move(driver.policy),
                        std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items, .generation = 1}),
                        1);
  EXPECT_FALSE(change.convert(1'000));
  driver.policy = change.finish();
  for (std::uint64_t key = 10'000; key < 10'900; ++key) driver.request(key);
  for (std::uint64_t key = 0; key < 100; ++key) EXPECT_TRUE(driver.items.contains(key)) << key;
}

TEST(AdaptivePolicy, ShowsItsItemsWithTheUsesThatOthersUnderstand) {
  RecordsFixture f;
  PolicyDriver driver(f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items}), 100);
  for (std::uint64_t key = 0; key < 100; ++key) driver.request(key);
  for (int uses = 0; uses < 3; ++uses) driver.request(42);
  std::size_t seen = 0;
  for (auto given = driver.policy->give_up(); given.item != kNoLocator; given = driver.policy->give_up()) {
    ++seen;
    EXPECT_EQ(given.frequency, f.at(given.item).key() == "42" ? 4u : 1u);
  }
  EXPECT_EQ(seen, 100u);
  EXPECT_EQ(driver.policy->size(), 0u);
}

TEST(AdaptivePolicy, TakesFourBytesAnItemForGhosts) {
  RecordsFixture f;
  PolicyDriver driver(
      f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items}, kAdaptiveModes.data()), 10'000);
  for (std::uint64_t key = 0; key < 30'000; ++key) driver.request(key);
  EXPECT_GT(driver.policy->memory().count(), 40'000u);
  EXPECT_LT(driver.policy->memory().count(), 46'000u);
}

}  // namespace
}  // namespace plimsoll
