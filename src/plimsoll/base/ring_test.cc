#include "plimsoll/base/ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

TEST(Ring, ForgetsTheOldestWhenFull) {
  Ring<std::string> ring(2);
  ring.push("one");
  ring.push("two");
  ring.push("three");
  EXPECT_EQ(ring.size(), 2u);
  EXPECT_EQ(ring.oldest(), "two");
  EXPECT_EQ(ring.newest(), "three");
}

TEST(Ring, BehavesAsABoundedDeque) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::size_t capacity = 1 + random.below(9);
    Ring<std::uint64_t> ring(capacity);
    std::deque<std::uint64_t> model;
    for (int step = 0; step < 500; ++step) {
      if (random.below(50) == 0) {
        ring.clear();
        model.clear();
      } else {
        std::uint64_t value = random();
        ring.push(value);
        model.push_back(value);
        if (model.size() > capacity) model.pop_front();
      }
      ASSERT_EQ(ring.size(), model.size());
      ASSERT_EQ(ring.empty(), model.empty());
      for (std::size_t i = 0; i < model.size(); ++i) ASSERT_EQ(ring[i], model[i]) << "step " << step;
    }
    EXPECT_EQ(ring.capacity(), capacity);
  }
}

TEST(Ring, HoldsWhatCanOnlyBeMoved) {
  Ring<std::unique_ptr<int>> ring(1);
  ring.push(std::make_unique<int>(1));
  ring.push(std::make_unique<int>(2));
  EXPECT_EQ(*ring.newest(), 2);
}

TEST(RingDeathTest, AnIndexOutOfRangeAborts) {
  Ring<int> ring(3);
  EXPECT_DEATH(ring[0], "index 0 of 0");
  EXPECT_DEATH(ring.newest(), "of 0");
  ring.push(1);
  EXPECT_DEATH(ring[1], "index 1 of 1");
  EXPECT_DEATH(Ring<int>(0), "capacity > 0");
}

}  // namespace
}  // namespace plimsoll
