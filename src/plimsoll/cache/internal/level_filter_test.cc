#include "plimsoll/cache/internal/level_filter.h"

#include <gtest/gtest.h>

#include <string>

#include "plimsoll/base/hash.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

std::uint64_t hash_of(int key) { return hash64("key:" + std::to_string(key), 3); }

struct FilterFixture {
  LoadLine line{{.limit = 64_MiB}};
  Account& account = line.open({.name = "levels", .guarantee = {}});
  LevelFilter filter{account};
  std::vector<std::uint32_t> found;
};

TEST(LevelFilter, NeverMissesAKeyAndSeldomInventsOne) {
  FilterFixture f;
  constexpr int kKeys = 100'000;
  for (int key = 0; key < kKeys; ++key) ASSERT_TRUE(f.filter.add(hash_of(key), 1 + key / 25'000));
  int invented = 0;
  for (int key = 0; key < kKeys; ++key) {
    f.filter.find(hash_of(key), f.found);
    ASSERT_TRUE(std::find(f.found.begin(), f.found.end(), 1 + key / 25'000) != f.found.end()) << key;
    invented += f.filter.may_hold(hash_of(kKeys + key)) ? 1 : 0;
  }
  EXPECT_LT(invented, kKeys / 20) << "of four generations";
  EXPECT_LE(f.filter.memory().count(), kKeys * 5u) << "bytes for " << kKeys << " keys";
  EXPECT_EQ(f.filter.memory(), f.account.used());
}

TEST(LevelFilter, ForgetsAGenerationWithWhatItTook) {
  FilterFixture f;
  ASSERT_TRUE(f.filter.add(hash_of(1), 4));
  ASSERT_TRUE(f.filter.add(hash_of(1), 5));
  ASSERT_TRUE(f.filter.add(hash_of(2), 5));
  f.filter.find(hash_of(1), f.found);
  EXPECT_EQ(f.found, (std::vector<std::uint32_t>{5, 4})) << "the newest first";
  const Bytes both = f.account.used();
  f.filter.drop_before(5);
  f.filter.find(hash_of(1), f.found);
  EXPECT_EQ(f.found, std::vector<std::uint32_t>{5});
  EXPECT_LT(f.account.used(), both);
  f.filter.clear();
  EXPECT_FALSE(f.filter.may_hold(hash_of(1)));
  EXPECT_TRUE(f.account.used().zero());
}

TEST(LevelFilter, RefusesWhatItHasNoMemoryFor) {
  FilterFixture f;
  f.account.set_maximum(3_KiB);
  int taken = 0;
  while (f.filter.add(hash_of(taken), 1)) ++taken;
  EXPECT_EQ(taken, 1024) << "2 KiB are granted, the next 4 are not";
  for (int key = 0; key < taken; ++key) EXPECT_TRUE(f.filter.may_hold(hash_of(key)));
}

}  // namespace
}  // namespace plimsoll
