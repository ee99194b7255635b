#include "plimsoll/os/pages.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/base/sanitized.h"
#include "plimsoll/os/failing_pages.h"

namespace plimsoll {
namespace {

TEST(Pages, ReservedAddressSpaceHasNoMemory) {
  SystemPages pages;
  Result<PageRange> range = pages.reserve(1_GiB, 2_MiB);
  ASSERT_TRUE(range) << range.error().message();
  EXPECT_EQ(range->size, 1_GiB);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(range->begin) % (2_MiB).count(), 0u);
  EXPECT_EQ(*resident_bytes(range->part(0_B, 64_MiB)), 0_B);
  EXPECT_TRUE(pages.unmap(*range));
}

TEST(Pages, AreUsableOnlyWhereAskedFor) {
  SystemPages pages;
  PageRange range = *pages.reserve(64_KiB, 64_KiB);
  PageRange first = range.part(0_B, 16_KiB);
  ASSERT_TRUE(pages.make_usable(first));
  std::memset(first.begin, 7, first.size.count());
  EXPECT_EQ(*resident_bytes(range), 16_KiB);
  EXPECT_DEATH(range.begin[(16_KiB).count()] = std::byte{1}, "");
  ASSERT_TRUE(pages.make_usable(range));  // again: what is there stays
  EXPECT_EQ(first.begin[100], std::byte{7});
  EXPECT_TRUE(pages.unmap(range));
}

TEST(Pages, GiveMemoryBackAtOnceAndReadAsZero) {
  SystemPages pages;
  PageRange range = *pages.map(4_MiB, 2_MiB);
  ASSERT_TRUE(pages.populate(range));
  std::memset(range.begin, 1, range.size.count());
  EXPECT_EQ(*resident_bytes(range), 4_MiB);
  ASSERT_TRUE(pages.give_back(range.part(0_B, 2_MiB)));
  EXPECT_EQ(*resident_bytes(range), 2_MiB);
  EXPECT_EQ(range.begin[5], std::byte{0});
  EXPECT_EQ(range.begin[(3_MiB).count()], std::byte{1});
  EXPECT_TRUE(pages.unmap(range));
}

TEST(Pages, PopulateKeepsWhatIsThere) {
  SystemPages pages;
  PageRange range = *pages.map(64_KiB, 0_B);
  range.begin[9] = std::byte{42};
  ASSERT_TRUE(pages.populate(range));
  EXPECT_EQ(*resident_bytes(range), 64_KiB);
  EXPECT_EQ(range.begin[9], std::byte{42});
  EXPECT_TRUE(pages.unmap(range));
}

TEST(Pages, MadeUnusableAreGoneAndFault) {
  SystemPages pages;
  PageRange range = *pages.map(64_KiB, 64_KiB);
  range.begin[0] = std::byte{1};
  ASSERT_TRUE(pages.make_unusable(range));
  EXPECT_EQ(*resident_bytes(range), 0_B);
  EXPECT_DEATH(range.begin[0] = std::byte{1}, "");
  ASSERT_TRUE(pages.make_usable(range));
  EXPECT_EQ(range.begin[0], std::byte{0});
  EXPECT_TRUE(pages.unmap(range));
}

TEST(Pages, TakeAdvice) {
  SystemPages pages;
  PageRange range = *pages.map(4_MiB, 2_MiB);
  for (Advice advice : {Advice::kSequential, Advice::kRandom, Advice::kWillNeed, Advice::kNormal,
                        Advice::kCold, Advice::kNoHugePage}) {
    EXPECT_TRUE(pages.advise(range, advice)) << static_cast<int>(advice);
  }
  // A kernel may be built without huge pages, which is an error and not an end.
  Result<void> huge = pages.advise(range, Advice::kHugePage);
  if (!huge) {
    EXPECT_EQ(huge.error().errno_value, EINVAL);
  }
  EXPECT_TRUE(pages.unmap(range));
}

TEST(Pages, EmptyRangesAreLetPass) {
  SystemPages pages;
  PageRange none;
  EXPECT_TRUE(pages.make_usable(none));
  EXPECT_TRUE(pages.make_unusable(none));
  EXPECT_TRUE(pages.give_back(none));
  EXPECT_TRUE(pages.populate(none));
  EXPECT_TRUE(pages.advise(none, Advice::kCold));
  EXPECT_TRUE(pages.unmap(none));
  EXPECT_EQ(*resident_bytes(none), 0_B);
}

TEST(Pages, TooMuchAddressSpaceIsAnError) {
  SystemPages pages;
  Result<PageRange> huge = pages.reserve(Bytes(std::uint64_t{1} << 60), 2_MiB);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().errno_value, ENOMEM);
  Result<PageRange> more_than_all = pages.reserve(Bytes::max(), 2_MiB);
  ASSERT_FALSE(more_than_all);
  EXPECT_EQ(more_than_all.error().code, ErrorCode::kOutOfRange);
}

