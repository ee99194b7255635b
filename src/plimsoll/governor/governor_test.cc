// The governor with a scripted machine and a clock of ours: nothing here sleeps.
#include "plimsoll/governor/governor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "plimsoll/base/histogram.h"
#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr Bytes kLimit = 125_MiB;  // line 120 MiB, headroom 1,920 KiB

FoundLimit found(Bytes limit, std::string words = "test limit") {
  FoundLimit found;
  found.limit = found.configured = limit;
  found.words = std::move(words);
  return found;
}

// A machine on which everything charged is held at once, and `unexplained` on top: of the runtime, or of others.
class Machine final : public MemoryProbe {
 public:
  explicit Machine(LoadLine& line) : line_(line) {}

  Result<FastSample> fast() override {
    ++fast_reads;
    if (failing) return fail(ErrorCode::kSystem, "statm is gone");
    Bytes held = held_now();
    return FastSample{held, held, held + 6_MiB};
  }
  Result<SlowSample> slow() override {
    ++slow_reads;
    if (failing) return fail(ErrorCode::kSystem, "status is gone");
    SlowSample sample;
    sample.held.anonymous = sample.process.anonymous = held_now();
    sample.held.sockets = sockets;
    sample.process.resident = held_now() + 6_MiB;
    if (group) sample.group = GroupUse();
    return sample;
  }
  Result<FoundLimit> limit() override {
    ++limit_reads;
    if (failing) return fail(ErrorCode::kSystem, "the group is gone");
    return limit_found;
  }

  Bytes unexplained;
  Bytes charged_ahead;  // charged, not held
  Bytes sockets;        // held in sockets
  bool failing = false;
  bool group = true;
  FoundLimit limit_found = found(kLimit);
  int fast_reads = 0;
  int slow_reads = 0;
  int limit_reads = 0;

 private:
  Bytes held_now() const {
    Bytes explained;
    for (const Account* account : line_.accounts()) {
      if (account->name() != "other" && account->name() != "runtime") explained += account->used();
    }
    return explained.minus_clamped(charged_ahead) + unexplained;
  }
  LoadLine& line_;
};

class CacheOwner final : public Reclaimer {
 public:
  explicit CacheOwner(Account& account) : account_(account) {}
  std::string_view name() const override { return account_.name(); }
  ReclaimOffer offer() const override { return {.droppable = held.size(), .untouched = untouched}; }
  Bytes reclaim(Bytes wanted) override {
    ++times;
    if (clock) clock->advance(takes);
    Bytes freed = std::min({std::max(wanted, 512_KiB), slice, held.size()});
    held.shrink(freed);
    return freed;
  }
  // As a cache under load does: takes all it is given.
  void fill() {
    Bytes step = 8_MiB;
    while (!step.zero()) {
      Charge more = account_.charge(step);
      if (more) {
        held.merge(std::move(more));
      } else {
        step = step / 2;
      }
    }
  }

  Charge held;
  Bytes untouched;
  Bytes slice = Bytes::max();
  Duration takes{};
  ManualClock* clock = nullptr;
  int times = 0;

 private:
  Account& account_;
};

class Wait final : public Waiter {
 public:
  void finished() noexcept override { done = true; }
  bool done = false;
};

class GovernorTest : public ::testing::Test {
 protected:
  explicit GovernorTest(bool enforce = true, bool reclaim = true)
      : line_({.limit = kLimit, .enforce = enforce, .clock = &clock_}),
        governor_({.line = line_,
                   .probe = machine_,
                   .board = board_,
                   .events = events_,
                   .reclaim = reclaim,
                   .clock = &clock_,
                   .trim = [this] {
                     ++trims_;
                     machine_.unexplained = machine_.unexplained.minus_clamped(trim_gives_);
                     return !trim_gives_.zero();
                   }}) {
    governor_.add(cache_, cache_account_);
  }
  ~GovernorTest() override {
    governor_.CheckInvariants();
    line_.CheckInvariants();
  }

