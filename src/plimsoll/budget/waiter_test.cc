#include "plimsoll/budget/waiter.h"

#include <gtest/gtest.h>

#include <vector>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr Bytes kLimit = 125_MiB;  // line 120 MiB

class Wait final : public Waiter {
 public:
  explicit Wait(std::vector<const Wait*>* order = nullptr) : order_(order) {}
  void finished() noexcept override {
    ++times;
    if (order_) order_->push_back(this);
  }
  int times = 0;

 private:
  std::vector<const Wait*>* order_;
};

class WaiterTest : public ::testing::Test {
 protected:
  void enqueue(Wait& wait, Account& account, Bytes bytes, Duration within = 1h) {
    line_.enqueue(wait, account, bytes, clock_.monotonic_now() + within, "test");
  }
  LoadLine::WaitStats stats() { return line_.wait_stats()["test"]; }

  ManualClock clock_;
  LoadLine line_{{.limit = kLimit, .clock = &clock_}};
  Account& bodies_ = line_.open({.name = "bodies", .kind = AccountKind::kWaitable});
  Account& cache_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& small_ = line_.open({.name = "small", .maximum = 1_MiB});
};

TEST_F(WaiterTest, IsServedAtOnceWhenThereIsRoom) {
  Wait wait;
  enqueue(wait, bodies_, 1_MiB);
  EXPECT_EQ(wait.times, 1);
  Charge charge = wait.take_charge();
  EXPECT_EQ(charge.size(), 1_MiB);
  EXPECT_EQ(bodies_.used(), 1_MiB);
  EXPECT_EQ(stats().granted, 1u);
}

TEST_F(WaiterTest, IsServedByTheReleaseThatMakesRoom) {
  Charge first = bodies_.charge(60_MiB);
  Charge second = bodies_.charge(60_MiB);
  Wait wait;
  enqueue(wait, bodies_, 70_MiB);
  first.release();
  EXPECT_EQ(wait.times, 0);
  EXPECT_EQ(line_.wanted(), 70_MiB);
  second.shrink(10_MiB);
  EXPECT_EQ(wait.times, 1);
  EXPECT_EQ(wait.take_charge().size(), 70_MiB);
  EXPECT_EQ(line_.wanted(), 0_B);
  line_.CheckInvariants();
}

TEST_F(WaiterTest, IsServedInOrderWithinItsAccount) {
  Charge full = small_.charge(1_MiB);
  std::vector<const Wait*> order;
  Wait big(&order);
  Wait little(&order);
  enqueue(big, small_, 800_KiB);
  enqueue(little, small_, 100_KiB);
  full.shrink(200_KiB);
  EXPECT_TRUE(order.empty()) << "the small one fits, but does not overtake";
  EXPECT_FALSE(small_.charge(1_KiB)) << "nor does a charge without waiting";
  line_.CheckInvariants();
  full.release();
  EXPECT_EQ(order, (std::vector<const Wait*>{&big, &little}));
}

TEST_F(WaiterTest, IsNotOvertakenThroughTheLineByALaterOneOfAnotherAccount) {
  Account& index = line_.open({.name = "index"});
  Charge full = bodies_.charge(line_.line());
  std::vector<const Wait*> order;
  Wait big(&order);
  Wait little(&order);
  enqueue(big, bodies_, 10_MiB);
  enqueue(little, index, 1_MiB);
  full.shrink(5_MiB);
  EXPECT_TRUE(order.empty());
  full.shrink(5_MiB);
  EXPECT_EQ(order, (std::vector<const Wait*>{&big}));
  full.shrink(1_MiB);
  EXPECT_EQ(order, (std::vector<const Wait*>{&big, &little}));
}

TEST_F(WaiterTest, IsOvertakenByOneWithinItsGuarantee) {
  Account& index = line_.open({.name = "index", .guarantee = 4_MiB});
  Charge full = bodies_.charge(line_.line() - 4_MiB);
  Charge borrowed = cache_.charge_held(4_MiB);
  Wait big;
  Wait guaranteed;
  enqueue(big, bodies_, 10_MiB);
  enqueue(guaranteed, index, 4_MiB);
  borrowed.release();
  EXPECT_EQ(big.times, 0);
  EXPECT_EQ(guaranteed.times, 1) << "the guarantee was never the big one's";
  EXPECT_TRUE(line_.cancel(big));
}

TEST_F(WaiterTest, HoldsUpNobodyElseWhenItsOwnAccountIsFull) {
  Charge full = small_.charge(1_MiB);
  Wait stuck;
  Wait other;
  enqueue(stuck, small_, 1_MiB);
  enqueue(other, bodies_, 1_MiB);
  EXPECT_EQ(stuck.times, 0);
  EXPECT_EQ(other.times, 1);
  EXPECT_EQ(line_.wanted(), 0_B) << "nothing that the governor could free would help it";
  EXPECT_TRUE(line_.cancel(stuck));
}

