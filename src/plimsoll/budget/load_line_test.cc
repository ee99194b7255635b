#include "plimsoll/budget/load_line.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace plimsoll {
namespace {

constexpr Bytes kLimit = 125_MiB;  // line 120 MiB, headroom 1,920 KiB

class CountingListener final : public PressureListener {
 public:
  void look_now() noexcept override { ++looks; }
  int looks = 0;
};

TEST(Reserve, IsTheLargestOfAShareAFloorAndTwiceTheWorstOvershoot) {
  EXPECT_EQ(reserve_for(1000_MiB, 0_B), 40_MiB);
  EXPECT_EQ(reserve_for(64_MiB, 0_B), 4_MiB);
  EXPECT_EQ(reserve_for(64_MiB, 3_MiB), 6_MiB);
  EXPECT_EQ(reserve_for(64_MiB, 300_MiB), 32_MiB) << "half the limit at most";
  EXPECT_EQ(reserve_for(6_MiB, 0_B), 3_MiB);
  EXPECT_EQ(reserve_for(0_B, 0_B), 0_B);
  EXPECT_EQ(reserve_for(64_MiB, Bytes::max()), 32_MiB);
}

TEST(Headroom, IsASixtyFourthWithinBounds) {
  EXPECT_EQ(headroom_for(640_MiB), 10_MiB);
  EXPECT_EQ(headroom_for(16_MiB), 512_KiB);
  EXPECT_EQ(headroom_for(1024_GiB), 64_MiB);
  EXPECT_EQ(headroom_for(1_MiB), 256_KiB) << "a quarter of a tiny line at most";
}

TEST(LoadLine, IsTheLimitWithoutTheReserve) {
  LoadLine line({.limit = kLimit});
  EXPECT_EQ(line.limit(), 125_MiB);
  EXPECT_EQ(line.line(), 120_MiB);
  EXPECT_EQ(line.reserve(), 5_MiB);
  EXPECT_EQ(line.headroom(), 1920_KiB);
  EXPECT_EQ(line.free(), 120_MiB);
  EXPECT_TRUE(line.enforcing());
}

TEST(LoadLine, GrantsUpToTheLineAndNoByteMore) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "index"});
  Charge all = account.charge(120_MiB);
  EXPECT_TRUE(all);
  EXPECT_FALSE(account.charge(1_B));
  EXPECT_EQ(line.free(), 0_B);
}

TEST(LoadLine, FollowsALimitThatFallsAndRises) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "index"});
  Charge held = account.charge(100_MiB);
  line.set_limit(62_MiB, 0_B);
  EXPECT_EQ(line.line(), 58_MiB);
  EXPECT_EQ(line.free(), 0_B);
  EXPECT_FALSE(account.charge(1_B)) << "nothing until enough was given back";
  held.shrink(50_MiB);
  EXPECT_TRUE(account.charge(8_MiB));
  line.set_limit(kLimit, 0_B);
  EXPECT_TRUE(account.charge(70_MiB));
}

TEST(LoadLine, KeepsMoreInReserveAfterAnOvershoot) {
  LoadLine line({.limit = kLimit});
  line.set_limit(kLimit, 10_MiB);
  EXPECT_EQ(line.reserve(), 20_MiB);
}

