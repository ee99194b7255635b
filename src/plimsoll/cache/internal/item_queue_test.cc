#include "plimsoll/cache/internal/item_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <list>
#include <new>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/records_fixture.h"

namespace plimsoll {
namespace {

std::vector<Locator> order_of(const ItemQueue& queue) {
  std::vector<Locator> all;
  for (Locator item = queue.oldest(); item != kNoLocator; item = queue.newer(item)) all.push_back(item);
  return all;
}

TEST(ItemQueue, KeepsTheOrderOfWhatIsPushedAtItsEnds) {
  RecordsFixture f;
  ItemQueue queue(f.items, 2);
  EXPECT_TRUE(queue.empty());
  const Locator a = f.make("a"), b = f.make("b"), c = f.make("c"), d = f.make("d");
  queue.push_newest(a);
  queue.push_newest(b);
  queue.push_oldest(c);
  queue.insert_newer_than(a, d);
  EXPECT_EQ(order_of(queue), (std::vector<Locator>{c, a, d, b}));
  EXPECT_EQ(queue.newest(), b);
  EXPECT_EQ(queue.older(a), c);
  EXPECT_EQ(queue.size(), 4u);
  EXPECT_EQ(f.at(d).queue(), 2u);
  queue.CheckInvariants();
  for (Locator item : {d, c, b, a}) queue.unlink(item);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_EQ(queue.newest(), kNoLocator);
}

TEST(ItemQueue, CountsTheRecordsLengthsAndTheWeightsOfThoseThatHaveOne) {
  RecordsFixture f;
  ItemQueue queue(f.items, 0);
  const Locator plain = f.make("four");
  queue.push_newest(plain);
  EXPECT_EQ(queue.bytes(), 24u) << "a header of 16, and the key to the next 8";
  const Locator heavy = f.make("heavy", std::uint64_t{5} << 32);
  queue.push_newest(heavy);
  EXPECT_EQ(queue.bytes(), 24u + (std::uint64_t{5} << 32));
  f.at(heavy).set_weight(100);
  queue.reweighed(heavy, std::uint64_t{5} << 32);
  EXPECT_EQ(queue.bytes(), 124u);
  queue.CheckInvariants();
  queue.replace(plain, f.make("new", 7));
  EXPECT_EQ(queue.bytes(), 107u);
  EXPECT_EQ(f.at(queue.oldest()).key(), "new");
}

TEST(ItemQueue, FindsItsNeighboursAgainWhenARecordMoves) {
  RecordsFixture f;
  ItemQueue queue(f.items, 1);
  std::vector<Locator> order;
  for (int i = 0; i < 5; ++i) {
    order.push_back(f.make("key" + std::to_string(i)));
    queue.push_newest(order.back());
  }
  for (std::size_t i : {0, 4, 2}) {
    const Locator to = f.copy(order[i]);
    queue.moved(order[i], to);
    f.forget(order[i]);
    order[i] = to;
    queue.CheckInvariants();
    EXPECT_EQ(order_of(queue), order);
  }
}

TEST(ItemQueue, DoesWhatAListDoes) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    RecordsFixture f;
    ItemQueue queue(f.items, 3);
    std::list<Locator> model;
    for (int step = 0; step < 3000; ++step) {
      auto any = model.begin();
      if (!model.empty()) std::advance(any, static_cast<std::ptrdiff_t>(random.below(model.size())));
      const std::uint64_t what = random.below(model.size() < 100 ? 6 : 12);
      const Locator fresh = what < 6 ? f.make("k" + std::to_string(step)) : kNoLocator;
      if (what < 2 || (what < 6 && model.empty())) {
        queue.push_newest(fresh);
        model.push_back(fresh);
      } else if (what < 4) {
        queue.push_oldest(fresh);
        model.push_front(fresh);
      } else if (what == 4) {
        queue.insert_newer_than(*any, fresh);
        model.insert(std::next(any), fresh);
      } else if (what == 5) {
        queue.replace(*any, fresh);
        *any = fresh;
      } else if (what < 9) {
        queue.unlink(*any);
        model.erase(any);
      } else {
        const Locator to = f.copy(*any);
        queue.moved(*any, to);
        f.forget(*any);
        *any = to;
      }
    }
    queue.CheckInvariants();
    EXPECT_EQ(order_of(queue), std::vector<Locator>(model.begin(), model.end()));
  }
}

}  // namespace
}  // namespace plimsoll
