// The stacked level against what was written last, at random and by several threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/stack_fixture.h"

namespace plimsoll {
namespace {

using Outcome = CacheLevel::Outcome;

// What one client has said, by generation and key.
class Said {
 public:
  void put(StackFixture& s, std::uint32_t generation, const std::string& key, const std::string& value) {
    s.put(generation, key, value);
    last_[{generation, key}] = value;
  }
  void erase(StackFixture& s, std::uint32_t generation, const std::string& key) {
    s.erase(generation, key);
    last_.erase({generation, key});
  }
  // What is there is what was said last; nothing may be there at any time.
  enum class Answer { kNothing, kRight, kWrong };
  Answer look(StackFixture& s, std::uint32_t generation, const std::string& key) const {
    const std::string got = s.get(generation, key);
    if (got == "(absent)") return Answer::kNothing;
    const auto said = last_.find({generation, key});
    return said != last_.end() && said->second == got ? Answer::kRight : Answer::kWrong;
  }

 private:
  std::map<std::pair<std::uint32_t, std::string>, std::string> last_;
};

// The reference is a map: what is read was written last, or is nothing, whichever level fails and whenever
// the process is killed.
TEST(StackedLevel, IsNeverOlderThanWhatWasAcknowledged) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Said said;
    MemoryLevel::Families kept;
    std::uint64_t hits = 0, far_hits = 0, carried = 0, failures = 0;
    std::uint32_t newest = 0;
    for (int life = 0; life < 4; ++life) {
      StackFixture s(16_KiB, kept);
      ASSERT_EQ(s.level->begin(++newest), Outcome::kDone);
      for (int i = 0; i < 20'000; ++i) {
        const std::uint32_t oldest = newest > 8 ? newest - 8 : 1;
        const auto generation = static_cast<std::uint32_t>(oldest + random.below(newest - oldest + 1));
        const std::string key = std::to_string(random.below(300));
        const std::uint64_t what = random.below(1000);
        if (what < 400) {
          const Said::Answer answer = said.look(s, generation, key);
          if (answer == Said::Answer::kNothing) continue;
          ASSERT_EQ(answer, Said::Answer::kRight);
          ++hits;
          const std::vector<std::uint32_t> near = s.near->generations();
          if (std::find(near.begin(), near.end(), generation) == near.end()) ++far_hits;
        } else if (what < 600) {
          const std::uint32_t into = random.below(8) == 0 ? generation : newest;
          said.put(s, into, key, std::to_string(i) + std::string(random.below(100), 'v'));
        } else if (what < 700) {
          said.erase(s, generation, key);
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
  StackFixture s(8_KiB);
  std::atomic<std::uint32_t> newest{1};
  std::atomic<bool> ended{false};
  std::atomic<int> wrong{0}, hits{0};
  ASSERT_EQ(s.level->begin(1), Outcome::kDone);
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < 3; ++lane) {
    lanes.emplace_back([&, lane] {
      Random random(static_cast<std::uint64_t>(lane) + 1);
      Said said;
      for (int i = 0; !ended.load(std::memory_order_relaxed); ++i) {
        const std::uint32_t last = newest.load(std::memory_order_relaxed);
        const auto generation = static_cast<std::uint32_t>(last - random.below(std::min(last, 8u)));
        const std::string key = std::to_string(lane) + ":" + std::to_string(random.below(60));
        const std::uint64_t what = random.below(10);
        if (what < 5) {
          const Said::Answer answer = said.look(s, generation, key);
          hits += answer != Said::Answer::kNothing;
          wrong += answer == Said::Answer::kWrong;
        } else if (what < 8) {
          said.put(s, last, key, std::to_string(i) + std::string(60, 'v'));
        } else {
          said.erase(s, generation, key);
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
