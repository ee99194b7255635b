#include "plimsoll/cache/internal/shadow_cache.h"

#include <gtest/gtest.h>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/policy_adaptive.h"
#include "plimsoll/cache/internal/policy_fixture.h"

namespace plimsoll {
namespace {

std::uint64_t skewed(Random& random, std::uint64_t keys) {
  const double x = static_cast<double>(random() >> 11) * 0x1p-53;
  return static_cast<std::uint64_t>(x * x * static_cast<double>(keys));
}

// What a way is chosen for has to be what the cache then does.
TEST(ShadowCache, MissesAsOftenAsThePolicyThatItStandsFor) {
  for (const AdaptiveMode& mode : kAdaptiveModes) {
    RecordsFixture f;
    Random random(17);
    PolicyDriver driver(f, std::make_unique<AdaptivePolicy>(PolicyOptions{.items = f.items}, &mode), 10'000);
    ShadowCache shadow(mode, true);
    shadow.set_capacity(10'000);
    int missed = 0, shadow_missed = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t key = skewed(random, 5'000);
      const std::uint64_t weight = 1 + key * 7 % 40;
      missed += !driver.request(key, weight);
      shadow_missed += !shadow.access(static_cast<std::uint32_t>(key), weight);
    }
    EXPECT_NEAR(missed, shadow_missed, 300) << mode.name;  // 0.3 points: ghosts differ by their fingerprints
    shadow.CheckInvariants();
  }
}

TEST(ShadowCache, MissesOnASampleAsOftenAsOnAll) {
  ShadowCache all(kAdaptiveModes[0], true), sample(kAdaptiveModes[0], true);
  all.set_capacity(8'000);
  sample.set_capacity(1'000);
  Random random(23);
  double missed = 0, sampled = 0, sample_missed = 0;
  constexpr int kRequests = 400'000;
  for (int i = 0; i < kRequests; ++i) {
    const std::uint64_t key = skewed(random, 40'000);
    missed += !all.access(static_cast<std::uint32_t>(key), 1);
    std::uint64_t mixed = key;
    if (Random::split_mix(mixed) % 8 != 0) continue;
    ++sampled;
    sample_missed += !sample.access(static_cast<std::uint32_t>(key), 1);
  }
  EXPECT_NEAR(missed / kRequests, sample_missed / sampled, 0.03);
}

TEST(ShadowCache, DoesNotTakeWhatIsLargerThanItAll) {
  ShadowCache shadow(kAdaptiveModes[0], true);
  shadow.set_capacity(10);
  EXPECT_FALSE(shadow.access(1, 11));
  EXPECT_FALSE(shadow.access(1, 10));
  EXPECT_TRUE(shadow.access(1, 10));
}

TEST(ShadowCache, ShrinksWithItsCapacityAndForgetsWhatIsErased) {
  ShadowCache shadow(kAdaptiveModes[0], false);
  shadow.set_capacity(1'000);
  for (std::uint32_t tag = 0; tag < 1'000; ++tag) shadow.access(tag, 1);
  EXPECT_EQ(shadow.size(), 1'000u);
  for (std::uint32_t tag = 0; tag < 500; ++tag) shadow.erase(tag);
  shadow.erase(5);  // is gone
  EXPECT_EQ(shadow.size(), 500u);
  shadow.CheckInvariants();
  shadow.set_capacity(100);
  EXPECT_FALSE(shadow.access(5, 1));
  EXPECT_EQ(shadow.size(), 100u);
  shadow.CheckInvariants();
}

TEST(ShadowCache, HoldsNoMoreThanItsNumbersReach) {
  ShadowCache shadow(kAdaptiveModes[0], true);
  shadow.set_capacity(1'000'000);
  for (std::uint32_t tag = 0; tag < 70'000; ++tag) shadow.access(tag, 1);
  EXPECT_EQ(shadow.size(), ShadowCache::kMostItems);
  shadow.CheckInvariants();
}

}  // namespace
}  // namespace plimsoll
