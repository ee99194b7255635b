#include "plimsoll/governor/internal/governor_fixture.h"

namespace plimsoll {
namespace {

// --- the limit and the reserve
// -------------------------------------------------------------------------------

TEST_F(GovernorTest, FollowsALimitThatIsHalvedAndRestoredWithinASecond) {
  cache_.fill();
  look();
  machine_.limit_found = found(62_MiB, "cgroup v1 /x: memory.limit_in_bytes 62 MiB");
  look_for(1000ms);
  EXPECT_EQ(line_.limit(), 62_MiB);
  EXPECT_LE(line_.charged(), line_.line());
  EXPECT_GE(line_.free(), line_.headroom());
  machine_.limit_found = found(kLimit);
  look_for(1000ms);
  EXPECT_EQ(line_.limit(), kLimit);
  cache_.fill();
  EXPECT_GT(cache_account_.used(), 110_MiB) << "it is used again";
  auto told = sentences(EventKind::kLimitChanged);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].substr(0, 47), "the limit fell from 125 MiB to 62 MiB: cgroup v");
  EXPECT_EQ(sentences(EventKind::kOvershoot).size(), 0u) << "a lowered line is no overshoot";
  EXPECT_EQ(line_.reserve(), 5_MiB);
}

TEST_F(GovernorTest, ReadsTheLimitFiveTimesASecondOnceHalfOfTheLineIsCharged) {
  look_for(10s);
  EXPECT_NEAR(machine_.limit_reads, 10, 1);
  Charge table = index_.charge(70_MiB);
  machine_.limit_reads = 0;
  look_for(10s);
  EXPECT_NEAR(machine_.limit_reads, 50, 5);
}

TEST_F(GovernorTest, DoesNotFollowEveryPageOfItsNeighbours) {
  look();
  for (int i = 0; i < 20; ++i) {
    machine_.limit_found = found(kLimit - Bytes(4096) * static_cast<std::uint64_t>(i));
    look(1s);
  }
  EXPECT_EQ(line_.limit(), kLimit);
  EXPECT_EQ(events_.total(EventKind::kLimitChanged), 0u);
}

TEST_F(GovernorTest, FollowsTheSofterLimitAndNeverNothing) {
  FoundLimit soft = found(100_MiB);
  soft.soft = 80_MiB;
  EXPECT_EQ(limit_to_follow(soft), 80_MiB);
  EXPECT_EQ(limit_to_follow(found(0_B)), 1_MiB);
}

TEST_F(GovernorTest, KeepsMoreInReserveAfterAnOvershoot) {
  look();
  Charge table = index_.charge(100_MiB);
  machine_.unexplained = 24_MiB;
  look();
  EXPECT_EQ(governor_.snapshot().worst_overshoot, 4_MiB);
  EXPECT_EQ(line_.reserve(), 8_MiB);
  look_for(1s);
  EXPECT_EQ(line_.reserve(), 8_MiB) << "the lowered line does not feed itself";
  EXPECT_EQ(sentences(EventKind::kOvershoot).size(), 1u);
  machine_.limit_found = found(100_MiB);
  look_for(1s);
  EXPECT_EQ(line_.reserve(), 8_MiB) << "and is remembered when the limit changes";
}

// --- readings that fail
// --------------------------------------------------------------------------------------

TEST_F(GovernorTest, KeepsTheLastValuesAndCountsReadingsThatFail) {
  Charge table = index_.charge(80_MiB);
  machine_.unexplained = 7_MiB;
  look();
  machine_.failing = true;
  machine_.unexplained = 50_MiB;
  look_for(2s);
  Governor::Snapshot snapshot = governor_.snapshot();
  EXPECT_EQ(snapshot.sample.other, 7_MiB);
  EXPECT_EQ(snapshot.sample.level, Level::kModerate);
  EXPECT_EQ(line_.limit(), kLimit);
  EXPECT_GT(snapshot.probe_failures, 200u);
  EXPECT_LE(sentences(EventKind::kProbeFailed).size(), 12u) << "told, but not each time";
  cache_.fill();
  Charge more = index_.charge(1_MiB);
  look();
  EXPECT_GE(line_.free(), line_.headroom()) << "its own counters it has still";
  machine_.failing = false;
  EXPECT_EQ(look().other, 50_MiB);
}

TEST_F(GovernorTest, WorksWhereNothingCouldEverBeRead) {
  machine_.failing = true;
  cache_.fill();
  Charge table = index_.charge(1_MiB);
  EXPECT_GE(look().free, line_.headroom());
  EXPECT_EQ(other(), 0_B);
}

// --- how often it looks
// --------------------------------------------------------------------------------------

TEST_F(GovernorTest, LooksSeldomerWhileOnlyChargesComeAndGoAndLeastWhileNothingDoes) {
  Charge table = index_.charge(1_MiB);
  look();
  EXPECT_EQ(due_, 25ms);
  look();
  EXPECT_EQ(due_, 100ms);
  EXPECT_TRUE(table.grow(1_MiB));
  look();
  EXPECT_EQ(due_, 25ms);
  machine_.unexplained = 5_MiB;
  look();
  EXPECT_EQ(due_, 10ms) << "nobody charges that, so nobody wakes it";
  look();
  EXPECT_EQ(due_, 100ms);
  EXPECT_TRUE(table.grow(80_MiB));
  look();
  look();
  EXPECT_EQ(due_, 10ms) << "above normal";
}

