// What goes back: empty slabs, chunks of them, and pages between objects in use.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class SlabPagesTest : public ::testing::Test {
 protected:
  std::vector<char*> fill(std::size_t objects, std::size_t size) {
    std::vector<char*> all;
    for (std::size_t i = 0; i < objects; ++i) {
      all.push_back(static_cast<char*>(slabs_.allocate(size)));
      std::memset(all.back(), static_cast<int>(i % 100 + 1), size);
    }
    return all;
  }
  // Keeps one in `one_in` at random, so that slabs stay in use.
  std::vector<char*> thin_out(const std::vector<char*>& all, std::size_t size, std::uint64_t one_in) {
    std::vector<char*> kept;
    Random random(11);
    for (char* object : all) {
      if (random.below(one_in) == 0) {
        kept.push_back(object);
      } else {
        slabs_.deallocate(object, size);
      }
    }
    return kept;
  }

  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 512_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = account_, .idle = idle_, .pages = pages_, .line = 16_MiB}};
};

TEST_F(SlabPagesTest, EmptySlabsGoBackByThemselvesWithinASecondOfTicks) {
  std::vector<char*> all = fill(32 * 1024, 2048);
  for (char* object : all) slabs_.deallocate(object, 2048);
  const Bytes before = account_.used() + idle_.used();
  EXPECT_GT(before, 60_MiB);
  for (int tick = 0; tick < 10; ++tick) slabs_.tick();
  EXPECT_LT(account_.used() + idle_.used(), before / 20) << "95 % in ten ticks of a tenth of a second";
  slabs_.CheckInvariants();
}

TEST_F(SlabPagesTest, WhatIsNeededAgainAndAgainIsKept) {
  fill(0, 1);
  for (int round = 0; round < 5; ++round) {
    std::vector<char*> all = fill(2000, 4096);
    for (char* object : all) slabs_.deallocate(object, 4096);
    slabs_.tick();
  }
  const std::uint64_t given_back = pages_.calls(PageCall::kGiveBack);
  std::vector<char*> all = fill(2000, 4096);
  EXPECT_LT(pages_.calls(PageCall::kGiveBack) - given_back, 3u);
  for (char* object : all) slabs_.deallocate(object, 4096);
}

TEST_F(SlabPagesTest, PagesBetweenObjectsInUseGoBackAndComeAgain) {
  constexpr std::size_t kSize = 1024;
  std::vector<char*> all = fill(8192, kSize);
  const Bytes full = account_.used();
  std::vector<char*> kept = thin_out(all, kSize, 10);
  slabs_.reclaim(Bytes::max());
  const SlabAllocator::Stats stats = slabs_.stats();
  EXPECT_GT(stats.gone, 3_MiB) << "of 8: nine in ten of a page's four are free in 0.66 of the pages";
  EXPECT_LT(account_.used(), full - 3_MiB) << "and are not charged any more";
  slabs_.CheckInvariants();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    for (std::size_t at = 1; at < kSize; ++at) ASSERT_EQ(kept[i][at], kept[i][0]);
  }
  std::vector<char*> more = fill(7000, kSize);
  slabs_.CheckInvariants();
  EXPECT_LT(slabs_.stats().gone, 1_MiB) << "charged again where they are used again";
  for (char* object : kept) slabs_.deallocate(object, kSize);
  for (char* object : more) slabs_.deallocate(object, kSize);
  slabs_.reclaim(Bytes::max());
  slabs_.CheckInvariants();
  EXPECT_LT(account_.used(), 1_MiB);
}

TEST_F(SlabPagesTest, ObjectsOfEverySizeSurviveTheirNeighboursPages) {
  for (std::size_t size : {16u, 32u, 48u, 64u, 112u, 448u, 1280u, 3072u, 4672u, 7280u, 13104u, 32768u}) {
    const std::size_t count = 4 * 65536 / size;
    std::vector<char*> kept = thin_out(fill(count, size), size, 12);
    slabs_.reclaim(Bytes::max());
    for (char* object : kept) {
      for (std::size_t at = 1; at < size; ++at) ASSERT_EQ(object[at], object[0]) << size;
    }
    std::vector<char*> more = fill(count, size);
    for (char* object : kept) {
      for (std::size_t at = 1; at < size; ++at) ASSERT_EQ(object[at], object[0]) << size;
    }
    for (char* object : kept) slabs_.deallocate(object, size);
    for (char* object : more) slabs_.deallocate(object, size);
    slabs_.CheckInvariants();
  }
}

TEST_F(SlabPagesTest, PagesThatAreRefusedAreARefusalAndNoCrash) {
  std::vector<char*> kept = thin_out(fill(8192, 1024), 1024, 10);
  slabs_.reclaim(Bytes::max());
  account_.set_maximum(account_.used());
  std::vector<void*> more;
  while (void* object = slabs_.allocate(1024)) {
    std::memset(object, 1, 1024);
    more.push_back(object);
  }
  EXPECT_LT(more.size(), 4000u);
  slabs_.CheckInvariants();
  account_.set_maximum(Bytes::max());
  EXPECT_NE(more.emplace_back(slabs_.allocate(1024)), nullptr);
  for (void* object : more) slabs_.deallocate(object, 1024);
  for (char* object : kept) slabs_.deallocate(object, 1024);
}

TEST_F(SlabPagesTest, MetadataIsAThirdOfAPerCent) {
  std::vector<char*> all = fill(65536, 256);
  const SlabAllocator::Stats stats = slabs_.stats();
  EXPECT_LE(stats.metadata.as_double(), 0.003 * stats.slabs.as_double());
  EXPECT_GT(stats.efficiency(), 0.97);
  EXPECT_LT(stats.fragmentation(), 0.02);
  EXPECT_DOUBLE_EQ(stats.rounding(), 0);
  for (char* object : all) slabs_.deallocate(object, 256);
}

}  // namespace
}  // namespace plimsoll
