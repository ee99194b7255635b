#include "plimsoll/cache/internal/hot_keys.h"

#include <gtest/gtest.h>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

void count(HotKeys& hot, const std::string& key) { hot.count(hash64(key), key); }

TEST(HotKeys, FindsThoseThatAreAskedForMoreThanOthersAmongManyThatAreNot) {
  HotKeys hot;
  Random random(3);
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t what = random.below(100);
    count(hot, what < 20 ? "first" : what < 30 ? "second" : "cold:" + std::to_string(random.below(20'000)));
  }
  const std::vector<HotKey> top = hot.top(16);
  ASSERT_GE(top.size(), 2u);
  EXPECT_EQ(top[0].key, "first");
  EXPECT_NEAR(top[0].share, 0.2, 0.015);
  EXPECT_LE(top[0].at_least, top[0].share);
  EXPECT_EQ(top[1].key, "second");
  EXPECT_NEAR(top[1].share, 0.1, 0.015);
  EXPECT_EQ(top.size(), 2u) << top[2].key << " is not hot";
}

TEST(HotKeys, FindsNoneWhereAllAreAskedForAlike) {
  HotKeys hot;
  Random random(4);
  for (int i = 0; i < 50'000; ++i) count(hot, std::to_string(random.below(20'000)));
  EXPECT_TRUE(hot.top(16).empty());
}

TEST(HotKeys, KeepsTheBeginningOfALongKeyAndTellsTwoOfThemApart) {
  HotKeys hot;
  const std::string begin(100, 'k');
  for (int i = 0; i < 10; ++i) count(hot, begin + "a");
  for (int i = 0; i < 5; ++i) count(hot, begin + "b");
  const std::vector<HotKey> top = hot.top(16);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0].key, std::string(64, 'k'));
  EXPECT_DOUBLE_EQ(top[0].share, 10.0 / 15);
}

TEST(HotKeys, ForgetWhatIsPast) {
  HotKeys hot;
  for (int i = 0; i < 1000; ++i) count(hot, "old");
  for (int i = 0; i < 12; ++i) hot.halve();
  for (int i = 0; i < 10; ++i) count(hot, "new");
  ASSERT_EQ(hot.top(16).size(), 1u);
  EXPECT_EQ(hot.top(16)[0].key, "new");
}

}  // namespace
}  // namespace plimsoll
