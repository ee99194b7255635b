#include "plimsoll/cli/demo.h"

#include <gtest/gtest.h>

#include <array>

namespace plimsoll {
namespace {

TEST(Demo, ShowsAFloodUnderWayInOneLine) {
  FloodProgress now{.elapsed = std::chrono::seconds(15),
                    .held = 231_MiB,
                    .line = 245_MiB,
                    .limit = 256_MiB,
                    .served = 1'234'567,
                    .refused = 3,
                    .kills = 0};
  EXPECT_EQ(progress_line(demo_progress("plimsoll", now, std::chrono::seconds(20)), now.elapsed, 140),
            "flooding plimsoll  [###############-----]  75 %, about 5 s left  231 MiB of 256 MiB, 0 kills, "
            "1,234,567 served, 3 refused");
  EXPECT_EQ(progress_line(demo_progress("plimsoll", now, std::chrono::seconds(20)), now.elapsed, 79),
            "flooding plimsoll  75 %, about 5 s left  231 MiB of 256 MiB, 0 kills");
}

TEST(Demo, EndsWithWhatBecameOfEachServer) {
  FloodResult ours, redis;
  ours.served = 1'400'000;
  ours.highest = 244_MiB;
  ours.limit = redis.limit = 256_MiB;
  ours.calm_ms_p99 = 3.256;
  ours.calm_ms_max = 41;
  redis.target = FloodTarget::kRedis;
  redis.died = true;
  redis.died_after_s = 5.72;
  redis.kills = 1;
  redis.served = 195'000;
  redis.highest = 252_MiB;
  redis.calm_ms_p99 = 2;
  std::array<FloodResult, 2> results = {ours, redis};
  EXPECT_EQ(demo_summary(results),
            "                              plimsoll           redis\n"
            "  kills                              0  1, after 5.7 s\n"
            "  refused                            0               0\n"
            "  served                     1,400,000         195,000\n"
            "  highest use                  244 MiB         252 MiB\n"
            "  limit                        256 MiB         256 MiB\n"
            "  wrong values read                  0               0\n"
            "  a calm client waited, p99    3.26 ms         2.00 ms\n"
            "  at most                      41.0 ms          0.0 ms\n");
}

}  // namespace
}  // namespace plimsoll
