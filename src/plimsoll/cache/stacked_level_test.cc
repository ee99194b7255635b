#include "plimsoll/cache/stacked_level.h"

#include <gtest/gtest.h>

#include <utility>

#include "plimsoll/cache/internal/stack_fixture.h"

namespace plimsoll {
namespace {

using Outcome = CacheLevel::Outcome;

TEST(StackedLevel, CarriesTheOldestGenerationFartherWhenTheNearOneFillsUp) {
  StackFixture s;
  s.fill(1, 400);
  s.tend();
  EXPECT_EQ(s.far->all().size(), 0u) << "it has room";
  s.fill(2, 150);
  EXPECT_GE(s.tend(), 2) << "in steps";
  EXPECT_EQ(s.near->generations(), std::vector<std::uint32_t>{2});
  EXPECT_EQ(s.far->generations(), std::vector<std::uint32_t>{1});
  EXPECT_EQ(s.level->generations(), (std::vector<std::uint32_t>{1, 2}));
  for (int i = 0; i < 400; ++i) EXPECT_EQ(s.get(1, StackFixture::key_of(1, i)), StackFixture::value_of(1, i));
  for (int i = 0; i < 150; ++i) EXPECT_EQ(s.get(2, StackFixture::key_of(2, i)), StackFixture::value_of(2, i));
  EXPECT_EQ(s.level->figures().carried, 400u);
  EXPECT_EQ(s.level->figures().left_behind, 0u);
  EXPECT_GT(s.level->figures().stored_bytes, 50'000u) << "of both";
}

TEST(StackedLevel, NeverBringsBackWhatWasErasedWhileItsGenerationMoved) {
  StackFixture s;
  ASSERT_NO_FATAL_FAILURE(s.carry_half());
  const std::string carried = s.far->all().begin()->first;
  const std::string changed = std::next(s.far->all().begin())->first;
  s.erase(1, carried);
  s.erase(1, changed);
  s.put(1, changed, "newer");
  EXPECT_EQ(s.get(1, carried), "(absent)");
  EXPECT_EQ(s.get(1, changed), "newer");
  s.tend();
  EXPECT_EQ(s.level->figures().left_behind, 0u);
  ASSERT_FALSE(s.near->families().contains(1));
  EXPECT_EQ(s.get(1, carried), "(absent)");
  EXPECT_FALSE(s.far->all().contains(carried));
  EXPECT_EQ(s.get(1, changed), "newer");
  // And an erasure where it lies now.
  s.erase(1, changed);
  EXPECT_FALSE(s.far->all().contains(changed));
}

TEST(StackedLevel, CountsNothingAsFarWhileAnErasureIsOnItsWay) {
  StackFixture s;
  ASSERT_NO_FATAL_FAILURE(s.carry_half());
  const std::string carried = s.far->all().begin()->first;
  bool erased = false;
  s.near->on_read = [&] {  // in the midst of the last step
    if (!std::exchange(erased, true)) s.erase(1, carried);
  };
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
  EXPECT_TRUE(erased);
  EXPECT_EQ(s.get(1, carried), "(absent)");
  s.tend();
  EXPECT_FALSE(s.near->families().contains(1));
  EXPECT_FALSE(s.far->all().contains(carried));
}

TEST(StackedLevel, GoesOnWithoutAFarOneThatFailsAndBeginsItAnewEmpty) {
  StackFixture s;
  s.fill_two();
  s.tend();
  s.far->fails = true;
  s.erase(1, StackFixture::key_of(1, 7));
  EXPECT_EQ(s.get(1, StackFixture::key_of(1, 8)), "(absent)");
  EXPECT_EQ(s.get(2, StackFixture::key_of(2, 8)), StackFixture::value_of(2, 8));
  EXPECT_EQ(s.level->generations(), std::vector<std::uint32_t>{2});
  EXPECT_EQ(s.level->figures().far_failures, 1u);
  EXPECT_FALSE(s.level->figures().far_up);
  s.fill(3, 420);
  s.tend();
  EXPECT_EQ(s.level->generations(), (std::vector<std::uint32_t>{2, 3})) << "there is room until it is full";
  s.fill(4, 200);
  s.tend();
  EXPECT_EQ(s.level->generations(), (std::vector<std::uint32_t>{3, 4}));
  EXPECT_EQ(s.level->figures().left_behind, 1u);
  s.clock.advance(std::chrono::seconds(2));
  s.tend();
  EXPECT_FALSE(s.level->figures().far_up) << "it still fails";
  s.far->fails = false;
  s.clock.advance(std::chrono::seconds(2));
  s.tend();
  EXPECT_TRUE(s.level->figures().far_up);
  EXPECT_EQ(s.get(1, StackFixture::key_of(1, 7)), "(absent)") << "it was erased meanwhile";
  EXPECT_EQ(s.get(1, StackFixture::key_of(1, 8)), "(absent)");
  EXPECT_EQ(s.get(3, StackFixture::key_of(3, 8)), StackFixture::value_of(3, 8));
  EXPECT_EQ(s.far->generations(), std::vector<std::uint32_t>{3}) << "and it is used again";
}

TEST(StackedLevel, KeepsWhatIsMovingWhenTheFarOneFailsMeanwhile) {
  StackFixture s;
  ASSERT_NO_FATAL_FAILURE(s.carry_half());
  s.far->fails = true;
  s.tend();
  for (int i = 0; i < 400; ++i) EXPECT_EQ(s.get(1, StackFixture::key_of(1, i)), StackFixture::value_of(1, i));
  s.erase(1, StackFixture::key_of(1, 0));
  s.far->fails = false;
  s.clock.advance(std::chrono::seconds(2));
  s.tend();
  ASSERT_FALSE(s.near->families().contains(1)) << "carried at last";
  EXPECT_EQ(s.get(1, StackFixture::key_of(1, 0)), "(absent)");
  EXPECT_EQ(s.get(1, StackFixture::key_of(1, 1)), StackFixture::value_of(1, 1));
}

TEST(StackedLevel, LeavesBehindWhatItCannotCarryInTime) {
  StackFixture s;
  ASSERT_NO_FATAL_FAILURE(s.carry_half());
  const std::string erased = s.far->all().begin()->first;
  const std::string kept = s.far->all().rbegin()->first;
  s.erase(1, erased);
  s.fill(3, 200);
  EXPECT_GT(s.near->figures().stored_bytes, 64u * 1024);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
  EXPECT_LE(s.near->figures().stored_bytes, 64u * 1024) << "the next step makes room";
  EXPECT_EQ(s.level->figures().left_behind, 1u);
  EXPECT_EQ(s.get(1, erased), "(absent)");
  EXPECT_NE(s.get(1, kept), "(absent)") << "what was carried is there";
}

TEST(StackedLevel, TakesAFarOneThatIsSlowInARowForLost) {
  StackFixture s;
  s.fill_two();
  s.tend();
  s.far->on_read = [&] { s.clock.advance(std::chrono::milliseconds(20)); };
  EXPECT_NE(s.get(1, StackFixture::key_of(1, 0)), "(absent)");
  EXPECT_NE(s.get(1, StackFixture::key_of(1, 1)), "(absent)");
  s.far->on_read = nullptr;
  EXPECT_NE(s.get(1, StackFixture::key_of(1, 2)), "(absent)") << "a quick one between";
  s.far->on_read = [&] { s.clock.advance(std::chrono::milliseconds(20)); };
  for (int i = 3; i < 6; ++i) EXPECT_NE(s.get(1, StackFixture::key_of(1, i)), "(absent)");
  EXPECT_EQ(s.get(1, StackFixture::key_of(1, 6)), "(absent)");
  EXPECT_EQ(s.get(2, StackFixture::key_of(2, 6)), StackFixture::value_of(2, 6));
  EXPECT_EQ(s.level->figures().far_failures, 1u);
}

TEST(StackedLevel, FailsWithTheNearOneAndBeginsBothAnew) {
  StackFixture s;
  s.fill_two();
  s.tend();
  s.near->fails = true;
  const std::string key = "key";
  const CacheLevel::Write write{2, true, key, "x", -1};
  EXPECT_EQ(s.level->write({&write, 1}), Outcome::kFailed);
  s.level->distrust();
  EXPECT_FALSE(s.near->trusted());
  EXPECT_EQ(s.level->restart(), Outcome::kFailed);
  s.near->fails = false;
  EXPECT_EQ(s.level->restart(), Outcome::kDone);
  s.tend();
  EXPECT_TRUE(s.near->all().empty() && s.far->all().empty());
  EXPECT_TRUE(s.level->generations().empty());
}

TEST(StackedLevel, BeginsWithAnEmptyFarOneWhateverItHolds) {
  StackFixture s;
  s.far->set_families({{1, {{"key", "of another life"}}}});
  EXPECT_EQ(s.get(1, "key"), "(absent)");
  EXPECT_TRUE(s.level->generations().empty());
  s.tend();
  EXPECT_TRUE(s.far->all().empty());
}

}  // namespace
}  // namespace plimsoll
