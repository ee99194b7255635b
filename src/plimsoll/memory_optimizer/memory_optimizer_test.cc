#include "plimsoll/memory_optimizer/memory_optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

std::unique_ptr<MemoryOptimizer> opened(const MemoryConfig& config) {
  Result<std::unique_ptr<MemoryOptimizer>> made = MemoryOptimizer::open(config);
  EXPECT_TRUE(made.has_value()) << made.error().message();
  return std::move(*made);
}

bool says(const std::vector<Recommendation>& all, std::string_view what) {
  return std::any_of(all.begin(), all.end(), [&](const Recommendation& r) {
    return r.what.find(what) != std::string::npos && !r.evidence.empty() && !r.gain.empty() &&
           !r.step.empty();
  });
}

TEST(MemoryOptimizer, PutsTheirPartsUnderOneLine) {
  auto optimizer = opened({.limit = "128MiB", .pool_size = 16_MiB, .cache_size = 32_MiB});
  ASSERT_TRUE(optimizer->start());
  EXPECT_EQ(optimizer->line().limit(), 128_MiB);
  {
    BufferPool::Buffer buffer = optimizer->buffers()->acquire(100_KiB);
    ASSERT_TRUE(buffer);
    ByteCache::Slot slot = optimizer->cache()->lock("ship", 1000);
    EXPECT_EQ(slot.put("plimsoll"), WriteStatus::kDone);
  }
  void* object = optimizer->allocator()->allocate(200, 16);
  ASSERT_NE(object, nullptr);
  std::memset(object, 1, 200);
  const MemoryStatistics s = optimizer->statistics();
  EXPECT_GE(s.now, 256_KiB);
  EXPECT_LE(s.now, s.peak);
  EXPECT_LT(s.use(), 1);
  EXPECT_EQ(s.level, Level::kNormal);
  optimizer->allocator()->deallocate(object, 200, 16);
  optimizer->stop();
  optimizer->stop();
  ASSERT_TRUE(optimizer->start()) << "again";
}

TEST(MemoryOptimizer, HoldsEachPartToItsSize) {
  auto optimizer = opened({.limit = "256MiB", .pool_size = 2_MiB, .cache_size = 4_MiB});
  std::vector<BufferPool::Buffer> buffers;
  while (BufferPool::Buffer buffer = optimizer->buffers()->acquire(256_KiB))
    buffers.push_back(std::move(buffer));
  EXPECT_LE(buffers.size(), 8u);
  EXPECT_GE(buffers.size(), 6u);
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i);
    static_cast<void>(optimizer->cache()->lock(key, 1000).put(std::string(1000, 'x')));
  }
  const ByteCache::Stats stats = optimizer->cache()->stats();
  EXPECT_GT(stats.evicted, 5'000u);
  // What the policy remembers is charged when it is held already.
  EXPECT_LE(optimizer->cache()->account().used(), 4_MiB + 128_KiB);
}

TEST(MemoryOptimizer, LeavesOutWhatIsSwitchedOff) {
  auto optimizer = opened({.limit = "64MiB", .pooling = false, .caching = false, .allocators = false});
  EXPECT_EQ(optimizer->buffers(), nullptr);
  EXPECT_EQ(optimizer->cache(), nullptr);
  EXPECT_EQ(optimizer->allocator(), nullptr);
  EXPECT_EQ(optimizer->statistics().efficiency, 1);
  EXPECT_NE(optimizer->report().summary.find("level normal"), std::string::npos);
}

TEST(MemoryOptimizer, ExpiresWhatIsInItsCacheWithoutBeingAsked) {
  auto optimizer = opened({.limit = "64MiB", .cache_size = 4_MiB});
  static_cast<void>(optimizer->cache()->lock("old", 1000).put("x", 2000));
  optimizer->governor().tick();
  EXPECT_EQ(optimizer->cache()->size(), 0u);
}

