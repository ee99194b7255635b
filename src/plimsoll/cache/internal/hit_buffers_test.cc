#include "plimsoll/cache/internal/hit_buffers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "plimsoll/cache/internal/read_versions.h"

namespace plimsoll {
namespace {

std::vector<Locator> drained(HitBuffers& buffers) {
  std::vector<Locator> prepared, approached, applied;
  buffers.drain([&](const HitBuffers::Hit& hit) { prepared.push_back(hit.item); },
                [&](const HitBuffers::Hit& hit) { approached.push_back(hit.item); },
                [&](const HitBuffers::Hit& hit) { applied.push_back(hit.item); });
  EXPECT_EQ(approached, applied);
  EXPECT_EQ(prepared, applied);
  return applied;
}

TEST(HitBuffers, GiveTheHitsOfOneThreadInTheirOrder) {
  auto buffers = std::make_unique<HitBuffers>(0, 1);
  std::vector<Locator> want, got;
  for (Locator item = 1; item <= 1000; ++item) {
    const HitBuffers::Hit hit{.hash = 0, .version = 0, .item = item};
    want.push_back(item);
    const bool full = buffers->note(true, true, hit).full;
    EXPECT_TRUE(buffers->pending());
    if (!full) continue;
    for (const Locator drained_item : drained(*buffers)) got.push_back(drained_item);
    EXPECT_FALSE(buffers->pending());
  }
  for (const Locator item : drained(*buffers)) got.push_back(item);
  EXPECT_EQ(got, want);
}

TEST(HitBuffers, CountReadsThatNobodyIsToHearOf) {
  auto buffers = std::make_unique<HitBuffers>(0, 1);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(buffers->note(true, false, {}).full);
  for (int i = 0; i < 30; ++i) EXPECT_FALSE(buffers->note(false, false, {}).chosen);
  EXPECT_FALSE(buffers->pending());
  EXPECT_EQ(buffers->reads().hits, 100u);
  EXPECT_EQ(buffers->reads().misses, 30u);
}

TEST(HitBuffers, KeepWhatTheyHaveWhenOneIsFull) {
  auto buffers = std::make_unique<HitBuffers>(0, 1);
  std::size_t noted = 0;
  bool full = false;
  for (Locator item = 1; item <= 100; ++item) {
    const HitBuffers::Hit hit{.hash = 0, .version = 0, .item = item};
    if (!full) ++noted;
    full = buffers->note(true, true, hit).full;
  }
  EXPECT_TRUE(full);
  EXPECT_EQ(drained(*buffers).size(), noted);
  EXPECT_EQ(buffers->reads().hits, 100u);
}

TEST(HitBuffers, ChooseAboutOneInSoMany) {
  auto buffers = std::make_unique<HitBuffers>(64, 5);
  int chosen = 0;
  for (int i = 0; i < 64'000; ++i) chosen += buffers->note(true, false, {}).chosen;
  EXPECT_GT(chosen, 850);
  EXPECT_LT(chosen, 1150);
}

TEST(HitBuffers, LoseNothingOfAThreadThatIsDrainedMeanwhile) {
  auto buffers = std::make_unique<HitBuffers>(0, 1);
  constexpr Locator kHits = 20'000;
  std::vector<Locator> got;
  std::atomic<Locator> heard{0};
  std::thread reader([&] {
    for (Locator item = 1; item <= kHits; ++item) {
      const HitBuffers::Hit hit{.hash = item, .version = item, .item = item};
      // Full: the other one drains it.
      if (buffers->note(true, true, hit).full) {
        while (heard.load() < item) std::this_thread::yield();
      }
    }
  });
  while (got.size() < kHits) {
    for (const Locator item : drained(*buffers)) got.push_back(item);
    heard.store(static_cast<Locator>(got.size()));
  }
  reader.join();
  ASSERT_EQ(got.size(), kHits);
  for (Locator item = 1; item <= kHits; ++item) ASSERT_EQ(got[item - 1], item);
}

TEST(HitBuffers, CountTheReadsOfAllThreadsWhileTheyAreDrained) {
  auto buffers = std::make_unique<HitBuffers>(0, 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (Locator item = 1; item <= 5000; ++item) {
        const HitBuffers::Hit hit{.hash = item, .version = item, .item = item};
        buffers->note(item % 5 != 0, item % 5 != 0, hit);
      }
    });
  }
  std::size_t heard = 0;
  auto hear = [&] {
    buffers->drain([](const HitBuffers::Hit&) {}, [](const HitBuffers::Hit&) {},
                   [&](const HitBuffers::Hit& hit) {
                     EXPECT_TRUE(hit.hash == hit.item && hit.version == hit.item);
                     ++heard;
                   });
  };
  for (int i = 0; i < 1000; ++i) hear();
  for (std::thread& thread : threads) thread.join();
  hear();
  EXPECT_EQ(buffers->reads().hits, 24'000u);
  EXPECT_EQ(buffers->reads().misses, 6'000u);
  EXPECT_GT(heard, 0u);
  EXPECT_LE(heard, 24'000u);
}

TEST(ReadVersions, ChangeWithEachChangeOfTheirStripeOnly) {
  ReadVersions versions;
  const std::uint32_t before = versions.version(5);
  EXPECT_TRUE(ReadVersions::at_rest(before));
  {
    const ReadVersions::Change other(versions, 6);
    EXPECT_TRUE(versions.unchanged(5, before));
    const ReadVersions::Change change(versions, 5 + ReadVersions::kStripes);
    EXPECT_FALSE(ReadVersions::at_rest(versions.version(5)));
    {
      const ReadVersions::Change within(versions, 5);
      EXPECT_FALSE(ReadVersions::at_rest(versions.version(5)));
    }
    EXPECT_FALSE(ReadVersions::at_rest(versions.version(5))) << "the outer one goes on";
  }
  EXPECT_TRUE(ReadVersions::at_rest(versions.version(5)));
  EXPECT_FALSE(versions.unchanged(5, before));
}

TEST(ReadVersions, AllChangeTogether) {
  ReadVersions versions;
  {
    const ReadVersions::ChangeOfAll change(versions);
  }
  for (std::uint64_t hash = 0; hash < ReadVersions::kStripes; ++hash) {
    EXPECT_FALSE(versions.unchanged(hash, 0));
    EXPECT_TRUE(ReadVersions::at_rest(versions.version(hash)));
  }
}

}  // namespace
}  // namespace plimsoll
