#include "plimsoll/alloc/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "plimsoll/alloc/pattern_tracker.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class SlabTest : public ::testing::Test {
 protected:
  SlabAllocator::Options options(PageSource& pages) {
    return {.account = account_, .idle = idle_, .pages = pages, .line = 4_MiB};
  }

  SystemPages pages_;
  LoadLine line_{{.limit = 256_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{options(pages_)};
};

TEST_F(SlabTest, GivesObjectsOfEverySizeThatDoNotOverlap) {
  std::map<char*, std::size_t> objects;
  for (std::size_t size = 0; size <= SlabAllocator::kLargest; size += size < 300 ? 1 : 97) {
    auto* object = static_cast<char*>(slabs_.allocate(size));
    ASSERT_NE(object, nullptr) << size;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 16, 0u);
    EXPECT_GE(slabs_.usable_size(object), size);
    EXPECT_TRUE(slabs_.owns(object));
    std::memset(object, static_cast<int>(size % 251), size);
    objects.emplace(object, size);
  }
  for (auto it = objects.begin(); it != objects.end(); ++it) {
    if (auto next = std::next(it); next != objects.end()) {
      ASSERT_LE(it->first + it->second, next->first);
    }
    for (std::size_t i = 0; i < it->second; ++i)
      ASSERT_EQ(static_cast<unsigned char>(it->first[i]), it->second % 251);
    slabs_.deallocate(it->first, it->second);
  }
  slabs_.CheckInvariants();
}

TEST_F(SlabTest, RefusesWhatIsLargerThanItsLimits) {
  EXPECT_EQ(slabs_.allocate(SlabAllocator::kLargest + 1), nullptr);
  EXPECT_EQ(slabs_.allocate(~std::size_t{0}), nullptr);
  EXPECT_EQ(slabs_.allocate(64, 8192), nullptr);
  EXPECT_EQ(slabs_.stats().refused, 3u);
  slabs_.deallocate(nullptr);
  slabs_.deallocate(nullptr, 64);
}

TEST_F(SlabTest, AlignsToAPage) {
  for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2) {
    std::vector<void*> objects;
    for (std::size_t size : {1, 24, 200, 3000, 32768}) {
      objects.push_back(slabs_.allocate(size, alignment));
      ASSERT_NE(objects.back(), nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(objects.back()) % alignment, 0u) << size;
    }
    for (void* object : objects) slabs_.deallocate(object);
  }
}

struct Tracked {
  explicit Tracked(int& count) : alive(count) { ++alive; }
  ~Tracked() { --alive; }
  int& alive;
  char padding[90];
};
struct alignas(256) Wide {
  char bytes[300];
};

TEST_F(SlabTest, CreatesAndDestroysObjectsOfAType) {
  int alive = 0;
  Tracked* object = slabs_.create<Tracked>(alive);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(alive, 1);
  slabs_.destroy(object);
  EXPECT_EQ(alive, 0);
  Wide* wide = slabs_.create<Wide>();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide) % 256, 0u);
  slabs_.destroy(wide);
  slabs_.destroy<Tracked>(nullptr);
}

TEST_F(SlabTest, IsCutAsItIsTold) {
  const std::array<std::size_t, 3> sizes = {48, 200, 3000};
  const std::array<std::uint32_t, 2> magazines = {20, 10};
  PatternTracker tracker;
  SlabAllocator::Options told = options(pages_);
  told.classes = *SizeClasses::make(sizes);
  told.magazines = magazines;
  told.tracker = &tracker;
  SlabAllocator slabs(told);
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(slabs.allocate(150));
  EXPECT_EQ(slabs.usable_size(objects[0]), 208u);
  EXPECT_EQ(slabs.classes().count(), 4u);
  EXPECT_EQ(tracker.stats().recorded, 1000u) << "in magazines of five, of which half is filled";
  EXPECT_NEAR(slabs.stats().rounding(), 1 - 150.0 / 208, 0.001);
  for (void* object : objects) slabs.deallocate(object, 150);
  slabs.CheckInvariants();
}

