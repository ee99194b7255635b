#include "plimsoll/cache/lower_level.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "plimsoll/cache/internal/fixture.h"
#include "plimsoll/cache/internal/memory_level.h"

namespace plimsoll {
namespace {

// Holds on to its own thread until the lanes have finished.
class Waiting {
 public:
  std::shared_ptr<LevelWait> begin() {
    return wait_ = std::make_shared<LevelWait>([this] {
             MutexLock lock(mutex_);
             done_ = true;
             changed_.notify_all();
           });
  }
  void end() {
    wait_->finish();
    MutexLock lock(mutex_);
    while (!done_) changed_.wait(mutex_);
  }

 private:
  std::shared_ptr<LevelWait> wait_;
  Mutex mutex_;
  CondVar changed_;
  bool done_ PLIMSOLL_GUARDED_BY(mutex_) = false;
};

// A cache of a few hundred items over a level that takes what it gives up.
struct LevelFixture : CacheFixture {
  explicit LevelFixture(Bytes size = 64_MiB, Bytes queue = 8_MiB, MemoryLevel::Families found = {},
                        std::uint64_t most = 400, bool opening = false,
                        PolicyKind policy = PolicyKind::kAdaptive)
      : small({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = 64_MiB,
               .shards = 4,
               .policy = policy,
               .seed = 7,
               .max_items = most}) {
    auto owned = std::make_unique<MemoryLevel>();
    level = owned.get();
    level->set_families(std::move(found));
    level->hold_keys(opening);
    lower = std::move(*LowerLevel::open(small, {.name = "disk",
                                                .level = std::move(owned),
                                                .account = others,
                                                .clock = clock,
                                                .size = size,
                                                .queue = queue}));
    small.set_lower_level(lower.get());
    static_cast<void>(LowerLevel::take_barrier());
    EXPECT_TRUE(lower->start());
    while (!opening && lower->stats().state == LowerLevel::State::kOpening) std::this_thread::yield();
  }
  ~LevelFixture() {
    level->go_on();
    level->hold_keys(false);
    lower->stop();
    small.set_lower_level(nullptr);
  }

  // As the server does: whoever writes waits for what his write asks of the level.
  void settle() {
    const LowerLevel::Barrier barrier = LowerLevel::take_barrier();
    Waiting waiting;
    lower->wait_for(barrier, waiting.begin());
    waiting.end();
  }
  void drain() {
    Waiting waiting;
    const auto wait = waiting.begin();
    for (int i = 0; i < 200; ++i) {
      const std::string key = "nobody" + std::to_string(i);
      lower->fetch(key, small.hash_of(key), wait);
    }
    waiting.end();
  }
  void put(const std::string& key, std::string_view value, std::int64_t expires = ByteCache::kNever) {
    EXPECT_EQ(small.lock(key, now()).put(value, expires), WriteStatus::kDone);
    settle();
  }
  void erase(const std::string& key) {
    bring(key);
    {
      ByteCache::Slot slot = small.lock(key, now());
      if (slot.exists()) {
        slot.erase();
      } else {
        slot.erase_below();
      }
    }
    settle();
  }
  void bring(const std::string& key) {
    if (!small.may_be_below(key, now())) return;
    Waiting waiting;
    lower->fetch(key, small.hash_of(key), waiting.begin());
    waiting.end();
  }
  std::string get(const std::string& key) {
    bring(key);
    ByteCache::Slot slot = small.lock(key, now());
    slot.touch();
    return slot.exists() ? std::string(slot.value()) : "(absent)";
  }
  std::int64_t now() const { return clock.wall_ms(); }
  void fill(int keys) {
    for (int i = 0; i < keys; ++i) put("key:" + std::to_string(i), value_for(i, 1, 50));
    drain();
  }

