#include "harness.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

namespace plimsoll {
namespace {

TEST(Harness, TakesMediansAndQuartilesBetweenNeighbours) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(quantile_of({10, 20, 30, 40, 50}, 0.25), 20);
  EXPECT_EQ(quantile_of({10, 20}, 0.75), 17.5);
  EXPECT_EQ(quantile_of({}, 0.5), 0);
}

TEST(Harness, TheRatioIsTheMedianOfRoundsAndNotOfMedians) {
  // The machine is three times slower in the last round: the ratio within each round is 0.5 all the same.
  auto result = paired_result({1, 2, 9}, {1, 2, 9}, {"peer"}, {{2, 4, 18}});
  EXPECT_EQ(result.ours, 2);
  EXPECT_EQ(result.peers[0].ratio, 0.5);
  EXPECT_EQ(result.peers[0].low, 0.5);
  EXPECT_EQ(result.peers[0].high, 0.5);
  EXPECT_TRUE(result.steady());
}

TEST(Harness, ARowWhoseOwnPairDiffersDoesNotCount) {
  auto noisy = paired_result({1, 1, 1}, {1.1, 1.1, 1.1}, {"peer"}, {{2, 2, 2}});
  EXPECT_FALSE(noisy.steady());
  BenchRow row = row_of(noisy, {.bench = "b", .unit = "ns", .must = 1});
  EXPECT_EQ(row.ok(), std::nullopt);
  EXPECT_NE(row.json().find("\"ok\":null"), std::string::npos);
}

TEST(Harness, EveryContenderHasEveryRoundAndTurnsChange) {
  std::string order;
  PairedRounds rounds(3);
  auto result = rounds.run([&] { return order += 'o', 1.0; }, {{"p", [&] { return order += 'p', 2.0; }},
                                                               {"q", [&] { return order += 'q', 4.0; }}});
  EXPECT_EQ(order,
            "opq"
            "opqo"
            "pqoo"
            "qoop");
  ASSERT_EQ(result.peers.size(), 2U);
  EXPECT_EQ(result.best()->name, "p");
  EXPECT_EQ(result.best()->ratio, 0.5);
  EXPECT_EQ(result.again.ratio, 1);
}

TEST(Harness, AContenderMayMeasureSeveralThingsAtOnce) {
  auto results = PairedRounds(3).run_many([] { return std::vector<double>{1, 10}; }, {"p"},
                                          {[] { return std::vector<double>{2, 5}; }});
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].best()->ratio, 0.5);
  EXPECT_EQ(results[1].best()->ratio, 2);
}

TEST(Harness, TheFloorIsNoPeer) {
  auto result = paired_result({2}, {2}, {kFloor, "redis"}, {{1}, {4}});
  EXPECT_EQ(result.best()->name, "redis");
  EXPECT_EQ(paired_result({2}, {2}, {kFloor}, {{1}}).best(), nullptr);
}

TEST(Harness, ARowIsOneLineOfJsonWithNineKeys) {
  auto result = paired_result({1, 1, 1}, {1, 1, 1}, {"redis"}, {{2, 2, 2}});
  BenchRow row = row_of(result, {.bench = "GET", .unit = "us", .must = 1.2, .aim = 0.5});
  EXPECT_EQ(row.json(),
            "{\"bench\":\"GET\",\"unit\":\"us\",\"ours\":1,\"peer\":\"redis\",\"peer_value\":2,\"ratio\":0.5,"
            "\"must\":1.2,\"aim\":0.5,\"ok\":true}");
  EXPECT_EQ((BenchRow{.bench = "x", .unit = "B", .ours = 3}).json(),
            "{\"bench\":\"x\",\"unit\":\"B\",\"ours\":3,\"peer\":null,\"peer_value\":null,\"ratio\":null,"
            "\"must\":null,\"aim\":null,\"ok\":null}");
}

TEST(Harness, ForRatesOursAndThePeerSwapPlaces) {
  auto seconds = paired_result({0.5}, {0.5}, {"redis"}, {{1}});
  BenchRow row = rate_row_of(seconds, 100, {.bench = "rate", .unit = "1/s", .must = 1});
  EXPECT_EQ(row.ours, 200);
  EXPECT_EQ(row.peer_value, 100);
  EXPECT_EQ(row.ratio, 0.5) << "twice the rate is half the ratio";
  EXPECT_EQ(row.ok(), true);
}

TEST(Harness, BoundsMayBeOnOurFigureItself) {
  BenchRow at_most{.ours = 19, .must = 20, .bound = BenchBound::kAtMost};
  EXPECT_EQ(at_most.ok(), true);
  at_most.ours = 21;
  EXPECT_EQ(at_most.ok(), false);
  BenchRow at_least{.ours = 91, .must = 90, .bound = BenchBound::kAtLeast};
  EXPECT_EQ(at_least.ok(), true);
  at_least.ours = 89;
  EXPECT_EQ(at_least.ok(), false);
}

TEST(Harness, CountsTheCpuOfThisThreadAndProcess) {
  std::uint64_t thread = thread_cpu_ns();
  std::uint64_t process = process_cpu_ns(::getpid());
  volatile double x = 0;
  while (thread_cpu_ns() - thread < 30'000'000) x = std::sqrt(x + 1);
  EXPECT_GE(process_cpu_ns(::getpid()) - process, 15'000'000U) << "schedstat lags by a tick at most";
  EXPECT_EQ(threads_cpu_ns(::getpid(), "no such thread"), 0U);
}

TEST(Harness, DescribesTheMachineInOneLine) {
  std::string line = machine_line();
  EXPECT_TRUE(line.starts_with("{\"date\":\"20")) << line;
  EXPECT_NE(line.find("Linux"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll
