#include "plimsoll/alloc/monitored.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/backend.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class MonitoredTest : public ::testing::Test {
 protected:
  SystemPages pages_;
  LoadLine line_{{.limit = 512_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = account_, .idle = idle_, .pages = pages_, .line = 64_MiB}};
};

TEST_F(MonitoredTest, CountsWhatOneThreadDoesExactly) {
  MonitoredAllocator watched(slabs_);
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(watched.allocate(100));
  for (int i = 0; i < 400; ++i) {
    watched.deallocate(objects.back(), 100);
    objects.pop_back();
  }
  watched.deallocate(nullptr, 100);
  EXPECT_EQ(watched.allocate(100'000), nullptr);
  const auto stats = watched.stats();
  EXPECT_EQ(stats.allocations, 1000u);
  EXPECT_EQ(stats.frees, 400u);
  EXPECT_EQ(stats.refused, 1u);
  EXPECT_EQ(stats.bytes, 60'000_B);
  EXPECT_EQ(stats.peak, 100'000_B);
  EXPECT_TRUE(watched.owns(objects.front()));
  for (void* object : objects) watched.deallocate(object, 100);
  EXPECT_EQ(watched.stats().bytes, 0_B);
  EXPECT_EQ(watched.stats().peak, 100'000_B);
  watched.CheckInvariants();
}

TEST_F(MonitoredTest, SortsSizesByPowersOfTwo) {
  MonitoredAllocator watched(slabs_);
  for (std::size_t size : {0, 1, 16, 17, 32, 33, 64, 65, 4096, 4097, 8192, 8193, 32768})
    watched.deallocate(watched.allocate(size), size);
  const auto by_size = watched.stats().by_size;
  const std::map<std::size_t, std::uint64_t> expected = {{4, 3},  {5, 2},  {6, 2},  {7, 1},
                                                         {12, 1}, {13, 2}, {14, 1}, {15, 1}};
  for (std::size_t bits = 0; bits < by_size.size(); ++bits)
    EXPECT_EQ(by_size[bits], expected.contains(bits) ? expected.at(bits) : 0) << bits;
}

// The peak of one thread is exact whatever the step, also when it is in between two publications.
TEST_F(MonitoredTest, KnowsThePeakOfOneThreadExactly) {
  for (Bytes step : {0_B, 1000_B, 64_KiB, 1_GiB}) {
    MonitoredAllocator watched(slabs_, {.step = step});
    Random random(23);
    std::vector<std::pair<void*, std::size_t>> objects;
    std::size_t bytes = 0, peak = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (!objects.empty() && random.below(100) < (i / 4000 % 2 == 0 ? 40u : 60u)) {
        bytes -= objects.back().second;
        watched.deallocate(objects.back().first, objects.back().second);
        objects.pop_back();
        continue;
      }
      const std::size_t size = random.below(1000);
      objects.emplace_back(watched.allocate(size), size);
      peak = std::max(peak, bytes += size);
      if (i % 1000 == 0) {
        ASSERT_EQ(watched.stats().peak.count(), peak);
      }
    }
    EXPECT_EQ(watched.stats().bytes.count(), bytes);
    EXPECT_EQ(watched.stats().peak.count(), peak) << step.count();
    for (auto [object, size] : objects) watched.deallocate(object, size);
    watched.CheckInvariants();
  }
}

// Four threads that allocate in turn, so that the true peak is known; some of them free what others made.
TEST_F(MonitoredTest, KnowsThePeakOfManyThreadsWithinAStepEach) {
  constexpr std::size_t kThreads = 4;
  constexpr Bytes kStep = 8_KiB;
  MonitoredAllocator watched(slabs_, {.step = kStep});
  std::atomic<std::size_t> turn{0};
  std::vector<std::pair<void*, std::size_t>> objects;
  std::size_t bytes = 0, peak = 0;
  auto work = [&](std::size_t number) {
    Random random(number);
    for (std::size_t round = number; round < 4000; round += kThreads) {
      while (turn.load(std::memory_order_acquire) != round) std::this_thread::yield();
      for (int i = 0; i < 5; ++i) {
        if (!objects.empty() && random.below(100) < (round < 2500 ? 40u : 70u)) {
          bytes -= objects.back().second;
          watched.deallocate(objects.back().first, objects.back().second);
          objects.pop_back();
        } else {
          const std::size_t size = random.below(2000);
          objects.emplace_back(watched.allocate(size), size);
          peak = std::max(peak, bytes += size);
        }
      }
      turn.store(round + 1, std::memory_order_release);  // pairs with the load above
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  const auto stats = watched.stats();
  EXPECT_EQ(stats.bytes.count(), bytes);
  EXPECT_GE((stats.peak + kThreads * kStep).count(), peak);
  EXPECT_LE(stats.peak.count(), peak + (kThreads * kStep).count());
  watched.CheckInvariants();
  for (auto [object, size] : objects) watched.deallocate(object, size);
}

TEST_F(MonitoredTest, CountsExactlyAcrossThreadsThatEnd) {
  MonitoredAllocator watched(slabs_, {.timed_one_in = 16});
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 20'000;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    std::vector<std::vector<void*>> left(kThreads);
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kEach; ++i) {
          void* object = watched.allocate(200);
          if (i % 100 == 0) {
            left[t].push_back(object);
          } else {
            watched.deallocate(object, 200);
          }
        }
      });
    }
    for (int i = 0; i < 100; ++i) EXPECT_LE(watched.stats().frees, 3 * kThreads * kEach);  // while they run
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(watched.stats().bytes, Bytes(kThreads * kEach / 100 * 200));
    for (const auto& objects : left) {
      for (void* object : objects) watched.deallocate(object, 200);
    }
  }
  EXPECT_EQ(watched.stats().allocations, 3 * kThreads * kEach);
  EXPECT_EQ(watched.stats().frees, 3 * kThreads * kEach);
  EXPECT_EQ(watched.stats().bytes, 0_B);
  EXPECT_GT(watched.latency_ns().count(), 3 * kThreads * kEach / 32);
  watched.CheckInvariants();
}

// Ends after the thread's shards have.
struct Late {
  MonitoredAllocator<SlabAllocator>* watched = nullptr;
  ~Late() {
    if (watched != nullptr) watched->deallocate(watched->allocate(64), 64);
  }
};

TEST_F(MonitoredTest, CountsWhatComesAfterTheThreadsShardsEnded) {
  MonitoredAllocator watched(slabs_);
  std::thread([&] {
    thread_local Late late;
    late.watched = &watched;
    watched.deallocate(watched.allocate(64), 64);
  }).join();
  EXPECT_EQ(watched.stats().allocations, 2u);
  EXPECT_EQ(watched.stats().frees, 2u);
  EXPECT_EQ(watched.stats().bytes, 0_B);
  watched.CheckInvariants();
}

TEST_F(MonitoredTest, MayEndBeforeTheThreadsThatUsedIt) {
  std::optional<MonitoredAllocator<SlabAllocator>> watched(std::in_place, slabs_);
  std::atomic<int> step{0};
  auto wait_for = [&](int value) {
    while (step.load(std::memory_order_acquire) < value) std::this_thread::yield();
  };
  std::thread thread([&] {
    watched->deallocate(watched->allocate(64), 64);
    step.store(1, std::memory_order_release);
    wait_for(2);
    watched->deallocate(watched->allocate(64), 64);
    step.store(3, std::memory_order_release);
    wait_for(4);
  });
  wait_for(1);
  watched.reset();
  watched.emplace(slabs_);
  step.store(2, std::memory_order_release);
  wait_for(3);
  EXPECT_EQ(watched->stats().allocations, 1u) << "of the second alone";
  watched.reset();
  step.store(4, std::memory_order_release);
  thread.join();
}

TEST_F(MonitoredTest, WorksWithMoreMonitorsThanHaveShards) {
  std::vector<std::unique_ptr<MonitoredAllocator<SlabAllocator>>> many;
  for (int i = 0; i < 20; ++i) many.push_back(std::make_unique<MonitoredAllocator<SlabAllocator>>(slabs_));
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        for (auto& watched : many) watched->deallocate(watched->allocate(100), 100);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& watched : many) {
    EXPECT_EQ(watched->stats().allocations, 2000u);
    EXPECT_EQ(watched->stats().bytes, 0_B);
    EXPECT_GE(watched->stats().peak, 100_B);
    EXPECT_LE(watched->stats().peak, 200_B);
    watched->CheckInvariants();
  }
}

