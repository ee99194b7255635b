#include "plimsoll/cache/stacked_level.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/memory_level.h"

namespace plimsoll {
namespace {

using Outcome = CacheLevel::Outcome;

struct Stack {
  explicit Stack(Bytes near_size = 64_KiB, MemoryLevel::Families found = {}) {
    auto owned_near = std::make_unique<MemoryLevel>();
    auto owned_far = std::make_unique<MemoryLevel>();
    near = owned_near.get();
    far = owned_far.get();
    near->set_families(std::move(found));
    level = std::make_unique<StackedLevel>(StackedLevel::Options{
        .near = std::move(owned_near), .far = std::move(owned_far), .clock = clock, .near_size = near_size});
  }
  void put(std::uint32_t generation, const std::string& key, const std::string& value) {
    const CacheLevel::Write write{generation, true, key, value, -1};
    EXPECT_EQ(level->write({&write, 1}), Outcome::kDone);
  }
  void erase(std::uint32_t generation, const std::string& key) {
    const CacheLevel::Write write{generation, false, key, {}, -1};
    EXPECT_EQ(level->write({&write, 1}), Outcome::kDone);
  }
  std::string get(std::uint32_t generation, const std::string& key) {
    std::string value;
    const Outcome outcome = level->read(generation, key, value);
    EXPECT_NE(outcome, Outcome::kFailed);
    return outcome == Outcome::kDone ? value : "(absent)";
  }
  // A generation of `keys` keys of about 100 bytes.
  void fill(std::uint32_t generation, int keys) {
    ASSERT_EQ(level->begin(generation), Outcome::kDone);
    for (int i = 0; i < keys; ++i) put(generation, key_of(generation, i), value_of(generation, i));
  }
  static std::string key_of(std::uint32_t generation, int i) {
    return std::to_string(generation) + ":" + std::to_string(i);
  }
  static std::string value_of(std::uint32_t generation, int i) {
    return key_of(generation, i) + std::string(90, 'v');
  }
  int tend() {
    int steps = 0;
    while (level->tend() == Outcome::kDone) ++steps;
    return steps;
  }

