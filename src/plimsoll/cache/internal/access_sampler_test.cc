#include "plimsoll/cache/internal/access_sampler.h"

#include <gtest/gtest.h>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

struct Sampled {
  void read(std::uint64_t key) {
    const std::uint64_t hash = hash64(std::to_string(key));
    if (hash <= sampler.highest().load(std::memory_order_relaxed))
      sampler.read({.hash = hash, .bytes = 100, .hit = true, .reads = 1, .hits = 1});
  }
  AccessSampler::Findings findings() const {
    return sampler.findings({.items = 200, .weight = 20'000, .least_recently_used = true}, false);
  }

  LoadLine line{{.limit = 64_MiB}};
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  AccessSampler sampler{{.account = account, .memory = 32_KiB, .rate = 1, .max_weight = 0}};
};

TEST(AccessSampler, LetsWhatWasLongAgoCountLess) {
  Sampled sampled;
  Random random(3);
  for (int i = 0; i < 100'000; ++i) sampled.read(random.below(100));
  const AccessSampler::Findings before = sampled.findings();
  EXPECT_LT(before.pattern.loop, 0.25);
  EXPECT_LT(before.reads, 50'000) << "nothing was halved";
  for (std::uint64_t i = 0; i < 100'000; ++i) sampled.read(1000 + i % 150);
  const AccessSampler::Findings after = sampled.findings();
  EXPECT_GT(after.pattern.loop, 0.9) << "a half, if both counted the same";
  EXPECT_LT(after.reads, 50'000);
  EXPECT_NEAR(after.hit_rate, 1, 1e-9) << "halved together";
  sampled.sampler.CheckInvariants();
}

TEST(AccessSampler, StaysInItsMemoryBySamplingFewer) {
  Sampled sampled;
  for (std::uint64_t i = 0; i < 20'000; ++i) sampled.read(i);
  EXPECT_LE(sampled.findings().keys, 256u);
  EXPECT_LT(sampled.sampler.rate(), 1.0 / 16);
  EXPECT_EQ(sampled.account.used(), sampled.sampler.memory());
  sampled.sampler.CheckInvariants();
  sampled.sampler.clear();
  EXPECT_EQ(sampled.findings().keys, 0u);
  EXPECT_EQ(sampled.sampler.rate(), 1);
}

}  // namespace
}  // namespace plimsoll
