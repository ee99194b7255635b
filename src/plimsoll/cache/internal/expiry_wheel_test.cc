#include "plimsoll/cache/internal/expiry_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr std::int64_t kTick = 64;  // ms
constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kBegin = 1'700'000'000'000;  // a wall clock's, and no multiple of anything

// When an item of this time is due: at the first tick's begin after it.
constexpr std::int64_t due_ms(std::int64_t at_ms) { return (at_ms / kTick + 1) * kTick; }

class ExpiryWheelTest : public ::testing::Test {
 protected:
  ExpiryWheelTest() : wheel_(store_) {}

  // A record of its own place that expires at `at_ms`, not yet in the wheel.
  Locator make(std::int64_t at_ms) {
    if (places_.empty()) take_block();
    const Locator at = places_.back();
    places_.pop_back();
    auto* item = new (store_.at(at)) Item{};
    item->bits = Item::kLive | Item::kExpiring;
    *item->expiry() = {.at_ms = at_ms, .next = kNoLocator, .previous = kNoLocator};
    return at;
  }
  Locator add(std::int64_t at_ms, std::int64_t now_ms) {
    const Locator at = make(at_ms);
    wheel_.add(at, now_ms);
    return at;
  }
  Item& item(Locator at) { return *reinterpret_cast<Item*>(store_.at(at)); }
  // Takes the record out and forgets it, with a trace for who would read it still.
  void drop(Locator at) {
    wheel_.remove(at);
    forget(at);
  }
  void forget(Locator at) {
    std::memset(store_.at(at), 0xa5, kRecord);
    places_.push_back(at);
  }
  // Copies the record elsewhere, as a sweep does.
  Locator relocate(Locator from) {
    const Locator to = make(0);
    std::memcpy(store_.at(to), store_.at(from), kRecord);
    wheel_.moved(to);
    forget(from);
    return to;
  }
  // All that is due at `now_ms`, taken out.
  std::multiset<std::int64_t> take_due(std::int64_t now_ms) {
    std::multiset<std::int64_t> times;
    for (Locator at = wheel_.due(now_ms); at != kNoLocator; at = wheel_.due(now_ms)) {
      times.insert(item(at).expiry()->at_ms);
      drop(at);
    }
    return times;
  }

  static constexpr std::size_t kRecord = sizeof(Item) + sizeof(ItemExpiry);

  SystemPages pages_;
  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "items", .kind = AccountKind::kDroppable});
  SegmentStore store_{{.pages = pages_, .account = account_, .block = 64_KiB, .address_space = 16_MiB}};
  std::vector<Locator> places_;
  ExpiryWheel wheel_;

 private:
  void take_block() {
    const std::optional<std::uint32_t> block = store_.take();
    ASSERT_TRUE(block);
    for (std::size_t offset = 0; offset + kRecord <= store_.block_size(); offset += kRecord)
      places_.push_back(store_.locator_of(store_.begin_of(*block) + offset));
  }
};

using Times = std::multiset<std::int64_t>;

