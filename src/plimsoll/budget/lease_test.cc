#include "plimsoll/budget/lease.h"

#include <gtest/gtest.h>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

class LeaseTest : public ::testing::Test {
 protected:
  LoadLine line_{{.limit = 125_MiB}};
  Account& account_ = line_.open({.name = "connections", .maximum = 1_MiB});
};

TEST_F(LeaseTest, ChargesByTheChunk) {
  Lease lease(account_, 64_KiB);
  EXPECT_EQ(account_.used(), 0_B) << "nothing before the first use";
  ASSERT_TRUE(lease.take(2_KiB));
  EXPECT_EQ(account_.used(), 64_KiB);
  EXPECT_EQ(lease.outstanding(), 2_KiB);
  EXPECT_EQ(lease.idle(), 62_KiB);
  lease.give(2_KiB);
  EXPECT_EQ(account_.used(), 64_KiB);
  EXPECT_EQ(&lease.account(), &account_);
}

TEST_F(LeaseTest, ChargesAtOnceWhatIsMoreThanAChunk) {
  Lease lease(account_, 64_KiB);
  ASSERT_TRUE(lease.take(300_KiB));
  EXPECT_EQ(account_.used(), 300_KiB);
  lease.give(300_KiB);
  EXPECT_EQ(account_.used(), 64_KiB) << "what it has too much of goes back";
}

TEST_F(LeaseTest, TakesTheLastBytesWhereAChunkIsRefused) {
  Charge rest = account_.charge(1_MiB - 10_KiB);
  Lease lease(account_, 64_KiB);
  EXPECT_TRUE(lease.take(10_KiB));
  EXPECT_FALSE(lease.take(1_B));
  EXPECT_EQ(lease.outstanding(), 10_KiB);
  EXPECT_EQ(account_.used(), 1_MiB);
  lease.give(10_KiB);
}

TEST_F(LeaseTest, CannotRefuseWhatIsHeld) {
  Charge rest = account_.charge(1_MiB);
  Lease lease(account_, 64_KiB);
  lease.take_held(5_KiB);
  EXPECT_EQ(account_.used(), 1_MiB + 5_KiB);
  lease.give(1_KiB);
  lease.take_held(3_KiB);
  EXPECT_EQ(lease.outstanding(), 7_KiB);
  EXPECT_EQ(account_.used(), 1_MiB + 7_KiB);
  lease.give(7_KiB);
}

TEST_F(LeaseTest, ReturnsAllOfItAtItsEnd) {
  {
    Lease lease(account_);
    ASSERT_TRUE(lease.take(1_KiB));
    lease.give(1_KiB);
  }
  EXPECT_EQ(account_.used(), 0_B);
}

TEST_F(LeaseTest, AgreesWithAPlainSumUnderRandomUse) {
  Random random(20261121);
  Lease lease(account_, 16_KiB);
  std::uint64_t out = 0;
  for (int i = 0; i < 20000; ++i) {
    std::uint64_t bytes = random.below(random.below(50) == 0 ? 200'000 : 4'000);
    if (random.below(2) == 0) {
      if (lease.take(Bytes(bytes))) {
        out += bytes;
      } else {
        EXPECT_GT(out + bytes, (1_MiB).count()) << "only refused where the account is full";
      }
    } else {
      std::uint64_t back = std::min(bytes, out);
      lease.give(Bytes(back));
      out -= back;
      EXPECT_LE(lease.idle(), 32_KiB);
    }
    ASSERT_EQ(lease.outstanding(), Bytes(out));
    ASSERT_EQ(account_.used(), lease.outstanding() + lease.idle());
    ASSERT_LE(account_.used(), 1_MiB);
  }
  lease.give(Bytes(out));
}

TEST_F(LeaseTest, StopsWhereItIsMisused) {
  EXPECT_DEATH(
      {
        Lease lease(account_);
        lease.give(1_B);
      },
      "bytes");
  EXPECT_DEATH(
      {
        Lease lease(account_);
        static_cast<void>(lease.take(7_B));
      },
      "7 bytes still out");
}

}  // namespace
}  // namespace plimsoll
