#include "plimsoll/budget/account.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

// A limit of 125 MiB has a reserve of 5 MiB and a line of 120 MiB, of which 1.875 MiB are headroom.
constexpr Bytes kLimit = 125_MiB;

TEST(Account, GrantsUpToItsMaximumAndNoByteMore) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "bodies", .maximum = 1_MiB});
  Charge all = account.charge(1_MiB);
  EXPECT_TRUE(all);
  EXPECT_FALSE(account.charge(1_B));
  EXPECT_EQ(account.used(), 1_MiB);
  EXPECT_EQ(account.refused(), 1u);
  all.shrink(1_B);
  EXPECT_TRUE(account.charge(1_B));
}

TEST(Account, GrantsAChargeOfNothing) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "bodies"});
  Charge nothing = account.charge(0_B);
  EXPECT_TRUE(nothing);
  EXPECT_EQ(nothing.size(), 0_B);
}

TEST(Account, CountsAChildsUseInItsParent) {
  LoadLine line({.limit = kLimit});
  Account& group = line.open({.name = "group", .maximum = 10_MiB});
  Account& one = line.open({.name = "one", .maximum = 8_MiB}, &group);
  Account& two = line.open({.name = "two", .maximum = 8_MiB}, &group);
  Charge a = one.charge(6_MiB);
  EXPECT_EQ(group.used(), 6_MiB);
  EXPECT_FALSE(two.charge(5_MiB));
  Charge b = two.charge(4_MiB);
  EXPECT_TRUE(b);
  EXPECT_EQ(group.used(), 10_MiB);
  EXPECT_EQ(line.charged(), 10_MiB);
  a.release();
  EXPECT_EQ(group.used(), 4_MiB);
  line.CheckInvariants();
}

TEST(Account, CountsAllThatWasChargedAndReleased) {
  LoadLine line({.limit = kLimit});
  Account& group = line.open({.name = "group"});
  Account& one = line.open({.name = "one", .maximum = 8_MiB}, &group);
  Account& two = line.open({.name = "two"}, &group);
  Charge a = one.charge(5_MiB);
  EXPECT_FALSE(one.charge(4_MiB));  // leaves no trace
  a.shrink(1_MiB);
  Charge b = one.charge_held(2_MiB);
  EXPECT_EQ(one.charged_total(), (7_MiB).count());
  EXPECT_EQ(one.released_total(), (1_MiB).count());
  EXPECT_TRUE(b.transfer(two));  // released there and charged here, but nothing to those above both
  EXPECT_EQ(one.released_total(), (3_MiB).count());
  EXPECT_EQ(two.charged_total(), (2_MiB).count());
  EXPECT_EQ(group.charged_total(), (7_MiB).count());
  EXPECT_EQ(line.charged_total(), (7_MiB).count());
  a.release();
  b.release();
  EXPECT_EQ(group.released_total(), group.charged_total());
  EXPECT_EQ(line.charged_total(), (7_MiB).count());
}

TEST(Account, KeepsUnusedGuaranteesFromThoseThatCannotBeDropped) {
  LoadLine line({.limit = kLimit});
  Account& index = line.open({.name = "index", .guarantee = 20_MiB});
  Account& bodies = line.open({.name = "bodies", .kind = AccountKind::kWaitable});
  EXPECT_FALSE(bodies.charge(101_MiB));
  Charge most = bodies.charge(100_MiB);
  EXPECT_TRUE(most);
  EXPECT_FALSE(bodies.charge(1_B));
  EXPECT_TRUE(index.charge(20_MiB)) << "what is guaranteed is there";
}

TEST(Account, LendsUnusedGuaranteesToDroppableAccountsButNotTheHeadroom) {
  LoadLine line({.limit = kLimit});
  line.open({.name = "index", .guarantee = 20_MiB});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Bytes most = line.line() - line.headroom();
  EXPECT_FALSE(cache.charge(most + 1_B));
  EXPECT_TRUE(cache.charge(most));
}

// A full cache that had borrowed a guarantee kept every new connection out of a server with a log.
TEST(Account, WhatIsLentStandsInNobodysWay) {
  LoadLine line({.limit = kLimit});
  Account& index = line.open({.name = "index", .guarantee = 20_MiB});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& bodies = line.open({.name = "bodies", .kind = AccountKind::kWaitable});
  Charge full = cache.charge(line.line() - line.headroom());
  ASSERT_TRUE(full);
  EXPECT_TRUE(bodies.charge(line.headroom()));
  EXPECT_FALSE(bodies.charge(line.headroom() + 1_B)) << "there is no more than the line";
  full.shrink(50_MiB);
  EXPECT_TRUE(bodies.charge(50_MiB)) << "what the cache gives back is there";
  cache.pin(full.size());
  EXPECT_FALSE(bodies.charge(50_MiB)) << "of it, what is pinned could not be called back for the guarantee";
  EXPECT_TRUE(bodies.charge(30_MiB));
  EXPECT_TRUE(index.charge(20_MiB));
  cache.unpin(full.size());
}

