#include "plimsoll/budget/plan.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

TEST(ServerPlan, LetsNoKindOfTrafficTakeEverything) {
  for (Bytes line : {16_MiB, 64_MiB, 246_MiB, 4_GiB, 1024_GiB}) {
    ServerPlan plan = plan_server(line);
    EXPECT_LT(plan.bodies_maximum, line);
    EXPECT_LT(plan.output_maximum, line);
    EXPECT_LT(plan.connections_maximum + plan.http_maximum, line);
    EXPECT_LE(plan.reader_share, plan.output_maximum);
    EXPECT_GE(plan.reader_share, 64_KiB);
    EXPECT_LE(plan.reader_share, 1_MiB);
  }
}

TEST(ServerPlan, GrowsWithTheLine) {
  EXPECT_LT(plan_server(64_MiB).bodies_maximum, plan_server(128_MiB).bodies_maximum);
  EXPECT_EQ(plan_server(256_MiB).reader_share, 512_KiB);
}

}  // namespace
}  // namespace plimsoll
