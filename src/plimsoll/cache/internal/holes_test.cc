#include "plimsoll/cache/internal/holes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <set>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class HoleListTest : public testing::Test {
 protected:
  static constexpr std::size_t kPlace = 16 * 1024;  // holes here overlap in nothing

  // A dead record of this length in a place of its own.
  Locator dead(std::size_t length) {
    const std::optional<std::uint32_t> block = items_.take();
    PLIMSOLL_CHECK(block.has_value());
    auto* record = new (items_.begin_of(*block)) Item{};
    record->value_size = static_cast<std::uint32_t>(length - sizeof(Item));
    const Locator at = items_.locator_of(record);
    holes_.add(at);
    return at;
  }
  std::size_t length_of(Locator at) const {
    return reinterpret_cast<const Item*>(items_.at(at))->length(items_.unit());
  }

  SystemPages pages_;
  LoadLine line_{{.limit = 512_MiB}};
  Account& account_ = line_.open({.name = "records", .kind = AccountKind::kPinned, .guarantee = {}});
  SegmentStore items_{
      {.pages = pages_, .account = account_, .block = Bytes(kPlace), .address_space = 256_MiB}};
  HoleList holes_{items_};
};

TEST_F(HoleListTest, GivesAHoleOfTheSameLengthBeforeALongerOne) {
  const Locator longer = dead(256);
  const Locator same = dead(64);
  EXPECT_EQ(holes_.take(64), same);
  EXPECT_EQ(holes_.take(64), longer);
  EXPECT_EQ(holes_.take(64), kNoLocator);
  EXPECT_EQ(holes_.bytes(), 0u);
}

TEST_F(HoleListTest, LeavesNoRestThatIsTooShortToBeUsed) {
  dead(64 + HoleList::kSmallestRest - 8);
  EXPECT_EQ(holes_.take(64), kNoLocator);
  const Locator fits = dead(64 + HoleList::kSmallestRest);
  EXPECT_EQ(holes_.take(64), fits);
  EXPECT_EQ(holes_.size(), 1u);
}

TEST_F(HoleListTest, FindsLongHolesThatShareAList) {
  const Locator long_one = dead(9000);
  dead(2100);
  dead(2200);
  EXPECT_EQ(holes_.take(8000), long_one);
  EXPECT_EQ(holes_.take(8000), kNoLocator);
  EXPECT_NE(holes_.take(2100), kNoLocator);
  holes_.CheckInvariants();
}

TEST_F(HoleListTest, KeepsItsBooksThroughRandomChanges) {
  Random random(4);
  std::set<Locator> model;
  for (int step = 0; step < 3000; ++step) {
    const std::size_t length = 16 + 8 * random.below(random.below(4) == 0 ? 1500 : 60);
    const std::uint64_t what = random.below(model.size() < 20 ? 2 : 4);
    if (what < 2) {
      model.insert(dead(length));
    } else if (what == 2) {
      auto any = std::next(model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())));
      holes_.remove(*any);
      items_.give(items_.block_of(items_.at(*any)));
      model.erase(any);
    } else if (Locator taken = holes_.take(length); taken != kNoLocator) {
      ASSERT_EQ(model.count(taken), 1u) << "step " << step;
      const std::size_t whole = length_of(taken);
      EXPECT_TRUE(whole == length || whole >= length + HoleList::kSmallestRest) << whole << " for " << length;
      items_.give(items_.block_of(items_.at(taken)));
      model.erase(taken);
    }
    if (step % 100 == 0) holes_.CheckInvariants();
    ASSERT_EQ(holes_.size(), model.size());
  }
}

}  // namespace
}  // namespace plimsoll