TEST(Account, KeepsTheHeadroomFromADroppableAccountInAGroupToo) {
  LoadLine line({.limit = kLimit});
  Account& group = line.open({.name = "store"});
  Account& cache = line.open({.name = "items", .kind = AccountKind::kDroppable}, &group);
  Bytes most = line.line() - line.headroom();
  EXPECT_FALSE(cache.charge(most + 1_B));
  EXPECT_TRUE(cache.charge(most));
}

TEST(Account, LetsADroppableAccountHaveTheHeadroomWithinItsGuarantee) {
  LoadLine line({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = 4_MiB});
  Account& bodies = line.open({.name = "bodies"});
  Charge rest = bodies.charge(line.line() - 4_MiB);
  ASSERT_TRUE(rest);
  EXPECT_TRUE(cache.charge(4_MiB));
}

TEST(Account, SaysWhatCouldBeDroppedAboveItsGuaranteeAndItsPins) {
  LoadLine line({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = 2_MiB});
  Account& index = line.open({.name = "index"});
  Charge items = cache.charge(10_MiB);
  Charge table = index.charge(5_MiB);
  EXPECT_EQ(cache.droppable(), 8_MiB);
  EXPECT_EQ(index.droppable(), 0_B);
  cache.pin(1_MiB);
  EXPECT_EQ(cache.droppable(), 8_MiB) << "the guarantee covers the pins";
  EXPECT_EQ(line.undroppable(), 6_MiB);
  cache.pin(5_MiB);
  EXPECT_EQ(cache.droppable(), 4_MiB);
  cache.unpin(6_MiB);
  EXPECT_EQ(line.undroppable(), 5_MiB);
  line.CheckInvariants();
}

TEST(Account, CountsPinsOfAPinnedAccountOnce) {
  LoadLine line({.limit = kLimit});
  Account& index = line.open({.name = "index"});
  Charge table = index.charge(5_MiB);
  index.pin(1_MiB);
  EXPECT_EQ(line.undroppable(), 5_MiB);
  EXPECT_EQ(index.pinned(), 1_MiB);
  line.CheckInvariants();
  index.unpin(1_MiB);
}

