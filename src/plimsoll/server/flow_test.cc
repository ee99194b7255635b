#include "plimsoll/server/flow.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FlowOfALine : public ::testing::Test {
 protected:
  void look(Duration later = seconds(1)) { flow.look(now += later, line); }

  LoadLine line{{.limit = 1_GiB, .worst_overshoot = {}}};
  Account& busy = line.open({.name = "busy", .kind = AccountKind::kWaitable, .guarantee = {}});
  Account& growing = line.open({.name = "growing", .guarantee = {}});
  MonotonicTime now{seconds(100)};
  Flow flow;
};

TEST_F(FlowOfALine, TellsWhatTurnsOverFromWhatGrows) {
  Charge held;
  look();
  for (int second = 0; second < 20; ++second) {
    for (int i = 0; i < 10; ++i) Charge gone = busy.charge(1_MiB);
    held.merge(growing.charge(2_MiB));
    look();
  }
  const Flow::Figures seen = flow.figures();
  ASSERT_EQ(seen.accounts.size(), 2U);
  EXPECT_DOUBLE_EQ(seen.accounts[0].charged, (10_MiB).as_double());
  EXPECT_DOUBLE_EQ(seen.accounts[0].released, (10_MiB).as_double());
  EXPECT_NEAR(seen.accounts[0].growth.value(), 0, 1);
  EXPECT_DOUBLE_EQ(seen.accounts[1].charged, (2_MiB).as_double());
  EXPECT_DOUBLE_EQ(seen.accounts[1].released, 0);
  EXPECT_NEAR(seen.accounts[1].growth.value(), (2_MiB).as_double(), 1);
  EXPECT_DOUBLE_EQ(seen.all.charged, (12_MiB).as_double());
  EXPECT_NEAR(seen.all.growth.value(), (2_MiB).as_double(), 1);
}

TEST_F(FlowOfALine, ForgetsWhatWasBeforeTheLastSecondsAndTheLastMinute) {
  Charge held = growing.charge(300_MiB);
  look();
  held.shrink(200_MiB);
  for (std::size_t i = 0; i <= Flow::kLately; ++i) look();
  EXPECT_EQ(flow.figures().all.released, 0);
  EXPECT_LT(flow.figures().accounts[1].growth.value_or(-1), 0) << "it fell within the minute";
  for (std::size_t i = 0; i < Flow::kLooks; ++i) look();
  EXPECT_NEAR(flow.figures().accounts[1].growth.value(), 0, 1e-6);
}

TEST_F(FlowOfALine, LooksOnceASecondAndSaysNothingOfTheFirst) {
  EXPECT_TRUE(flow.figures().accounts.empty());
  look();
  EXPECT_EQ(flow.figures().all.charged, 0);
  Charge charge = busy.charge(4_MiB);
  look(milliseconds(10));
  EXPECT_EQ(flow.figures().all.charged, 0) << "too early";
  look(milliseconds(1990));
  EXPECT_DOUBLE_EQ(flow.figures().all.charged, (2_MiB).as_double());
  EXPECT_FALSE(flow.figures().all.growth);
}

TEST_F(FlowOfALine, TakesAnAccountThatIsOpenedLaterFromThere) {
  for (int i = 0; i < 30; ++i) look();
  Account& late = line.open({.name = "late", .guarantee = {}});
  Charge charge = late.charge(8_MiB);
  look();
  EXPECT_EQ(flow.figures().accounts.at(2).charged, 0) << "nothing is known of before";
  EXPECT_FALSE(flow.figures().accounts.at(2).growth);
  ASSERT_TRUE(charge.grow(1_MiB));
  look();
  EXPECT_DOUBLE_EQ(flow.figures().accounts.at(2).charged, (1_MiB).as_double());
}

}  // namespace
}  // namespace plimsoll
