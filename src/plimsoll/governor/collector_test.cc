#include "plimsoll/governor/collector.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

// Holds a charge and gives back of it, at most `slice` at once, taking `takes` for it.
class Owner final : public Reclaimer {
 public:
  Owner(Account& account, std::vector<std::string>& asked, ManualClock& clock)
      : account_(account), asked_(asked), clock_(clock) {}

  std::string_view name() const override { return account_.name(); }
  ReclaimOffer offer() const override {
    return {.droppable = held.size(), .coldest_age = age, .untouched = untouched};
  }
  Bytes reclaim(Bytes wanted) override {
    if (asked_.empty() || asked_.back() != account_.name()) asked_.push_back(account_.name());
    largest_slice = std::max(largest_slice, wanted);
    clock_.advance(takes);
    Bytes freed = std::min({wanted, slice, held.size()});
    held.shrink(freed);
    return freed;
  }

  Charge held;
  Duration age{};
  Duration takes{};
  Bytes slice = Bytes::max();
  Bytes untouched;
  Bytes largest_slice;

 private:
  Account& account_;
  std::vector<std::string>& asked_;
  ManualClock& clock_;
};

class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest() {
    collector_.add(small_owner_, small_account_);
    collector_.add(large_owner_, large_account_);
  }
  // Missing until `until` is free.
  std::function<Bytes()> until_free(Bytes until) {
    return [this, until] {
      ++measured_;
      return until.minus_clamped(line_.free());
    };
  }

  ManualClock clock_;
  EventLog events_{&clock_};
  Collector collector_{events_, clock_};
  LoadLine line_{{.limit = 125_MiB, .clock = &clock_}};  // 120 MiB
  std::vector<std::string> asked_;
  Account& small_account_ = line_.open({.name = "small", .kind = AccountKind::kDroppable});
  Account& large_account_ = line_.open({.name = "large", .kind = AccountKind::kDroppable});
  Owner small_owner_{small_account_, asked_, clock_};
  Owner large_owner_{large_account_, asked_, clock_};
  int measured_ = 0;
};

TEST_F(CollectorTest, AsksNobodyWhenNothingIsMissing) {
  small_owner_.held = small_account_.charge(10_MiB);
  Collector::Outcome outcome = collector_.collect(until_free(1_MiB), "test");
  EXPECT_TRUE(outcome.satisfied);
  EXPECT_TRUE(asked_.empty());
  EXPECT_TRUE(events_.last(10).empty());
}

TEST_F(CollectorTest, AsksTheBiggestFirstAndStopsWhenItIsEnough) {
  small_owner_.held = small_account_.charge(20_MiB);
  large_owner_.held = large_account_.charge(90_MiB);
  Collector::Outcome outcome = collector_.collect(until_free(30_MiB), "test");
  EXPECT_TRUE(outcome.satisfied);
  EXPECT_EQ(outcome.wanted, 20_MiB);
  EXPECT_EQ(outcome.freed, 20_MiB);
  EXPECT_EQ(asked_, (std::vector<std::string>{"large"}));
  EXPECT_EQ(measured_, 6) << "before, and after each slice";
  EXPECT_EQ(large_owner_.largest_slice, 4_MiB);
}

TEST_F(CollectorTest, AsksTheColdFirstWhenItIsWorthMore) {
  small_owner_.held = small_account_.charge(20_MiB);
  small_owner_.age = 60s;
  large_owner_.held = large_account_.charge(90_MiB);
  collector_.collect(until_free(15_MiB), "test");
  EXPECT_EQ(asked_, (std::vector<std::string>{"small"}));
}

TEST_F(CollectorTest, GoesOnToTheNextWhenOneGaveLess) {
  small_owner_.held = small_account_.charge(20_MiB);
  large_owner_.held = large_account_.charge(90_MiB);
  large_owner_.slice = 1_MiB;
  Collector::Outcome outcome = collector_.collect(until_free(30_MiB), "test");
  EXPECT_EQ(asked_, (std::vector<std::string>{"large", "small"}));
  EXPECT_EQ(small_account_.used(), 1_MiB) << "measured again between the two";
  EXPECT_TRUE(outcome.satisfied);
  EXPECT_EQ(outcome.freed, 20_MiB);
}

TEST_F(CollectorTest, SaysWhenItWasNotEnough) {
  small_owner_.held = small_account_.charge(1_MiB);
  Collector::Outcome outcome = collector_.collect(until_free(line_.line() + 1_MiB), "test");
  EXPECT_FALSE(outcome.satisfied);
  EXPECT_EQ(outcome.freed, 1_MiB);
}