TEST(Account, IsNotDroppableAnyMoreOnceItIsToldSo) {
  LoadLine line({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& later = line.open({.name = "later"});
  Charge items = cache.charge(10_MiB);
  Charge more = later.charge(1_MiB);
  cache.pin(2_MiB);
  EXPECT_EQ(line.undroppable(), 3_MiB);
  cache.set_kind(AccountKind::kPinned);
  EXPECT_EQ(cache.droppable(), 0_B);
  EXPECT_EQ(line.undroppable(), 11_MiB);
  items.shrink(4_MiB);
  EXPECT_EQ(line.undroppable(), 7_MiB);
  cache.set_kind(AccountKind::kDroppable);
  later.set_kind(AccountKind::kDroppable);
  later.set_kind(AccountKind::kDroppable);
  EXPECT_EQ(line.undroppable(), 2_MiB);
  EXPECT_EQ(line.droppable(), 5_MiB);
  line.CheckInvariants();
  cache.unpin(2_MiB);
}

TEST(Account, ChargesWhatIsHeldEvenAboveTheLine) {
  LoadLine line({.limit = kLimit});
  Account& other = line.open({.name = "other"});
  Charge held = other.charge_held(500_MiB);
  EXPECT_EQ(held.size(), 500_MiB);
  EXPECT_FALSE(other.charge(1_B));
  EXPECT_EQ(line.free(), 0_B);
}

TEST(Account, RemembersItsPeakAndNotWhatWasRefused) {
  LoadLine line({.limit = kLimit});
  Account& group = line.open({.name = "group", .maximum = 4_MiB});
  Account& account = line.open({.name = "bodies"}, &group);
  {
    Charge charge = account.charge(3_MiB);
  }
  EXPECT_FALSE(account.charge(5_MiB));
  Charge some = account.charge(2_MiB);
  EXPECT_FALSE(account.charge(3_MiB));
  EXPECT_EQ(account.peak(), 3_MiB);
  EXPECT_EQ(group.peak(), 3_MiB);
}

TEST(Account, GrantsNothingMoreOnceItsMaximumIsBelowWhatItUses) {
  LoadLine line({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Charge items = cache.charge(10_MiB);
  cache.set_maximum(5_MiB);
  EXPECT_FALSE(cache.charge(1_B));
  EXPECT_EQ(items.size(), 10_MiB);
  items.shrink(6_MiB);
  EXPECT_TRUE(cache.charge(1_MiB));
}

TEST(Account, GrantsEverythingAndCountsItWhenTheLineDoesNotEnforce) {
  LoadLine line({.limit = kLimit, .enforce = false});
  Account& index = line.open({.name = "index", .guarantee = 100_MiB});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable, .maximum = 1_MiB});
  Charge a = cache.charge(1_GiB);
  Charge b = index.charge(1_GiB);
  EXPECT_TRUE(a && b);
  EXPECT_EQ(line.charged(), 2_GiB);
  Account& small = line.open({.name = "small", .maximum = 1_B});
  EXPECT_TRUE(a.transfer(small));
  EXPECT_TRUE(cache.charge_before(1_GiB, MonotonicTime{}).has_value());
  EXPECT_EQ(cache.refused(), 0u);
}

TEST(Account, HasAWordForEachKind) {
  EXPECT_EQ(name_of(AccountKind::kDroppable), "droppable");
  EXPECT_EQ(name_of(AccountKind::kFlushable), "flushable");
  EXPECT_EQ(name_of(AccountKind::kWaitable), "waitable");
  EXPECT_EQ(name_of(AccountKind::kPinned), "pinned");
}

TEST(AccountDeathTest, DoesNotEndWhileInUse) {
  EXPECT_DEATH(
      {
        Charge left;
        LoadLine line({.limit = kLimit});
        left = line.open({.name = "index"}).charge(1_KiB);
      },
      "account index still has 1024 bytes");
}

TEST(AccountDeathTest, IsOpenedOnceUnderAParentThatIsNotDroppable) {
  LoadLine line({.limit = kLimit});
  LoadLine elsewhere({.limit = kLimit});
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  EXPECT_DEATH(line.open({.name = "cache"}), "cache");
  EXPECT_DEATH(line.open({.name = "items"}, &cache), "droppable");
  EXPECT_DEATH(elsewhere.open({.name = "items"}, &cache), "another line");
  Account& group = line.open({.name = "group"});
  line.open({.name = "child"}, &group);
  EXPECT_DEATH(group.set_kind(AccountKind::kDroppable), "group has accounts below it");
  EXPECT_DEATH(line.open({.name = "wrong", .guarantee = 2_B, .maximum = 1_B}), "guarantee");
}

// --- blocking
// ------------------------------------------------------------------------------------------------

TEST(AccountChargeBefore, ReturnsAtOnceWhatIsFree) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "bodies"});
  Result<Charge> charge = account.charge_before(1_MiB, MonotonicTime{});
  ASSERT_TRUE(charge.has_value());
  EXPECT_EQ(charge->size(), 1_MiB);
}

TEST(AccountChargeBefore, RefusesWhatCouldNeverBeHeld) {
  LoadLine line({.limit = kLimit});
  Account& group = line.open({.name = "group", .maximum = 10_MiB});
  Account& account = line.open({.name = "bodies"}, &group);
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  MonotonicTime far = std::chrono::steady_clock::now() + 1h;
  EXPECT_EQ(account.charge_before(11_MiB, far).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(cache.charge_before(line.line(), far).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(account.charge_before(Bytes::max(), far).error().code, ErrorCode::kOutOfRange);
}

TEST(AccountChargeBefore, TimesOutAtItsDeadlineWithNothingTaken) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "bodies", .maximum = 1_MiB});
  Charge all = account.charge(1_MiB);
  MonotonicTime begin = std::chrono::steady_clock::now();
  Result<Charge> charge = account.charge_before(1_KiB, begin + 5ms);
  ASSERT_FALSE(charge.has_value());
  EXPECT_EQ(charge.error().code, ErrorCode::kTimedOut);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms);
  EXPECT_EQ(account.used(), 1_MiB);
  EXPECT_EQ(line.wait_stats().at("thread").timed_out, 1u);
  line.CheckInvariants();
}

TEST(AccountChargeBefore, IsServedByAReleaseOnAnotherThread) {
  LoadLine line({.limit = kLimit});
  Account& account = line.open({.name = "bodies", .maximum = 1_MiB});
  Charge all = account.charge(1_MiB);
  std::thread releaser([&] {
    while (line.wanted().zero() && line.serve_waiters() == 0) std::this_thread::yield();
    all.release();
  });
  Result<Charge> charge = account.charge_before(1_MiB, std::chrono::steady_clock::now() + 1h);
  releaser.join();
  ASSERT_TRUE(charge.has_value());
  EXPECT_EQ(charge->size(), 1_MiB);
  EXPECT_EQ(line.wait_stats().at("thread").granted, 1u);
}

}  // namespace
}  // namespace plimsoll