  ManualClock clock;
  MemoryLevel* near;
  MemoryLevel* far;
  std::unique_ptr<StackedLevel> level;
};

TEST(StackedLevel, CarriesTheOldestGenerationFartherWhenTheNearOneFillsUp) {
  Stack s;
  s.fill(1, 400);
  s.tend();
  EXPECT_EQ(s.far->all().size(), 0u) << "it has room";
  s.fill(2, 150);
  EXPECT_GE(s.tend(), 2) << "in steps";
  EXPECT_EQ(s.near->generations(), std::vector<std::uint32_t>{2});
  EXPECT_EQ(s.far->generations(), std::vector<std::uint32_t>{1});
  EXPECT_EQ(s.level->generations(), (std::vector<std::uint32_t>{1, 2}));
  for (int i = 0; i < 400; ++i) EXPECT_EQ(s.get(1, Stack::key_of(1, i)), Stack::value_of(1, i));
  for (int i = 0; i < 150; ++i) EXPECT_EQ(s.get(2, Stack::key_of(2, i)), Stack::value_of(2, i));
  EXPECT_EQ(s.level->figures().carried, 400u);
  EXPECT_EQ(s.level->figures().left_behind, 0u);
  EXPECT_GT(s.level->figures().stored_bytes, 50'000u) << "of both";
}

TEST(StackedLevel, NeverBringsBackWhatWasErasedWhileItsGenerationMoved) {
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);  // begins
  ASSERT_EQ(s.level->tend(), Outcome::kDone);  // 256 keys
  ASSERT_EQ(s.far->all().size(), 256u);
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
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
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
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
  s.tend();
  s.far->fails = true;
  s.erase(1, Stack::key_of(1, 7));
  EXPECT_EQ(s.get(1, Stack::key_of(1, 8)), "(absent)");
  EXPECT_EQ(s.get(2, Stack::key_of(2, 8)), Stack::value_of(2, 8));
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
  EXPECT_EQ(s.get(1, Stack::key_of(1, 7)), "(absent)") << "it was erased meanwhile";
  EXPECT_EQ(s.get(1, Stack::key_of(1, 8)), "(absent)");
  EXPECT_EQ(s.get(3, Stack::key_of(3, 8)), Stack::value_of(3, 8));
  EXPECT_EQ(s.far->generations(), std::vector<std::uint32_t>{3}) << "and it is used again";
}

TEST(StackedLevel, KeepsWhatIsMovingWhenTheFarOneFailsMeanwhile) {
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
  s.far->fails = true;
  s.tend();
  for (int i = 0; i < 400; ++i) EXPECT_EQ(s.get(1, Stack::key_of(1, i)), Stack::value_of(1, i));
  s.erase(1, Stack::key_of(1, 0));
  s.far->fails = false;
  s.clock.advance(std::chrono::seconds(2));
  s.tend();
  ASSERT_FALSE(s.near->families().contains(1)) << "carried at last";
  EXPECT_EQ(s.get(1, Stack::key_of(1, 0)), "(absent)");
  EXPECT_EQ(s.get(1, Stack::key_of(1, 1)), Stack::value_of(1, 1));
}

TEST(StackedLevel, LeavesBehindWhatItCannotCarryInTime) {
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
  ASSERT_EQ(s.level->tend(), Outcome::kDone);
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
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
  s.tend();
  s.far->on_read = [&] { s.clock.advance(std::chrono::milliseconds(20)); };
  EXPECT_NE(s.get(1, Stack::key_of(1, 0)), "(absent)");
  EXPECT_NE(s.get(1, Stack::key_of(1, 1)), "(absent)");
  s.far->on_read = nullptr;
  EXPECT_NE(s.get(1, Stack::key_of(1, 2)), "(absent)") << "a quick one between";
  s.far->on_read = [&] { s.clock.advance(std::chrono::milliseconds(20)); };
  for (int i = 3; i < 6; ++i) EXPECT_NE(s.get(1, Stack::key_of(1, i)), "(absent)");
  EXPECT_EQ(s.get(1, Stack::key_of(1, 6)), "(absent)");
  EXPECT_EQ(s.get(2, Stack::key_of(2, 6)), Stack::value_of(2, 6));
  EXPECT_EQ(s.level->figures().far_failures, 1u);
}

TEST(StackedLevel, FailsWithTheNearOneAndBeginsBothAnew) {
  Stack s;
  s.fill(1, 400);
  s.fill(2, 150);
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
  Stack s;
  s.far->set_families({{1, {{"key", "of another life"}}}});
  EXPECT_EQ(s.get(1, "key"), "(absent)");
  EXPECT_TRUE(s.level->generations().empty());
  s.tend();
  EXPECT_TRUE(s.far->all().empty());
}

// The reference is a map: what is read was written last, or is nothing, whichever level fails and whenever
// the process is killed.
TEST(StackedLevel, IsNeverOlderThanWhatWasAcknowledged) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::map<std::pair<std::uint32_t, std::string>, std::string> said;
    MemoryLevel::Families kept;
    std::uint64_t hits = 0, far_hits = 0, carried = 0, failures = 0;
    std::uint32_t newest = 0;
    for (int life = 0; life < 4; ++life) {
      Stack s(16_KiB, kept);
      ASSERT_EQ(s.level->begin(++newest), Outcome::kDone);
      for (int i = 0; i < 20'000; ++i) {
        const std::uint32_t oldest = newest > 8 ? newest - 8 : 1;
        const auto generation = static_cast<std::uint32_t>(oldest + random.below(newest - oldest + 1));
        const std::string key = std::to_string(random.below(300));
        const std::uint64_t what = random.below(1000);
        if (what < 400) {
          const std::string got = s.get(generation, key);
          if (got == "(absent)") continue;
          ASSERT_EQ(got, (said[{generation, key}]));
          ++hits;
          const std::vector<std::uint32_t> near = s.near->generations();
          if (std::find(near.begin(), near.end(), generation) == near.end()) ++far_hits;
        } else if (what < 600) {
          const std::uint32_t into = random.below(8) == 0 ? generation : newest;
          s.put(into, key, said[{into, key}] = std::to_string(i) + std::string(random.below(100), 'v'));
        } else if (what < 700) {
          s.erase(generation, key);
          said[{generation, key}] = "erased";
        } else if (what < 990) {
          ASSERT_NE(s.level->tend(), Outcome::kFailed);
        } else if (what < 995) {
          ASSERT_EQ(s.level->begin(++newest), Outcome::kDone);
          ASSERT_EQ(s.level->drop_before(newest > 8 ? newest - 8 : 0), Outcome::kDone);
        } else {
          s.far->fails = !s.far->fails && random.below(4) == 0;
          s.clock.advance(std::chrono::milliseconds(600));
        }
      }
      carried += s.level->figures().carried;
      failures += s.level->figures().far_failures;
      kept = s.near->families();
    }
    EXPECT_GT(hits, 1500u);
    EXPECT_GT(far_hits, 500u);
    EXPECT_GT(carried, 1000u);
    EXPECT_GT(failures, 1u);
  }
}

