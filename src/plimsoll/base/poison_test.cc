#include "plimsoll/base/poison.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace plimsoll {
namespace {

alignas(8) char bytes[64];

TEST(Poison, LeavesTheBytesAsTheyAre) {
  std::memset(bytes, 'x', sizeof bytes);
  poison(bytes, sizeof bytes);
  unpoison(bytes, sizeof bytes);
  for (char byte : bytes) EXPECT_EQ(byte, 'x');
}

#ifdef PLIMSOLL_POISONS
TEST(Poison, TheSanitizerKnowsWhatIsFree) {
  poison(bytes + 8, 16);
  EXPECT_FALSE(__asan_address_is_poisoned(bytes + 7));
  EXPECT_TRUE(__asan_address_is_poisoned(bytes + 8));
  EXPECT_TRUE(__asan_address_is_poisoned(bytes + 23));
  EXPECT_FALSE(__asan_address_is_poisoned(bytes + 24));
  unpoison(bytes + 8, 16);
  EXPECT_FALSE(__asan_address_is_poisoned(bytes + 8));
}

TEST(PoisonDeathTest, TouchingWhatIsFreeEndsTheProcess) {
  // Not of the array above: clang does not check an access that it sees to be inside a global.
  std::vector<char> heap(64);
  volatile char* freed = heap.data() + 16;
  poison(heap.data(), heap.size());
  EXPECT_DEATH(*freed = 'y', "use-after-poison");
  unpoison(heap.data(), heap.size());
}
#endif

}  // namespace
}  // namespace plimsoll
