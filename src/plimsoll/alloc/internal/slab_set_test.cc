#include "plimsoll/alloc/internal/slab_set.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

TEST(SlabSet, IsAsASetThatIsSorted) {
  for (std::size_t capacity : {1u, 63u, 64u, 65u, 4096u, 4097u, 300'000u}) {
    std::vector<std::uint64_t> words(SlabSet::words(capacity));
    SlabSet set(words.data(), capacity);
    std::set<std::uint32_t> model;
    Random random(capacity);
    for (int i = 0; i < 5000; ++i) {
      const auto n = static_cast<std::uint32_t>(random.below(capacity));
      ASSERT_EQ(set.contains(n), model.count(n) == 1);
      if (model.erase(n) == 1) {
        set.erase(n);
      } else {
        set.insert(n);
        model.insert(n);
      }
      ASSERT_EQ(set.count(), model.size());
      ASSERT_EQ(set.lowest(), model.empty() ? SlabSet::kNone : *model.begin());
      ASSERT_EQ(set.highest(), model.empty() ? SlabSet::kNone : *model.rbegin());
    }
  }
}

}  // namespace
}  // namespace plimsoll
