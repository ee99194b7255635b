#include "plimsoll/cache/extent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plimsoll/base/filled.h"
#include "plimsoll/base/poison.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/failing_pages.h"

namespace plimsoll {
namespace {

constexpr Bytes kPage = 4_KiB;

class ExtentTest : public ::testing::Test {
 protected:
  ExtentRef open(std::size_t capacity) { return open(capacity, bodies_); }
  ExtentRef open(std::size_t capacity, Account& account) {
    Result<ExtentRef> extent = store_->open(capacity, account);
    EXPECT_TRUE(extent) << capacity;
    return extent ? std::move(*extent) : ExtentRef();
  }
  // Open, of `size` bytes that are all `byte`.
  ExtentRef filled(std::size_t size, char byte) {
    ExtentRef extent = open(size);
    EXPECT_TRUE(extent->reserve(size));
    extent->set_size(size);
    std::fill_n(extent->data(), size, byte);
    return extent;
  }
  static PageRange pages_of(Extent& extent) {
    return {reinterpret_cast<std::byte*>(extent.data()), Bytes(extent.capacity())};
  }
  ErrorCode code_of_opening(std::size_t capacity) {
    Result<ExtentRef> extent = store_->open(capacity, bodies_);
    return extent ? ErrorCode{} : extent.error().code;
  }
  void expect_nothing_held() {
    EXPECT_EQ(store_->live(), 0u);
    EXPECT_EQ(line_.charged(), 0_B);
    EXPECT_EQ(bodies_.pinned(), 0_B);
    EXPECT_EQ(cache_.pinned(), 0_B);
  }

  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 64_MiB}};
  Account& bodies_ = line_.open({.name = "bodies", .kind = AccountKind::kWaitable});
  Account& cache_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable});
  // Apart, so that what the line above holds is the extents' own.
  LoadLine slabs_line_{{.limit = 64_MiB}};
  Account& slabs_account_ = slabs_line_.open({.name = "slabs"});
  SlabAllocator slabs_{
      {.account = slabs_account_, .idle = slabs_account_, .pages = system_, .line = slabs_line_.line()}};
  std::optional<ExtentStore> store_{std::in_place, pages_, 16_MiB, slabs_};
};

TEST_F(ExtentTest, TakesAddressSpaceOnlyUntilItIsReserved) {
  ExtentRef extent = open(1 << 20);
  EXPECT_EQ(extent->size(), 0u);
  EXPECT_EQ(extent->reserved(), 0u);
  EXPECT_EQ(extent->capacity(), std::size_t{1} << 20);
  EXPECT_EQ(extent->charged(), 0_B) << "its descriptor is the slabs'";
  EXPECT_EQ(bodies_.used(), extent->charged());
  EXPECT_EQ(resident_bytes(pages_of(*extent)), 0_B);
  EXPECT_EQ(store_->live(), 1u);
  extent.reset();
  EXPECT_FALSE(extent);
  expect_nothing_held();
}

