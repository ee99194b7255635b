#include "plimsoll/cache/internal/ghost_list.h"

#include <gtest/gtest.h>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

std::uint64_t hash_of(std::uint64_t key) { return Random::split_mix(key); }

TEST(GhostList, RemembersNothingBeforeItHasRoom) {
  GhostList ghosts;
  ghosts.remember(hash_of(1));
  EXPECT_FALSE(ghosts.recall(hash_of(1)));
  EXPECT_EQ(ghosts.memory(), Bytes());
}

TEST(GhostList, ForgetsWhatItRecalled) {
  GhostList ghosts;
  ghosts.resize(100);
  ghosts.remember(hash_of(1));
  EXPECT_TRUE(ghosts.recall(hash_of(1)));
  EXPECT_FALSE(ghosts.recall(hash_of(1)));
}

TEST(GhostList, RemembersTheYoungestAndForgetsTheOldest) {
  GhostList ghosts;
  ghosts.resize(15'000);
  for (std::uint64_t key = 0; key < 60'000; ++key) ghosts.remember(hash_of(key));
  auto recalled = [&](std::uint64_t from, std::uint64_t to) {
    std::size_t count = 0;
    for (std::uint64_t key = from; key < to; ++key) count += ghosts.recall(hash_of(key));
    return static_cast<double>(count) / static_cast<double>(to - from);
  };
  EXPECT_LT(recalled(0, 30'000), 0.01);
  EXPECT_GT(recalled(54'000, 60'000), 0.97);
  EXPECT_NEAR(recalled(43'000, 47'000), 0.5, 0.15);
}

TEST(GhostList, TakesFewOthersForThoseItRemembers) {
  GhostList ghosts;
  ghosts.resize(15'000);
  for (std::uint64_t key = 0; key < 60'000; ++key) ghosts.remember(hash_of(key));
  std::size_t wrong = 0;
  for (std::uint64_t key = 1'000'000; key < 1'400'000; ++key) wrong += ghosts.recall(hash_of(key));
  EXPECT_LT(wrong, 200u);  // 15 / 65,535 of them would be 92
}

TEST(GhostList, KeepsMostOfWhatItKnowsWhenItGrows) {
  GhostList ghosts;
  ghosts.resize(10'000);
  for (std::uint64_t key = 0; key < 5'000; ++key) ghosts.remember(hash_of(key));
  ghosts.resize(20'000);
  EXPECT_GE(ghosts.capacity(), 20'000u);
  std::size_t known = 0;
  for (std::uint64_t key = 0; key < 5'000; ++key) known += ghosts.recall(hash_of(key));
  EXPECT_GT(known, 4'050u);
}

TEST(GhostList, TakesTwoBytesAndALittleForAKey) {
  GhostList ghosts;
  ghosts.resize(150'000);
  EXPECT_LE(ghosts.memory().count(), 150'000u * 32 / 15 + 32);
  ghosts.resize(70'000);
  EXPECT_LE(ghosts.memory().count(), 70'000u * 32 / 15 + 32);
  const std::size_t had = ghosts.capacity();
  ghosts.resize(60'000);  // not worth moving
  EXPECT_EQ(ghosts.capacity(), had);
}

}  // namespace
}  // namespace plimsoll
