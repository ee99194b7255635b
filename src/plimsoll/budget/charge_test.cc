#include "plimsoll/budget/charge.h"

#include <gtest/gtest.h>

#include <utility>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

class ChargeTest : public ::testing::Test {
 protected:
  LoadLine line_{{.limit = 125_MiB}};
  Account& index_ = line_.open({.name = "index", .maximum = 10_MiB});
  Account& cache_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable, .maximum = 10_MiB});
};

TEST_F(ChargeTest, ReturnsByItself) {
  {
    Charge charge = index_.charge(1_MiB);
    EXPECT_TRUE(charge);
    EXPECT_EQ(charge.account(), &index_);
    EXPECT_EQ(index_.used(), 1_MiB);
  }
  EXPECT_EQ(index_.used(), 0_B);
}

TEST_F(ChargeTest, MovesAndLeavesNothingBehind) {
  Charge a = index_.charge(1_MiB);
  Charge b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(a.size(), 0_B);
  EXPECT_EQ(b.size(), 1_MiB);
  Charge c = index_.charge(2_MiB);
  c = std::move(b);
  EXPECT_EQ(index_.used(), 1_MiB) << "what was held before is released";
  Charge& same = c;
  c = std::move(same);
  EXPECT_EQ(c.size(), 1_MiB);
}

TEST_F(ChargeTest, GrowsOrStaysAsItWas) {
  Charge charge = index_.charge(1_MiB);
  EXPECT_TRUE(charge.grow(9_MiB));
  EXPECT_EQ(charge.size(), 10_MiB);
  EXPECT_FALSE(charge.grow(1_B));
  EXPECT_EQ(charge.size(), 10_MiB);
  EXPECT_EQ(index_.used(), 10_MiB);
}

TEST_F(ChargeTest, SplitsAndMerges) {
  Charge whole = index_.charge(10_KiB);
  Charge part = whole.split(4_KiB);
  EXPECT_EQ(whole.size(), 6_KiB);
  EXPECT_EQ(part.size(), 4_KiB);
  EXPECT_EQ(index_.used(), 10_KiB);
  part.release();
  EXPECT_EQ(index_.used(), 6_KiB);
  whole.merge(index_.charge(1_KiB));
  EXPECT_EQ(whole.size(), 7_KiB);
  whole.merge(Charge());
  EXPECT_EQ(whole.size(), 7_KiB);
  Charge empty;
  empty.merge(std::move(whole));
  EXPECT_EQ(empty.size(), 7_KiB);
  EXPECT_EQ(index_.used(), 7_KiB);
}

TEST_F(ChargeTest, TransfersToAnotherAccountWithinItsMaximum) {
  Charge charge = index_.charge(4_MiB);
  Charge there = cache_.charge(7_MiB);
  EXPECT_FALSE(charge.transfer(cache_));
  EXPECT_EQ(charge.account(), &index_);
  EXPECT_EQ(index_.used(), 4_MiB);
  there.shrink(1_MiB);
  EXPECT_TRUE(charge.transfer(cache_));
  EXPECT_EQ(charge.account(), &cache_);
  EXPECT_EQ(index_.used(), 0_B);
  EXPECT_EQ(cache_.used(), 10_MiB);
  EXPECT_EQ(line_.undroppable(), 0_B);
  EXPECT_TRUE(charge.transfer(cache_)) << "to where it is";
  EXPECT_TRUE(Charge().transfer(cache_)) << "nothing";
  line_.CheckInvariants();
}

TEST_F(ChargeTest, TransfersWithinAFullGroup) {
  Account& group = line_.open({.name = "group", .maximum = 10_MiB});
  Account& one = line_.open({.name = "one"}, &group);
  Account& two = line_.open({.name = "two"}, &group);
  Charge charge = one.charge(10_MiB);
  EXPECT_TRUE(charge.transfer(two)) << "the group holds no more than before";
  EXPECT_TRUE(charge.transfer(group)) << "upwards";
  EXPECT_EQ(two.used(), 0_B);
  EXPECT_TRUE(charge.transfer(one)) << "downwards";
  EXPECT_EQ(group.used(), 10_MiB);
  EXPECT_EQ(group.peak(), 10_MiB) << "what never was is no peak";
  line_.CheckInvariants();
}

TEST_F(ChargeTest, TransfersWithAFullLine) {
  Account& bodies = line_.open({.name = "bodies"});
  Charge most = bodies.charge(line_.line() - 1_MiB);
  Charge charge = bodies.charge(1_MiB);
  ASSERT_TRUE(most && charge);
  EXPECT_TRUE(charge.transfer(index_));
  EXPECT_EQ(line_.charged(), line_.line());
  line_.CheckInvariants();
}

TEST_F(ChargeTest, IsTwoPlainWordsBetweenDisownAndAdopt) {
  Bytes bytes;
  {
    Charge charge = index_.charge(1_MiB);
    bytes = charge.disown();
    EXPECT_FALSE(charge);
    EXPECT_EQ(charge.size(), 0_B);
  }
  EXPECT_EQ(bytes, 1_MiB);
  EXPECT_EQ(index_.used(), 1_MiB) << "nobody has given it back";
  Charge::adopt(index_, bytes).release();
  EXPECT_EQ(index_.used(), 0_B);
}

TEST_F(ChargeTest, StopsWhereItIsMisused) {
  LoadLine elsewhere({.limit = 64_MiB});
  Account& foreign = elsewhere.open({.name = "foreign"});
  Charge charge = index_.charge(1_KiB);
  EXPECT_DEATH(static_cast<void>(Charge().grow(1_B)), "empty");
  EXPECT_DEATH(charge.shrink(2_KiB), "2048 of 1024 bytes");
  EXPECT_DEATH(charge.merge(cache_.charge(1_KiB)), "index and cache");
  EXPECT_DEATH(static_cast<void>(charge.transfer(foreign)), "two lines");
}

}  // namespace
}  // namespace plimsoll