TEST_F(ExpiryWheelTest, HasNothingDueWhenItIsEmpty) {
  EXPECT_EQ(wheel_.due(0), kNoLocator);
  EXPECT_EQ(wheel_.due(kBegin), kNoLocator);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(ExpiryWheelTest, IsDueAtTheFirstTickAfterTheTimeAndNotBefore) {
  const std::vector<std::int64_t> delays = {1,
                                            kTick - 1,
                                            kTick,
                                            kSecond,
                                            5000,
                                            64 * kTick - 1,
                                            kMinute,
                                            64 * kTick,
                                            kHour,
                                            64 * 64 * kTick,
                                            kDay,
                                            3 * kHour + 17,
                                            9 * kDay,
                                            64 * 64 * 64 * kTick - 1,
                                            11 * kDay + 5 * kHour + 1};
  for (std::int64_t delay : delays) {
    SCOPED_TRACE(delay);
    const std::int64_t at_ms = kBegin + delay;
    ExpiryWheel wheel(store_);
    const Locator at = make(at_ms);
    wheel.add(at, kBegin);
    EXPECT_EQ(wheel.due(kBegin), kNoLocator);
    EXPECT_EQ(wheel.due(kBegin + delay / 2), kNoLocator);
    EXPECT_EQ(wheel.due(at_ms), kNoLocator) << "an item is there at its time still";
    EXPECT_EQ(wheel.due(due_ms(at_ms) - 1), kNoLocator);
    EXPECT_EQ(wheel.due(due_ms(at_ms)), at);
    EXPECT_EQ(wheel.due(due_ms(at_ms)), at) << "until it is removed";
    wheel.remove(at);
    EXPECT_EQ(wheel.due(due_ms(at_ms)), kNoLocator);
  }
}

TEST_F(ExpiryWheelTest, FindsWhatIsLongOverWhenItWasNotAskedForDays) {
  const Locator at = add(kBegin + kSecond, kBegin);
  EXPECT_EQ(wheel_.due(kBegin + 3 * kDay), at);
}

// From 1970 to today, as a machine without a clock of its own does: tick by tick it would take minutes.
TEST_F(ExpiryWheelTest, FollowsAClockThatIsSetFarAhead) {
  add(kBegin - 20'000 * kDay + kSecond, kBegin - 20'000 * kDay);
  add(kBegin + kMinute, kBegin - 20'000 * kDay);
  add(kBegin + 30 * kDay, kBegin - 20'000 * kDay);
  EXPECT_EQ(take_due(kBegin), (Times{kBegin - 20'000 * kDay + kSecond}));
  EXPECT_EQ(take_due(kBegin + 2 * kMinute), (Times{kBegin + kMinute}));
  EXPECT_EQ(take_due(kBegin + 29 * kDay), Times());
  EXPECT_EQ(take_due(kBegin + 31 * kDay), (Times{kBegin + 30 * kDay}));
}

TEST_F(ExpiryWheelTest, HasAnItemOfThePastDueAtOnce) {
  add(kBegin + kDay, kBegin);
  EXPECT_EQ(wheel_.due(kBegin + kMinute), kNoLocator);
  const Locator late = add(kBegin + kSecond, kBegin + kMinute);
  const Locator ancient = add(1, kBegin + kMinute);
  EXPECT_EQ(take_due(kBegin + kMinute), (Times{1, kBegin + kSecond}));
  EXPECT_NE(late, ancient);
  EXPECT_EQ(wheel_.size(), 1u);
}

TEST_F(ExpiryWheelTest, KeepsWhatIsLaterThanItReachesUntilItsTime) {
  const std::int64_t far = kBegin + 40 * kDay + 3;
  add(far, kBegin);
  add(kBegin + 13 * kDay, kBegin);
  add(kBegin + 12 * kDay + 10 * kHour, kBegin);
  std::int64_t now = kBegin;
  std::vector<std::int64_t> seen;
  for (; now < far + kDay; now += 7 * kHour + 1) {
    for (std::int64_t at_ms : take_due(now)) {
      EXPECT_GE(now, due_ms(at_ms));
      EXPECT_LT(now - (7 * kHour + 1), due_ms(at_ms)) << "late by more than the step";
      seen.push_back(at_ms - kBegin);
    }
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{12 * kDay + 10 * kHour, 13 * kDay, 40 * kDay + 3}));
}

TEST_F(ExpiryWheelTest, ForgetsWhatIsRemovedFromTheFrontTheMiddleAndTheEndOfASlot) {
  for (int removed = 0; removed < 3; ++removed) {
    SCOPED_TRACE(removed);
    const std::int64_t begin = kBegin + removed * kDay;
    std::vector<Locator> items;
    for (int i = 0; i < 3; ++i) items.push_back(add(begin + kHour, begin));  // of one slot
    drop(items[static_cast<std::size_t>(removed)]);
    EXPECT_EQ(wheel_.size(), 2u);
    EXPECT_EQ(take_due(begin + 2 * kHour), (Times{begin + kHour, begin + kHour}));
    EXPECT_EQ(wheel_.size(), 0u);
  }
}

TEST_F(ExpiryWheelTest, FollowsAnItemThatMoved) {
  for (int moved = 0; moved < 3; ++moved) {
    SCOPED_TRACE(moved);
    const std::int64_t begin = kBegin + moved * kDay;
    std::vector<Locator> items;
    for (int i = 0; i < 3; ++i) items.push_back(add(begin + kHour, begin));
    Locator& at = items[static_cast<std::size_t>(moved)];
    at = relocate(at);
    std::set<Locator> due;
    for (Locator next = wheel_.due(begin + 2 * kHour); next != kNoLocator;
         next = wheel_.due(begin + 2 * kHour)) {
      due.insert(next);
      drop(next);
    }
    EXPECT_EQ(due, std::set<Locator>(items.begin(), items.end()));
  }
}

TEST_F(ExpiryWheelTest, TakesAnotherTimeForAnItem) {
  const Locator at = add(kBegin + kHour, kBegin);
  auto reschedule = [&](std::int64_t at_ms, std::int64_t now_ms) {
    wheel_.remove(at);
    item(at).expiry()->at_ms = at_ms;
    wheel_.add(at, now_ms);
  };
  reschedule(kBegin + kDay, kBegin + kMinute);
  EXPECT_EQ(wheel_.due(kBegin + 2 * kHour), kNoLocator) << "not at the first time";
  reschedule(kBegin + 3 * kHour, kBegin + 2 * kHour);
  EXPECT_EQ(wheel_.due(kBegin + 3 * kHour), kNoLocator);
  EXPECT_EQ(wheel_.due(due_ms(kBegin + 3 * kHour)), at) << "earlier than it was";
  EXPECT_EQ(wheel_.size(), 1u);
}

TEST_F(ExpiryWheelTest, IsEmptyAfterClearAndCanBeUsedAgain) {
  for (std::int64_t delay : {std::int64_t{1}, kSecond, kHour, kDay, 20 * kDay}) add(kBegin + delay, kBegin);
  EXPECT_EQ(wheel_.size(), 5u);
  wheel_.clear();
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_EQ(wheel_.due(kBegin + 30 * kDay), kNoLocator);
  const Locator at = add(kBegin + 31 * kDay, kBegin + 30 * kDay);
  EXPECT_EQ(wheel_.due(kBegin + 31 * kDay), kNoLocator);
  EXPECT_EQ(wheel_.due(due_ms(kBegin + 31 * kDay)), at);
}

// The wall clock is set back while items wait: what is stored then was in the wheel's past, and due at once.
TEST_F(ExpiryWheelTest, HasNothingDueEarlyWhenTheClockIsSetBack) {
  add(kBegin + 2 * kDay, kBegin);
  EXPECT_EQ(wheel_.due(kBegin + kDay), kNoLocator);
  const std::int64_t back = kBegin + kHour;
  add(back + kMinute, back);
  EXPECT_EQ(wheel_.due(back), kNoLocator);
  EXPECT_EQ(wheel_.due(back + kMinute), kNoLocator);
  EXPECT_EQ(take_due(kBegin + kDay), (Times{back + kMinute})) << "when the clock has caught up at the latest";
  EXPECT_EQ(take_due(kBegin + 3 * kDay), (Times{kBegin + 2 * kDay}));
}

// A multimap from the time an item is due to its place.
class Model {
 public:
  void add(Locator at, std::int64_t at_ms) { by_time_.emplace(due_ms(at_ms), at); }
  void remove(Locator at, std::int64_t at_ms) {
    auto [begin, end] = by_time_.equal_range(due_ms(at_ms));
    by_time_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == at; }));
  }
  std::set<Locator> due(std::int64_t now_ms) const {
    std::set<Locator> due;
    for (auto at = by_time_.begin(); at != by_time_.upper_bound(now_ms); ++at) due.insert(at->second);
    return due;
  }
  std::size_t size() const { return by_time_.size(); }
  bool empty() const { return by_time_.empty(); }
  std::pair<std::int64_t, Locator> any(Random& random) const {
    auto at = by_time_.begin();
    std::advance(at, random.below(by_time_.size()));
    return *at;
  }

 private:
  std::multimap<std::int64_t, Locator> by_time_;
};

// From milliseconds to `longest`, each power of two as likely.
std::int64_t random_delay(Random& random, unsigned bits) {
  return static_cast<std::int64_t>(random() >> (63 - random.below(bits)));
}

class ExpiryWheelModelTest : public ExpiryWheelTest {
 protected:
  void change_one(Random& random, std::int64_t now) {
    const auto [due, at] = model_.any(random);
    const std::int64_t at_ms = item(at).expiry()->at_ms;
    model_.remove(at, at_ms);
    switch (random.below(3)) {
      case 0:
        drop(at);
        break;
      case 1:
        model_.add(relocate(at), at_ms);
        break;
      default:
        wheel_.remove(at);
        item(at).expiry()->at_ms = now + random_delay(random, 31);
        wheel_.add(at, now);
        model_.add(at, item(at).expiry()->at_ms);
    }
  }
  void expire(std::int64_t now) {
    std::set<Locator> expected = model_.due(now);
    while (true) {
      const Locator at = wheel_.due(now);
      if (at == kNoLocator) break;
      ASSERT_EQ(expected.erase(at), 1u) << "due " << due_ms(item(at).expiry()->at_ms) - now << " ms early";
      model_.remove(at, item(at).expiry()->at_ms);
      drop(at);
    }
    ASSERT_TRUE(expected.empty()) << expected.size() << " items are overdue";
  }
  void run(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    for (int step = 0; step < 4000; ++step) {
      if (random.below(3) != 0) {
        const std::int64_t at_ms = now_ + random_delay(random, 31) - (random.below(20) == 0 ? kSecond : 0);
        model_.add(add(at_ms, now_), at_ms);
      } else if (!model_.empty()) {
        change_one(random, now_);
      }
      now_ += random.below(200) == 0 ? random_delay(random, 28) : random_delay(random, 10);
      if (random.below(3) != 0) expire(now_);
      if (HasFatalFailure()) return;
      ASSERT_EQ(wheel_.size(), model_.size());
    }
    now_ += 26 * kDay;
    expire(now_);
    ASSERT_EQ(wheel_.size(), 0u);
  }

  Model model_;
  std::int64_t now_ = kBegin;
};

TEST_F(ExpiryWheelModelTest, DoesWhatAMultimapDoes) {
  for (std::uint64_t seed = 1; seed <= 4 && !HasFatalFailure(); ++seed) run(seed);
}

}  // namespace
}  // namespace plimsoll