  ManualClock clock;
  ByteCache small;
  MemoryLevel* level;
  std::unique_ptr<LowerLevel> lower;
};

TEST(LowerLevel, TakesWhatMemoryGivesUpAndGivesItBack) {
  LevelFixture f;
  f.fill(2000);
  EXPECT_EQ(f.small.size() + f.level->all().size(), 2000u);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(f.get("key:" + std::to_string(i)), value_for(i, 1, 50)) << i;
  const LowerLevel::Stats stats = f.lower->stats();
  EXPECT_GE(stats.promoted, 1600u);
  EXPECT_EQ(stats.corrupt + stats.queue_full + stats.failures, 0u);
  f.small.CheckInvariants();
}

TEST(LowerLevel, HoldsNoKeyThatMemoryHolds) {
  LevelFixture f;
  f.fill(1000);
  for (int i = 0; i < 1000; i += 3) f.get("key:" + std::to_string(i));
  f.drain();
  for (const auto& [key, value] : f.level->all())
    EXPECT_FALSE(f.small.holds(key, f.now())) << key << " is at two places";
  EXPECT_EQ(f.level->twice(), 0);
}

TEST(LowerLevel, ErasesBelowBeforeAWriteIsAcknowledged) {
  LevelFixture f;
  f.fill(1000);
  const std::string key = f.level->all().begin()->first;
  f.level->stop_here();
  ASSERT_EQ(f.small.lock(key, f.now()).put("new"), WriteStatus::kDone);
  LowerLevel::Barrier barrier = LowerLevel::take_barrier();
  EXPECT_FALSE(f.lower->reached(barrier)) << "a crash now would bring the old value back";
  // Another client's write of the same key has as much to wait for.
  ASSERT_EQ(f.small.lock(key, f.now()).put("newer"), WriteStatus::kDone);
  barrier = LowerLevel::take_barrier();
  EXPECT_FALSE(f.lower->reached(barrier));
  ASSERT_EQ(f.small.lock("somebody else", f.now()).put("x"), WriteStatus::kDone);
  EXPECT_TRUE(f.lower->reached(LowerLevel::take_barrier())) << "what never was below waits for nobody";
  f.level->go_on();
  Waiting waiting;
  f.lower->wait_for(barrier, waiting.begin());
  waiting.end();
  EXPECT_FALSE(f.level->all().contains(key));
  EXPECT_EQ(f.get(key), "newer");
}

TEST(LowerLevel, DoesNotBringUpWhatWasWrittenOrDeletedMeanwhile) {
  LevelFixture f;
  f.fill(1000);
  const auto below = f.level->all();
  const std::string written = below.begin()->first;
  const std::string deleted = below.rbegin()->first;
  f.level->stop_here();
  Waiting waiting;
  const auto wait = waiting.begin();
  for (const std::string& key : {written, deleted}) f.lower->fetch(key, f.small.hash_of(key), wait);
  ASSERT_EQ(f.small.lock(written, f.now()).put("new"), WriteStatus::kDone);
  ASSERT_EQ(f.small.lock(deleted, f.now()).put("short-lived"), WriteStatus::kDone);
  f.small.lock(deleted, f.now()).erase();
  f.level->go_on();
  waiting.end();
  f.settle();
  EXPECT_EQ(f.get(written), "new");
  EXPECT_EQ(f.get(deleted), "(absent)");
  f.drain();
  EXPECT_FALSE(f.level->all().contains(deleted));
}

TEST(LowerLevel, IsEmptiedWithTheCache) {
  LevelFixture f;
  f.fill(1000);
  const auto below = f.level->all();
  f.level->stop_here();
  // One look-up is under way, and one value on its way down.
  Waiting waiting;
  f.lower->fetch(below.begin()->first, f.small.hash_of(below.begin()->first), waiting.begin());
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(f.small.lock(std::string_view("late:" + std::to_string(i)), f.now()).put("x"),
              WriteStatus::kDone);
  }
  f.small.clear();
  EXPECT_FALSE(f.lower->reached(LowerLevel::take_barrier())) << "until it is empty below";
  ASSERT_EQ(f.small.lock("key:1", f.now()).put("new"), WriteStatus::kDone);
  const LowerLevel::Barrier barrier = LowerLevel::take_barrier();
  EXPECT_FALSE(f.lower->reached(barrier)) << "a write behind it is not safe before";
  f.level->go_on();
  waiting.end();
  Waiting cleared;
  f.lower->wait_for(barrier, cleared.begin());
  cleared.end();
  EXPECT_TRUE(f.level->all().empty());
  EXPECT_EQ(f.get("key:1"), "new");
  for (const auto& [key, value] : below) {
    if (key == "key:1") continue;
    EXPECT_EQ(f.get(key), "(absent)") << key;
  }
  f.fill(1000);
  EXPECT_FALSE(f.level->all().empty()) << "and is used again";
}

TEST(LowerLevel, KnowsAfterARestartWhatIsBelow) {
  MemoryLevel::Families kept;
  {
    LevelFixture f;
    f.fill(1000);
    kept = f.level->families();
  }
  LevelFixture f(64_MiB, 8_MiB, kept);
  std::size_t found = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string got = f.get("key:" + std::to_string(i));
    if (got != "(absent)") {
      ++found;
      EXPECT_EQ(got, value_for(i, 1, 50));
    }
  }
  EXPECT_EQ(found, 600u);
}

