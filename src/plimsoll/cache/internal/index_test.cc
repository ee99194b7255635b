#include "plimsoll/cache/internal/index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr std::size_t kPerBlock = 4096 / 64;  // buckets
constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;

class ItemIndexTest : public ::testing::Test {
 protected:
  using HashFunction = std::uint64_t (*)(std::string_view);

  // A record of its own place, not yet in the index.
  Locator make(std::string_view key) {
    if (places_.empty()) take_block();
    const Locator at = places_.back();
    places_.pop_back();
    auto* item = new (items_.at(at)) Item{};
    item->bits = Item::kLive;
    item->key_size = static_cast<std::uint16_t>(key.size());
    std::memcpy(item->key_begin(), key.data(), key.size());
    return at;
  }
  void forget(Locator at) {
    std::memset(items_.at(at), 0, kRecord);
    places_.push_back(at);
  }
  bool insert(const std::string& key) {
    const Locator at = make(key);
    if (!index_.insert(hash_(key), at)) {
      forget(at);
      return false;
    }
    EXPECT_TRUE(model_.emplace(key, at).second) << key;
    return true;
  }
  void erase(const std::string& key) {
    auto entry = model_.find(key);
    ASSERT_NE(entry, model_.end());
    index_.erase(static_cast<std::uint32_t>(hash_(key)), entry->second);
    forget(entry->second);
    model_.erase(entry);
  }
  void move(const std::string& key) {
    Locator& at = model_.at(key);
    const Locator to = make(key);
    index_.move(static_cast<std::uint32_t>(hash_(key)), at, to);
    forget(at);
    at = to;
  }
  Locator find(const std::string& key) const { return index_.find(hash_(key), key); }
  static std::string key(std::uint64_t number) { return "key" + std::to_string(number); }
  void insert_keys(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t number = begin; number < end; ++number) ASSERT_TRUE(insert(key(number))) << number;
  }
  void erase_keys(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t number = begin; number < end; ++number) erase(key(number));
  }
  void expect_what_the_model_says() {
    index_.CheckInvariants();
    ASSERT_EQ(index_.size(), model_.size());
    ASSERT_EQ(index_.memory(), blocks_account_.used()) << "all blocks it took and no others";
    for (const auto& [key, at] : model_) ASSERT_EQ(find(key), at) << key;
  }
  std::size_t blocks() const { return index_.memory() / 4_KiB; }

  static constexpr std::size_t kRecord = 48;  // a header and keys up to 32 bytes

  SystemPages pages_;
  LoadLine line_{{.limit = 256_MiB}};
  Account& items_account_ = line_.open({.name = "items"});
  Account& blocks_account_ = line_.open({.name = "blocks"});
  SegmentStore items_{{.pages = pages_, .account = items_account_, .block = 64_KiB, .address_space = 64_MiB}};
  SegmentStore blocks_{
      {.pages = pages_, .account = blocks_account_, .block = 4_KiB, .address_space = 16_MiB}};
  // The index asks for a key's hash again when it grows: by whatever function the test has set.
  KeyHash key_hash() {
    return {[](std::string_view key, std::uint64_t self) {
              return reinterpret_cast<ItemIndexTest*>(self)->hash_(key);
            },
            reinterpret_cast<std::uint64_t>(this)};
  }
  ItemIndex index_{items_, blocks_, key_hash()};
  std::map<std::string, Locator> model_;
  HashFunction hash_ = [](std::string_view key) { return hash64(key); };

 private:
  void take_block() {
    const std::optional<std::uint32_t> block = items_.take();
    ASSERT_TRUE(block);
    for (std::size_t offset = 0; offset + kRecord <= items_.block_size(); offset += kRecord)
      places_.push_back(items_.locator_of(items_.begin_of(*block) + offset));
  }
  std::vector<Locator> places_;
};

TEST_F(ItemIndexTest, HoldsNothingAndFindsNothingAtFirst) {
  EXPECT_EQ(index_.memory(), 0_B);
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_EQ(find("a"), kNoLocator);
  EXPECT_EQ(index_.pick(12345), kNoLocator);
  EXPECT_EQ(index_.visit_bucket(0, [](Locator) { FAIL(); }), kEnd);
  index_.CheckInvariants();
}