TEST_F(GovernorTest, ReadsTheSlowFilesAtTenHertzUnderPressureAndAtOneWhenIdle) {
  Charge table = index_.charge(100_MiB);
  look_for(1s);
  int busy = machine_.slow_reads;
  EXPECT_GE(busy, 9);
  EXPECT_LE(busy, 11);
  table.release();
  look_for(10s);  // back to normal
  int before = machine_.slow_reads;
  look_for(10s);
  EXPECT_LE(machine_.slow_reads - before, 11);
}

TEST_F(GovernorTest, KeepsAHistoryByTheSecond) {
  Charge table = index_.charge(50_MiB);
  look();
  table.release();
  look_for(3s);
  auto samples = governor_.history().last(10);
  ASSERT_GE(samples.size(), 2u);
  EXPECT_EQ(samples[0].charged, 50_MiB);
  EXPECT_EQ(samples[1].charged, 0_B);
}

// --- control runs
// --------------------------------------------------------------------------------------------

class GovernorOffTest : public GovernorTest {
 protected:
  GovernorOffTest() : GovernorTest(/*enforce=*/false, /*reclaim=*/false) {}
};

TEST_F(GovernorOffTest, WatchesAndHasNothingGivenBack) {
  cache_.held = cache_account_.charge(500_MiB);
  Charge table = index_.charge(110_MiB);
  cache_account_.set_maximum(1_MiB);
  trim_gives_ = 1_MiB;
  machine_.unexplained = 3_MiB;
  look_for(2s);
  EXPECT_EQ(cache_.times, 0);
  EXPECT_EQ(trims_, 0);
  EXPECT_EQ(cache_account_.used(), 500_MiB);
  Governor::Snapshot snapshot = governor_.snapshot();
  EXPECT_EQ(snapshot.sample.other, 3_MiB);
  EXPECT_EQ(snapshot.sample.level, Level::kCritical);
  EXPECT_EQ(board_.level(), Level::kCritical);
  EXPECT_EQ(sentences(EventKind::kLevelChanged).size(), 1u);
  EXPECT_EQ(line_.line(), 120_MiB) << "the figures stay comparable";
  EXPECT_GT(snapshot.ticks, 100u);
}

// --- figures
// -------------------------------------------------------------------------------------------------

class Figures final : public StatSink {
 public:
  void value(const Stat& stat, double value) override {
    note(stat);
    figures[std::string(stat.name)] = value;
  }
  void distribution(const Stat& stat, const Histogram&, double) override { note(stat); }
  std::map<std::string, double> figures;

 private:
  void note(const Stat& stat) {
    std::string name(stat.name);
    EXPECT_TRUE(name == last_ || seen_.insert(name).second) << name << " is told twice, or not in one run";
    last_ = name;
  }
  std::string last_;
  std::set<std::string> seen_;
};

TEST_F(GovernorTest, DescribesItselfBesideTheLineWithNoNameTwice) {
  Charge table = index_.charge(80_MiB);
  machine_.unexplained = 4_MiB;
  look();
  look(3s);
  Figures sink;
  line_.Describe(sink);
  governor_.Describe(sink);
  EXPECT_EQ(sink.figures.at("memory_pressure_level"), 1);
  EXPECT_EQ(sink.figures.at("memory_pressure_usage_ratio"), 0.7);
  EXPECT_EQ(sink.figures.at("memory_pressure_limit_bytes"), kLimit.as_double());
  EXPECT_EQ(sink.figures.at("memory_unaccounted_bytes"), (4_MiB).as_double());
  EXPECT_EQ(sink.figures.at("memory_explained_bytes"), (80_MiB).as_double());
  EXPECT_EQ(sink.figures.at("memory_held_bytes"), (84_MiB).as_double());
  EXPECT_EQ(sink.figures.at("memory_resident_bytes"), (90_MiB).as_double());
  EXPECT_NEAR(sink.figures.at("memory_pressure_seconds_since_last_gc"), 3.01, 1e-9);
  EXPECT_EQ(sink.figures.at("governor_looks_total"), 2);
  cache_.fill();
  Charge more = index_.charge(1_MiB);
  look();
  Figures after;
  governor_.Describe(after);
  EXPECT_EQ(after.figures.at("memory_pressure_seconds_since_last_gc"), 0);
}

TEST(GovernorOptions, AreValidated) {
  LoadLine line({.limit = kLimit});
  Machine machine(line);
  AdmissionBoard board;
  EventLog events;
  Governor::Options good{.line = line, .probe = machine, .board = board, .events = events};
  EXPECT_TRUE(good.Validate());
  auto with = [&](auto change) {
    Governor::Options options{.line = line, .probe = machine, .board = board, .events = events};
    change(options);
    return options.Validate().has_value();
  };
  EXPECT_FALSE(with([](auto& o) { o.busy_period = 100us; }));
  EXPECT_FALSE(with([](auto& o) { o.idle_period = 5ms; }));
  EXPECT_FALSE(with([](auto& o) { o.limit_period = 0s; }));
  EXPECT_FALSE(with([](auto& o) { o.trim_cooldown = -1s; }));
  EXPECT_FALSE(with([](auto& o) { o.levels.margin = 2; }));
  Governor::Options bad{.line = line, .probe = machine, .board = board, .events = events};
  bad.busy_period = 0s;
  EXPECT_DEATH(Governor{bad}, "busy period");
}

}  // namespace
}  // namespace plimsoll