TEST(LowerLevel, AsksAndErasesBelowWhileItDoesNotKnowYet) {
  MemoryLevel::Families kept;
  {
    LevelFixture f;
    f.fill(1000);
    kept = f.level->families();
  }
  const std::string key = kept.begin()->second.begin()->first;
  const std::string other = std::next(kept.begin()->second.begin())->first;
  LevelFixture opening(64_MiB, 8_MiB, kept, 400, true);
  EXPECT_EQ(opening.lower->stats().state, LowerLevel::State::kOpening);
  opening.put(key, "new");
  EXPECT_FALSE(opening.level->all().contains(key));
  EXPECT_EQ(opening.get(key), "new");
  EXPECT_NE(opening.get(other), "(absent)");
}

TEST(LowerLevel, LosesNothingByBeingStartedOften) {
  MemoryLevel::Families kept;
  for (int start = 0; start < 12; ++start) {
    LevelFixture f(64_MiB, 8_MiB, kept);
    if (start == 0) f.fill(1000);
    for (int i = 0; i < 3; ++i) f.lower->look_after();
    kept = f.level->families();
  }
  LevelFixture f(64_MiB, 8_MiB, kept);
  EXPECT_EQ(f.level->all().size(), 600u);
}

TEST(LowerLevel, TakesADamagedRecordForNothing) {
  LevelFixture f;
  f.fill(1000);
  const std::string key = f.level->all().begin()->first;
  f.level->change(key, [](std::string& record) { record.back() = static_cast<char>(record.back() ^ 1); });
  EXPECT_EQ(f.get(key), "(absent)");
  EXPECT_EQ(f.lower->stats().corrupt, 1u);
}

TEST(LowerLevel, LeavesWhatHasExpiredBelow) {
  LevelFixture f;
  f.put("short", "x", f.now() + 1000);
  f.put("long", "y", f.now() + 100'000);
  f.fill(1000);
  ASSERT_TRUE(f.level->all().contains("short"));
  f.clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(f.get("short"), "(absent)");
  EXPECT_EQ(f.get("long"), "y");
  EXPECT_EQ(f.small.lock("long", f.now()).expires_at_ms(), f.now() + 98'000);
}

TEST(LowerLevel, GoesOnWithoutALevelThatFailsAndBeginsItAnew) {
  LevelFixture f;
  f.fill(1000);
  const std::string key = f.level->all().begin()->first;
  f.level->fails = true;
  f.put(key, "new");
  EXPECT_FALSE(f.level->trusted()) << "the old value is still there";
  EXPECT_EQ(f.lower->stats().state, LowerLevel::State::kFailing);
  f.fill(500);
  const int reads = f.level->reads();
  EXPECT_EQ(f.get("key:900"), f.small.holds("key:900", f.now()) ? value_for(900, 1, 50) : "(absent)");
  EXPECT_EQ(f.level->reads(), reads) << "nobody asks what does not answer";
  f.lower->look_after();
  f.clock.advance(std::chrono::seconds(6));
  f.lower->look_after();
  EXPECT_EQ(f.lower->stats().state, LowerLevel::State::kFailing) << "it still fails";
  f.level->fails = false;
  for (int i = 0; i < 3; ++i) {
    f.lower->look_after();
    f.clock.advance(std::chrono::seconds(6));
  }
  EXPECT_EQ(f.lower->stats().state, LowerLevel::State::kOpen);
  EXPECT_TRUE(f.level->trusted() && f.level->all().empty());
  f.fill(1000);
  EXPECT_FALSE(f.level->all().empty());
  EXPECT_EQ(f.lower->stats().failures, 1u);
}

TEST(LowerLevel, DropsWhatItsQueueHasNoRoomFor) {
  LevelFixture f(64_MiB, 64_KiB);
  f.level->stop_here();
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(f.small.lock(std::string_view("key:" + std::to_string(i)), f.now()).put(value_for(i, 1, 50)),
              WriteStatus::kDone);
  }
  const LowerLevel::Stats stats = f.lower->stats();
  EXPECT_GT(stats.queue_full, 1000u);
  EXPECT_LE(stats.queued, 64_KiB);
  f.level->go_on();
  f.drain();
  for (int i = 0; i < 3000; ++i) {
    const std::string got = f.get("key:" + std::to_string(i));
    EXPECT_TRUE(got == "(absent)" || got == value_for(i, 1, 50)) << i;
  }
}

// Fills the level with what nobody asks for again, until it takes only what came back.
void fill_up(LevelFixture& f) {
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 200; ++i) f.put("once:" + std::to_string(round * 200 + i), value_for(i, 1, 100));
    f.drain();
    f.lower->look_after();
  }
  EXPECT_LE(f.lower->stats().stored, 300_KiB);
  EXPECT_GT(f.lower->stats().not_admitted, 1000u) << "nobody asked for them again";
}
void put_and_use(LevelFixture& f, const std::string& key) {
  f.put(key, "x");
  f.small.lock(std::string_view(key), f.now()).touch();
}