TEST(Pages, LockedPagesStayAndReadAsZeroAllTheSame) {
  SystemPages pages;
  PageRange range = *pages.map(16_KiB, 4_KiB);
  // By number: sanitizers make mlock() do nothing. 16 KiB may be locked by anyone.
  ASSERT_EQ(::syscall(SYS_mlock, range.begin, range.size.count()), 0);
  std::memset(range.begin, 'x', range.size.count());
  EXPECT_EQ(pages.give_back(range).error().errno_value, EINVAL);
  for (std::size_t i = 0; i < range.size.count(); ++i) ASSERT_EQ(range.begin[i], std::byte{0});
  ASSERT_TRUE(pages.unmap(range));
}

TEST(Pages, AdviceOnWhatIsNotMappedIsAnError) {
  SystemPages pages;
  PageRange range = *pages.map(64_KiB, 64_KiB);
  ASSERT_TRUE(pages.unmap(range));
  EXPECT_EQ(pages.give_back(range).error().errno_value, ENOMEM);
  EXPECT_EQ(pages.make_usable(range).error().errno_value, ENOMEM);
  EXPECT_EQ(pages.populate(range).error().errno_value, ENOMEM);
  EXPECT_EQ(resident_bytes(range).error().errno_value, ENOMEM);
}

TEST(PagesDeathTest, HalfPagesAreAProgrammersError) {
  SystemPages pages;
  PageRange range = *pages.map(64_KiB, 64_KiB);
  EXPECT_DEATH(static_cast<void>(pages.give_back({range.begin + 1, 4_KiB})), "not of whole pages");
  EXPECT_DEATH(static_cast<void>(pages.give_back({range.begin, 100_B})), "not of whole pages");
  EXPECT_DEATH(static_cast<void>(range.part(60_KiB, 8_KiB)), "CHECK|size");
  EXPECT_TRUE(pages.unmap(range));
}

// In a child of its own, as the limit is the process's.
TEST(Pages, MapKeepsNothingWhereTheResourceLimitDoesNotAllowUse) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer needs more memory than the limit";
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    struct rlimit limit{64 << 20, 64 << 20};
    if (::setrlimit(RLIMIT_DATA, &limit) != 0) ::_exit(10);
    SystemPages system;
    FailingPages pages(system);
    Result<PageRange> range = pages.map(256_MiB, 2_MiB);
    if (range) ::_exit(11);
    if (range.error().errno_value != ENOMEM) ::_exit(12);
    if (pages.reserved() != 0_B) ::_exit(13);
    // Address space alone is allowed.
    Result<PageRange> space = pages.reserve(256_MiB, 2_MiB);
    if (!space || !pages.unmap(*space)) ::_exit(14);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(PageRange, KnowsItsParts) {
  SystemPages pages;
  PageRange range = *pages.reserve(64_KiB, 64_KiB);
  PageRange last = range.part(60_KiB, 4_KiB);
  EXPECT_EQ(last.end(), range.end());
  EXPECT_TRUE(range.contains(last.begin));
  EXPECT_FALSE(range.contains(range.end()));
  EXPECT_FALSE(last.contains(range.begin));
  EXPECT_EQ(range.part(0_B, range.size), range);
  EXPECT_TRUE(range.part(64_KiB, 0_B).empty());
  EXPECT_TRUE(pages.unmap(range));
}

TEST(FailingPages, FailsTheNthCallOfOneKindOnly) {
  SystemPages system;
  FailingPages pages(system);
  pages.fail_after(PageCall::kMakeUsable, 2);
  PageRange range = *pages.reserve(64_KiB, 64_KiB);
  EXPECT_TRUE(pages.make_usable(range.part(0_B, 4_KiB)));
  EXPECT_TRUE(pages.make_usable(range.part(4_KiB, 4_KiB)));
  EXPECT_FALSE(pages.make_usable(range.part(8_KiB, 4_KiB)));
  EXPECT_EQ(pages.make_usable(range.part(8_KiB, 4_KiB)).error().errno_value, ENOMEM);
  EXPECT_TRUE(pages.give_back(range.part(0_B, 4_KiB)));
  EXPECT_EQ(pages.refused(), 2u);
  EXPECT_EQ(pages.calls(PageCall::kMakeUsable), 4u);
  EXPECT_EQ(pages.usable(), 8_KiB);
  EXPECT_EQ(pages.given_back(), 4_KiB);
  pages.allow(PageCall::kMakeUsable);
  EXPECT_TRUE(pages.make_usable(range));
  EXPECT_EQ(pages.usable(), 64_KiB);
  EXPECT_TRUE(pages.unmap(range));
  EXPECT_EQ(pages.usable(), 0_B);
  EXPECT_EQ(pages.reserved(), 0_B);
}

