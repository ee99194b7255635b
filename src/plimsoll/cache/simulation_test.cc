#include "plimsoll/cache/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "plimsoll/base/random.h"
#include "plimsoll/os/input_file.h"

namespace plimsoll {
namespace {

// 20,000 requests of a Zipf law whose favourites change, with a scan in it; sizes of 50 to 4000 bytes.
Trace small_trace() {
  Result<InputFile> file =
      InputFile::open(PLIMSOLL_SOURCE_DIR "/src/plimsoll/cache/testdata/zipf_and_scan.csv.zst");
  EXPECT_TRUE(file);
  TraceReader reader([&](std::span<char> to) { return file->read(to); });
  Result<Trace> trace = read_trace(reader);
  EXPECT_TRUE(trace);
  return trace ? *std::move(trace) : Trace();
}

TEST(Simulation, MissesOnTheSmallTraceWhatOtherSimulatorsMiss) {
  const Trace trace = small_trace();
  ASSERT_EQ(trace.requests.size(), 20'000u);
  EXPECT_EQ(trace.unique_keys, 3781u);
  EXPECT_EQ(trace.unique_bytes, 3'494'360u);
  struct Row {
    PolicyKind policy;
    Basis basis;
    std::uint64_t misses, missed_bytes;
  };
  // By a simulator of twenty lines in another language, at a tenth of the keys or bytes.
  for (const Row& row : {Row{PolicyKind::kLru, Basis::kObjects, 8702, 8'154'200},
                         Row{PolicyKind::kLfu, Basis::kObjects, 10'420, 9'655'450},
                         Row{PolicyKind::kFifo, Basis::kObjects, 9495, 8'761'680},
                         Row{PolicyKind::kLru, Basis::kBytes, 8680, 8'150'190},
                         Row{PolicyKind::kLfu, Basis::kBytes, 9663, 9'232'020},
                         Row{PolicyKind::kFifo, Basis::kBytes, 9543, 8'855'420}}) {
    const bool bytes = row.basis == Basis::kBytes;
    Result<SimulationResult> result =
        simulate(trace, {.policy = row.policy,
                         .basis = row.basis,
                         .capacity = (bytes ? trace.unique_bytes : trace.unique_keys) / 10,
                         .shards = 1});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->requests - result->hits, row.misses) << name_of(row.policy) << " " << bytes;
    EXPECT_EQ(result->missed_bytes, row.missed_bytes) << name_of(row.policy) << " " << bytes;
    EXPECT_EQ(result->requested_bytes, 16'906'870u);
  }
}

TEST(Simulation, MissesEachKeyOnceWhereAllFits) {
  const Trace trace = small_trace();
  for (PolicyKind policy : kPolicyKinds) {
    Result<SimulationResult> result = simulate(
        trace, {.policy = policy, .basis = Basis::kBytes, .capacity = trace.unique_bytes, .shards = 1});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->requests - result->hits, trace.unique_keys);
    EXPECT_EQ(result->missed_bytes, trace.unique_bytes);
  }
}

// A shard whose part of the capacity was nothing held all that came.
TEST(Simulation, HoldsNoMoreThanItsCapacityHoweverManyShardsAreAskedFor) {
  const Trace trace = small_trace();
  for (Basis basis : {Basis::kObjects, Basis::kBytes}) {
    const SimulationOptions few{.policy = PolicyKind::kLru, .basis = basis, .capacity = 5, .shards = 4};
    SimulationOptions many = few;
    many.shards = 64;
    const Result<SimulationResult> expected = simulate(trace, few), found = simulate(trace, many);
    ASSERT_TRUE(expected && found);
    EXPECT_EQ(found->shards, 4u);
    EXPECT_EQ(found->hits, expected->hits);
  }
}

TEST(Simulation, HasAShardForEach256Objects) {
  EXPECT_EQ(default_shards(1), 1u);
  EXPECT_EQ(default_shards(511), 1u);
  EXPECT_EQ(default_shards(512), 2u);
  EXPECT_EQ(default_shards(5000), 16u);
  EXPECT_EQ(default_shards(10'000'000), 64u);
}

// A Zipf law of 400,000 keys, whose hottest are a good part of all requests, with a scan in it.
Trace long_trace() {
  Trace trace;
  Random random(5);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 800'000; ++i) {
    const double u = (static_cast<double>(random.below(1 << 30)) + 1) / static_cast<double>(1 << 30);
    const auto zipf = static_cast<std::uint64_t>(std::pow(400'000.0, u));
    const std::uint64_t key = i % 8 == 0 ? 1'000'000 + static_cast<std::uint64_t>(i) : zipf;
    trace.requests.push_back({key, 100 + key % 900});
    if (seen.insert(key).second) trace.unique_bytes += 100 + key % 900;
  }
  trace.unique_keys = seen.size();
  return trace;
}

TEST(Simulation, OfASampleIsWithinTwoPointsOfTheWhole) {
  const Trace trace = long_trace();
  for (PolicyKind policy : {PolicyKind::kLru, PolicyKind::kAdaptive}) {
    for (Basis basis : {Basis::kObjects, Basis::kBytes}) {
      for (std::uint64_t part : {100, 20, 5}) {
        SimulationOptions options{
            .policy = policy,
            .basis = basis,
            .capacity = (basis == Basis::kBytes ? trace.unique_bytes : trace.unique_keys) / part};
        const Result<SimulationResult> whole = simulate(trace, options);
        options.sample = 0.25;
        const Result<SimulationResult> sample = simulate(trace, options);
        ASSERT_TRUE(whole && sample);
        EXPECT_LT(sample->requests, whole->requests / 2);
        EXPECT_NEAR(sample->object_miss_ratio(), whole->object_miss_ratio(), 0.02)
            << name_of(policy) << " 1/" << part;
        EXPECT_NEAR(sample->byte_miss_ratio(), whole->byte_miss_ratio(), 0.02)
            << name_of(policy) << " 1/" << part;
      }
    }
  }
}

TEST(Simulation, TellsHowFarItIs) {
  const Trace trace = long_trace();
  std::vector<double> told;
  const SimulationOptions options{.capacity = 100,
                                  .progress = [&told](double share) { told.push_back(share); }};
  ASSERT_TRUE(simulate(trace, options));
  ASSERT_GT(told.size(), 3u);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_GT(told.front(), 0);
  EXPECT_LE(told.back(), 1);
  EXPECT_GT(told.back(), 0.8);
}

TEST(Simulation, SamplesLongTracesAndNoShortOnes) {
  Trace trace;
  trace.requests.resize(100'000);
  EXPECT_EQ(share_to_sample(trace, 1'000'000, 200'000), 1);
  EXPECT_EQ(share_to_sample(trace, 1'000'000, 80'000), 1) << "half the time is not worth an error";
  EXPECT_EQ(share_to_sample(trace, 1'000'000, 10'000), 0.1);
  EXPECT_EQ(share_to_sample(trace, 1024, 10'000), 0.25) << "256 items at least in the smallest cache";
  EXPECT_EQ(share_to_sample(trace, 0, 10'000), 1);
}

TEST(Simulation, RefusesASampleThatIsNoShare) {
  EXPECT_EQ(simulate(Trace(), {.capacity = 1, .sample = 0}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(simulate(Trace(), {.capacity = 1, .sample = 1.1}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(simulate(Trace(), {.capacity = 5, .sample = 0.1}).error().code, ErrorCode::kOutOfRange);
}

TEST(Simulation, RefusesACapacityOfNothing) {
  EXPECT_EQ(simulate(Trace(), {.capacity = 0}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(simulate(Trace(), {.capacity = 1, .shards = 3}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(simulate(Trace(), {.capacity = 1})->object_miss_ratio(), 0.0);
}

}  // namespace
}  // namespace plimsoll
