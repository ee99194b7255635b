#include "plimsoll/pool/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"

namespace plimsoll {
namespace {

class BufferPoolTest : public ::testing::Test {
 protected:
  using Buffer = BufferPool::Buffer;

  ~BufferPoolTest() override {
    if (pool_) pool_->CheckInvariants();
    pool_.reset();
    EXPECT_EQ(idle_.used(), 0_B);
    EXPECT_EQ(account_.used(), 0_B);
  }
  void fill(const Buffer& buffer, int with) { std::memset(buffer.data(), with, buffer.size().count()); }

  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 256_MiB}};
  Account& slab_account_ = line_.open({.name = "slabs"});
  Account& slab_idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  Account& account_ = line_.open({.name = "buffers"});
  Account& idle_ = line_.open({.name = "buffers_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = slab_account_, .idle = slab_idle_, .pages = system_, .line = 64_MiB}};
  std::optional<BufferPool> pool_{
      BufferPool::Options{.slabs = slabs_, .pages = pages_, .account = account_, .idle = idle_}};
};

TEST_F(BufferPoolTest, PicksTheSmallestSizeThatHoldsTheRequest) {
  EXPECT_EQ(pool_->capacity_for(1_B), 1_KiB);
  for (unsigned b = 0; b < BufferPool::kBuckets; ++b) {
    const Bytes size = BufferPool::size_of(b);
    EXPECT_EQ(pool_->capacity_for(size), size);
    EXPECT_EQ(pool_->capacity_for(size - 1_B), size);
    if (b + 1 < BufferPool::kBuckets) {
      EXPECT_EQ(pool_->capacity_for(size + 1_B), size * 4);
    }
  }
  EXPECT_EQ(pool_->capacity_for(1_MiB + 1_B), 1_MiB + 4_KiB);
}

TEST_F(BufferPoolTest, ReusesWhatCameBackAndCountsIt) {
  for (Bytes size : {700_B, 3_KiB, 16_KiB, 50_KiB, 256_KiB, 1_MiB}) {
    for (int i = 0; i < 10; ++i) {
      Buffer buffer = pool_->acquire(size);
      ASSERT_TRUE(buffer);
      EXPECT_EQ(buffer.size(), size);
      fill(buffer, i);
    }
    const auto stats = pool_->stats().buckets[BufferPool::bucket_of(size)];
    EXPECT_EQ(stats.created, 1u);
    EXPECT_EQ(stats.reused, 9u);
    EXPECT_EQ(stats.returned, 10u);
    EXPECT_DOUBLE_EQ(stats.reuse_rate(), 0.9);
  }
}

TEST_F(BufferPoolTest, DescribesItselfUnderBothNamesOfAFigure) {
  struct Figures final : StatSink {
    void value(const Stat& stat, double value) override {
      std::string name(stat.name);
      for (const StatLabel& label : stat.labels) name += "," + std::string(label.value);
      of[name] = value;
    }
    void distribution(const Stat&, const Histogram&, double) override {}
    std::map<std::string, double> of;
  } figures;
  for (int turn = 0; turn < 4; ++turn) Buffer buffer = pool_->acquire(3000_B);
  pool_->Describe(figures);
  const std::string of_4k = "," + std::string(pool_->name()) + ",4096";
  EXPECT_EQ(figures.of.at("buffer_pool_size" + of_4k), 1);
  EXPECT_EQ(figures.of.at("buffer_pool_total_created" + of_4k), 1);
  EXPECT_EQ(figures.of.at("buffer_pool_created_total" + of_4k), 1);
  EXPECT_EQ(figures.of.at("buffer_pool_total_reused" + of_4k), 3);
  EXPECT_EQ(figures.of.at("buffer_pool_reused_total" + of_4k), 3);
  EXPECT_EQ(figures.of.at("buffer_pool_reuse_rate" + of_4k), 0.75);
  EXPECT_EQ(figures.of.at("buffer_pool_reuse_ratio" + of_4k), 0.75);
  EXPECT_EQ(figures.of.at("buffer_pool_created_total," + std::string(pool_->name()) + ",1024"), 0);
}

TEST_F(BufferPoolTest, MapsWhatIsLargerThanItsSizesAndGivesItBackAtOnce) {
  const Bytes before = pages_.usable();
  {
    Buffer large = pool_->acquire(3_MiB + 1_B);
    ASSERT_TRUE(large);
    fill(large, 1);
    EXPECT_EQ(pool_->stats().large, 3_MiB + 4_KiB);
  }
  EXPECT_EQ(pages_.usable(), before);
  EXPECT_FALSE(pool_->acquire(0_B));
  EXPECT_FALSE(pool_->acquire(Bytes::max()));
  EXPECT_EQ(pool_->stats().refused, 2u);
}

TEST_F(BufferPoolTest, ChargesWhatNobodyUsesToTheIdleAccount) {
  std::vector<Buffer> buffers;
  for (int i = 0; i < 40; ++i) buffers.push_back(pool_->acquire(64_KiB));
  EXPECT_GE(account_.used(), 40 * 64_KiB);
  EXPECT_EQ(idle_.used(), 0_B);
  buffers.clear();
  EXPECT_GE(idle_.used(), 36 * 64_KiB) << "all but what the thread keeps";
  EXPECT_EQ(pool_->offer().droppable, idle_.used());
  EXPECT_GE(pool_->reclaim(1_MiB), 1_MiB);
  EXPECT_GT(idle_.used(), 0_B);
  pool_->reclaim(Bytes::max());
  EXPECT_EQ(idle_.used(), 0_B);
  EXPECT_EQ(pages_.usable(), 0_B) << "what the thread kept, too";
}

TEST_F(BufferPoolTest, KeepsAsManyIdleAsTheDemandNeeds) {
  pool_.emplace(BufferPool::Options{.slabs = slabs_,
                                    .pages = pages_,
                                    .account = account_,
                                    .idle = idle_,
                                    .demand = {.ticks = 4, .quantile = 1, .headroom = 0}});
  auto tick_with = [&](int in_use) {
    std::vector<Buffer> buffers;
    for (int i = 0; i < in_use; ++i) buffers.push_back(pool_->acquire(64_KiB));
    buffers.clear();
    pool_->tick();
  };
  auto existing = [&] { return pool_->stats().buckets[3].existing; };
  for (int i = 0; i < 6; ++i) tick_with(100);
  EXPECT_GE(existing(), 100u);
  for (int i = 0; i < 5; ++i) tick_with(3);
  EXPECT_GE(existing(), 3u);
  EXPECT_LE(existing(), 8u) << "the demand, and what the thread may keep";
}

TEST_F(BufferPoolTest, GivesUpWhatIsIdleBeforeItRefuses) {
  {
    Buffer first = pool_->acquire(1_MiB), second = pool_->acquire(1_MiB);
  }
  ASSERT_GE(pages_.usable(), 1_MiB);
  account_.set_maximum(account_.used() + 300_KiB);
  Buffer small = pool_->acquire(256_KiB);
  EXPECT_TRUE(small);
  Buffer large = pool_->acquire(1_MiB);
  EXPECT_TRUE(large) << "what the thread kept";
  EXPECT_FALSE(pool_->acquire(1_MiB));
  large.release();
  EXPECT_TRUE(pool_->acquire(700_KiB));
}

TEST_F(BufferPoolTest, FindsABufferThatAnotherThreadKeepsWhenItIsRefused) {
  Buffer first = pool_->acquire(1_MiB);
  account_.set_maximum(account_.used() + 64_KiB);  // for what threads need
  std::thread other([&] {
    first.release();
    std::thread([&] { EXPECT_TRUE(pool_->acquire(1_MiB)); }).join();
  });
  other.join();
}

TEST_F(BufferPoolTest, IsRefusedWhateverMappingFails) {
  for (PageCall call : {PageCall::kReserve, PageCall::kMakeUsable}) {
    for (std::uint64_t nth = 0; nth < 5; ++nth) {
      pages_.fail_after(call, nth);
      std::vector<Buffer> buffers;
      for (Bytes size : {64_KiB, 256_KiB, 1_MiB, 2_MiB, 60_KiB}) {
        if (Buffer buffer = pool_->acquire(size)) buffers.push_back(std::move(buffer));
      }
      EXPECT_EQ(buffers.size(), nth);
      buffers.clear();
      pages_.allow_all();
      pool_->reclaim(Bytes::max());
      pool_->CheckInvariants();
    }
  }
  EXPECT_EQ(pages_.reserved(), 0_B);
}

TEST_F(BufferPoolTest, LosesNothingWhenThreadsEnd) {
  for (int i = 0; i < 8; ++i) {
    std::thread([&] {
      std::vector<Buffer> buffers;
      for (int n = 0; n < 3; ++n) buffers.push_back(pool_->acquire(256_KiB));
    }).join();
  }
  EXPECT_EQ(pool_->stats().buckets[4].created, 3u);
}

// As a list of buffers, each with a pattern of its own.
TEST_F(BufferPoolTest, KeepsEveryBufferAsItsOwnerLeftIt) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<std::pair<Buffer, std::byte>> held;
    auto let_go = [&] {
      std::swap(held[random.below(held.size())], held.back());
      auto& [buffer, fill] = held.back();
      ASSERT_EQ(buffer.data()[0], fill);
      ASSERT_EQ(buffer.data()[buffer.size().count() - 1], fill);
      held.pop_back();
    };
    for (int step = 0; step < 3000; ++step) {
      if (held.size() > 30 || (!held.empty() && random.below(2) == 0)) {
        let_go();
      } else {
        const Bytes size(1 + random.below(std::uint64_t{1} << (6 + random.below(16))));
        Buffer buffer = pool_->acquire(size);
        ASSERT_TRUE(buffer);
        const auto fill = static_cast<std::byte>(random.below(256));
        buffer.data()[0] = buffer.data()[size.count() - 1] = fill;
        held.emplace_back(std::move(buffer), fill);
      }
      if (step % 300 == 0) {
        random.below(2) == 0 ? pool_->tick() : static_cast<void>(pool_->reclaim(1_MiB));
        pool_->CheckInvariants();
      }
    }
    while (!held.empty()) let_go();
  }
}

TEST_F(BufferPoolTest, ServesManyThreadsWhileItIsReclaimed) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([this, t] {
      Random random(t);
      std::vector<Buffer> held;
      for (int i = 0; i < 2000; ++i) {
        Buffer buffer = pool_->acquire(Bytes(1 + random.below(300'000)));
        if (!buffer) continue;
        buffer.data()[0] = static_cast<std::byte>(t);
        held.push_back(std::move(buffer));
        if (held.size() > 5) {
          EXPECT_EQ(held.front().data()[0], static_cast<std::byte>(t));
          held.erase(held.begin());
        }
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    pool_->tick();
    pool_->reclaim(128_KiB);
    pool_->CheckInvariants();
    static_cast<void>(pool_->stats());
  }
  for (std::thread& thread : threads) thread.join();
}

#ifndef NDEBUG
TEST_F(BufferPoolTest, NamesABufferThatIsReturnedTwice) {
  Buffer buffer = pool_->acquire(5_KiB);
  std::byte* data = buffer.disown();
  pool_->give_back(data, 5_KiB);
  EXPECT_DEATH(pool_->give_back(data, 5_KiB), "block 0x[0-9a-f]+ is returned twice");
}
#endif

}  // namespace
}  // namespace plimsoll