TEST(StackedLevel, LosesNoErasureToCarryingByAnotherThread) {
  Stack s(8_KiB);
  std::atomic<std::uint32_t> newest{1};
  std::atomic<bool> ended{false};
  std::atomic<int> wrong{0}, hits{0};
  ASSERT_EQ(s.level->begin(1), Outcome::kDone);
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < 3; ++lane) {
    lanes.emplace_back([&, lane] {
      Random random(static_cast<std::uint64_t>(lane) + 1);
      std::map<std::pair<std::uint32_t, std::string>, std::string> said;
      for (int i = 0; !ended.load(std::memory_order_relaxed); ++i) {
        const std::uint32_t last = newest.load(std::memory_order_relaxed);
        const auto generation = static_cast<std::uint32_t>(last - random.below(std::min(last, 8u)));
        const std::string key = std::to_string(lane) + ":" + std::to_string(random.below(60));
        const std::uint64_t what = random.below(10);
        if (what < 5) {
          const std::string got = s.get(generation, key);
          if (got == "(absent)") continue;
          ++hits;
          if (got != said[{generation, key}]) ++wrong;
        } else if (what < 8) {
          s.put(last, key, said[{last, key}] = std::to_string(i) + std::string(60, 'v'));
        } else {
          s.erase(generation, key);
          said[{generation, key}] = "erased";
        }
      }
    });
  }
  std::thread keeper([&] {
    Random random(99);
    auto enough = [&] { return hits.load() >= 2000 && s.level->figures().carried > 100; };
    for (int round = 0; round < 20'000 || !enough(); ++round) {
      static_cast<void>(s.level->tend());
      const std::uint32_t last = newest.load(std::memory_order_relaxed);
      if (s.near->figures().stored_bytes > 2000 * s.near->generations().size()) {
        static_cast<void>(s.level->begin(last + 1));
        newest.store(last + 1, std::memory_order_relaxed);
        if (last > 8) static_cast<void>(s.level->drop_before(last - 8));
      }
      s.far->fails = s.far->fails ? random.below(5) != 0 : random.below(200) == 0;
      if (random.below(10) == 0) s.clock.advance(std::chrono::milliseconds(1100));
    }
    ended.store(true, std::memory_order_relaxed);
  });
  for (std::thread& lane : lanes) lane.join();
  keeper.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(hits, 1000);
  EXPECT_GT(s.level->figures().carried, 100u);
}

}  // namespace
}  // namespace plimsoll
