#include "plimsoll/server/pace.h"

#include <gtest/gtest.h>

#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Pace, KeepsHitsAndMissesApart) {
  Pace pace;
  for (int i = 0; i < 99; ++i) pace.add(true, Duration(1000));
  pace.add(true, Duration(50'000));
  pace.add(false, Duration(300));
  const Pace::Quantiles hits = pace.of_hits();
  EXPECT_EQ(hits.timed, 100u);
  EXPECT_GE(hits.p50_ns, 1000u);
  EXPECT_LE(hits.p50_ns, 1063u);
  EXPECT_LE(hits.p99_ns, 1063u);
  EXPECT_EQ(hits.max_ns, 50'000u);
  EXPECT_EQ(pace.of_misses().timed, 1u);
  pace.reset();
  EXPECT_EQ(pace.of_hits().timed, 0u);
}

TEST(Pace, TimesOneInSoManyReads) {
  Pace pace;
  for (unsigned i = 0; i < 10 * Pace::kOneIn; ++i) {
    Pace::Read read(&pace);
    read.found(i % 2 == 0);
  }
  EXPECT_EQ(pace.of_hits().timed + pace.of_misses().timed, 10u);
  Pace::Read nobody_counts(nullptr);
}

TEST(Pace, TellsRatesOfTheLastTenSeconds) {
  Pace pace;
  MonotonicTime now{};
  EXPECT_EQ(pace.per_second().evicted, 0u);
  std::uint64_t evicted = 0;
  for (int i = 0; i < 100; ++i) {  // 10 s in tenths, at 50 a second
    pace.look(now += milliseconds(100), {.commands = 2 * evicted, .evicted = evicted});
    evicted += 5;
  }
  EXPECT_EQ(pace.per_second().evicted, 50u);
  EXPECT_EQ(pace.per_second().commands, 100u);
  for (int i = 0; i < 200; ++i) pace.look(now += milliseconds(100), {.evicted = evicted});
  EXPECT_EQ(pace.per_second().evicted, 0u);
  pace.look(now + seconds(5), {.evicted = 0});  // reset meanwhile
  EXPECT_EQ(pace.per_second().evicted, 0u);
}

TEST(Pace, IsToldOfTheReadsOfGetAndMget) {
  CommandFixture f;
  Pace pace;
  f.pace = &pace;
  f.run("set k v");
  for (unsigned i = 0; i < Pace::kOneIn; ++i) f.run("get k");
  EXPECT_EQ(pace.of_hits().timed, 1u);
  for (unsigned i = 0; i < Pace::kOneIn; ++i) f.run("mget absent absent2");
  EXPECT_EQ(pace.of_misses().timed, 2u);
  EXPECT_GT(pace.of_misses().max_ns, 0u);
}

}  // namespace
}  // namespace plimsoll