TEST_F(WaiterTest, HoldsUpNobodyWhenItsAccountIsFullAndTheLineToo) {
  Charge full = small_.charge(1_MiB);
  Charge rest = bodies_.charge(line_.line() - 1_MiB);
  Wait stuck;
  Wait other;
  enqueue(stuck, small_, 1_MiB);
  enqueue(other, bodies_, 1_MiB);
  rest.shrink(1_MiB);
  EXPECT_EQ(other.times, 1);
  EXPECT_TRUE(line_.cancel(stuck));
}

TEST_F(WaiterTest, HoldsUpNobodyWhenItIsOfADroppableAccount) {
  Charge full = bodies_.charge(line_.line() - 1_MiB);
  Wait greedy;
  Wait other;
  enqueue(greedy, cache_, 1_MiB);
  EXPECT_EQ(greedy.times, 0) << "the headroom is not for it";
  enqueue(other, bodies_, 1_MiB);
  EXPECT_EQ(other.times, 1);
  EXPECT_TRUE(line_.cancel(greedy));
}

TEST_F(WaiterTest, KeepsDroppableAccountsAwayFromWhatItWaitsFor) {
  Charge items = cache_.charge(line_.line() - line_.headroom());
  Wait big;
  enqueue(big, bodies_, 10_MiB);
  EXPECT_EQ(line_.wanted(), 10_MiB);
  items.shrink(4_MiB);
  EXPECT_FALSE(cache_.charge(1_B)) << "or the cache would take what was freed for another";
  items.shrink(10_MiB - 4_MiB - line_.headroom());
  EXPECT_EQ(big.times, 1);
}

TEST_F(WaiterTest, EndsAtItsDeadlineWithNothing) {
  Charge full = small_.charge(1_MiB);
  Wait wait;
  Wait later;
  enqueue(wait, small_, 1_KiB, 100ms);
  enqueue(later, small_, 1_KiB, 200ms);
  clock_.advance(99ms);
  EXPECT_EQ(line_.serve_waiters(), 2u);
  clock_.advance(1ms);
  EXPECT_EQ(line_.serve_waiters(), 1u);
  EXPECT_EQ(wait.times, 1);
  EXPECT_FALSE(wait.take_charge());
  clock_.advance(100ms);
  EXPECT_EQ(line_.serve_waiters(), 0u);
  EXPECT_EQ(stats().timed_out, 2u);
  EXPECT_EQ(stats().total, 300ms);
  EXPECT_EQ(stats().longest, 200ms);
  EXPECT_EQ(small_.used(), 1_MiB);
  line_.CheckInvariants();
}

TEST_F(WaiterTest, IsServedAtItsDeadlineIfThereIsRoomThen) {
  Charge full = small_.charge(1_MiB);
  Wait wait;
  enqueue(wait, small_, 1_KiB, 100ms);
  clock_.advance(1s);
  full.release();
  EXPECT_EQ(wait.times, 1);
  EXPECT_TRUE(wait.take_charge());
}

TEST_F(WaiterTest, ClearsTheWayWhenItsDeadlinePasses) {
  Charge full = small_.charge(900_KiB);
  Wait big;
  Wait little;
  enqueue(big, small_, 800_KiB, 100ms);
  enqueue(little, small_, 100_KiB, 1h);
  clock_.advance(100ms);
  EXPECT_EQ(line_.serve_waiters(), 0u);
  EXPECT_FALSE(big.take_charge());
  EXPECT_TRUE(little.take_charge());
}

TEST_F(WaiterTest, ClearsTheWayWhenItIsCancelled) {
  Charge full = small_.charge(900_KiB);
  Wait big;
  Wait little;
  enqueue(big, small_, 800_KiB);
  enqueue(little, small_, 100_KiB);
  EXPECT_TRUE(line_.cancel(big));
  EXPECT_EQ(big.times, 0);
  EXPECT_TRUE(little.take_charge());
  EXPECT_FALSE(line_.cancel(little)) << "it had been served";
  EXPECT_EQ(stats().cancelled, 1u);
}

TEST_F(WaiterTest, IsCancelledFromTheMiddle) {
  Charge full = small_.charge(1_MiB);
  std::vector<const Wait*> order;
  Wait a(&order), b(&order), c(&order);
  for (Wait* wait : {&a, &b, &c}) enqueue(*wait, small_, 1_KiB);
  EXPECT_TRUE(line_.cancel(b));
  line_.CheckInvariants();
  full.release();
  EXPECT_EQ(order, (std::vector<const Wait*>{&a, &c}));
}

