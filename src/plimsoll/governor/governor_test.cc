#include "plimsoll/governor/internal/governor_fixture.h"

namespace plimsoll {
namespace {

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
  EXPECT_EQ(calm, 25ms);
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

TEST_F(GovernorTest, TrimsMallocOnceWhenMuchMoreIsHeldThatNobodyCharged) {
  look();
  machine_.unexplained = 12_MiB;
  look_for(1s);
  EXPECT_EQ(trims_, 0) << "a tenth of the line";
  machine_.unexplained = 20_MiB;
  look_for(30s);
  EXPECT_EQ(trims_, 1) << "it did not help, and is not tried again";
  machine_.unexplained = 0_B;
  look_for(5s);
  machine_.unexplained = 20_MiB;
  look_for(30s);
  EXPECT_EQ(trims_, 2);
}

TEST_F(GovernorTest, TrimsMallocAtHighOnceInItsCooldown) {
  trim_gives_ = 2_MiB;
  machine_.unexplained = 10_MiB;
  Charge table = index_.charge(70_MiB);
  look();
  EXPECT_EQ(trims_, 0) << "not at moderate";
  ASSERT_TRUE(table.grow(20_MiB));
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

}  // namespace
}  // namespace plimsoll