class TickingClock final : public Clock {
 public:
  MonotonicTime monotonic_now() const override { return MonotonicTime(Duration(now_ += 500)); }
  std::int64_t wall_ms() const override { return 0; }

 private:
  mutable std::atomic<std::int64_t> now_{0};
};

TEST_F(MonitoredTest, TimesOneInSoManyOfEachSize) {
  TickingClock clock;
  MonitoredAllocator watched(slabs_, {.timed_one_in = 10, .clock = &clock});
  for (int i = 0; i < 10'000; ++i) {
    watched.deallocate(watched.allocate(64), 64);
    watched.deallocate(watched.allocate(1024), 1024);
  }
  EXPECT_GT(watched.latency_ns().count(), 1700u);
  EXPECT_LT(watched.latency_ns().count(), 2300u);
  EXPECT_EQ(watched.latency_ns().max(), 500u);
  MonitoredAllocator all(slabs_, {.timed_one_in = 1, .clock = &clock});
  for (int i = 0; i < 100; ++i) all.deallocate(all.allocate(64), 64);
  EXPECT_EQ(all.latency_ns().count(), 100u);
  MonitoredAllocator none(slabs_, {.timed_one_in = 0, .clock = &clock});
  for (int i = 0; i < 5000; ++i) none.deallocate(none.allocate(64), 64);
  EXPECT_EQ(none.latency_ns().count(), 0u);
}