  // One look, 10 ms after the one before.
  Sample look(Duration after = 10ms) {
    clock_.advance(after);
    due_ = governor_.tick();
    return governor_.snapshot().sample;
  }
  void look_for(Duration time) {
    for (MonotonicTime end = clock_.monotonic_now() + time; clock_.monotonic_now() < end;) look();
  }
  std::vector<std::string> sentences(EventKind kind) const {
    std::vector<std::string> all;
    for (const Event& event : events_.last(EventLog::kEvents)) {
      if (event.kind == kind) all.push_back(event.sentence());
    }
    return all;
  }
  Bytes other() const { return governor_.snapshot().sample.other; }

  ManualClock clock_;
  LoadLine line_;
  Machine machine_{line_};
  AdmissionBoard board_;
  EventLog events_{&clock_};
  Account& index_ = line_.open({.name = "index"});
  Account& cache_account_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable});
  CacheOwner cache_{cache_account_};
  int trims_ = 0;
  Bytes trim_gives_;
  Duration due_{};
  Governor governor_;
};

// --- what is held and not charged
// ----------------------------------------------------------------------------

TEST_F(GovernorTest, ChargesWhatNobodyChargedToOther) {
  Charge table = index_.charge(10_MiB);
  machine_.unexplained = 7_MiB;
  Sample sample = look();
  EXPECT_EQ(sample.other, 7_MiB);
  EXPECT_EQ(sample.held, 17_MiB);
  EXPECT_EQ(sample.charged, 17_MiB);
  EXPECT_EQ(sample.explained(), 10_MiB);
  EXPECT_EQ(sample.overcharged, 0_B);
  machine_.unexplained = 9_MiB;
  EXPECT_EQ(look().other, 9_MiB);
  machine_.unexplained = 2_MiB;
  look_for(1100ms);
  EXPECT_EQ(other(), 2_MiB);
}

TEST_F(GovernorTest, ShowsWhatWasChargedAheadAndLetsItHideNothingItIsToldOf) {
  Charge table = index_.charge(10_MiB);
  machine_.charged_ahead = 4_MiB;
  Sample sample = look();
  EXPECT_EQ(sample.other, 0_B) << "never below zero";
  EXPECT_EQ(sample.overcharged, 4_MiB);
  machine_.unexplained = 1_MiB;
  EXPECT_EQ(look().other, 0_B) << "hidden";
  cache_.untouched = 4_MiB;
  look(1s);
  EXPECT_EQ(look().other, 1_MiB) << "until the owner says what it has not touched";
}

TEST_F(GovernorTest, IsNotMisledByADipWhenASegmentIsChargedBeforeItIsFilled) {
  machine_.unexplained = 8_MiB;
  look();
  Charge segment = index_.charge(6_MiB);
  machine_.charged_ahead = 6_MiB;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(look().other, 8_MiB);
  machine_.charged_ahead = 0_B;
  EXPECT_EQ(look().other, 8_MiB);
}

TEST_F(GovernorTest, NeverHasLessChargedThanIsHeld) {
  Random random(11);
  std::vector<Charge> held;
  for (int i = 0; i < 3000; ++i) {
    if (random.below(2) == 0) held.push_back(index_.charge(Bytes(random.below(3'000'000))));
    if (random.below(3) == 0 && !held.empty()) held.erase(held.begin());
    machine_.unexplained = Bytes(random.below(20'000'000));
    machine_.charged_ahead = Bytes(random.below(5'000'000));
    Sample sample = look();
    ASSERT_GE(sample.charged, sample.held);
    ASSERT_EQ(sample.other, line_.charged().minus_clamped(index_.used()));
  }
}

TEST_F(GovernorTest, ComparesBuffersOfSocketsApart) {
  Account& sockets = line_.open({.name = "sockets"});
  governor_.set_socket_account(sockets);
  Charge buffers = sockets.charge(8_MiB);
  machine_.charged_ahead = 8_MiB;  // the kernel does not show them
  machine_.unexplained = 3_MiB;
  EXPECT_EQ(look().other, 3_MiB);
}

TEST_F(GovernorTest, MeasuresTheRuntimeOnce) {
  Charge table = index_.charge(10_MiB);
  machine_.unexplained = 5_MiB;
  look();
  EXPECT_EQ(other(), 5_MiB);
  ASSERT_TRUE(governor_.measure_runtime().has_value());
  Sample sample = look();
  EXPECT_EQ(sample.other, 0_B);
  EXPECT_EQ(sample.explained(), 15_MiB);
  machine_.unexplained = 6_MiB;
  EXPECT_EQ(look().other, 1_MiB);
  ASSERT_TRUE(governor_.measure_runtime().has_value());
  EXPECT_EQ(look().explained(), 16_MiB) << "anew, not on top";
  machine_.failing = true;
  EXPECT_FALSE(governor_.measure_runtime().has_value());
}