TEST(LowerLevel, StaysWithinItsSizeAndTakesOnlyWhatCameBackOnceItIsFull) {
  LevelFixture f(256_KiB, 8_MiB, {}, 400, false, PolicyKind::kLru);
  fill_up(f);
  const std::uint64_t before = f.lower->stats().demoted;
  for (int i = 0; i < 200; ++i) put_and_use(f, "twice:" + std::to_string(i));
  for (int i = 0; i < 1000; ++i) f.put("other:" + std::to_string(i), "x");
  EXPECT_GE(f.lower->stats().demoted, before + 200);
}

// Its count goes down with each round of the main queue, and is nothing when an item leaves that.
TEST(LowerLevel, TakesWhatTheAdaptivePolicyHeldLongest) {
  LevelFixture f(256_KiB);
  fill_up(f);
  const LowerLevel::Stats before = f.lower->stats();
  constexpr int kUsed = 2000;
  for (int i = 0; i < kUsed; ++i) put_and_use(f, "twice:" + std::to_string(i));
  const LowerLevel::Stats after = f.lower->stats();
  EXPECT_GE(after.demoted - before.demoted, kUsed - 400u) << "all but what the cache holds";
  EXPECT_LE(after.not_admitted - before.not_admitted, 400u) << "only those that came before";
}

// The reference is a map: what is there is what was written last, or nothing; after a crash as well, at any
// moment at which nobody waits for an acknowledgement.
TEST(LowerLevel, IsNeverOlderThanWhatWasAcknowledged) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::map<std::string, std::string> said;
    MemoryLevel::Families kept;
    std::uint64_t hits = 0;
    for (int life = 0; life < 5; ++life) {
      LevelFixture f(256_KiB, 1_MiB, kept, 100);
      for (int step = 0; step < 4000; ++step) {
        const std::string key = "key:" + std::to_string(random.below(600));
        const std::uint64_t what = random.below(1000);
        if (what < 500) {
          const std::string got = f.get(key);
          if (got != "(absent)") {
            ++hits;
            ASSERT_TRUE(said.contains(key)) << key << " was deleted";
            ASSERT_EQ(got, said[key]);
          }
        } else if (what < 850) {
          said[key] = value_for(random.below(1000), seed, 20 + random.below(200));
          f.put(key, said[key]);
        } else if (what < 998) {
          said.erase(key);
          f.erase(key);
        } else if (what == 998) {
          said.clear();
          f.small.clear();
          f.settle();
        } else {
          f.lower->look_after();
        }
      }
      // Killed: what the level has at this moment is what the next one finds.
      kept = f.level->families();
    }
    EXPECT_GT(hits, 2000u);
  }
}

TEST(LowerLevel, KeepsItsOrderWithManyClients) {
  LevelFixture f(512_KiB, 256_KiB, {}, 200);
  std::vector<std::thread> clients;
  std::atomic<int> wrong{0};
  for (int client = 0; client < 3; ++client) {
    clients.emplace_back([&, client] {
      // Each writes its own keys, and so knows what they are; all of them move each other's items.
      Random random(static_cast<std::uint64_t>(client) + 1);
      std::map<std::string, std::string> said;
      for (int step = 0; step < 6000; ++step) {
        const std::string key = std::to_string(client) + ":" + std::to_string(random.below(300));
        const std::uint64_t what = random.below(100);
        if (what < 60) {
          const std::string got = f.get(key);
          if (got != "(absent)" && (!said.contains(key) || said[key] != got)) ++wrong;
        } else if (what < 90) {
          said[key] = std::to_string(step) + std::string(random.below(300), 'v');
          f.put(key, said[key]);
        } else {
          said.erase(key);
          f.erase(key);
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(f.lower->stats().promoted, 100u);
  f.small.CheckInvariants();
}

}  // namespace
}  // namespace plimsoll
