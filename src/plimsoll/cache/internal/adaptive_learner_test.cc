#include "plimsoll/cache/internal/adaptive_learner.h"

#include <gtest/gtest.h>

#include <map>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

std::uint64_t hash_of(std::uint64_t key) { return Random::split_mix(key); }

struct Learning {
  explicit Learning(std::int64_t items) {
    learner.join();
    learner.resize(items, items);
    learner.fill();
  }
  void loop(std::uint64_t keys, std::uint64_t requests) {
    for (std::uint64_t i = 0; i < requests; ++i) learner.accessed(hash_of(1'000'000 + i % keys), 1);
  }
  // Each key three times within `distance` requests, then never again.
  void recency(std::uint64_t distance, std::uint64_t requests) {
    for (std::uint64_t i = 0; i < requests; ++i)
      learner.accessed(hash_of(next_ + i % distance + i / (3 * distance) * distance), 1);
    next_ += requests;
  }
  AdaptiveLearner learner{Objective::kObjects};
  std::uint64_t next_ = 1'000'000'000;
};

TEST(AdaptiveLearner, BeginsBalanced) {
  Learning on(100);
  EXPECT_EQ(on.learner.mode().name, "balanced");
  on.recency(5, 1'000);
  EXPECT_EQ(on.learner.switches(), 0u);
}

TEST(AdaptiveLearner, LearnsNothingBeforeTheCacheIsFull) {
  AdaptiveLearner learner(Objective::kObjects);
  learner.join();
  learner.resize(100, 100);
  for (std::uint64_t i = 0; i < 10'000; ++i) learner.accessed(hash_of(i % 120), 1);
  EXPECT_EQ(learner.switches(), 0u);
  EXPECT_LE(learner.memory().count(), sizeof(AdaptiveLearner));
}

TEST(AdaptiveLearner, ResistsALoopAndGivesItsPlaceBackWhenOnlyRecencyCounts) {
  Learning on(300);
  on.loop(400, 20'000);
  EXPECT_EQ(on.learner.mode().name, "resistant");
  on.recency(240, 20'000);
  EXPECT_NE(on.learner.mode().name, "resistant");
  EXPECT_NE(on.learner.mode().name, "balanced");
  on.loop(400, 20'000);
  EXPECT_EQ(on.learner.mode().name, "resistant");
  on.learner.CheckInvariants();
}

// Four ways that are about as good take turns on a short look; that must not be followed.
TEST(AdaptiveLearner, DoesNotWaverBetweenEquals) {
  Learning on(300);
  Random random(3);
  for (int i = 0; i < 200'000; ++i) on.learner.accessed(hash_of(random() % 3'000), 1);
  EXPECT_LE(on.learner.switches(), 2u);
}

TEST(AdaptiveLearner, ForgetsWhatItLearnedWhenTheLastPolicyGoes) {
  Learning on(300);
  on.learner.join();
  on.loop(400, 20'000);
  on.learner.leave(0, 0);
  EXPECT_EQ(on.learner.mode().name, "resistant");
  on.learner.leave(300, 300);
  EXPECT_EQ(on.learner.mode().name, "balanced");
  EXPECT_LE(on.learner.memory().count(), sizeof(AdaptiveLearner));
}

TEST(AdaptiveLearner, SamplesTheSameShareOfEveryShard) {
  AdaptiveLearner learner(Objective::kObjects);
  learner.join();
  learner.resize(1'000'000, 1'000'000);
  std::map<std::uint64_t, int> sampled;
  int all = 0;
  for (std::uint64_t key = 0; key < 4'000'000; ++key) {
    const std::uint64_t hash = hash_of(key);
    if (!learner.samples(hash)) continue;
    ++all;
    ++sampled[(hash >> 40) & 7];
  }
  ASSERT_GT(all, 1'000);
  for (const auto& [shard, count] : sampled) EXPECT_NEAR(count, all / 8, all / 8 / 3) << shard;
  EXPECT_EQ(sampled.size(), 8u);
}

TEST(AdaptiveLearner, TakesAHundredthOfTheMemoryOrAnEighthOfAMebibyte) {
  for (const std::int64_t items : {1'000, 100'000, 2'000'000}) {
    AdaptiveLearner learner(Objective::kObjects);
    learner.join();
    learner.resize(items, items * 150);
    learner.fill();
    Random random(9);
    for (std::int64_t i = 0; i < items * 4; ++i)
      learner.accessed(hash_of(random() % static_cast<std::uint64_t>(items * 2)), 150);
    learner.CheckInvariants();
    EXPECT_LE(learner.memory().count(),
              std::max<std::uint64_t>(static_cast<std::uint64_t>(items) * 150 / 100, 128 * 1024))
        << items;
    EXPECT_GT(learner.memory().count(), 4'096u);
  }
}

TEST(AdaptiveLearner, CountsBytesWhenBytesAreTheObjective) {
  // A loop of small keys and large items that are asked for within a short time: what is best differs.
  auto mode = [](Objective objective) {
    AdaptiveLearner learner(objective);
    learner.join();
    learner.resize(300, 300 * 100);
    learner.fill();
    for (std::uint64_t i = 0; i < 60'000; ++i) learner.accessed(hash_of(i % 400), 100);
    return learner.mode().name;
  };
  EXPECT_EQ(mode(Objective::kBytes), "resistant");
  EXPECT_EQ(mode(Objective::kObjects), "resistant");
}

}  // namespace
}  // namespace plimsoll