// --- levels and admission
// ------------------------------------------------------------------------------------

TEST_F(GovernorTest, RaisesTheLevelWithWhatCannotBeDropped) {
  cache_.fill();
  EXPECT_EQ(look().level, Level::kNormal) << "a full cache is no pressure";
  cache_.held.release();
  Charge table = index_.charge(80_MiB);
  EXPECT_EQ(look().level, Level::kModerate);
  EXPECT_TRUE(table.grow(15_MiB));
  EXPECT_EQ(look().level, Level::kHigh);
  EXPECT_TRUE(table.grow(15_MiB));
  EXPECT_EQ(look().level, Level::kCritical);
  EXPECT_EQ(board_.look(RequestKind::kBody).verdict, Admission::Verdict::kWait);
  EXPECT_TRUE(table.grow(6_MiB));
  EXPECT_EQ(look().level, Level::kEmergency);
  EXPECT_EQ(board_.level(), Level::kEmergency);
  EXPECT_EQ(board_.look(RequestKind::kConnect).verdict, Admission::Verdict::kReject);
  EXPECT_EQ(board_.look(RequestKind::kBody).verdict, Admission::Verdict::kReject) << "nothing can be dropped";
  EXPECT_EQ(
      sentences(EventKind::kLevelChanged),
      (std::vector<std::string>{"the level rose from normal to moderate: 80 MiB cannot be dropped",
                                "the level rose from moderate to high: 95 MiB cannot be dropped",
                                "the level rose from high to critical: 110 MiB cannot be dropped",
                                "the level rose from critical to emergency: 116 MiB cannot be dropped"}));
}

TEST_F(GovernorTest, RaisesTheLevelForMemoryThatNobodyCharged) {
  machine_.unexplained = 100_MiB;
  EXPECT_EQ(look().level, Level::kHigh);
}

TEST_F(GovernorTest, StopsRefusingConnectionsAsSoonAsThereIsNoCause) {
  Charge table = index_.charge(116_MiB);
  look();
  EXPECT_EQ(board_.look(RequestKind::kConnect).verdict, Admission::Verdict::kReject);
  table.shrink(60_MiB);
  EXPECT_EQ(look().level, Level::kEmergency) << "the level is left late";
  EXPECT_EQ(board_.look(RequestKind::kConnect).verdict, Admission::Verdict::kAccept);
  look_for(6s);
  EXPECT_EQ(board_.level(), Level::kNormal);
}

TEST_F(GovernorTest, ChangesTheLevelTwiceAMinuteAtMostUnderASteadyOverload) {
  Charge table = index_.charge(104_MiB);
  look();
  std::uint64_t before = events_.total(EventKind::kLevelChanged);
  Random random(3);
  for (int i = 0; i < 6000; ++i) {
    // Requests come and go; the level of their sum swings around the watermark of critical.
    Charge burst = index_.charge(Bytes(random.below((10_MiB).count())));
    look();
  }
  EXPECT_LE(events_.total(EventKind::kLevelChanged) - before, 2u);
}

TEST_F(GovernorTest, IsWokenByTheChargeThatCrossesALevel) {
  Charge table = index_.charge(60_MiB);
  look();
  look();
  Charge more = index_.charge(11_MiB);  // 71 of 120: below 0.60
  look(1ms);
  Duration calm = due_;
  EXPECT_EQ(governor_.snapshot().sample.level, Level::kNormal);
  EXPECT_TRUE(more.grow(2_MiB));  // 73: above
  EXPECT_EQ(governor_.snapshot().sample.level, Level::kNormal);
  look(1ms);
  EXPECT_EQ(governor_.snapshot().sample.level, Level::kModerate);
  EXPECT_EQ(calm, 10ms);
}

// --- giving back
// ---------------------------------------------------------------------------------------------