TEST_F(ItemIndexTest, FindsWhatWasInsertedUntilItIsErased) {
  ASSERT_TRUE(insert("a"));
  ASSERT_TRUE(insert(""));
  EXPECT_EQ(find("a"), model_.at("a"));
  EXPECT_EQ(find(""), model_.at(""));
  EXPECT_EQ(find("b"), kNoLocator);
  EXPECT_EQ(index_.size(), 2u);
  EXPECT_EQ(blocks(), 1u);
  erase("a");
  EXPECT_EQ(find("a"), kNoLocator);
  EXPECT_EQ(find(""), model_.at(""));
  EXPECT_EQ(index_.size(), 1u);
}

TEST_F(ItemIndexTest, FindsAnItemAtItsNewPlace) {
  insert_keys(0, 1000);
  for (std::uint64_t number = 0; number < 1000; number += 3) move(key(number));
  expect_what_the_model_says();
}

TEST_F(ItemIndexTest, TellsKeysOfOneHashApart) {
  hash_ = [](std::string_view) { return std::uint64_t{0x1234'5678'9abc'def0}; };
  insert_keys(0, 100);
  expect_what_the_model_says();
  EXPECT_EQ(find("key100"), kNoLocator);
  move(key(50));
  erase(key(0));   // of the bucket itself
  erase(key(99));  // of the end of its chain
  erase(key(49));
  expect_what_the_model_says();
  while (!model_.empty()) erase(model_.begin()->first);
  expect_what_the_model_says();
}

TEST_F(ItemIndexTest, TakesMemoryAsItsItemsNeedIt) {
  for (std::uint64_t items : {100, 1000, 5000, 20'000}) {
    insert_keys(model_.size(), items);
    // Eight items a bucket, and what hangs behind.
    const std::size_t table = (items / 8 + kPerBlock - 1) / kPerBlock;
    EXPECT_GE(blocks(), table) << items;
    EXPECT_LE(blocks(), table + table / 2 + 1) << items;
  }
  expect_what_the_model_says();
}

TEST_F(ItemIndexTest, GivesMemoryBackAsItsItemsGo) {
  insert_keys(0, 20'000);
  const std::size_t full = blocks();
  erase_keys(0, 10'000);
  expect_what_the_model_says();
  erase_keys(10'000, 19'900);
  expect_what_the_model_says();
  EXPECT_LE(blocks(), full / 3) << "a block or two of the table; blocks of chains stay";
  insert_keys(0, 19'900);
  expect_what_the_model_says();
  EXPECT_LE(blocks(), full + full / 10) << "blocks of chains were used again";
}

TEST_F(ItemIndexTest, UsesTheBucketsOfItsChainsAgain) {
  hash_ = [](std::string_view key) {
    return hash64(key) << 3;
  };  // seven in eight buckets of the table are empty
  insert_keys(0, 3000);
  const std::size_t full = blocks();
  for (int round = 0; round < 20; ++round) {
    erase_keys(100, 3000);
    insert_keys(100, 3000);
    ASSERT_LE(blocks(), full + 1) << "round " << round;
  }
  expect_what_the_model_says();
}

// Two full buckets made one would need a chained bucket, and there is none to be had.
TEST_F(ItemIndexTest, KeepsItsTableWhenThereIsNoMemoryToMakeItSmaller) {
  blocks_account_.set_maximum(4_KiB);
  std::uint64_t next = 0;
  while (model_.size() < 57) insert(key(next++));  // what would need a chain is refused; eight buckets
  auto stays = [&](const std::string& key) { return (hash_(key) & 3) == 3; };
  auto staying = [&] {
    return std::count_if(model_.begin(), model_.end(), [&](const auto& entry) { return stays(entry.first); });
  };
  while (staying() < 20) {
    if (stays(key(next))) insert(key(next));
    ++next;
  }
  for (std::uint64_t number = 0; number < next; ++number)
    if (model_.contains(key(number)) && !stays(key(number))) erase(key(number));
  ASSERT_EQ(model_.size(), 20u);
  expect_what_the_model_says();
}

TEST_F(ItemIndexTest, HoldsNothingAfterClearAndCanBeUsedAgain) {
  insert_keys(0, 5000);
  EXPECT_GT(index_.memory(), 0_B);
  index_.clear();
  EXPECT_EQ(index_.memory(), 0_B);
  EXPECT_EQ(blocks_account_.used(), 0_B);
  EXPECT_EQ(index_.size(), 0u);
  for (const auto& [key, at] : model_) ASSERT_EQ(find(key), kNoLocator);
  model_.clear();
  insert_keys(0, 2000);
  expect_what_the_model_says();
}

TEST_F(ItemIndexTest, HoldsNothingAfterItsEnd) {
  {
    ItemIndex other(items_, blocks_, key_hash());
    for (std::uint64_t number = 0; number < 1000; ++number)
      ASSERT_TRUE(other.insert(hash_(key(number)), make(key(number))));
    EXPECT_EQ(blocks_account_.used(), other.memory());
  }
  EXPECT_EQ(blocks_account_.used(), 0_B);
}

TEST_F(ItemIndexTest, RefusesTheFirstItemWithoutABlock) {
  blocks_account_.set_maximum(4095_B);
  EXPECT_FALSE(insert("a"));
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_EQ(index_.memory(), 0_B);
  EXPECT_EQ(find("a"), kNoLocator);
  blocks_account_.set_maximum(4_KiB);
  EXPECT_TRUE(insert("a"));
}

TEST_F(ItemIndexTest, HangsItemsInChainsWhenBlocksAreRefused) {
  insert_keys(0, 8 * kPerBlock);  // a full block of the table, and one of chains
  ASSERT_EQ(blocks(), 2u);
  blocks_account_.set_maximum(8_KiB);
  std::uint64_t next = 8 * kPerBlock;
  while (insert(key(next))) ++next;
  EXPECT_GT(model_.size(), std::size_t{12} * kPerBlock) << "most places of 128 buckets";
  EXPECT_LE(model_.size(), std::size_t{20} * kPerBlock);
  EXPECT_EQ(blocks(), 2u);
  expect_what_the_model_says();
  EXPECT_EQ(find(key(next)), kNoLocator) << "who was refused is not there";

  erase_keys(0, 100);
  insert_keys(next, next + 50);  // in their places, perhaps with a bucket that became free
  expect_what_the_model_says();

  blocks_account_.set_maximum(Bytes::max());
  insert_keys(next + 50, next + 2000);
  expect_what_the_model_says();
  const std::size_t table = (model_.size() / 8 + kPerBlock - 1) / kPerBlock;
  EXPECT_GE(blocks(), table) << "the table has caught up";
}

TEST_F(ItemIndexTest, VisitsEveryItemOnceWhenNothingChanges) {
  for (std::uint64_t items : {1, 9, 77, 513, 3000}) {
    insert_keys(model_.size(), items);
    std::vector<Locator> seen;
    std::uint64_t position = 0;
    while (position < kEnd) {
      const std::uint64_t next = index_.visit_bucket(position, [&](Locator at) { seen.push_back(at); });
      ASSERT_GT(next, position);
      position = next;
    }
    EXPECT_EQ(position, kEnd);
    EXPECT_EQ(seen.size(), items) << "each once";
    EXPECT_EQ(std::set<Locator>(seen.begin(), seen.end()).size(), items);
  }
  EXPECT_EQ(index_.visit_bucket(kEnd, [](Locator) { FAIL(); }), kEnd);
  EXPECT_EQ(index_.visit_bucket(kEnd + 5, [](Locator) { FAIL(); }), kEnd);
}

TEST_F(ItemIndexTest, VisitsTheBucketAPositionLiesInFromItsMiddleToo) {
  insert_keys(0, 1000);
  std::set<Locator> whole;
  const std::uint64_t next = index_.visit_bucket(0, [&](Locator at) { whole.insert(at); });
  std::set<Locator> from_the_middle;
  EXPECT_EQ(index_.visit_bucket(next / 2, [&](Locator at) { from_the_middle.insert(at); }), next);
  EXPECT_EQ(from_the_middle, whole);
}

// What stays is visited, however the table grows and shrinks between two steps.
TEST_F(ItemIndexTest, VisitsEverythingThatStaysWhileItGrowsAndShrinks) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    insert_keys(0, 500);  // those stay
    std::uint64_t others = 500;
    std::uint64_t highest = others;
    std::set<std::string> seen;
    std::uint64_t position = 0;
    for (int step = 0; position < kEnd; ++step) {
      position = index_.visit_bucket(
          position, [&](Locator at) { seen.emplace(reinterpret_cast<Item*>(items_.at(at))->key()); });
      const bool grows = step % 60 < 30;
      for (std::uint64_t n = random.below(200); n > 0 && (grows || others > 500); --n) {
        if (grows) {
          ASSERT_TRUE(insert(key(others++)));
        } else {
          erase(key(--others));
        }
      }
      highest = std::max(highest, others);
    }
    for (std::uint64_t number = 0; number < 500; ++number)
      EXPECT_TRUE(seen.contains(key(number))) << number << " was passed over";
    EXPECT_GT(highest, 2000u) << "it must have grown";
    expect_what_the_model_says();
    erase_keys(0, others);
  }
}

TEST_F(ItemIndexTest, PicksItemsThatAreThere) {
  Random random(1);
  ASSERT_TRUE(insert("only"));
  EXPECT_EQ(index_.pick(random()), model_.at("only"));
  insert_keys(0, 200);
  std::set<Locator> all;
  for (const auto& [key, at] : model_) all.insert(at);
  std::set<Locator> picked;
  for (int i = 0; i < 10'000; ++i) {
    const Locator at = index_.pick(random());
    if (at == kNoLocator) continue;
    ASSERT_TRUE(all.contains(at));
    picked.insert(at);
  }
  EXPECT_GT(picked.size(), 150u) << "all that are not in chains";
}

TEST_F(ItemIndexTest, AbortsWhenAnItemIsNotThere) {
  insert_keys(0, 20);
  EXPECT_DEATH(index_.erase(0, 0x7fff'ffff), "item 2147483647 is not in the index");
}

class ItemIndexModelTest : public ItemIndexTest {
 protected:
  // Random changes of about `keys` keys, now more of them and now fewer, with blocks refused at times.
  void run(std::uint64_t seed, std::uint64_t keys) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    int refused = 0;
    for (int step = 0; step < 20'000; ++step) {
      if (step % 2500 == 0) {
        expect_what_the_model_says();
        if (HasFatalFailure()) return;
        const bool scarce = random.below(2) == 0;
        blocks_account_.set_maximum(scarce ? blocks_account_.used() : Bytes::max());
        grows_ = random.below(2) == 0;
      }
      const std::string chosen = key(random.below(keys));
      const bool there = model_.contains(chosen);
      ASSERT_EQ(find(chosen), there ? model_.at(chosen) : kNoLocator) << "step " << step;
      if (there && random.below(4) == 0) {
        move(chosen);
      } else if (there && random.below(grows_ ? 4 : 1) == 0) {
        erase(chosen);
      } else if (!there && random.below(grows_ ? 1 : 4) == 0) {
        refused += !insert(chosen);
      }
    }
    expect_what_the_model_says();
    while (!model_.empty() && !HasFatalFailure()) erase(model_.begin()->first);
    expect_what_the_model_says();
    refused_ += refused;
    index_.clear();
    ASSERT_EQ(blocks_account_.used(), 0_B);
  }

  bool grows_ = true;
  int refused_ = 0;
};

TEST_F(ItemIndexModelTest, DoesWhatAMapDoes) {
  for (std::uint64_t seed = 1; seed <= 10 && !HasFatalFailure(); ++seed) run(seed, 4000);
  EXPECT_GT(refused_, 0) << "the runs must have met refusals";
}

TEST_F(ItemIndexModelTest, DoesWhatAMapDoesWhenHashesAreBad) {
  hash_ = [](std::string_view key) { return hash64(key) & 0x0001'0000'0000'0007; };
  for (std::uint64_t seed = 1; seed <= 3 && !HasFatalFailure(); ++seed) run(seed, 600);
}

}  // namespace
}  // namespace plimsoll