TEST_F(MonitoredTest, ForgetsWhatAnArenaFreesAtOnce) {
  Arena arena({.slabs = slabs_, .pages = pages_, .account = account_});
  MonitoredAllocator watched(arena);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) ASSERT_NE(watched.allocate(50, 8), nullptr);
    std::thread([&] { ASSERT_NE(watched.allocate(50, 8), nullptr); }).join();
    EXPECT_EQ(watched.stats().bytes, 5050_B);
    watched.reset();
    EXPECT_EQ(watched.stats().bytes, 0_B);
    watched.CheckInvariants();
  }
  EXPECT_EQ(watched.stats().allocations, 303u);
  EXPECT_EQ(watched.stats().frees, 303u);
  EXPECT_EQ(watched.stats().peak, 5050_B);
}

TEST_F(MonitoredTest, StandsBeforeBackendsToo) {
  std::unique_ptr<Backend> backend = *open_backend("system");
  MonitoredAllocator watched(*backend, {.name = "malloc"});
  void* object = watched.allocate(1000, 64);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 64, 0u);
  EXPECT_EQ(watched.stats().bytes, 1000_B);
  watched.deallocate(object, 1000, 64);
  EXPECT_EQ(watched.stats().bytes, 0_B);
}

TEST_F(MonitoredTest, ChargesItsShardsWhereItIsTold) {
  Account& shards = line_.open({.name = "shards"});
  {
    MonitoredAllocator watched(slabs_, {.account = &shards});
    watched.deallocate(watched.allocate(64), 64);
    EXPECT_GT(shards.used(), 1_KiB);
    EXPECT_LT(shards.used(), 2_KiB);
    shards.set_maximum(shards.used());
    std::thread([&] { watched.deallocate(watched.allocate(64), 64); }).join();  // counted without one
    EXPECT_EQ(watched.stats().allocations, 2u);
    EXPECT_EQ(watched.stats().frees, 2u);
  }
  EXPECT_EQ(shards.used(), 0_B);
}

TEST_F(MonitoredTest, DescribesWhatItCounted) {
  struct Figures final : StatSink {
    void value(const Stat& stat, double value) override { of[std::string(stat.name)] += value; }
    void distribution(const Stat& stat, const Histogram& h, double) override {
      of[std::string(stat.name)] = static_cast<double>(h.count());
    }
    std::map<std::string, double> of;
  } figures;
  MonitoredAllocator watched(slabs_, {.timed_one_in = 1});
  for (std::size_t size : {10, 100, 1000}) watched.deallocate(watched.allocate(size), size);
  void* object = watched.allocate(500);
  watched.Describe(figures);
  watched.deallocate(object, 500);
  EXPECT_EQ(figures.of.at("allocations_total"), 4);
  EXPECT_EQ(figures.of.at("frees_total"), 3);
  EXPECT_EQ(figures.of.at("allocated_bytes"), 500);
  EXPECT_EQ(figures.of.at("allocated_peak_bytes"), 1000);
  EXPECT_EQ(figures.of.at("allocations_refused_total"), 0);
  EXPECT_EQ(figures.of.at("allocation_seconds"), 4);
}

}  // namespace
}  // namespace plimsoll