TEST_F(GovernorTest, RestoresTheHeadroomFromTheCache) {
  cache_.fill();
  look();
  EXPECT_EQ(cache_.times, 0) << "the cache keeps out of the headroom by itself";
  Charge table = index_.charge(1_MiB);
  Sample sample = look();
  EXPECT_EQ(cache_.times, 1);
  EXPECT_GE(sample.free, line_.headroom());
  EXPECT_EQ(governor_.snapshot().response, Response::kGentle);
  EXPECT_EQ(sentences(EventKind::kReclaimed).size(), 1u);
  EXPECT_EQ(look().free, sample.free) << "and no more than that";
  EXPECT_EQ(cache_.times, 1);
  EXPECT_EQ(governor_.snapshot().response, Response::kMonitor);
}

TEST_F(GovernorTest, FreesWhatARequestWaitsForAndServesIt) {
  cache_.fill();
  look();
  Wait wait;
  line_.enqueue(wait, index_, 20_MiB, clock_.monotonic_now() + 1s, "test");
  EXPECT_FALSE(wait.done);
  look();
  EXPECT_TRUE(wait.done);
  EXPECT_EQ(wait.take_charge().size(), 20_MiB);
  EXPECT_NE(sentences(EventKind::kReclaimed).at(0).find("requests wait for memory"), std::string::npos);
}

TEST_F(GovernorTest, EndsWaitsAtTheirDeadline) {
  Charge table = index_.charge(line_.line());
  Wait wait;
  line_.enqueue(wait, index_, 1_MiB, clock_.monotonic_now() + 50ms, "test");
  look();
  EXPECT_FALSE(wait.done);
  look(50ms);
  EXPECT_TRUE(wait.done);
  EXPECT_FALSE(wait.take_charge());
}

TEST_F(GovernorTest, CallsBackWhatACacheHasAboveItsLoweredMaximum) {
  cache_.fill();
  look();
  cache_account_.set_maximum(50_MiB);
  look();
  EXPECT_LE(cache_account_.used(), 50_MiB);
}

TEST_F(GovernorTest, LooksAgainSoonWhileOwnersGiveInSlices) {
  cache_.fill();
  look();
  cache_.slice = 1_MiB;
  Charge held = index_.charge_held(10_MiB);
  look();
  EXPECT_EQ(due_, 1ms);
  for (int i = 0; i < 60 && due_ == 1ms; ++i) look(1ms);
  EXPECT_GE(line_.free(), line_.headroom());
  EXPECT_EQ(due_, 10ms);
}

TEST_F(GovernorTest, MeasuresAgainBecauseAnOwnerMayFreeLessThanItsCharges) {
  cache_.fill();
  look();
  // What the cache gives back stays with the process: in malloc's hands, say.
  Bytes before = cache_account_.used();
  Charge table = index_.charge(1_MiB);
  class Liar final : public Reclaimer {
   public:
    Liar(CacheOwner& cache, Machine& machine) : cache_(cache), machine_(machine) {}
    std::string_view name() const override { return "liar"; }
    ReclaimOffer offer() const override { return cache_.offer(); }
    Bytes reclaim(Bytes wanted) override {
      Bytes freed = cache_.reclaim(wanted);
      if (keeps > 0) {
        --keeps;
        machine_.unexplained += freed;
      }
      return freed;
    }
    int keeps = 3;

   private:
    CacheOwner& cache_;
    Machine& machine_;
  };
  governor_.remove(cache_);
  Liar liar(cache_, machine_);
  governor_.add(liar, cache_account_);
  for (int i = 0; i < 10; ++i) look();
  EXPECT_EQ(liar.keeps, 0);
  EXPECT_GE(line_.free(), line_.headroom()) << "it went on until memory was free, not until charges were";
  EXPECT_LT(cache_account_.used() + 2_MiB, before);
  governor_.remove(liar);
}