TEST(LoadLine, TakesAFullCacheForNoPressure) {
  LoadLine line({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& index = line.open({.name = "index"});
  Charge items = cache.charge(90_MiB);
  Charge table = index.charge(12_MiB);
  EXPECT_DOUBLE_EQ(line.pressure(), 0.1);
  EXPECT_EQ(line.droppable(), 90_MiB);
  cache.pin(30_MiB);
  EXPECT_DOUBLE_EQ(line.pressure(), 0.35);
  cache.unpin(30_MiB);
}

TEST(LoadLine, ListsItsAccounts) {
  LoadLine line({.limit = kLimit});
  Account& one = line.open({.name = "one"});
  Account& two = line.open({.name = "two"}, &one);
  EXPECT_EQ(line.accounts(), (std::vector<const Account*>{&one, &two}));
  EXPECT_EQ(two.parent(), &one);
}

// --- the listener
// --------------------------------------------------------------------------------------------

class WakeTest : public ::testing::Test {
 protected:
  WakeTest() { line_.set_listener(&listener_); }
  ~WakeTest() override { line_.set_listener(nullptr); }
  int looks() {
    line_.listened();
    return std::exchange(listener_.looks, 0);
  }

  LoadLine line_{{.limit = kLimit}};
  Account& cache_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& index_ = line_.open({.name = "index"});
  CountingListener listener_;
};

TEST_F(WakeTest, IsNotWokenWhileThereIsEnough) {
  Charge items = cache_.charge(line_.line() - line_.headroom());
  EXPECT_TRUE(items);
  EXPECT_EQ(looks(), 0);
}

TEST_F(WakeTest, IsWokenByAChargeThatLeavesLessThanHalfTheHeadroom) {
  Charge items = cache_.charge(line_.line() - line_.headroom());
  Charge half = index_.charge(line_.headroom() / 2);
  EXPECT_EQ(looks(), 0);
  EXPECT_TRUE(half.grow(1_B));
  EXPECT_EQ(looks(), 1);
}

TEST_F(WakeTest, IsWokenByAChargeAcrossTheWakeLevelOnce) {
  line_.set_wake_level(10_MiB);
  Charge a = index_.charge(10_MiB);
  Charge items = cache_.charge(50_MiB);
  EXPECT_EQ(looks(), 0) << "at the level, and what can be dropped does not count";
  Charge b = index_.charge(1_B);
  Charge c = index_.charge(1_MiB);
  EXPECT_EQ(looks(), 1) << "once until it listened";
  Charge d = index_.charge(1_B);
  EXPECT_EQ(looks(), 1) << "and again";
}

TEST_F(WakeTest, IsWokenByPinsAndTransfersAcrossTheWakeLevel) {
  line_.set_wake_level(10_MiB);
  Charge items = cache_.charge(50_MiB);
  cache_.pin(11_MiB);
  EXPECT_EQ(looks(), 1);
  cache_.unpin(11_MiB);
  EXPECT_EQ(looks(), 0);
  EXPECT_TRUE(items.transfer(index_));
  EXPECT_EQ(looks(), 1);
}

TEST_F(WakeTest, IsWokenByARefusal) {
  EXPECT_FALSE(index_.charge(200_MiB));
  EXPECT_EQ(looks(), 1);
}

TEST_F(WakeTest, IsNotWokenByARefusalOfWhoDropsItsOwn) {
  Account& other = line_.open({.name = "other cache", .kind = AccountKind::kDroppable, .guarantee = 10_MiB});
  EXPECT_FALSE(cache_.charge(200_MiB));
  EXPECT_EQ(looks(), 0);
  EXPECT_FALSE(other.charge(200_MiB));
  EXPECT_EQ(looks(), 1) << "it has less than its guarantee, which somebody else may have";
}

TEST_F(WakeTest, IsWokenByALoweredLimitAndALoweredMaximum) {
  Charge items = cache_.charge(100_MiB);
  line_.set_limit(62_MiB, 0_B);
  EXPECT_EQ(looks(), 1);
  line_.set_limit(kLimit, 0_B);
  EXPECT_EQ(looks(), 0);
  cache_.set_maximum(50_MiB);
  EXPECT_EQ(looks(), 1);
}

TEST_F(WakeTest, IsNotCalledAnyMoreOnceItWasTakenAway) {
  line_.set_listener(nullptr);
  EXPECT_FALSE(index_.charge(200_MiB));
  EXPECT_EQ(listener_.looks, 0);
  CountingListener second;
  line_.set_listener(&second);
  EXPECT_FALSE(index_.charge(200_MiB));
  EXPECT_EQ(second.looks, 1) << "what was missed meanwhile does not count as pending";
}

// --- figures
// -------------------------------------------------------------------------------------------------

class KeptFigures final : public StatSink {
 public:
  void value(const Stat& stat, double value) override {
    std::string key(stat.name);
    EXPECT_TRUE(last_ == key || seen_.insert(key).second) << key << " is not in one run";
    last_ = key;
    for (const StatLabel& label : stat.labels) key += " " + std::string(label.value);
    EXPECT_TRUE(figures.emplace(key, value).second) << key << " twice";
  }
  void distribution(const Stat&, const Histogram&, double) override {}
  std::map<std::string, double> figures;

 private:
  std::string last_;
  std::set<std::string> seen_;
};

TEST(LoadLine, DescribesItself) {
  LoadLine line({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable, .maximum = 60_MiB});
  Account& index = line.open({.name = "index", .guarantee = 2_MiB});
  Charge items = cache.charge(50_MiB);
  Charge table = index.charge(1_MiB);
  EXPECT_FALSE(cache.charge(20_MiB));
  EXPECT_FALSE(cache.charge_before(10_MiB + 1_B, std::chrono::steady_clock::now()));
  KeptFigures sink;
  line.Describe(sink);
  EXPECT_EQ(sink.figures.at("memory_line_bytes"), (120_MiB).as_double());
  EXPECT_EQ(sink.figures.at("memory_charged_bytes"), (51_MiB).as_double());
  EXPECT_EQ(sink.figures.at("account_used_bytes cache"), (50_MiB).as_double());
  EXPECT_EQ(sink.figures.at("account_guarantee_bytes index"), (2_MiB).as_double());
  EXPECT_EQ(sink.figures.at("account_maximum_bytes cache"), (60_MiB).as_double());
  EXPECT_EQ(sink.figures.at("account_maximum_bytes index"), (120_MiB).as_double());
  EXPECT_EQ(sink.figures.at("account_refused_total cache"), 2);
  EXPECT_EQ(sink.figures.at("memory_waits_total thread timed_out"), 1);
  EXPECT_EQ(sink.figures.at("memory_waits_total thread granted"), 0);
}

}  // namespace
}  // namespace plimsoll