TEST(FailingPages, EachKindCanFail) {
  SystemPages system;
  FailingPages pages(system);
  PageRange range = *pages.map(64_KiB, 64_KiB);
  for (std::size_t call = 0; call < kPageCalls; ++call) pages.fail_after(static_cast<PageCall>(call), 0);
  EXPECT_FALSE(pages.reserve(4_KiB, 0_B));
  EXPECT_FALSE(pages.map(4_KiB, 0_B));
  EXPECT_FALSE(pages.make_usable(range));
  EXPECT_FALSE(pages.make_unusable(range));
  EXPECT_FALSE(pages.give_back(range));
  EXPECT_FALSE(pages.populate(range));
  EXPECT_FALSE(pages.advise(range, Advice::kNormal));
  EXPECT_FALSE(pages.unmap(range));
  EXPECT_EQ(pages.reserved(), 64_KiB);
  pages.allow_all();
  EXPECT_TRUE(pages.populate(range));
  EXPECT_TRUE(pages.advise(range, Advice::kNormal));
  EXPECT_TRUE(pages.unmap(range));
}

TEST(FailingPages, MapKeepsNothingWhenItsSecondHalfFails) {
  SystemPages system;
  FailingPages pages(system);
  pages.fail_after(PageCall::kMakeUsable, 0);
  EXPECT_FALSE(pages.map(64_KiB, 64_KiB));
  EXPECT_EQ(pages.calls(PageCall::kReserve), 1u);
  EXPECT_EQ(pages.reserved(), 0_B);
}

TEST(FailingPages, CountForSeveralThreads) {
  SystemPages system;
  FailingPages pages(system);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        PageRange range = *pages.map(256_KiB, 64_KiB);
        range.begin[0] = std::byte{1};
        EXPECT_TRUE(pages.give_back(range));
        EXPECT_TRUE(pages.make_unusable(range.part(0_B, 64_KiB)));
        EXPECT_TRUE(pages.unmap(range));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pages.reserved() + pages.usable(), 0_B);
  EXPECT_EQ(pages.calls(PageCall::kUnmap), 800u);
  EXPECT_EQ(pages.given_back(), 256_KiB * 800);
}

TEST(FailingPagesDeathTest, WhatItDidNotGiveIsAProgrammersError) {
  SystemPages system;
  FailingPages pages(system);
  PageRange range = *system.map(64_KiB, 64_KiB);
  EXPECT_DEATH(static_cast<void>(pages.unmap(range)), "not of this source");
  EXPECT_TRUE(system.unmap(range));
}

// The counts against an array of pages.
TEST(FailingPages, CountsAsAnArrayOfPagesWould) {
  constexpr std::size_t kPages = 64;
  SystemPages system;
  FailingPages pages(system);
  const Bytes page = pages.page_size();
  PageRange range = *pages.reserve(page * kPages, page);
  std::vector<bool> usable(kPages);
  Random random(1);
  for (int step = 0; step < 3000; ++step) {
    std::size_t first = random.below(kPages);
    std::size_t count = random.below(kPages - first + 1);
    PageRange part = range.part(page * first, page * count);
    bool make = random.below(2) == 0;
    ASSERT_TRUE(make ? pages.make_usable(part) : pages.make_unusable(part));
    for (std::size_t i = first; i < first + count; ++i) usable[i] = make;
    ASSERT_EQ(pages.usable(),
              page * static_cast<std::uint64_t>(std::count(usable.begin(), usable.end(), true)));
  }
  EXPECT_TRUE(pages.unmap(range.part(0_B, page * 10)));
  EXPECT_EQ(pages.reserved(), page * (kPages - 10));
  EXPECT_TRUE(pages.unmap(range.part(page * 10, page * (kPages - 10))));
  EXPECT_EQ(pages.reserved() + pages.usable(), 0_B);
}

}  // namespace
}  // namespace plimsoll
