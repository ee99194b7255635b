#include "plimsoll/base/vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

// Each array is an object of its own on the heap, so that the address sanitizer sees a read behind it.
template <typename T>
std::unique_ptr<T[]> copy_of(const std::vector<T>& values) {
  auto made = std::make_unique<T[]>(values.size());
  std::copy(values.begin(), values.end(), made.get());
  return made;
}

template <typename T, std::size_t kCount>
void compare_matches(const std::vector<T>& values, T value) {
  const std::unique_ptr<T[]> copy = copy_of(values);
  const std::span<const T, kCount> all(copy.get(), kCount);
  std::uint32_t expected = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (values[i] == value) expected |= std::uint32_t{1} << i;
  }
  EXPECT_EQ(matches(all, value), expected) << kCount << " values, " << value;
  EXPECT_EQ(scalar::matches(all, value), expected) << kCount << " values, " << value;
}

template <typename T, std::size_t kCount>
void compare_length(Random& random) {
  constexpr T kTop = static_cast<T>(~(static_cast<T>(~T{0}) >> 1));
  constexpr T kMost = static_cast<T>(~T{0});
  // One that matches at every place, or none, among values of which all other bytes are the same.
  for (T value : {T{0}, T{1}, T{0xff}, static_cast<T>(kTop - 1), kTop, static_cast<T>(kMost - 0xff), kMost}) {
    for (std::size_t at = 0; at <= kCount; ++at) {
      std::vector<T> values(kCount);
      for (T& other : values)
        other = static_cast<T>(value ^ (T{1} << (8 * random.below(sizeof(T)) + random.below(8))));
      if (at < kCount) values[at] = value;
      compare_matches<T, kCount>(values, value);
    }
  }
  for (int round = 0; round < 100; ++round) {  // many that match
    std::vector<T> values(kCount);
    for (T& value : values) value = static_cast<T>(random.below(3) * kTop / 2);
    compare_matches<T, kCount>(values, static_cast<T>(random.below(3) * kTop / 2));
  }
}

template <typename T, std::size_t kLeast>
void compare_lengths() {
  Random random(1);
  [&]<std::size_t... kMore>(std::index_sequence<kMore...>) {
    (compare_length<T, kLeast + kMore>(random), ...);
  }(std::make_index_sequence<32 - kLeast + 1>());
}

TEST(Vector, FindsTheTagsThatTheScalarFormFinds) { compare_lengths<std::uint16_t, 8>(); }

TEST(Vector, FindsTheLocatorsThatTheScalarFormFinds) { compare_lengths<std::uint32_t, 4>(); }

}  // namespace
}  // namespace plimsoll