TEST(MemoryOptimizer, SaysWhatIsWrongWithItsConfiguration) {
  auto error_of = [](const MemoryConfig& config) {
    return std::string(MemoryOptimizer::open(config).error().what);
  };
  EXPECT_NE(error_of({.pool_size = 1_KiB}).find("pool_size"), std::string::npos);
  EXPECT_NE(error_of({.cache_size = Bytes()}).find("cache_size"), std::string::npos);
  EXPECT_NE(error_of({.target_use = 1.5}).find("target_use"), std::string::npos);
  EXPECT_NE(error_of({.target_use = 0.0 / 0.0}).find("target_use"), std::string::npos);
  EXPECT_NE(error_of({.interval = std::chrono::milliseconds(0)}).find("interval"), std::string::npos);
  EXPECT_FALSE(MemoryOptimizer::open({.limit = "a lot"}).has_value());
  EXPECT_FALSE(MemoryOptimizer::open({.limit = "64MiB", .allocator = BackendKind::kJemalloc}).has_value())
      << "it is not linked here, and that is said";
}

TEST(MemoryOptimizer, TakesAnyTargetThatItSaysItTakes) {
  for (double target : {0.1, 0.5, 0.75, 0.9, 0.95})
    EXPECT_TRUE(opened({.limit = "64MiB", .target_use = target}));
}

TEST(MemoryOptimizer, RecommendsWhatItsCacheNeeds) {
  auto optimizer = opened({.limit = "512MiB", .cache_size = 4_MiB, .cache_policy = PolicyKind::kLru});
  // A loop over twice what fits: the least recently used is always the one that is needed next.
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 20'000; ++i) {
      const std::string key = "key:" + std::to_string(i);
      ByteCache::Slot slot = optimizer->cache()->lock(key, 1000);
      slot.touch();
      if (!slot.exists()) static_cast<void>(slot.put(std::string(300, 'x')));
    }
  }
  const MemoryOptimizer::Report report = optimizer->report();
  EXPECT_TRUE(says(report.recommendations, "twice the memory")) << report.summary;
  EXPECT_NE(report.summary.find("1. "), std::string::npos);
}

TEST(Recommend, SaysNothingOfWhatIsWell) {
  MemoryFacts facts;
  facts.statistics = {
      .line = 100_MiB, .now = 60_MiB, .peak = 70_MiB, .droppable = 40_MiB, .pool_reuse_rate = 0.99};
  facts.pool_created = 5000;
  EXPECT_TRUE(recommend(facts).empty());
  EXPECT_NE(summarise(facts.statistics, {}).find("Nothing to recommend"), std::string::npos);
}

TEST(Recommend, PutsWhatIsAboveTheTargetFirst) {
  MemoryFacts facts;
  facts.statistics = {.line = 100_MiB,
                      .now = 90_MiB,
                      .peak = 95_MiB,
                      .unaccounted = 30_MiB,
                      .pool_reuse_rate = 0.1,
                      .refused = 7};
  facts.largest_account = "orders";
  facts.largest_used = 50_MiB;
  facts.pool_created = 5000;
  facts.pool_maximum = 16_MiB;
  facts.slabs_free = 20_MiB;
  facts.slabs_fragmentation = 0.4;
  const std::vector<Recommendation> found = recommend(facts);
  ASSERT_EQ(found.size(), 5u);
  EXPECT_NE(found[0].what.find("orders"), std::string::npos);
  EXPECT_NE(found[0].evidence.find("90.0 %"), std::string::npos) << found[0].evidence;
  EXPECT_TRUE(says(found, "refused"));
  EXPECT_TRUE(says(found, "charge what nobody charges"));
  EXPECT_TRUE(says(found, "keep more buffers"));
  EXPECT_TRUE(says(found, "one age"));
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_GE(found[i - 1].weight, found[i].weight);
}