TEST_F(GovernorTest, DropsAllThereIsInAnEmergencyAndNotAfterwards) {
  Charge table = index_.charge(114_MiB);
  cache_.fill();
  ASSERT_GT(cache_account_.used(), 2_MiB);
  EXPECT_TRUE(table.grow(1_MiB));
  look();
  EXPECT_EQ(governor_.snapshot().response, Response::kEmergency);
  EXPECT_EQ(cache_account_.used(), 0_B);
  EXPECT_NE(sentences(EventKind::kReclaimed).at(0).find("(emergency)"), std::string::npos);
  table.shrink(60_MiB);
  cache_.fill();
  Bytes filled = cache_account_.used();
  EXPECT_EQ(look().level, Level::kEmergency) << "held for a while";
  EXPECT_EQ(cache_account_.used(), filled) << "but the cache is not emptied for the past";
}

TEST_F(GovernorTest, FreesAHeadroomMoreAtCritical) {
  Charge table = index_.charge(109_MiB);
  cache_.fill();
  EXPECT_TRUE(table.grow(1_MiB));
  Sample sample = look();
  EXPECT_EQ(governor_.snapshot().response, Response::kAggressive);
  EXPECT_GE(sample.free, line_.headroom() * 2);
}

TEST_F(GovernorTest, SaysOnceThatNothingIsLeftToDrop) {
  Charge table = index_.charge(line_.line());
  for (int i = 0; i < 10; ++i) look();
  EXPECT_EQ(sentences(EventKind::kNote),
            (std::vector<std::string>{"nothing is left to drop (what is charged has to be released)"}));
  table.release();
  look();
  table = index_.charge(line_.line());
  look();
  EXPECT_EQ(sentences(EventKind::kNote).size(), 2u);
}

TEST_F(GovernorTest, TrimsMallocAtHighOnceInItsCooldown) {
  trim_gives_ = 2_MiB;
  machine_.unexplained = 80_MiB;
  look();
  EXPECT_EQ(trims_, 0) << "not at moderate";
  machine_.unexplained = 100_MiB;
  look();
  EXPECT_EQ(trims_, 1);
  EXPECT_EQ(sentences(EventKind::kHeapTrimmed).size(), 1u);
  look_for(9900ms);
  EXPECT_EQ(trims_, 1);
  look_for(200ms);
  EXPECT_EQ(trims_, 2);
  EXPECT_EQ(sentences(EventKind::kHeapTrimmed).at(1),
            "malloc gave back 2 MiB that was free in it, in 0 ns (high)");
}

TEST_F(GovernorTest, MeasuresTheTimeFromTheWakeUpToTheFirstByteFreed) {
  cache_.fill();
  look();
  cache_.clock = &clock_;
  cache_.takes = 3ms;
  Wait wait;
  line_.enqueue(wait, index_, 5_MiB, clock_.monotonic_now() + 1s, "test");  // wakes it now
  look(4ms);
  class FirstFreed final : public StatSink {
   public:
    void value(const Stat&, double) override {}
    void distribution(const Stat& stat, const Histogram& histogram, double) override {
      if (stat.name != "memory_first_freed_seconds") return;
      count = histogram.count();
      max = Duration(static_cast<std::int64_t>(histogram.max()));
    }
    std::uint64_t count = 0;
    Duration max{};
  } sink;
  governor_.Describe(sink);
  EXPECT_EQ(sink.count, 1u);
  EXPECT_EQ(sink.max, 7ms) << "4 until it looked, 3 until the owner had freed";
}

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

TEST_F(GovernorTest, ReadsTheLimitOnceASecond) {
  look_for(10s);
  EXPECT_GE(machine_.limit_reads, 9);
  EXPECT_LE(machine_.limit_reads, 11);
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

TEST_F(GovernorTest, LooksEveryTenMillisecondsAndEveryHundredWhileNothingIsCharged) {
  Charge table = index_.charge(1_MiB);
  look();
  EXPECT_EQ(due_, 10ms);
  look();
  EXPECT_EQ(due_, 100ms);
  EXPECT_TRUE(table.grow(1_MiB));
  look();
  EXPECT_EQ(due_, 10ms);
  machine_.unexplained = 5_MiB;
  look();
  look();
  EXPECT_EQ(due_, 100ms);
  EXPECT_TRUE(table.grow(80_MiB));
  look();
  look();
  EXPECT_EQ(due_, 10ms) << "above normal";
}

TEST_F(GovernorTest, ReadsTheSlowFilesAtTenHertzWhenBusyAndAtOneWhenIdle) {
  Charge table = index_.charge(80_MiB);
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
