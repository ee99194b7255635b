#include "plimsoll/cache/internal/changing_policy.h"

#include <gtest/gtest.h>

#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/policy_fixture.h"

namespace plimsoll {
namespace {

// A driver whose policy is changing.
struct Change {
  Change(RecordsFixture& f, PolicyDriver& driver, PolicyKind to, std::uint8_t to_generation)
      : generation(to_generation), of(driver) {
    auto change = std::make_unique<ChangingPolicy>(
        f.items, std::move(driver.policy), make_policy(to, {.items = f.items, .generation = generation}),
        generation);
    policy = change.get();
    driver.policy = std::move(change);
  }
  void finish() { of.policy = policy->finish(); }

  const std::uint8_t generation;
  PolicyDriver& of;
  ChangingPolicy* policy;
};

std::vector<std::uint64_t> victims(PolicyDriver& driver) {
  std::vector<std::uint64_t> all;
  while (!driver.items.empty()) {
    driver.evict();
    all.push_back(driver.last_victim);
  }
  return all;
}

TEST(ChangingPolicy, HasTheOldOrderHoweverMuchOfItWasTakenOver) {
  for (PolicyKind to : {PolicyKind::kFifo, PolicyKind::kLfu}) {
    for (std::size_t converted : {0, 1, 30, 99}) {
      RecordsFixture f;
      PolicyDriver driver(f, make_lru({.items = f.items}), 200);
      for (std::uint64_t key = 0; key < 100; ++key) driver.request(key);
      const Change change(f, driver, to, 1);
      EXPECT_TRUE(change.policy->convert(converted));
      EXPECT_EQ(change.policy->size(), 100u);
      change.policy->CheckInvariants();
      std::vector<std::uint64_t> in_order;
      for (std::uint64_t key = 0; key < 100; ++key) in_order.push_back(key);
      EXPECT_EQ(victims(driver), in_order) << converted << " to " << name_of(to);
    }
  }
}

TEST(ChangingPolicy, EvictsWhatIsNewAfterWhatWasThere) {
  RecordsFixture f;
  PolicyDriver driver(f, make_lru({.items = f.items}), 200);
  for (std::uint64_t key = 0; key < 10; ++key) driver.request(key);
  const Change change(f, driver, PolicyKind::kFifo, 1);
  EXPECT_TRUE(change.policy->convert(5));
  driver.request(10);
  EXPECT_FALSE(change.policy->convert(100));
  driver.request(11);
  EXPECT_EQ(victims(driver), (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST(ChangingPolicy, GivesTheNewPolicyWhatTheOldOneKnowsOfUses) {
  RecordsFixture f;
  PolicyDriver driver(f, make_lru({.items = f.items}), 200);
  for (std::uint64_t key = 0; key < 4; ++key) {
    for (std::uint64_t uses = 0; uses < 4 - key; ++uses) driver.request(key);
  }
  Change change(f, driver, PolicyKind::kLfu, 1);
  EXPECT_TRUE(change.policy->convert(2));
  for (std::uint64_t key = 0; key < 4; ++key)
    EXPECT_EQ(driver.policy->frequency(driver.items.at(key)), 4 - key) << key;
  EXPECT_FALSE(change.policy->convert(2));
  change.finish();
  driver.policy->CheckInvariants();
  EXPECT_EQ(victims(driver), (std::vector<std::uint64_t>{3, 2, 1, 0}));
}

// What the shard may do to a record while its policy changes, at random.
void one_step(RecordsFixture& f, PolicyDriver& driver, Random& random) {
  const std::uint64_t key = random.below(400);
  const auto at = driver.items.find(key);
  const std::uint64_t choice = random.below(8);
  if (at == driver.items.end() || choice < 4) {
    driver.request(key, 1 + random.below(100));
    return;
  }
  const Locator from = at->second;
  const std::uint64_t before = f.at(from).weight(f.items.unit());
  const std::uint64_t after = 1 + random.below(100);
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
}

TEST(ChangingPolicy, LosesNoItemWhateverHappensMeanwhile) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RecordsFixture f;
    Random random(seed);
    PolicyDriver driver(f, make_lru({.items = f.items}), 5'000);
    std::uint8_t generation = 0;
    for (int changes = 0; changes < 40; ++changes) {
      Change change(f, driver, kPolicyKinds[random.below(kPolicyKinds.size())], generation ^= 1);
      bool more = true;
      for (int step = 0; more || step < 200; ++step) {
        one_step(f, driver, random);
        ASSERT_EQ(driver.policy->size(), driver.items.size());
        if (random.below(3) == 0) more = change.policy->convert(random.below(6));
        if (step % 50 == 0) driver.policy->CheckInvariants();
      }
      ASSERT_FALSE(change.policy->convert(0));
      change.finish();
      driver.policy->CheckInvariants();
      ASSERT_EQ(driver.policy->size(), driver.items.size());
    }
  }
}

}  // namespace
}  // namespace plimsoll
