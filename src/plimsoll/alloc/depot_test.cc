#include "plimsoll/alloc/depot.h"

#include <gtest/gtest.h>

#include <vector>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

class DepotTest : public ::testing::Test {
 protected:
  // Objects are addresses that nobody touches.
  void fill(Magazine& magazine) {
    while (!magazine.full()) magazine.slots[magazine.count++] = reinterpret_cast<void*>(++objects_ * 16);
  }
  void drain(Depot& depot, bool all) {
    while (Magazine* magazine = depot.unneeded(all)) {
      drained_ += magazine->count;
      magazine->count = 0;
      depot.take_back(*magazine);
    }
  }

  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "magazines"});
  std::uint64_t objects_ = 0;
  std::size_t drained_ = 0;
};

TEST_F(DepotTest, ExchangesWholeMagazines) {
  Depot depot;
  depot.open({.account = account_, .capacity = 8});
  MagazinePair pair;
  ASSERT_TRUE(depot.equip(pair));
  EXPECT_GT(account_.used(), 0_B);
  EXPECT_FALSE(depot.load(pair)) << "there is nothing anywhere";
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(depot.unload(pair));
    fill(*pair.loaded);
  }
  EXPECT_EQ(depot.stats().objects, 24u) << "three in the depot, two in the pair";
  std::size_t taken = 0;
  while (depot.load(pair)) {
    taken += pair.loaded->count;
    pair.loaded->count = 0;
  }
  EXPECT_EQ(taken, 40u);
  EXPECT_EQ(depot.stats().exchanges, 6u);
  depot.CheckInvariants();
  depot.take_back(*pair.loaded);
  depot.take_back(*pair.previous);
}

TEST_F(DepotTest, LetsGoOfWhatNobodyAskedForSinceTheLastTick) {
  Depot depot;
  depot.open({.account = account_, .capacity = 8});
  MagazinePair pair;
  ASSERT_TRUE(depot.equip(pair));
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(depot.unload(pair));
    fill(*pair.loaded);
  }
  drain(depot, false);
  EXPECT_EQ(drained_, 0u) << "it came since then";
  depot.tick();
  for (int i = 0; i < 3; ++i) {  // two of its own, then the depot is asked
    pair.loaded->count = 0;
    ASSERT_TRUE(depot.load(pair));
  }
  const std::size_t left = depot.stats().objects;
  drain(depot, false);
  EXPECT_EQ(drained_, left) << "all but the two that were asked for";
  const Bytes before = account_.used();
  depot.tick();
  depot.tick();
  EXPECT_LT(account_.used(), before) << "empty magazines go too";
  pair.loaded->count = pair.previous->count = 0;
  depot.take_back(*pair.loaded);
  depot.take_back(*pair.previous);
  depot.CheckInvariants();
}

TEST_F(DepotTest, MagazinesGrowWhileItIsAskedOftenAndShrinkWhenNot) {
  Depot depot;
  depot.open({.account = account_, .capacity = 8, .largest = 32});
  MagazinePair pair;
  ASSERT_TRUE(depot.equip(pair));
  auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) EXPECT_FALSE(depot.load(pair));
    depot.tick();
    return depot.stats().capacity;
  };
  EXPECT_EQ(ask(100), 16u);
  EXPECT_EQ(ask(100), 32u);
  EXPECT_EQ(ask(100), 32u) << "that is the largest";
  EXPECT_EQ(ask(30), 32u) << "neither often nor seldom";
  for (int i = 0; i < 20; ++i) ask(0);
  EXPECT_EQ(depot.stats().capacity, 2u) << "a quarter of what it began with";
  EXPECT_EQ(ask(100), 4u);
  depot.take_back(*pair.loaded);
  depot.take_back(*pair.previous);
  MagazinePair later;
  ASSERT_TRUE(depot.equip(later));
  EXPECT_EQ(later.loaded->capacity, 4u);
  depot.take_back(*later.loaded);
  depot.take_back(*later.previous);
}

TEST_F(DepotTest, TakesNoMoreThanItsLimitAndNoMemoryThatIsRefused) {
  Depot depot;
  depot.open({.account = account_, .capacity = 1});
  MagazinePair pair;
  ASSERT_TRUE(depot.equip(pair));
  std::size_t pushed = 0;
  while (depot.unload(pair)) {
    fill(*pair.loaded);
    ++pushed;
  }
  EXPECT_EQ(pushed, Depot::kMostFull + 2);
  EXPECT_EQ(depot.stats().missed, 1u);
  depot.CheckInvariants();
  drain(depot, true);
  account_.set_maximum(account_.used());
  std::vector<MagazinePair> pairs;
  for (MagazinePair more; depot.equip(more);) pairs.push_back(more);
  EXPECT_EQ(pairs.size(), (Depot::kMostFull) / 2) << "those that are there";
  for (MagazinePair& one : pairs) {
    depot.take_back(*one.loaded);
    depot.take_back(*one.previous);
  }
  pair.loaded->count = pair.previous->count = 0;
  depot.take_back(*pair.loaded);
  depot.take_back(*pair.previous);
}

TEST_F(DepotTest, EndsWithItsChargeReleased) {
  {
    Depot depot;
    depot.open({.account = account_});
    MagazinePair pair;
    ASSERT_TRUE(depot.equip(pair));
    depot.take_back(*pair.loaded);
    depot.take_back(*pair.previous);
  }
  EXPECT_EQ(account_.used(), 0_B);
}

TEST_F(DepotTest, ObjectsThatWouldBeLostAreAProgrammersError) {
  EXPECT_DEATH(
      {
        Depot depot;
        depot.open({.account = account_, .capacity = 4});
        MagazinePair pair;
        if (!depot.equip(pair)) return;
        fill(*pair.loaded);
        depot.take_back(*pair.loaded);
      },
      "4 objects would be lost");
}

}  // namespace
}  // namespace plimsoll