TEST(Recommend, OffersHalfOfACacheThatDoesNotNeedItsMemory) {
  MemoryFacts facts;
  facts.statistics = {.line = 1_GiB, .now = 600_MiB, .peak = 700_MiB, .droppable = 512_MiB};
  facts.cache_maximum = 512_MiB;
  CacheAnalysis analysis;
  analysis.on = analysis.full = true;
  analysis.reads = 1e6;
  analysis.sampled_keys = 10'000;
  analysis.held = 512_MiB;
  analysis.hit_rate = analysis.twice_hit_rate = 0.991;
  analysis.half_hit_rate = 0.989;
  analysis.policies = {{PolicyKind::kLru, 0.991}, {PolicyKind::kAdaptive, 0.995}};
  facts.cache = analysis;
  const std::vector<Recommendation> found = recommend(facts);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].step.find("256_MiB"), std::string::npos) << found[0].step;
}

// Following what is said ends what it was said for.
TEST(Recommend, NamesALimitBelowWhichTheTargetIsMet) {
  for (const Bytes held : {80_MiB, 900_MiB, 40_GiB}) {
    MemoryFacts facts;
    facts.statistics = {.line = held + held / 8, .now = held, .peak = held};
    const std::vector<Recommendation> found = recommend(facts);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].what, "give it a higher limit") << "no account is to be given a maximum";
    std::string_view size = found[0].step;
    take_until(size, '"');
    const Result<Bytes> limit = parse_bytes(take_until(size, '"'));
    ASSERT_TRUE(limit) << found[0].step;
    const LoadLine line({.limit = *limit});
    EXPECT_LE(ratio(held, line.line()), facts.target_use) << found[0].step;
  }
}

TEST(Recommend, SaysWhatBindsACache) {
  MemoryFacts facts;
  facts.statistics = {.line = 60_MiB, .now = 60_MiB, .peak = 60_MiB, .droppable = 50_MiB};
  facts.cache_maximum = 512_MiB;
  CacheAnalysis analysis;
  analysis.on = analysis.full = true;
  analysis.reads = 1e6;
  analysis.sampled_keys = 10'000;
  analysis.held = 50_MiB;
  analysis.hit_rate = analysis.half_hit_rate = 0.5;
  analysis.twice_hit_rate = 0.9;
  facts.cache = analysis;
  std::vector<Recommendation> found = recommend(facts);
  ASSERT_EQ(found.size(), 1u) << "and not half as well, where a step of its curve lies above";
  EXPECT_NE(found[0].step.find(".limit = \"115MiB\""), std::string::npos) << found[0].step;
  EXPECT_EQ(found[0].step.find("cache_size"), std::string::npos) << found[0].step;
  analysis.twice_hit_rate = 0.5;
  facts.cache = analysis;
  found = recommend(facts);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].step.find(".cache_size = 25_MiB"), std::string::npos) << found[0].step;
  analysis.held = facts.cache_maximum = 1_MiB;
  facts.cache = analysis;
  EXPECT_TRUE(recommend(facts).empty()) << "half of it would be refused";
}

TEST(Recommend, NamesThePolicyThatASampleSaysIsBetter) {
  MemoryFacts facts;
  facts.statistics = {.line = 1_GiB, .now = 600_MiB, .peak = 700_MiB, .droppable = 512_MiB};
  CacheAnalysis analysis;
  analysis.on = analysis.full = true;
  analysis.reads = 1e6;
  analysis.sampled_keys = 10'000;
  analysis.hit_rate = analysis.twice_hit_rate = 0.5;
  analysis.half_hit_rate = 0.4;
  analysis.policies = {{PolicyKind::kLru, 0.5}, {PolicyKind::kFifo, 0.45}, {PolicyKind::kAdaptive, 0.58}};
  facts.cache = analysis;
  std::vector<Recommendation> found = recommend(facts);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].what, "evict by adaptive");
  EXPECT_NE(found[0].gain.find("8.0 %"), std::string::npos) << found[0].gain;
  analysis.policies.back().hit_rate = 0.51;
  facts.cache = analysis;
  EXPECT_TRUE(recommend(facts).empty()) << "below two points it may be chance";
}

TEST(Recommend, OffersALowerLimitToWhoNeverNeededIt) {
  MemoryFacts facts;
  facts.statistics = {.line = 1_GiB, .now = 60_MiB, .peak = 70_MiB};
  EXPECT_TRUE(says(recommend(facts), "a lower limit"));
}

}  // namespace
}  // namespace plimsoll
