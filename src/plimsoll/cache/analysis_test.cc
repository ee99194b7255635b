// The analysis of a cache against what really happens: exact simulations, and the same requests replayed with
// twice the memory or another policy.
#include "plimsoll/cache/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/base/text.h"
#include "plimsoll/cache/internal/fixture.h"
#include "plimsoll/cache/simulation.h"

namespace plimsoll {
namespace {

using testing::HasSubstr;

class Zipf {
 public:
  Zipf(std::uint64_t keys, double skew) {
    double sum = 0;
    for (std::uint64_t i = 0; i < keys; ++i)
      cumulative_.push_back(sum += std::pow(static_cast<double>(i + 1), -skew));
  }
  std::uint64_t operator()(Random& random) const {
    const double u = random.unit() * cumulative_.back();
    return static_cast<std::uint64_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), u) -
                                      cumulative_.begin());
  }

 private:
  std::vector<double> cumulative_;
};

std::uint64_t size_of(std::uint64_t key) { return 100 + (key * 0x9e3779b97f4a7c15 >> 48) % 1900; }

enum class Kind { kZipf, kLoop, kMix };

Trace trace_of(Kind kind, std::size_t requests, std::uint64_t seed) {
  Random random(seed);
  const Zipf zipf(100'000, 0.8);
  Trace trace;
  std::uint64_t scanned = 1'000'000, looped = 0;
  for (std::size_t i = 0; i < requests; ++i) {
    const std::uint64_t what = kind == Kind::kZipf ? 0 : kind == Kind::kLoop ? 90 : random.below(100);
    std::uint64_t key = zipf(random);
    if (what >= 85) key = 2'000'000 + looped++ % 50'000;
    if (what >= 70 && what < 85) key = scanned++;
    trace.requests.push_back({.key = key, .size = size_of(key)});
  }
  return trace;
}

// Read-through, with bounds in weight, as a server with a line has.
struct Replayed {
  Replayed(std::uint64_t capacity, PolicyKind policy, Bytes line_of_cache = 64_MiB)
      : cache({.account = account,
               .pages = pages,
               .line = line_of_cache,
               .address_space = 2_GiB,
               .shards = 1,
               .policy = policy,
               .analyse = true,
               .seed = 7,
               .max_bytes = Bytes(capacity)}) {}

  void run(std::span<const TraceRequest> requests) {
    for (const TraceRequest& r : requests) {
      ByteCache::Slot slot = cache.lock({reinterpret_cast<const char*>(&r.key), sizeof r.key}, 0);
      slot.touch();
      hits += slot.exists();
      ++reads;
      if (slot.exists()) continue;
      ASSERT_EQ(slot.put_weight(r.size), WriteStatus::kDone);
    }
  }
  double hit_rate() const { return static_cast<double>(hits) / static_cast<double>(reads); }

  SystemPages pages;
  LoadLine line{{.limit = 512_MiB}};
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  ByteCache cache;
  std::uint64_t hits = 0, reads = 0;
};

double exact_hit_rate(const Trace& trace, PolicyKind policy, std::uint64_t capacity,
                      Basis basis = Basis::kBytes) {
  Result<SimulationResult> result =
      simulate(trace, {.policy = policy, .basis = basis, .capacity = capacity, .shards = 1});
  return result ? 1 - result->object_miss_ratio() : -1;
}

// Each point is two replays: all of them where they are quick, else some.
constexpr std::size_t kStep = kBrief ? 8 : kSanitized ? 4 : 1;

TEST(Analysis, ItsCurveIsWithinTwoPointsOfExactSimulation) {
  for (Kind kind : {Kind::kZipf, Kind::kLoop, Kind::kMix}) {
    const Trace trace = trace_of(kind, 600'000, 11);
    const std::uint64_t capacity = 14'000'000;
    Replayed replayed(capacity, PolicyKind::kLru, 128_MiB);
    replayed.run(trace.requests);
    const CacheAnalysis found = replayed.cache.analysis(false);
    ASSERT_TRUE(found.known());
    ASSERT_GE(found.curve.size(), 10u);
    EXPECT_LE(found.sample_rate, 1.0 / 8);
    if (kind != Kind::kLoop) {
      EXPECT_LT(found.sample_rate, 1.0 / 8) << "the rate never had to fall";
    }
    for (std::size_t i = 0; i < found.curve.size(); i += kStep) {
      const CurvePoint& point = found.curve[i];
      const auto bytes = static_cast<std::uint64_t>(point.times * static_cast<double>(capacity));
      EXPECT_NEAR(point.hit_rate, exact_hit_rate(trace, PolicyKind::kLru, bytes), 0.02)
          << "trace " << static_cast<int>(kind) << ", " << point.times << " times";
      const auto items = static_cast<std::uint64_t>(point.times * static_cast<double>(replayed.cache.size()));
      EXPECT_NEAR(point.hit_rate_by_items, exact_hit_rate(trace, PolicyKind::kLru, items, Basis::kObjects),
                  0.02)
          << "trace " << static_cast<int>(kind) << ", " << items << " items";
    }
  }
}

TEST(Analysis, TakesAtMostAHundredthOfTheMemory) {
  const Trace trace = trace_of(Kind::kMix, 1'000'000, 5);
  for (Bytes line : {16_MiB, 64_MiB, 256_MiB}) {
    Replayed replayed(200'000'000, PolicyKind::kLru, line);
    const Bytes before = replayed.account.used();
    replayed.run(trace.requests);
    const CacheAnalysis found = replayed.cache.analysis(false);
    EXPECT_GT(found.memory, line / 1000);
    EXPECT_LE(found.memory, line / 100) << format_bytes(line);
    EXPECT_GT(replayed.account.used(), before + found.memory) << "it is not charged";
    replayed.cache.CheckInvariants();
  }
}

TEST(Analysis, TwiceTheMemoryBringsWhatItSaysWithinTwoPoints) {
  const std::uint64_t capacity = 20'000'000;
  const Trace trace = trace_of(Kind::kMix, 900'000, 3);
  const auto half = std::span(trace.requests).first(450'000),
             rest = std::span(trace.requests).subspan(450'000);
  for (PolicyKind policy : kPolicyKinds) {
    if (kBrief && policy != PolicyKind::kLru && policy != PolicyKind::kAdaptive) continue;
    Replayed now(capacity, policy), twice(capacity * 2, policy);
    for (Replayed* cache : {&now, &twice}) {
      cache->run(half);
      cache->hits = cache->reads = 0;
      cache->run(rest);
    }
    const CacheAnalysis found = now.cache.analysis();
    EXPECT_NEAR(found.twice_hit_rate - found.hit_rate, twice.hit_rate() - now.hit_rate(), 0.02)
        << name_of(policy);
    ASSERT_FALSE(found.advice.empty());
    EXPECT_GE(found.twice_hit_rate - found.hit_rate, 0.01) << "the trace gains nothing by it";
    const bool advised = std::any_of(found.advice.begin(), found.advice.end(), [](const CacheAdvice& a) {
      return a.what.starts_with("twice the memory") && a.command.starts_with("plimsoll serve --cache-size ");
    });
    EXPECT_TRUE(advised) << name_of(policy);
  }
}

TEST(Analysis, AnotherPolicyBringsWhatItSaysWithinTwoPoints) {
  const std::uint64_t capacity = 20'000'000;
  const Trace trace = trace_of(Kind::kMix, 900'000, 4);
  auto run = [&](Replayed& cache) {  // judged by its second half
    cache.run(std::span(trace.requests).first(450'000));
    cache.hits = cache.reads = 0;
    cache.run(std::span(trace.requests).subspan(450'000));
  };
  Replayed now(capacity, PolicyKind::kLru);
  run(now);
  const CacheAnalysis found = now.cache.analysis();
  ASSERT_EQ(found.policies.size(), kPolicyKinds.size());
  for (const PolicyForecast& forecast : found.policies) {
    Replayed other(capacity, forecast.policy);
    run(other);
    EXPECT_NEAR(forecast.hit_rate - found.hit_rate, other.hit_rate() - now.hit_rate(), 0.02)
        << name_of(forecast.policy);
  }
}

TEST(Analysis, KnowsALoopAScanAndAZipfLawApart) {
  auto pattern_of = [](Kind kind) {
    Replayed replayed(20'000'000, PolicyKind::kLru);
    replayed.run(trace_of(kind, 600'000, 8).requests);
    return replayed.cache.analysis(false).pattern;
  };
  const AccessPattern zipf = pattern_of(Kind::kZipf), loop = pattern_of(Kind::kLoop),
                      mix = pattern_of(Kind::kMix);
  EXPECT_GT(loop.loop, 0.8);
  EXPECT_LT(zipf.loop, 0.05);
  EXPECT_GT(zipf.frequency, 0.4);
  EXPECT_GT(mix.loop, 0.03);  // of 0.066
  EXPECT_GT(mix.scan + mix.first_time, 0.15);
  for (const AccessPattern& p : {zipf, loop, mix})
    EXPECT_NEAR(p.recency + p.frequency + p.loop + p.scan + p.first_time, 1, 1e-9);
}

TEST(Analysis, KnowsReadsOfWhatWasJustWrittenAsRecency) {
  Replayed replayed(20'000'000, PolicyKind::kLru);
  Random random(2);
  Trace trace;
  for (std::uint64_t i = 0; i < 400'000; ++i)
    trace.requests.push_back({.key = i / 4 + random.below(100), .size = 500});
  replayed.run(trace.requests);
  const AccessPattern pattern = replayed.cache.analysis(false).pattern;
  EXPECT_GT(pattern.recency, 0.5);
  EXPECT_LT(pattern.loop, 0.1);
}

TEST(Analysis, NamesTheHottestKeysWithTheirShareOfTheReads) {
  CacheFixture with(64_MiB);
  ByteCache cache({.account = with.account,
                   .pages = with.pages,
                   .line = 64_MiB,
                   .address_space = 256_MiB,
                   .shards = 4,
                   .analyse = true,
                   .seed = 9});
  Random random(6);
  for (int i = 0; i < 400'000; ++i) {
    const std::string key =
        random.below(10) == 0 ? "front page" : "user:" + std::to_string(random.below(5000));
    ByteCache::Slot slot = cache.lock(key, 1000);
    slot.touch();
    if (slot.exists()) continue;
    ASSERT_EQ(slot.put(std::string(100, 'v')), WriteStatus::kDone);
  }
  const CacheAnalysis found = cache.analysis();
  ASSERT_FALSE(found.hot.empty());
  EXPECT_EQ(found.hot[0].key, "front page");
  EXPECT_NEAR(found.hot[0].share, 0.1, 0.03);
  EXPECT_NEAR(found.saved_bytes / static_cast<double>(found.hits), 109, 2);
}

TEST(Analysis, SaysWhatShareOfItemsWasNeverReadAgain) {
  Replayed replayed(20'000'000, PolicyKind::kLru);
  Trace trace;
  // Of each new hundred keys thirty are read once more.
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    trace.requests.push_back({.key = i, .size = 100});
    if (i >= 100 && i % 10 < 3) trace.requests.push_back({.key = i - 100, .size = 100});
  }
  replayed.run(trace.requests);
  const CacheAnalysis found = replayed.cache.analysis();
  EXPECT_NEAR(found.never_read_again, 0.7, 0.05);
  EXPECT_THAT(cache_advice(found), testing::Contains(HasSubstr("% of items were never read again")));
}

TEST(Analysis, AdvisesNothingBeforeItHasSeenEnough) {
  Replayed replayed(100'000, PolicyKind::kLru);
  replayed.run(trace_of(Kind::kZipf, 500, 1).requests);
  const CacheAnalysis found = replayed.cache.analysis();
  EXPECT_FALSE(found.known());
  EXPECT_TRUE(found.advice.empty());
  EXPECT_THAT(cache_advice(found), testing::ElementsAre(HasSubstr("too little")));
}

TEST(Analysis, DoesNotCountAKeyThatWasDeletedAsOneThatALargerCacheWouldHave) {
  Replayed replayed(20'000'000, PolicyKind::kLru);
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t key = static_cast<std::uint64_t>(i) % 10'000;
    ByteCache::Slot slot = replayed.cache.lock({reinterpret_cast<const char*>(&key), sizeof key}, 0);
    slot.touch();
    ASSERT_FALSE(slot.exists());
    ASSERT_EQ(slot.put_weight(10), WriteStatus::kDone);
    slot.erase();
  }
  for (const CurvePoint& point : replayed.cache.analysis(false).curve) EXPECT_EQ(point.hit_rate, 0);
}

TEST(Analysis, BeginsAgainWhenTheCacheIsCleared) {
  Replayed replayed(20'000'000, PolicyKind::kLru);
  replayed.run(trace_of(Kind::kZipf, 200'000, 1).requests);
  EXPECT_TRUE(replayed.cache.analysis(false).known());
  replayed.cache.clear();
  const CacheAnalysis found = replayed.cache.analysis(false);
  EXPECT_FALSE(found.known());
  EXPECT_EQ(found.sampled_keys, 0u);
  EXPECT_EQ(found.sample_rate, 0.125);
}

TEST(Analysis, OffItIsNotThereAndSaysSo) {
  CacheFixture with;
  with.set("k", "v");
  with.get("k");
  const CacheAnalysis found = with.cache.analysis();
  EXPECT_FALSE(found.on);
  EXPECT_EQ(found.hits, 1u);
  EXPECT_THAT(cache_advice(found), testing::ElementsAre(HasSubstr("off")));
}

// A forecast by hand, so that the words can be read.
CacheAnalysis made_up() {
  CacheAnalysis a{.on = true, .sampled_keys = 3000, .reads = 500'000, .hit_rate = 0.71, .full = true};
  a.payload = 80_MiB;
  a.held = 100_MiB;
  a.twice_hit_rate = 0.78;
  a.half_hit_rate = 0.6;
  return a;
}

TEST(Advice, SaysWhatItBringsAndTheCommandThatDoesIt) {
  CacheAnalysis a = made_up();
  a.policies = {{PolicyKind::kLru, 0.71}, {PolicyKind::kLfu, 0.755}, {PolicyKind::kAdaptive, 0.75}};
  a.advice = advise(a, 128_MiB);
  EXPECT_THAT(cache_advice(a),
              testing::ElementsAre(
                  "twice the memory for the cache: hit rate 71.0 -> 78.0 % (from 3,000 sampled keys "
                  "and 500,000 reads): plimsoll serve --line 228MiB",
                  "policy adaptive in place of lru: hit rate 71.0 -> 75.0 % (by replaying recent "
                  "sampled reads under each policy): redis-cli CONFIG SET maxmemory-policy adaptive"));
}

TEST(Advice, SaysWhenHalfTheMemoryWouldDo) {
  CacheAnalysis a = made_up();
  a.twice_hit_rate = 0.712;
  a.half_hit_rate = 0.708;
  a.advice = advise(a, 200_MiB);
  ASSERT_EQ(a.advice.size(), 1u);
  EXPECT_THAT(a.advice[0].what, HasSubstr("half the memory"));
  EXPECT_EQ(a.advice[0].command, "plimsoll serve --line 150MiB");
}

// A higher line would bring nothing where it is not what bounds the cache.
TEST(Advice, NamesTheBoundThatWasReachedInPlaceOfTheLine) {
  CacheAnalysis a = made_up();
  a.most_bytes = 64_MiB;
  EXPECT_EQ(advise(a, 200_MiB)[0].command, "plimsoll serve --cache-size 128MiB");
  a.most_items = 1000;
  EXPECT_EQ(advise(a, 200_MiB)[0].command, "plimsoll serve --cache-items 2000 --cache-size 128MiB");
  a.most_bytes = {};
  a.twice_hit_rate = 0.712;
  a.half_hit_rate = 0.708;
  EXPECT_EQ(advise(a, 200_MiB)[0].command, "plimsoll serve --cache-items 500");
}

TEST(Advice, SaysNothingOfMemoryWhereNothingWasGivenUpForIt) {
  CacheAnalysis a = made_up();
  a.full = false;
  EXPECT_TRUE(advise(a, 200_MiB).empty());
}

TEST(Advice, NamesAKeyThatTakesATenthOfTheReads) {
  CacheAnalysis a = made_up();
  a.full = false;
  a.hot = {{.key = "front", .share = 0.34, .at_least = 0.33}};
  ASSERT_EQ(advise(a, 200_MiB).size(), 1u);
  EXPECT_THAT(advise(a, 200_MiB)[0].what, HasSubstr("34 %"));
}

}  // namespace
}  // namespace plimsoll
