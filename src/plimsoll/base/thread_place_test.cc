#include "plimsoll/base/thread_place.h"

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <set>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

// A tag a test: what other tests have or gave back is not in the way.
template <class Place>
std::vector<unsigned> of_threads_at_once(std::size_t threads) {
  std::vector<unsigned> places(threads);
  std::barrier all(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::jthread> running;
  for (unsigned& place : places) {
    running.emplace_back([&] {
      place = Place::here();
      all.arrive_and_wait();  // none ends before all have one
    });
  }
  running.clear();
  return places;
}

TEST(ThreadPlace, IsTheSameAsLongAsTheThreadLives) {
  using Place = ThreadPlace<struct Same, 4, 2>;
  std::jthread([] {
    EXPECT_EQ(Place::known(), Place::kUnknown);
    const unsigned mine = Place::here();
    EXPECT_LT(mine, Place::kOwn);
    EXPECT_EQ(Place::here(), mine);
    EXPECT_EQ(Place::known(), mine);
  });
}

TEST(ThreadPlace, IsOneThreadsAloneWhileThereAreEnoughAndSharedEvenlyBeyond) {
  using Place = ThreadPlace<struct Alone, 4, 2>;
  std::array<int, Place::kPlaces> had{};
  for (const unsigned place : of_threads_at_once<Place>(10)) ++had.at(place);
  for (unsigned place = 0; place < Place::kOwn; ++place) EXPECT_EQ(had[place], 1) << place;
  for (unsigned place = Place::kOwn; place < Place::kPlaces; ++place) EXPECT_EQ(had[place], 3) << place;
}

TEST(ThreadPlace, ComesBackWhenItsThreadEnds) {
  using Place = ThreadPlace<struct Back, 3, 1>;
  for (int round = 0; round < 20; ++round) {
    const std::vector<unsigned> places = of_threads_at_once<Place>(3);
    EXPECT_EQ(std::set<unsigned>(places.begin(), places.end()), (std::set<unsigned>{0, 1, 2}));
  }
}

TEST(ThreadPlace, IsNumberedForEachTagApart) {
  using One = ThreadPlace<struct FirstTag, 1, 1>;
  using Other = ThreadPlace<struct SecondTag, 1, 1>;
  std::jthread([] {
    EXPECT_EQ(One::here(), 0u);
    EXPECT_EQ(Other::here(), 0u);
    std::jthread([] { EXPECT_EQ(One::here(), One::kOwn); });
  });
}

// What a thread's other variables do while they are destroyed comes after its number is somebody else's.
TEST(ThreadPlace, IsSharedWhileTheThreadEnds) {
  using Place = ThreadPlace<struct Ending, 2, 1>;
  static unsigned last = 0;
  struct Last {
    ~Last() { last = Place::here(); }
  };
  std::jthread([] {
    static thread_local const Last destroyed_last;  // as it was made first
    static_cast<void>(destroyed_last);
    EXPECT_LT(Place::here(), Place::kOwn);
  }).join();
  EXPECT_EQ(last, Place::kOwn);
}

// Under the thread sanitizer: what one writes without a lock, the next that has its number reads.
TEST(ThreadPlace, HandsOnWhatWasWrittenUnderIt) {
  using Place = ThreadPlace<struct Handed, 2, 1>;
  std::array<std::uint64_t, Place::kOwn> sums{};
  auto add = [&] {
    for (int i = 0; i < 500; ++i) {
      std::jthread([&] {
        if (const unsigned place = Place::here(); place < Place::kOwn) sums.at(place) += 1;
      });
    }
  };
  {
    const std::jthread one(add), other(add);
  }
  EXPECT_EQ(sums[0] + sums[1], 1000u) << "two at a time, and two numbers";
}

}  // namespace
}  // namespace plimsoll
