#include "plimsoll/commitlog/internal/reader_places.h"

#include <gtest/gtest.h>

#include <map>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;
constexpr std::uint64_t kNobody = ReaderPlaces::kNobody;
const MonotonicTime kStart{std::chrono::hours(1)};

TEST(ReaderPlaces, KnowsNobodyBeforeAnyoneHasRead) {
  ReaderPlaces readers;
  EXPECT_EQ(readers.lowest(0, kStart), kNobody);
  EXPECT_TRUE(readers.take_passed(kNobody, 0, 1).empty());
}

TEST(ReaderPlaces, FollowsAReaderFromFetchToFetch) {
  ReaderPlaces readers;
  for (std::uint64_t at = 0; at < 1000; at += 100) {
    readers.read(at, at + 100, kStart);
    EXPECT_EQ(readers.lowest(0, kStart), at);
    EXPECT_EQ(readers.size(), 1U);
  }
}

TEST(ReaderPlaces, KnowsAReaderAgainWhoGotHalfABatchAtTheEnd) {
  ReaderPlaces readers;
  readers.read(0, 1000, kStart);
  readers.read(930, 1930, kStart);
  EXPECT_EQ(readers.size(), 1U);
  EXPECT_EQ(readers.lowest(0, kStart), 930U);
}

TEST(ReaderPlaces, KeepsForTheSlowerOfTwoWhatTheFasterHasHad) {
  ReaderPlaces readers;
  readers.read(0, 100, kStart);
  readers.read(0, 100, kStart);    // both: one, as far as can be seen
  readers.read(100, 200, kStart);  // the faster one
  readers.read(200, 300, kStart);
  readers.read(100, 200, kStart);  // the slower one is seen now
  EXPECT_EQ(readers.size(), 2U);
  EXPECT_EQ(readers.lowest(0, kStart), 100U);
  readers.read(300, 400, kStart);
  EXPECT_EQ(readers.lowest(0, kStart), 100U);
  readers.read(200, 300, kStart);
  EXPECT_EQ(readers.lowest(0, kStart), 200U);
}

TEST(ReaderPlaces, ForgetsWhoHasBeenSilent) {
  ReaderPlaces readers;
  readers.read(0, 100, kStart);
  readers.read(500, 600, kStart + milliseconds(1500));
  EXPECT_EQ(readers.lowest(0, kStart + ReaderPlaces::kPatience), 0U);
  EXPECT_EQ(readers.lowest(0, kStart + ReaderPlaces::kPatience + milliseconds(1)), 500U);
  EXPECT_EQ(readers.lowest(0, kStart + milliseconds(3501)), kNobody);
  EXPECT_EQ(readers.size(), 0U);
}

TEST(ReaderPlaces, DoesNotCountWhoIsBelowTheFloor) {
  ReaderPlaces readers;
  readers.read(100, 200, kStart);
  readers.read(5000, 5100, kStart);
  EXPECT_EQ(readers.lowest(0, kStart), 100U);
  EXPECT_EQ(readers.lowest(101, kStart), 5000U);
}

TEST(ReaderPlaces, TellsOnceAndByStepsWhatAReaderHasHadBelowTheLimit) {
  ReaderPlaces readers;
  EXPECT_EQ(readers.read(100, 150, kStart), 0U);
  EXPECT_EQ(readers.read(150, 200, kStart), 50U);
  EXPECT_TRUE(readers.take_passed(1000, 0, 100).empty()) << "less than a step";
  EXPECT_EQ(readers.read(200, 300, kStart), 100U);
  const auto passed = readers.take_passed(1000, 0, 100);
  ASSERT_EQ(passed.size(), 1U);
  EXPECT_EQ(passed[0].begin, 100U);
  EXPECT_EQ(passed[0].end, 200U);
  EXPECT_TRUE(readers.take_passed(1000, 0, 100).empty());
  readers.read(250, 400, kStart);
  const auto rest = readers.take_passed(230, 0, 100);
  ASSERT_EQ(rest.size(), 1U) << "what is left below the limit when it is passed";
  EXPECT_EQ(rest[0].begin, 200U);
  EXPECT_EQ(rest[0].end, 230U);
  readers.read(400, 800, kStart);
  EXPECT_TRUE(readers.take_passed(230, 0, 100).empty());
}

TEST(ReaderPlaces, LeavesWhatWasHadToWhoFollowsWithinReach) {
  ReaderPlaces readers;
  readers.read(1000, 2000, kStart);
  readers.read(0, 100, kStart);
  readers.read(2000, 3000, kStart);
  EXPECT_TRUE(readers.take_passed(kNobody, 5000, 10).empty()) << "the other one will want it, and tells";
  readers.read(3000, 4000, kStart);
  EXPECT_EQ(readers.take_passed(kNobody, 100, 10).size(), 1U) << "too far behind to find it";
}

TEST(ReaderPlaces, ForgetsWhoIsFurthestAheadWhenThereAreTooMany) {
  ReaderPlaces readers;
  for (std::uint64_t i = 0; i < ReaderPlaces::kMost; ++i)
    readers.read(1000 * (i + 1), 1000 * (i + 1) + 1, kStart);
  readers.read(1'000'000, 1'000'001, kStart);
  readers.read(10, 11, kStart);
  EXPECT_EQ(readers.size(), ReaderPlaces::kMost);
  EXPECT_EQ(readers.lowest(0, kStart), 10U);
  readers.CheckInvariants();
}

// Readers that go on at their own pace, each seen before: the hindmost of them is never passed by lowest().
TEST(ReaderPlaces, NeverPassesTheHindmostOfRandomReaders) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    ReaderPlaces readers;
    struct Model {
      std::uint64_t from, to;
    };
    std::map<int, Model> model;
    MonotonicTime now = kStart;
    for (int i = 0; i < 8; ++i) {
      const std::uint64_t from = static_cast<std::uint64_t>(i) * 100'000 + random.below(50'000);
      model[i] = {from, from + 1 + random.below(1000)};
      readers.read(model[i].from, model[i].to, now);
    }
    for (int turn = 0; turn < 2000; ++turn) {
      Model& one = model[static_cast<int>(random.below(model.size()))];
      // The last whole batch of what was read, or all of it.
      one.from = random.below(2) == 0 ? one.to : one.from + 1 + random.below(one.to - one.from);
      one.to = one.from + 1 + random.below(1000);
      readers.read(one.from, one.to, now);
      std::uint64_t hindmost = kNobody;
      for (const auto& [number, reader] : model) hindmost = std::min(hindmost, reader.from);
      ASSERT_LE(readers.lowest(0, now), hindmost) << "seed " << seed << ", turn " << turn;
      readers.CheckInvariants();
    }
  }
}

}  // namespace
}  // namespace plimsoll