TEST_F(SlabTest, ChargesBySlabAndGivesEmptyOnesBack) {
  std::vector<void*> objects;
  for (int i = 0; i < 10'000; ++i) objects.push_back(slabs_.allocate(1024));  // 64 a slab
  const Bytes full = account_.used();
  EXPECT_GE(full, Bytes(157 * 64 * 1024));
  EXPECT_LE(full, Bytes(170 * 66 * 1024));
  EXPECT_EQ(idle_.used(), 0_B);
  const auto page = reinterpret_cast<std::uintptr_t>(objects.front()) & ~std::uintptr_t{4095};
  const Bytes held = *resident_bytes({reinterpret_cast<std::byte*>(page), 4_KiB});
  EXPECT_EQ(held, 0_B) << "what nobody has touched is not backed";
  for (void* object : objects) std::memset(object, 1, 1024);
  for (void* object : objects) slabs_.deallocate(object, 1024);
  slabs_.tick();
  slabs_.tick();
  EXPECT_GT(idle_.used(), full / 2) << "empty, kept for the next, and droppable";
  EXPECT_EQ(slabs_.offer().droppable, idle_.used());
  EXPECT_GE(slabs_.reclaim(1_MiB), 1_MiB);
  slabs_.reclaim(Bytes::max());
  EXPECT_EQ(idle_.used(), 0_B);
  EXPECT_LE(slabs_.stats().slabs, 256_KiB) << "what the thread's own magazines hold on to";
}

TEST_F(SlabTest, ChargesAtOnceWhatItsHeaderSaysAtMost) {
  for (std::size_t size = 16; size <= SlabAllocator::kLargest; size *= 2) {
    const Bytes before = account_.used();
    void* object = slabs_.allocate(size);
    ASSERT_NE(object, nullptr);
    EXPECT_LE(account_.used(), before + SlabAllocator::kLargestCharge) << size;
    slabs_.deallocate(object, size);
  }
}

TEST_F(SlabTest, UsesKeptSlabsAgain) {
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(slabs_.allocate(4096));
  for (void* object : objects) slabs_.deallocate(object, 4096);
  slabs_.reclaim(0_B);
  slabs_.tick();
  slabs_.tick();
  const Bytes kept = idle_.used();
  EXPECT_GT(kept, 3_MiB);
  for (void*& object : objects) object = slabs_.allocate(1024);
  EXPECT_LT(idle_.used(), kept) << "for another class";
  for (void* object : objects) slabs_.deallocate(object, 1024);
}

TEST_F(SlabTest, IsRefusedByItsAccountAndGoesOnWhenThereIsRoom) {
  account_.set_maximum(1_MiB);
  std::vector<void*> objects;
  while (void* object = slabs_.allocate(2048)) objects.push_back(object);
  EXPECT_GT(objects.size(), 300u);
  EXPECT_LE(account_.used(), 1_MiB);
  EXPECT_GE(slabs_.stats().refused, 1u);
  slabs_.deallocate(objects.back());
  objects.back() = slabs_.allocate(2048);
  EXPECT_NE(objects.back(), nullptr);
  for (void* object : objects) slabs_.deallocate(object, 2048);
  slabs_.CheckInvariants();
}

// As a map of objects, with a pattern in each.
class SlabModelTest : public SlabTest, public ::testing::WithParamInterface<int> {
 protected:
  struct Object {
    unsigned char* bytes;
    std::size_t size;
    unsigned char fill;
  };
  void add() {
    const std::size_t size = random_.below(10) == 0 ? random_.below(32'769) : random_.below(600);
    auto* bytes = static_cast<unsigned char*>(slabs_.allocate(size));
    ASSERT_NE(bytes, nullptr);
    const auto fill = static_cast<unsigned char>(random_.below(256));
    std::memset(bytes, fill, size);
    objects_.push_back({bytes, size, fill});
  }
  void remove(std::size_t at) {
    const Object object = objects_[at];
    for (std::size_t i = 0; i < object.size; ++i) ASSERT_EQ(object.bytes[i], object.fill);
    if (random_.below(2) == 0) {
      slabs_.deallocate(object.bytes, object.size);
    } else {
      slabs_.deallocate(object.bytes);
    }
    objects_[at] = objects_.back();
    objects_.pop_back();
  }

  Random random_{static_cast<std::uint64_t>(GetParam())};
  std::vector<Object> objects_;
};

TEST_P(SlabModelTest, KeepsEveryObjectAsItsOwnerLeftIt) {
  for (int step = 0; step < 40'000; ++step) {
    const std::size_t wanted = 200 + static_cast<std::size_t>(step / 1000 % 7) * 300;  // grows and shrinks
    if (objects_.empty() || (objects_.size() < wanted && random_.below(3) != 0)) {
      add();
    } else {
      remove(random_.below(objects_.size()));
    }
    if (step % 5000 == 0) {
      slabs_.tick();
      slabs_.reclaim(Bytes(random_.below(4) * 100'000));
      slabs_.CheckInvariants();
    }
  }
  while (!objects_.empty()) remove(objects_.size() - 1);
  slabs_.CheckInvariants();
}

INSTANTIATE_TEST_SUITE_P(Seeds, SlabModelTest, ::testing::Range(1, 6));

TEST_F(SlabTest, LosesNothingWhenThreadsEnd) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    std::vector<std::vector<void*>> left(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([this, &mine = left[t], t] {
        std::vector<void*> own;
        for (int i = 0; i < 1000; ++i) own.push_back(slabs_.allocate(16 + (i * 37 + t) % 500));
        for (std::size_t i = 0; i < own.size(); ++i) {
          if (i % 10 == 0) {
            mine.push_back(own[i]);
          } else {
            slabs_.deallocate(own[i]);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& objects : left) {
      for (void* object : objects) slabs_.deallocate(object);
    }
  }
  slabs_.CheckInvariants();
  slabs_.reclaim(Bytes::max());
  EXPECT_LE(slabs_.stats().slabs, 4_MiB) << "what this thread's magazines hold on to";
}

// Ends after the thread's magazines have.
struct Late {
  SlabAllocator* slabs = nullptr;
  void* object = nullptr;
  ~Late() {
    if (slabs == nullptr) return;
    slabs->deallocate(object);
    slabs->deallocate(slabs->allocate(64), 64);
  }
};

TEST_F(SlabTest, ServesObjectsThatEndAfterTheThreadsMagazines) {
  std::thread([this] {
    thread_local Late late;
    late.slabs = &slabs_;
    late.object = slabs_.allocate(64);
  }).join();
  slabs_.reclaim(Bytes::max());
  EXPECT_EQ(slabs_.stats().slabs, 0_B);
  slabs_.CheckInvariants();
}

// Objects made by one thread and freed by another, and back; in all of them a pattern.
TEST_F(SlabTest, LetsAnyThreadFreeWhatAnotherAllocated) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 300;
  Mutex mutex;
  std::vector<std::pair<unsigned char*, std::size_t>> shared;
  std::atomic<int> wrong{0};
  auto work = [&](int number) {
    Random random(static_cast<std::uint64_t>(number));
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::pair<unsigned char*, std::size_t>> mine;
      for (int i = 0; i < 50; ++i) {
        const std::size_t size = 8 + random.below(1000);
        auto* bytes = static_cast<unsigned char*>(slabs_.allocate(size));
        if (bytes == nullptr) continue;
        std::memset(bytes, static_cast<int>(size & 255), size);
        mine.emplace_back(bytes, size);
      }
      {
        MutexLock lock(mutex);
        shared.insert(shared.end(), mine.begin(), mine.end());
        mine.clear();
        for (int i = 0; i < 50 && !shared.empty(); ++i) {
          std::swap(shared[random.below(shared.size())], shared.back());
          mine.push_back(shared.back());
          shared.pop_back();
        }
      }
      for (auto [bytes, size] : mine) {
        for (std::size_t i = 0; i < size; ++i) wrong += bytes[i] != (size & 255);
        slabs_.deallocate(bytes, size);
      }
      if (round % 50 == 0) slabs_.tick();
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (auto [bytes, size] : shared) slabs_.deallocate(bytes, size);
  slabs_.CheckInvariants();
}

TEST_F(SlabTest, WorksWithMoreAllocatorsThanHaveMagazines) {
  std::vector<std::unique_ptr<SlabAllocator>> many;
  for (int i = 0; i < 20; ++i) many.push_back(std::make_unique<SlabAllocator>(options(pages_)));
  std::vector<void*> objects;
  for (int round = 0; round < 100; ++round) {
    for (auto& allocator : many) objects.push_back(allocator->allocate(100));
  }
  std::set<void*> different(objects.begin(), objects.end());
  EXPECT_EQ(different.size(), objects.size());
  EXPECT_FALSE(different.contains(nullptr));
  for (std::size_t i = 0; i < objects.size(); ++i) many[i % many.size()]->deallocate(objects[i], 100);
}

// A thread that has magazines of an allocator outlives it, and meets the next one in its place.
TEST_F(SlabTest, ForgetsAnAllocatorThatEndedBeforeItsThread) {
  auto first = std::make_unique<SlabAllocator>(options(pages_));
  first->deallocate(first->allocate(64), 64);
  first.reset();
  auto second = std::make_unique<SlabAllocator>(options(pages_));
  void* object = second->allocate(64);
  EXPECT_TRUE(second->owns(object));
  second->deallocate(object, 64);
}

TEST_F(SlabTest, IsRefusedWhateverMappingFails) {
  for (PageCall call : {PageCall::kReserve, PageCall::kMakeUsable}) {
    for (std::uint64_t successes = 0; successes < 8; ++successes) {
      SCOPED_TRACE(successes);
      FailingPages failing(pages_);
      failing.fail_after(call, successes);
      SlabAllocator slabs(options(failing));
      std::vector<void*> objects;
      for (int i = 0; i < 200; ++i) {
        if (i == 100) failing.allow_all();
        if (void* object = slabs.allocate(4000)) objects.push_back(object);
      }
      if (call == PageCall::kMakeUsable && successes > 3) {
        EXPECT_GE(objects.size(), 100u) << "it goes on when the system does";
      }
      for (void* object : objects) slabs.deallocate(object, 4000);
      slabs.CheckInvariants();
    }
  }
}

TEST_F(SlabTest, TellsWhatItHoldsAndWhatItDid) {
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(slabs_.allocate(512));
  SlabAllocator::Stats stats = slabs_.stats();
  EXPECT_EQ(stats.slabs, 512_KiB) << "1000 of 128 a slab";
  EXPECT_LE(stats.free, 12_KiB);
  EXPECT_GE(stats.from_slabs, 1000u);
  EXPECT_EQ(stats.waiting, 0_B);
  for (void* object : objects) slabs_.deallocate(object);
  stats = slabs_.stats();
  EXPECT_GT(stats.waiting, 400_KiB) << "in the depot, for whoever asks next";
  EXPECT_GT(stats.exchanges, 10u);
  struct Figures final : StatSink {
    void value(const Stat& stat, double value) override { of[std::string(stat.name)] = value; }
    void distribution(const Stat&, const Histogram&, double) override {}
    std::map<std::string, double> of;
  } figures;
  slabs_.Describe(figures);
  EXPECT_EQ(figures.of.at("slab_bytes"), (512_KiB).as_double());
  EXPECT_EQ(figures.of.at("slab_waiting_bytes"), stats.waiting.as_double());
  EXPECT_EQ(figures.of.at("slab_refused_total"), 0);
}

using SlabDeathTest = SlabTest;

#ifndef NDEBUG
TEST_F(SlabDeathTest, FindsMisuseInBuildsWithChecks) {
  auto* object = static_cast<char*>(slabs_.allocate(100));
  int foreign = 0;
  EXPECT_DEATH(slabs_.deallocate(&foreign, 4), "not of slabs");
  EXPECT_DEATH(slabs_.deallocate(object, 300), "of 112 bytes is freed as one of 320");
  EXPECT_DEATH(slabs_.deallocate(object + 16, 100), "16 bytes into an object of 112");
  EXPECT_DEATH(
      {
        slabs_.deallocate(object, 100);
        slabs_.deallocate(object, 100);
      },
      "is freed twice");
  slabs_.deallocate(object, 100);
}
#endif

TEST_F(SlabDeathTest, EndsWithoutItsObjectsOnly) {
  EXPECT_DEATH(
      {
        SlabAllocator slabs(options(pages_));
        static_cast<void>(slabs.allocate(100));
      },
      "objects are left in 1 slabs");
}

#ifdef PLIMSOLL_POISONS
TEST_F(SlabDeathTest, PoisonsWhatIsFree) {
  auto* object = static_cast<volatile char*>(slabs_.allocate(100));
  object[99] = 1;
  EXPECT_DEATH(object[104] = 1, "use-after-poison") << "behind what was asked for";
  slabs_.deallocate(const_cast<char*>(object), 100);
  EXPECT_DEATH(object[0] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace plimsoll