TEST_F(WaiterTest, EndsAtOnceWhenItsAccountCouldNeverHoldThatMuch) {
  Wait hopeless;
  enqueue(hopeless, small_, 1_MiB + 1_B);
  EXPECT_EQ(hopeless.times, 1);
  EXPECT_FALSE(hopeless.take_charge());
  Wait huge;
  enqueue(huge, bodies_, Bytes::max());
  EXPECT_EQ(huge.times, 1);
  EXPECT_FALSE(huge.take_charge());
  EXPECT_EQ(line_.wanted(), 0_B);
  line_.CheckInvariants();
}

TEST_F(WaiterTest, EndsWhenTheLineFallsBelowWhatItWants) {
  Charge full = bodies_.charge(110_MiB);
  Wait wait;
  enqueue(wait, bodies_, 80_MiB);
  EXPECT_EQ(wait.times, 0);
  line_.set_limit(62_MiB, 0_B);
  EXPECT_EQ(wait.times, 1);
  EXPECT_FALSE(wait.take_charge());
}

TEST_F(WaiterTest, IsServedWhenAMaximumOrTheLimitRises) {
  Charge full = small_.charge(1_MiB);
  Wait wait;
  enqueue(wait, small_, 512_KiB);
  small_.set_maximum(2_MiB);
  EXPECT_EQ(wait.times, 1);
  Charge rest = bodies_.charge(line_.free());
  Wait second;
  enqueue(second, bodies_, 10_MiB);
  line_.set_limit(200_MiB, 0_B);
  EXPECT_EQ(second.times, 1);
}

TEST_F(WaiterTest, IsServedWhenAGuaranteeThatStoodInItsWayIsLowered) {
  Account& index = line_.open({.name = "index", .guarantee = 20_MiB});
  Charge full = bodies_.charge(100_MiB);
  Wait wait;
  enqueue(wait, bodies_, 10_MiB);
  EXPECT_EQ(wait.times, 0);
  index.set_guarantee(10_MiB);
  EXPECT_EQ(wait.times, 1);
}

TEST_F(WaiterTest, MayWaitAgain) {
  Wait wait;
  enqueue(wait, bodies_, 1_KiB);
  EXPECT_EQ(wait.take_charge().size(), 1_KiB);
  enqueue(wait, bodies_, 2_KiB);
  EXPECT_EQ(wait.take_charge().size(), 2_KiB);
  EXPECT_EQ(wait.times, 2);
}

TEST_F(WaiterTest, CountsWhatIsWantedAsFarAsItsAccountCouldHaveIt) {
  Charge half = small_.charge(512_KiB);
  Charge rest = bodies_.charge(line_.free());
  Wait a, b, c;
  enqueue(a, small_, 300_KiB);
  enqueue(b, small_, 300_KiB);
  EXPECT_EQ(line_.wanted(), 512_KiB);
  enqueue(c, bodies_, 1_MiB);
  EXPECT_EQ(line_.wanted(), 512_KiB + 1_MiB);
  for (Wait* wait : {&a, &b, &c}) EXPECT_TRUE(line_.cancel(*wait));
  EXPECT_EQ(line_.wanted(), 0_B);
}

TEST_F(WaiterTest, IsGrantedEverythingWhenTheLineDoesNotEnforce) {
  LoadLine open_line({.limit = kLimit, .enforce = false, .clock = &clock_});
  Account& account = open_line.open({.name = "bodies", .maximum = 1_B});
  Wait wait;
  open_line.enqueue(wait, account, 1_GiB, clock_.monotonic_now(), "test");
  EXPECT_EQ(wait.take_charge().size(), 1_GiB);
}

TEST(WaiterDeathTest, MustNotEndOrWaitTwiceWhileItWaits) {
  LoadLine line({.limit = kLimit});
  LoadLine elsewhere({.limit = kLimit});
  Account& account = line.open({.name = "bodies", .maximum = 1_MiB});
  Charge full = account.charge(1_MiB);
  EXPECT_DEATH(
      {
        Wait wait;
        line.enqueue(wait, account, 1_KiB, MonotonicTime::max(), "test");
      },
      "ended while it waits");
  EXPECT_DEATH(
      {
        Wait wait;
        line.enqueue(wait, account, 1_KiB, MonotonicTime::max(), "test");
        line.enqueue(wait, account, 1_KiB, MonotonicTime::max(), "test");
      },
      "once at a time");
  EXPECT_DEATH(
      {
        Wait wait;
        elsewhere.enqueue(wait, account, 1_KiB, MonotonicTime::max(), "test");
      },
      "another line");
}

}  // namespace
}  // namespace plimsoll
