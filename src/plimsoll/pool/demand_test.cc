#include "plimsoll/pool/demand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

void run(DemandTracker& demand, std::uint64_t in_use, std::size_t ticks) {
  for (std::size_t i = 0; i < ticks; ++i) {
    demand.note(in_use);
    demand.tick(in_use);
  }
}

TEST(DemandTracker, BeginsAtTheMinimum) {
  DemandTracker demand({.minimum = 3, .maximum = 9});
  EXPECT_EQ(demand.limit(), 3u);
}

TEST(DemandTracker, FollowsAStepUpWithinTheStatedTicks) {
  DemandTracker demand({.maximum = 1000});
  run(demand, 8, 50);
  ASSERT_EQ(demand.ticks_to_rise(), 3u);
  run(demand, 80, demand.ticks_to_rise() - 1);
  EXPECT_EQ(demand.limit(), 9u) << "two ticks are a burst";
  run(demand, 80, 1);
  EXPECT_EQ(demand.limit(), 90u);
}

TEST(DemandTracker, FollowsAStepDownWithinTheStatedTicks) {
  DemandTracker demand({.maximum = 1000});
  run(demand, 80, 50);
  ASSERT_EQ(demand.ticks_to_fall(), 18u);
  run(demand, 8, 1);  // the tick in which it fell began with the higher demand
  run(demand, 8, demand.ticks_to_fall() - 1);
  EXPECT_EQ(demand.limit(), 90u);
  run(demand, 8, 1);
  EXPECT_EQ(demand.limit(), 9u);
}

TEST(DemandTracker, FallsAtOnceUnderPressureAndForgetsWhatWas) {
  DemandTracker demand({.minimum = 2, .maximum = 1000});
  run(demand, 500, 30);
  demand.press();
  EXPECT_EQ(demand.limit(), 2u);
  demand.tick(10);
  EXPECT_EQ(demand.limit(), 11u);
  EXPECT_EQ(demand.stats().pressed, 1u);
}

TEST(DemandTracker, StaysBetweenItsBounds) {
  DemandTracker demand({.minimum = 4, .maximum = 32});
  run(demand, 0, 5);
  EXPECT_EQ(demand.limit(), 4u);
  run(demand, 1'000'000, 40);
  EXPECT_EQ(demand.limit(), 32u);
  demand.CheckInvariants();
}

TEST(DemandTracker, ValidatesItsOptions) {
  EXPECT_TRUE(DemandTracker::Options{}.Validate());
  EXPECT_FALSE((DemandTracker::Options{.minimum = 2, .maximum = 1}.Validate()));
  EXPECT_FALSE((DemandTracker::Options{.ticks = 0}.Validate()));
  EXPECT_FALSE((DemandTracker::Options{.quantile = 0}.Validate()));
  EXPECT_FALSE((DemandTracker::Options{.headroom = 2}.Validate()));
}

// As the sorted list of the last peaks.
TEST(DemandTracker, AgreesWithASortedListOfTheLastPeaks) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const DemandTracker::Options options{.minimum = random.below(10),
                                         .maximum = 10 + random.below(500),
                                         .ticks = 1 + random.below(40),
                                         .quantile = 0.5 + random.unit() / 2,
                                         .headroom = random.unit()};
    DemandTracker demand(options);
    std::deque<std::uint64_t> peaks;
    std::uint64_t peak = 0;
    for (int step = 0; step < 500; ++step) {
      for (std::uint64_t n = random.below(4); n > 0; --n) {
        const std::uint64_t in_use = random.below(600);
        peak = std::max(peak, in_use);
        demand.note(in_use);
      }
      if (random.below(100) == 0) {
        demand.press();
        peaks.clear();
        peak = 0;
        ASSERT_EQ(demand.limit(), options.minimum);
      }
      const std::uint64_t now = random.below(100);
      peaks.push_back(std::max(peak, now));
      if (peaks.size() > options.ticks) peaks.pop_front();
      peak = now;
      std::vector<std::uint64_t> sorted(peaks.begin(), peaks.end());
      std::ranges::sort(sorted);
      const double exact = options.quantile * static_cast<double>(sorted.size());
      std::uint64_t wanted = sorted[static_cast<std::size_t>(std::ceil(exact - 1e-9)) - 1];
      wanted = std::min(wanted, options.maximum);
      const double more = static_cast<double>(wanted) * options.headroom;
      if (wanted > 0) wanted += std::max<std::uint64_t>(1, static_cast<std::uint64_t>(more));
      ASSERT_EQ(demand.tick(now), std::clamp(wanted, options.minimum, options.maximum));
      demand.CheckInvariants();
    }
  }
}

TEST(DemandTracker, SeesThePeakOfAllThreads) {
  DemandTracker demand({.maximum = 1 << 20, .ticks = 1, .quantile = 1, .headroom = 0});
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&demand, t] {
      for (std::uint64_t i = 0; i < 10'000; ++i) demand.note(i * 4 + t);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(demand.tick(0), 39'999u);
}

}  // namespace
}  // namespace plimsoll
