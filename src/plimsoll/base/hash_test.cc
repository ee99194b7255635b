#include "plimsoll/base/hash.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace plimsoll {
namespace {

TEST(Hash64, IsXxh3) {
  // The published value of XXH3 for no input and seed 0.
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);
}

TEST(Hash64, DependsOnBytesLengthAndSeedOnly) {
  std::string text = "under the line";
  std::string copy = text;
  EXPECT_EQ(hash64(text), hash64(copy));
  EXPECT_NE(hash64(text), hash64(text, 1));
  EXPECT_NE(hash64(std::string_view("\0", 1)), hash64(std::string_view("\0\0", 2)));
}

TEST(Hash64, EveryFlippedBitIsAnotherValue) {
  // Lengths on both sides of the algorithm's own steps (16, 128, 240 bytes).
  for (std::size_t length : {1u, 3u, 8u, 16u, 17u, 128u, 129u, 240u, 241u, 1025u}) {
    std::string bytes(length, 'a');
    std::set<std::uint64_t> seen = {hash64(bytes)};
    for (std::size_t bit = 0; bit < 8 * length; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_TRUE(seen.insert(hash64(flipped)).second) << "length " << length << ", bit " << bit;
    }
  }
}

TEST(Hash64, LowAndHighBitsSpreadNumberedKeys) {
  // Shards are chosen by some bits and buckets by others: neither may clump on keys as people number them.
  constexpr int kKeys = 64'000;
  std::array<int, 64> low{};
  std::array<int, 64> high{};
  for (int i = 0; i < kKeys; ++i) {
    std::uint64_t hash = hash64("key:" + std::to_string(i));
    ++low[hash % 64];
    ++high[hash >> 58];
  }
  for (int count : low) EXPECT_NEAR(count, kKeys / 64, 190);  // six standard deviations
  for (int count : high) EXPECT_NEAR(count, kKeys / 64, 190);
}

}  // namespace
}  // namespace plimsoll
