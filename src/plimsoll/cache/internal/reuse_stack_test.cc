#include "plimsoll/cache/internal/reuse_stack.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

TEST(ReuseStack, CountsTheKeysAndBytesThatWereUsedSince) {
  ReuseStack stack;
  stack.insert(1, 100);
  stack.insert(2, 20);
  stack.insert(3, 3);
  EXPECT_EQ(stack.distance(*stack.find(1)).keys, 3u);
  EXPECT_EQ(stack.distance(*stack.find(1)).bytes, 123u);
  stack.use(*stack.find(1), 7);
  EXPECT_EQ(stack.distance(*stack.find(1)).keys, 1u);
  EXPECT_EQ(stack.distance(*stack.find(1)).bytes, 7u);
  EXPECT_EQ(stack.distance(*stack.find(2)).bytes, 30u);
  EXPECT_EQ(stack.find(4), nullptr);
}

struct ModelKey {
  std::uint64_t hash, bytes;
};

TEST(ReuseStack, DoesWhatAListInTheOrderOfUseDoes) {
  constexpr std::uint64_t kSeed = 20;
  Random random(kSeed);
  ReuseStack stack;
  std::vector<ModelKey> model;  // the oldest first
  for (int step = 0; step < 30'000; ++step) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", step " + std::to_string(step));
    const std::uint64_t hash = random.below(400);
    const std::uint64_t bytes = random.below(1000);
    auto at = std::find_if(model.begin(), model.end(), [&](const ModelKey& k) { return k.hash == hash; });
    SampledKey* key = stack.find(hash);
    ASSERT_EQ(key != nullptr, at != model.end());
    if (key != nullptr) {
      ReuseStack::Distance expected;
      for (auto k = at; k != model.end(); ++k) expected.bytes += k->bytes, ++expected.keys;
      ASSERT_EQ(stack.distance(*key).keys, expected.keys);
      ASSERT_EQ(stack.distance(*key).bytes, expected.bytes);
      model.erase(at);
    }
    const std::uint64_t what = random.below(1000);
    if (key != nullptr && what < 100) {
      stack.erase(hash);
    } else {
      if (key != nullptr) stack.use(*key, bytes);
      if (key == nullptr) stack.insert(hash, bytes);
      model.push_back({hash, bytes});
    }
    if (what == 999) {
      const std::uint64_t highest = random.below(400);
      stack.erase_above(highest);
      std::erase_if(model, [&](const ModelKey& k) { return k.hash > highest; });
    } else if (what >= 997) {
      const std::size_t count = std::min<std::size_t>(random.below(20), model.size());
      stack.erase_oldest(count);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
    }
    if (step % 500 == 0) stack.CheckInvariants();
  }
}

TEST(ReuseStack, CountsWhatLiesBetweenTwoPlaces) {
  ReuseStack stack;
  for (std::uint64_t key = 0; key < 10; ++key) stack.insert(key, 1);
  const std::uint32_t second = stack.find(1)->place, fifth = stack.find(4)->place;
  EXPECT_EQ(stack.keys_between(second, fifth), 2u);
  stack.use(*stack.find(2), 1);
  EXPECT_EQ(stack.keys_between(second, fifth), 1u);
  EXPECT_EQ(stack.keys_between(fifth, fifth), 0u);
}

TEST(ReuseStack, TakesAtMostEightyBytesAKey) {
  ReuseStack stack;
  for (std::uint64_t key = 0; key < 10'000; ++key) stack.insert(key * 0x9e3779b97f4a7c15, 1);
  EXPECT_LE(stack.memory().count(), 10'000u * 100);
}

}  // namespace
}  // namespace plimsoll