TEST_F(CollectorTest, LeavesEveryAccountItsGuaranteeAndItsPins) {
  small_account_.set_guarantee(5_MiB);
  small_owner_.held = small_account_.charge(20_MiB);
  large_owner_.held = large_account_.charge(90_MiB);
  large_account_.pin(80_MiB);
  Collector::Outcome outcome = collector_.collect(until_free(line_.line()), "test");
  EXPECT_FALSE(outcome.satisfied);
  EXPECT_EQ(small_account_.used(), 5_MiB);
  EXPECT_EQ(large_account_.used(), 80_MiB);
  large_account_.unpin(80_MiB);
}

TEST_F(CollectorTest, NotesWhenTheFirstByteWasFreed) {
  large_owner_.held = large_account_.charge(90_MiB);
  large_owner_.slice = 0_B;
  large_owner_.takes = 3ms;
  small_owner_.held = small_account_.charge(20_MiB);
  small_owner_.takes = 2ms;
  MonotonicTime begin = clock_.monotonic_now();
  Collector::Outcome outcome = collector_.collect(until_free(15_MiB), "test");
  EXPECT_EQ(outcome.first_freed - begin, 5ms);
  auto events = events_.last(10);
  ASSERT_EQ(events.size(), 1u) << "who gave nothing is counted and not told";
  EXPECT_EQ(events[0].sentence(), "small gave back 5 MiB of 5 MiB wanted in 4 ms (test)") << "in two slices";
}

TEST_F(CollectorTest, CallsBackWhatIsAboveAMaximum) {
  small_owner_.held = small_account_.charge(20_MiB);
  large_owner_.held = large_account_.charge(40_MiB);
  small_account_.set_maximum(8_MiB);
  EXPECT_EQ(collector_.above_maxima(), 12_MiB);
  Collector::Outcome outcome = collector_.collect_above_maxima();
  EXPECT_EQ(asked_, (std::vector<std::string>{"small"}));
  EXPECT_TRUE(outcome.satisfied);
  EXPECT_EQ(small_account_.used(), 8_MiB);
  large_account_.set_maximum(1_MiB);
  large_owner_.slice = 1_MiB;
  EXPECT_FALSE(collector_.collect_above_maxima().satisfied);
}

TEST_F(CollectorTest, SumsWhatIsNotTouchedYet) {
  small_owner_.untouched = 1_MiB;
  large_owner_.untouched = 2_MiB;
  EXPECT_EQ(collector_.untouched(), 3_MiB);
}

TEST_F(CollectorTest, AsksNobodyThatWasRemoved) {
  large_owner_.held = large_account_.charge(110_MiB);
  collector_.remove(large_owner_);
  EXPECT_FALSE(collector_.collect(until_free(30_MiB), "test").satisfied);
  EXPECT_TRUE(asked_.empty());
  collector_.add(large_owner_, large_account_);
  EXPECT_TRUE(collector_.collect(until_free(30_MiB), "test").satisfied);
}

class Figures final : public StatSink {
 public:
  void value(const Stat& stat, double value) override {
    figures[std::string(stat.name) + " " + std::string(stat.labels[0].value)] = value;
  }
  void distribution(const Stat& stat, const Histogram& histogram, double) override {
    figures[std::string(stat.name)] = static_cast<double>(histogram.count());
  }
  std::map<std::string, double> figures;
};

TEST_F(CollectorTest, CountsByOwner) {
  large_owner_.held = large_account_.charge(110_MiB);
  collector_.collect(until_free(30_MiB), "test");
  collector_.collect(until_free(31_MiB), "test");
  Figures sink;
  collector_.Describe(sink);
  EXPECT_EQ(sink.figures["memory_reclaims_total large"], 2);
  EXPECT_EQ(sink.figures["memory_reclaims_total small"], 0);
  EXPECT_EQ(sink.figures["memory_reclaimed_bytes_total large"], (21_MiB).as_double());
  EXPECT_EQ(sink.figures["memory_reclaim_seconds"], 2);
  EXPECT_EQ(collector_.freed_in_all(), 21_MiB);
}

TEST_F(CollectorTest, TakesAnOwnerOnce) {
  EXPECT_DEATH(collector_.add(small_owner_, small_account_), "added twice");
}

}  // namespace
}  // namespace plimsoll