TEST_F(ExtentTest, IsOfThePowerOfTwoAboveWhatWasAsked) {
  EXPECT_EQ(open(0)->capacity(), ExtentStore::kSmallest);
  EXPECT_EQ(open(ExtentStore::kSmallest)->capacity(), ExtentStore::kSmallest);
  EXPECT_EQ(open(ExtentStore::kSmallest + 1)->capacity(), 2 * ExtentStore::kSmallest);
  EXPECT_EQ(open(100'000)->capacity(), std::size_t{128} << 10);
  EXPECT_EQ(open(ExtentStore::kLargest)->capacity(), ExtentStore::kLargest)
      << "more than the address space that was asked for";
}

TEST_F(ExtentTest, ChargesThePagesThatAreReserved) {
  ExtentRef extent = open(100'000);
  ASSERT_TRUE(extent->reserve(1));
  EXPECT_EQ(extent->reserved(), 4096u);
  EXPECT_EQ(extent->charged(), kPage);
  ASSERT_TRUE(extent->reserve(4096));
  EXPECT_EQ(extent->charged(), kPage) << "it was there";
  ASSERT_TRUE(extent->reserve(4097));
  EXPECT_EQ(extent->charged(), 2 * kPage);
  ASSERT_TRUE(extent->reserve(1));
  EXPECT_EQ(extent->reserved(), 8192u) << "it is never made less";
  ASSERT_TRUE(extent->reserve(extent->capacity()));
  EXPECT_EQ(extent->charged(), 128_KiB);
  EXPECT_EQ(bodies_.used(), extent->charged());
  EXPECT_EQ(extent->size(), 0u);
  extent.reset();
  expect_nothing_held();
}

TEST_F(ExtentTest, ReadsAsZeroWhereItWasNotWritten) {
  ExtentRef extent = filled(20'000, 'x');
  extent->set_size(5000);
  EXPECT_EQ(extent->view(), std::string(5000, 'x'));
  ASSERT_TRUE(extent->reserve(30'000));
  extent->set_size(30'000);
  EXPECT_EQ(extent->view(), std::string(5000, 'x') + std::string(25'000, '\0'))
      << "what was cut off is not seen again";
  EXPECT_EQ(extent->bytes().size(), 30'000u);
}

TEST_F(ExtentTest, ReadsAsZeroInASlotThatWasUsedBefore) {
  ExtentRef extent = filled(32 * 1024, 'x');
  const char* before = extent->data();
  extent.reset();
  extent = open(20'000);
  ASSERT_EQ(extent->data(), before) << "the slot is used again";
  EXPECT_EQ(extent->size(), 0u);
  ASSERT_TRUE(extent->reserve(32 * 1024));
  extent->set_size(32 * 1024);
  EXPECT_EQ(extent->view(), std::string(32 * 1024, '\0'));
}

TEST_F(ExtentTest, UsesSlotsAgainInsteadOfMoreAddressSpace) {
  std::set<const char*> places;
  for (int round = 0; round < 100; ++round) {
    ExtentRef a = filled(16 * 1024, 'a');
    ExtentRef b = filled(16 * 1024, 'b');
    EXPECT_NE(a->data(), b->data());
    places.insert({a->data(), b->data()});
    EXPECT_EQ(a->view(), std::string(16 * 1024, 'a')) << "not written to through the other";
  }
  EXPECT_EQ(places.size(), 2u);
  EXPECT_EQ(pages_.calls(PageCall::kReserve), 1u);
}

TEST_F(ExtentTest, GivesPagesBackWithTheLastReference) {
  ExtentRef extent = filled(1 << 20, 'x');
  const PageRange range = pages_of(*extent);
  EXPECT_EQ(resident_bytes(range), 1_MiB);
  ExtentRef other = filled(1 << 20, 'y');
  extent.reset();
  EXPECT_EQ(resident_bytes(range), 0_B);
  EXPECT_EQ(resident_bytes(pages_of(*other)), 1_MiB) << "and only its own";
  EXPECT_EQ(pages_.given_back(), 1_MiB);
  EXPECT_EQ(bodies_.used(), other->charged());
}

TEST_F(ExtentTest, GivesBackOnlyWhatWasReserved) {
  ExtentRef extent = open(1 << 20);
  ASSERT_TRUE(extent->reserve(5000));
  extent.reset();
  EXPECT_EQ(pages_.given_back(), 2 * kPage);
  open(1 << 20).reset();
  EXPECT_EQ(pages_.calls(PageCall::kGiveBack), 1u) << "nothing was behind it: no system call";
}

TEST_F(ExtentTest, ReturnsItsAddressSpaceAtItsEnd) {
  for (std::size_t size : {std::size_t{1}, std::size_t{100'000}, std::size_t{1} << 20}) filled(size, 'x');
  EXPECT_GE(pages_.reserved(), 3 * 16_MiB);
  EXPECT_LE(pages_.usable(), 16_KiB + 128_KiB + 1_MiB) << "slots never used are not usable";
  store_.reset();
  EXPECT_EQ(pages_.reserved(), 0_B);
  EXPECT_EQ(pages_.usable(), 0_B);
}

TEST_F(ExtentTest, MovesItsChargeToAnotherAccount) {
  ExtentRef extent = filled(100'000, 'x');
  const Bytes charged = extent->charged();
  ASSERT_TRUE(extent->charge_to(cache_));
  EXPECT_EQ(bodies_.used(), 0_B);
  EXPECT_EQ(cache_.used(), charged);
  EXPECT_EQ(extent->charged(), charged);
  ASSERT_TRUE(extent->reserve(120'000));
  EXPECT_EQ(bodies_.used(), 0_B);
  EXPECT_EQ(cache_.used(), extent->charged()) << "what is added goes to the new account";
  {
    PinnedValue pin(*extent);
    EXPECT_EQ(cache_.pinned(), extent->charged());
    EXPECT_EQ(bodies_.pinned(), 0_B);
  }
  extent.reset();
  expect_nothing_held();
}

TEST_F(ExtentTest, StaysWhereItIsWhenAnotherAccountRefuses) {
  ExtentRef extent = filled(100'000, 'x');
  const Bytes charged = extent->charged();
  cache_.set_maximum(charged - 1_B);
  EXPECT_FALSE(extent->charge_to(cache_));
  EXPECT_EQ(bodies_.used(), charged);
  EXPECT_EQ(cache_.used(), 0_B);
  ASSERT_TRUE(extent->reserve(120'000));
  EXPECT_EQ(bodies_.used(), extent->charged());
  PinnedValue pin(*extent);
  EXPECT_EQ(bodies_.pinned(), extent->charged());
}

TEST_F(ExtentTest, CountsItsPinsOnceAndReleasesThemOnce) {
  ExtentRef extent = filled(100'000, 'x');
  EXPECT_EQ(bodies_.pinned(), 0_B);
  PinnedValue first(*extent);
  EXPECT_EQ(bodies_.pinned(), extent->charged());
  PinnedValue second(*extent);
  EXPECT_EQ(bodies_.pinned(), extent->charged()) << "the pages are the same";
  first = PinnedValue();
  EXPECT_EQ(bodies_.pinned(), extent->charged());
  second = PinnedValue();
  EXPECT_EQ(bodies_.pinned(), 0_B);
  EXPECT_EQ(store_->live(), 1u);
  PinnedValue again(*extent);
  EXPECT_EQ(bodies_.pinned(), extent->charged());
}

TEST_F(ExtentTest, IsPinnedThroughMoves) {
  ExtentRef a = filled(50'000, 'a');
  ExtentRef b = filled(100'000, 'b');
  {
    PinnedValue first(*a);
    PinnedValue moved(std::move(first));
    EXPECT_EQ(moved.view(), a->view());
    PinnedValue other(*b);
    other = std::move(moved);
    EXPECT_EQ(other.view(), a->view());
    EXPECT_EQ(bodies_.pinned(), a->charged() + b->charged()) << "assigned by exchange";
  }
  EXPECT_EQ(bodies_.pinned(), 0_B);
  EXPECT_EQ(store_->live(), 2u) << "no reference was dropped twice";
}

TEST_F(ExtentTest, IsPinnedBetweenDisownAndAdopt) {
  ExtentRef extent = filled(100'000, 'x');
  const Bytes charged = extent->charged();
  Extent* word = nullptr;
  {
    PinnedValue pin(*extent);
    word = pin.disown();
    EXPECT_FALSE(pin);
  }
  extent.reset();
  EXPECT_EQ(bodies_.pinned(), charged) << "nobody has let go of it";
  {
    PinnedValue pin = PinnedValue::adopt(word);
    EXPECT_EQ(pin.view().size(), 100'000u);
  }
  EXPECT_EQ(bodies_.pinned(), 0_B);
  expect_nothing_held();
}

TEST_F(ExtentTest, LivesAsLongAsAPin) {
  ExtentRef extent = filled(100'000, 'x');
  const PageRange range = pages_of(*extent);
  PinnedValue pin(*extent);
  extent.reset();
  EXPECT_EQ(store_->live(), 1u);
  EXPECT_EQ(pin.view(), std::string(100'000, 'x'));
  EXPECT_EQ(bodies_.pinned(), bodies_.used());
  pin = PinnedValue();
  EXPECT_EQ(resident_bytes(range), 0_B);
  expect_nothing_held();
}

TEST_F(ExtentTest, HandsItsReferenceOn) {
  ExtentRef a = filled(20'000, 'a');
  Extent* extent = a.release();
  EXPECT_FALSE(a);
  a.reset();
  EXPECT_EQ(store_->live(), 1u) << "it is the caller's now";
  ExtentRef b(extent);
  ExtentRef c(std::move(b));
  EXPECT_EQ(c->view(), std::string(20'000, 'a'));
  c = ExtentRef();
  expect_nothing_held();
}

TEST_F(ExtentTest, IsRefusedWhenItIsTooLarge) {
  EXPECT_EQ(code_of_opening(ExtentStore::kLargest + 1), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of_opening(~std::size_t{0}), ErrorCode::kOutOfRange);
  EXPECT_EQ(pages_.calls(PageCall::kReserve), 0u);
  expect_nothing_held();
}

TEST_F(ExtentTest, IsRefusedWithItsAccountAndLeaksNothing) {
  slabs_account_.set_maximum(60_KiB);  // not one slab for its descriptor
  EXPECT_EQ(code_of_opening(100'000), ErrorCode::kRefused);
  expect_nothing_held();
  slabs_account_.set_maximum(Bytes::max());
  bodies_.set_maximum(2 * kPage);
  ExtentRef extent = open(100'000);
  ASSERT_TRUE(extent->reserve(5000));
  EXPECT_FALSE(extent->reserve(8193));
  EXPECT_EQ(extent->reserved(), 8192u) << "as before";
  EXPECT_EQ(extent->charged(), 2 * kPage);
  extent->set_size(8192);
  std::fill_n(extent->data(), 8192, 'x');
  bodies_.set_maximum(1_MiB);
  EXPECT_TRUE(extent->reserve(8193)) << "later";
  EXPECT_EQ(extent->view(), std::string(8192, 'x'));
  extent.reset();
  expect_nothing_held();
}

TEST_F(ExtentTest, IsRefusedWithoutAFreeSlotUntilOneIsClosed) {
  store_.emplace(pages_, 32_KiB, slabs_);
  ExtentRef a = open(16'384);
  ExtentRef b = open(16'384);
  const Bytes used = bodies_.used();
  EXPECT_EQ(code_of_opening(16'384), ErrorCode::kRefused);
  EXPECT_EQ(bodies_.used(), used);
  EXPECT_EQ(store_->live(), 2u);
  EXPECT_TRUE(open(20'000)) << "of another size";
  a.reset();
  EXPECT_TRUE(open(16'384));
}

TEST_F(ExtentTest, SaysWhenTheSystemFailsAndWorksAfterwards) {
  pages_.fail_after(PageCall::kReserve, 0);
  EXPECT_EQ(code_of_opening(100'000), ErrorCode::kSystem);
  EXPECT_GT(pages_.calls(PageCall::kReserve), 1u) << "it asked for less";
  expect_nothing_held();
  pages_.allow_all();
  pages_.fail_after(PageCall::kMakeUsable, 0);
  EXPECT_EQ(code_of_opening(100'000), ErrorCode::kSystem);
  expect_nothing_held();
  pages_.allow_all();
  ExtentRef extent = filled(100'000, 'x');
  EXPECT_EQ(extent->view(), std::string(100'000, 'x'));
}

// Grants at most 1 MiB of address space at once.
class NarrowPages final : public PageSource {
 public:
  Bytes page_size() const override { return system_.page_size(); }
  Result<PageRange> reserve(Bytes size, Bytes alignment) override {
    if (size > 1_MiB) return fail(ErrorCode::kSystem, "too much at once");
    return system_.reserve(size, alignment);
  }
  Result<void> make_usable(PageRange range) override { return system_.make_usable(range); }
  Result<void> make_unusable(PageRange range) override { return system_.make_unusable(range); }
  Result<void> give_back(PageRange range) override { return system_.give_back(range); }
  Result<void> populate(PageRange range) override { return system_.populate(range); }
  Result<void> advise(PageRange range, Advice advice) override { return system_.advise(range, advice); }
  Result<void> unmap(PageRange range) override { return system_.unmap(range); }

 private:
  SystemPages system_;
};

TEST_F(ExtentTest, MakesDoWithTheAddressSpaceThatIsGranted) {
  NarrowPages narrow;
  ExtentStore store(narrow, 5_GiB, slabs_);
  std::vector<ExtentRef> extents;
  for (Result<ExtentRef> next = store.open(1 << 18, bodies_); next; next = store.open(1 << 18, bodies_))
    extents.push_back(std::move(*next));
  EXPECT_EQ(extents.size(), 2u) << "5 GiB are halved, and cut to whole slots, down to 512 KiB";
  EXPECT_TRUE(store.open(1 << 20, bodies_)) << "a slot that just fits";
  Result<ExtentRef> larger = store.open(1 << 21, bodies_);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::kSystem);
}

TEST_F(ExtentTest, AbortsWhenItIsMisused) {
  ExtentRef extent = open(16'384);
  EXPECT_DEATH(static_cast<void>(extent->reserve(16'385)), "16385 of 16384");
  ASSERT_TRUE(extent->reserve(100));
  EXPECT_DEATH(extent->set_size(4097), "4097 of 4096");
  EXPECT_DEATH(store_.reset(), "1 extents outlive their store");
}

#ifdef PLIMSOLL_POISONS
TEST_F(ExtentTest, IsPoisonedWhereItIsNotReservedAndAfterItIsClosed) {
  ExtentRef extent = open(32 * 1024);
  const char* data = extent->data();
  EXPECT_TRUE(__asan_address_is_poisoned(data));
  ASSERT_TRUE(extent->reserve(5000));
  EXPECT_FALSE(__asan_address_is_poisoned(data + 8191));
  EXPECT_TRUE(__asan_address_is_poisoned(data + 8192));
  extent.reset();
  EXPECT_TRUE(__asan_address_is_poisoned(data));
  store_.reset();
  EXPECT_FALSE(__asan_address_is_poisoned(data)) << "the address may be another's next";
}
#endif

// One of many writers: opens, fills, moves, pins and closes, and counts what reads wrong.
void open_and_close(ExtentStore& store, Account& bodies, Account& cache, std::uint64_t seed,
                    std::atomic<int>& wrong) {
  Random random(seed);
  std::vector<std::pair<PinnedValue, char>> pins;
  for (int i = 0; i < 2000; ++i) {
    const std::size_t size = random.below(100'000);
    const char byte = static_cast<char>('a' + random.below(26));
    Result<ExtentRef> extent = store.open(size, bodies);
    if (!extent || !(*extent)->reserve(size)) continue;
    (*extent)->set_size(size);
    if (!is_filled((*extent)->data(), size, 0)) ++wrong;
    std::memset((*extent)->data(), byte, size);
    if (random.below(2) && !(*extent)->charge_to(cache)) ++wrong;
    if (random.below(2)) pins.emplace_back(PinnedValue(**extent), byte);
    if (pins.size() > 4) {
      auto& [pin, expected] = pins[random.below(pins.size())];
      if (!is_filled(pin.view().data(), pin.view().size(), static_cast<unsigned char>(expected))) ++wrong;
      std::swap(pins.back().second, expected);
      pin = std::move(pins.back().first);
      pins.pop_back();
    }
  }
}

TEST_F(ExtentTest, OpensAndClosesFromManyThreadsAtOnce) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    threads.emplace_back([&, seed] { open_and_close(*store_, bodies_, cache_, seed, wrong); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(pages_.calls(PageCall::kGiveBack), 6000u) << "most were granted";
  EXPECT_LE(pages_.calls(PageCall::kReserve), 4u) << "one for each size of slot";
  expect_nothing_held();
}

TEST_F(ExtentTest, GivesNoSlotToTwoThreads) {
  std::vector<std::atomic<bool>> taken(16);
  ExtentRef lowest = open(16'384);
  std::atomic<int> wrong{0};
  auto worker = [&](std::uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 20'000; ++i) {
      std::vector<ExtentRef> held;
      for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
        held.push_back(std::move(*store_->open(16'384, bodies_)));
        if (taken[(held.back()->data() - lowest->data()) / 16'384].exchange(true)) ++wrong;
      }
      for (ExtentRef& extent : held) taken[(extent->data() - lowest->data()) / 16'384].store(false);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) threads.emplace_back(worker, seed);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(store_->live(), 1u);
  EXPECT_LE(pages_.calls(PageCall::kMakeUsable), 13u) << "as many slots as were open at once";
}

// Readers drop the last references of one extent at the same moment: it is closed once.
TEST_F(ExtentTest, IsClosedOnceByWhicheverReaderIsLast) {
  constexpr int kReaders = 3;
  for (int round = 0; round < 300; ++round) {
    ExtentRef extent = filled(20'000, 'x');
    std::vector<PinnedValue> pins;
    for (int i = 0; i < kReaders; ++i) pins.emplace_back(*extent);
    extent.reset();
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (PinnedValue& pin : pins) {
      readers.emplace_back([&wrong, mine = std::move(pin)] {
        if (mine.view().find_first_not_of('x') != std::string_view::npos) ++wrong;
      });
    }
    for (std::thread& reader : readers) reader.join();
    readers.clear();
    ASSERT_EQ(wrong, 0);
    ASSERT_EQ(store_->live(), 0u);
  }
  expect_nothing_held();
}

}  // namespace
}  // namespace plimsoll
