#include "plimsoll/alloc/memory_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plimsoll/base/filled.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr Bytes kCapacity = 8_MiB;

class MemoryPoolTest : public ::testing::Test {
 protected:
  ~MemoryPoolTest() override {
    pool_.reset();
    EXPECT_EQ(line_.charged(), 0_B) << "everything was returned";
    EXPECT_EQ(failing_.reserved(), 0_B);
  }
  const Account& account() const { return *line_.accounts().front(); }

  SystemPages pages_;
  FailingPages failing_{pages_};
  LoadLine line_{{.limit = 256_MiB}};
  std::optional<MemoryPool> pool_{
      MemoryPool::Options{.line = line_, .pages = failing_, .capacity = kCapacity}};
};

void fill(const MemoryBlock& block, int with) {
  if (!block.bytes().empty()) std::memset(block.bytes().data(), with, block.bytes().size());
}

TEST_F(MemoryPoolTest, GivesBlocksOfAllSizesThatReturnByThemselves) {
  std::vector<MemoryBlock> blocks;
  for (Bytes size : {0_B, 1_B, 100_B, 4_KiB, 32_KiB, 33_KiB, 1_MiB}) {
    Result<MemoryBlock> block = pool_->block(size);
    ASSERT_TRUE(block) << size.count();
    EXPECT_EQ(block->bytes().size(), size.count());
    fill(*block, 7);
    blocks.push_back(std::move(*block));
  }
  EXPECT_EQ(pool_->stats().used, 1_B + 100_B + 4_KiB + 32_KiB + 33_KiB + 1_MiB);
  blocks.clear();
  EXPECT_EQ(pool_->stats().used, 0_B);
  EXPECT_EQ(pool_->stats().frees, 7u);
  pool_->CheckInvariants();
}

TEST_F(MemoryPoolTest, ABlockIsMovedAndEndsOnce) {
  MemoryBlock block = std::move(*pool_->block(100_B));
  fill(block, 1);
  MemoryBlock other = std::move(block);
  EXPECT_FALSE(block);
  EXPECT_TRUE(other);
  EXPECT_EQ(other.bytes()[99], std::byte{1});
  other = std::move(*pool_->block(50_B));
  EXPECT_EQ(pool_->stats().used, 50_B) << "the first has returned";
  MemoryBlock& same = other;
  other = std::move(same);
  EXPECT_EQ(other.bytes().size(), 50u);
  other = MemoryBlock();
  EXPECT_EQ(pool_->stats().used, 0_B);
}

TEST_F(MemoryPoolTest, SaysWhyABlockIsNotToBeHad) {
  const auto too_large = pool_->block(kCapacity + 1_B);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code, ErrorCode::kOutOfRange);
  std::vector<MemoryBlock> blocks;
  Result<MemoryBlock> block = pool_->block(1_MiB);
  for (; block; block = pool_->block(1_MiB)) blocks.push_back(std::move(*block));
  EXPECT_EQ(block.error().code, ErrorCode::kRefused);
  EXPECT_GE(blocks.size(), 7u);
  EXPECT_EQ(pool_->allocate(~std::size_t{0}), nullptr);
  EXPECT_GE(pool_->stats().refused, 2u);
  blocks.pop_back();
  EXPECT_TRUE(pool_->block(1_MiB));
}

TEST_F(MemoryPoolTest, AlignsAsItIsAsked) {
  for (std::size_t alignment = 1; alignment <= 65'536; alignment *= 2) {
    for (std::size_t size : {1, 100, 5000, 32'768, 40'000}) {
      void* memory = pool_->allocate(size, alignment);
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignment, 0u) << size;
      pool_->deallocate(memory, size, alignment);
    }
  }
}

// Full of free objects of one size, it has room for another size, and for pages.
TEST_F(MemoryPoolTest, MakesRoomOfWhatIsFreeForOtherSizes) {
  for (Bytes size : {64_B, 1000_B, 20_KiB, 1_MiB, 300_B, 100_KiB}) {
    std::vector<MemoryBlock> blocks;
    while (Result<MemoryBlock> block = pool_->block(size)) blocks.push_back(std::move(*block));
    EXPECT_GE(blocks.size() * size.count(), kCapacity.count() * 8 / 10) << size.count();
    EXPECT_LE(account().peak(), kCapacity);
  }
  pool_->CheckInvariants();
}

TEST_F(MemoryPoolTest, IsRefusedWhateverMappingFails) {
  for (PageCall call : {PageCall::kReserve, PageCall::kMakeUsable}) {
    for (std::uint64_t successes = 0; successes < 8; ++successes) {
      SCOPED_TRACE(successes);
      FailingPages failing(pages_);
      failing.fail_after(call, successes);
      LoadLine line({.limit = 64_MiB});
      {
        MemoryPool pool({.line = line, .pages = failing, .capacity = kCapacity});
        std::vector<MemoryBlock> blocks;
        std::size_t had = 0;
        for (int i = 0; i < 100; ++i) {
          if (i == 50) failing.allow_all();
          if (i == 50) had = blocks.size();
          if (Result<MemoryBlock> block = pool.block(Bytes(i % 2 == 0 ? 4000 : 50'000))) {
            fill(*block, i);
            blocks.push_back(std::move(*block));
          }
        }
        EXPECT_GE(blocks.size(), had + 25) << "pages at least, when the system gives again";
        blocks.clear();
        pool.CheckInvariants();
      }
      EXPECT_EQ(failing.reserved(), 0_B);
      EXPECT_EQ(line.charged(), 0_B);
    }
  }
}

TEST_F(MemoryPoolTest, StandsByItself) {
  MemoryPool pool(2_MiB);
  std::vector<MemoryBlock> blocks;
  while (Result<MemoryBlock> block = pool.block(4_KiB)) blocks.push_back(std::move(*block));
  EXPECT_GE(blocks.size(), 400u);
  EXPECT_LE(pool.held(), 2_MiB);
  EXPECT_EQ(pool.capacity(), 2_MiB);
}

// The line that a pool is part of may refuse before the pool is full.
TEST_F(MemoryPoolTest, IsBoundByItsLineToo) {
  Account& other = line_.open({.name = "other"});
  Charge charge = other.charge(line_.line() - 2_MiB);
  ASSERT_TRUE(charge);
  std::vector<MemoryBlock> blocks;
  while (Result<MemoryBlock> block = pool_->block(100_KiB)) blocks.push_back(std::move(*block));
  EXPECT_LE(pool_->held(), 2_MiB);
  EXPECT_GE(blocks.size(), 15u);
}

TEST_F(MemoryPoolTest, TakesACapacityWithoutAnEnd) {
  MemoryPool endless({.line = line_, .pages = pages_, .capacity = Bytes::max(), .name = "endless"});
  EXPECT_TRUE(endless.block(100_B).has_value());
  EXPECT_TRUE(endless.block(1_MiB).has_value());
  EXPECT_FALSE(endless.block(line_.limit()).has_value());
  MemoryPool alone(Bytes::max());
  EXPECT_TRUE(alone.block(100_B).has_value());
}

class MemoryPoolModelTest : public MemoryPoolTest, public ::testing::WithParamInterface<int> {
 protected:
  struct Held {
    MemoryBlock block;
    unsigned char fill;
  };
  void add() {
    const std::uint64_t kind = random_.below(20);
    const Bytes size(kind == 0  ? random_.below(600'000)
                     : kind < 4 ? random_.below(40'000)
                                : random_.below(800));
    Result<MemoryBlock> block = pool_->block(size, std::size_t{1} << random_.below(13));
    if (!block) {
      ++refused_;
      EXPECT_EQ(block.error().code, ErrorCode::kRefused);
      return;
    }
    used_ += size;
    const auto with = static_cast<unsigned char>(random_.below(256));
    fill(*block, with);
    blocks_.push_back({std::move(*block), with});
  }
  void remove(std::size_t at) {
    const std::span<const std::byte> bytes = blocks_[at].block.bytes();
    ASSERT_TRUE(is_filled(bytes.data(), bytes.size(), blocks_[at].fill));
    used_ -= Bytes(blocks_[at].block.bytes().size());
    std::swap(blocks_[at], blocks_.back());
    blocks_.pop_back();
  }

  void run() {
    for (int step = 0; step < 20'000; ++step) {
      // Grows until it is refused, then shrinks, and so on.
      if (blocks_.empty() || random_.below(100) < (step / 2500 % 2 == 0 ? 80u : 30u)) {
        add();
      } else {
        remove(random_.below(blocks_.size()));
      }
      ASSERT_LE(pool_->held(), kCapacity);
      if (step % 1000 == 0) {
        ASSERT_EQ(pool_->stats().used, used_);
        ASSERT_EQ(pool_->stats().refused, refused_);
        pool_->CheckInvariants();
        pool_->tick();
      }
    }
    while (!blocks_.empty()) remove(blocks_.size() - 1);
  }

  Random random_{static_cast<std::uint64_t>(GetParam())};
  std::vector<Held> blocks_;
  Bytes used_;
  std::uint64_t refused_ = 0;
};

TEST_P(MemoryPoolModelTest, KeepsEveryBlockAndItsCap) {
  std::thread([this] { run(); }).join();  // its magazines end with it
  EXPECT_GT(refused_, 0u);
  EXPECT_LE(account().peak(), kCapacity);
  pool_->CheckInvariants();
  pool_->reclaim(Bytes::max());
  EXPECT_LE(pool_->held(), 256_KiB) << "empty magazines and no slab";
}

INSTANTIATE_TEST_SUITE_P(Seeds, MemoryPoolModelTest, ::testing::Range(1, 5));

// Threads that fill it to the brim, and free what others allocated.
TEST_F(MemoryPoolTest, StaysRightUnderThreadsAtItsCap) {
  constexpr int kThreads = 4;
  Mutex mutex;
  std::vector<std::pair<MemoryBlock, int>> shared;
  std::atomic<std::uint64_t> wrong{0}, given{0}, refused{0};
  auto work = [&](int number) {
    Random random(static_cast<std::uint64_t>(number));
    for (int round = 0; round < 150; ++round) {
      std::vector<std::pair<MemoryBlock, int>> mine;
      for (int i = 0; i < 40; ++i) {
        const Bytes size(random.below(8) == 0 ? random.below(100'000) : random.below(3000));
        Result<MemoryBlock> block = pool_->block(size);
        (block ? given : refused).fetch_add(1);
        if (!block) continue;
        fill(*block, number);
        mine.emplace_back(std::move(*block), number);
      }
      {
        MutexLock lock(mutex);
        for (auto& block : mine) shared.push_back(std::move(block));
        mine.clear();
        for (std::size_t i = 0; i < 60 && shared.size() > 1200; ++i) {  // 9 MB, were they granted
          std::swap(shared[random.below(shared.size())], shared.back());
          mine.push_back(std::move(shared.back()));
          shared.pop_back();
        }
      }
      for (const auto& [block, with] : mine) {
        const std::span<const std::byte> bytes = block.bytes();
        if (!is_filled(bytes.data(), bytes.size(), static_cast<unsigned char>(with))) ++wrong;
      }
      if (round % 30 == 0) pool_->tick();
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(work, t + 1);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(given + refused, std::uint64_t{kThreads} * 150 * 40);
  EXPECT_EQ(pool_->stats().allocations, given);
  EXPECT_EQ(pool_->stats().refused, refused);
  EXPECT_GT(refused, 0u);
  EXPECT_LE(pool_->held(), kCapacity);
  pool_->CheckInvariants();
  shared.clear();
  EXPECT_EQ(pool_->stats().used, 0_B);
  pool_->CheckInvariants();
}

TEST_F(MemoryPoolTest, TellsHowWellItUsesWhatItHolds) {
  std::vector<MemoryBlock> blocks;
  for (int i = 0; i < 4000; ++i) blocks.push_back(std::move(*pool_->block(1024_B)));
  MemoryPool::Stats stats = pool_->stats();
  EXPECT_EQ(stats.used, 4000_KiB);
  EXPECT_GT(stats.efficiency(), 0.95);
  EXPECT_LT(stats.fragmentation(), 0.05);
  EXPECT_LT(stats.hit_rate(), 0.1) << "all of them are new";
  // Every second one is freed: half of what is held is free in between, or in magazines.
  for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i] = MemoryBlock();
  pool_->tick();
  pool_->tick();
  stats = pool_->stats();
  EXPECT_GT(stats.fragmentation(), 0.4);
  EXPECT_LT(stats.efficiency(), 0.6);
  for (int i = 0; i < 100'000; ++i) pool_->deallocate(pool_->allocate(1024), 1024);
  EXPECT_GT(pool_->stats().hit_rate(), 0.9);
  EXPECT_GT(pool_->stats().mean_allocation_ns, 0);
}

TEST_F(MemoryPoolTest, DescribesItself) {
  struct Figures final : StatSink {
    void value(const Stat& stat, double value) override { of[std::string(stat.name)] = value; }
    void distribution(const Stat&, const Histogram&, double) override {}
    std::map<std::string, double> of;
  } figures;
  MemoryBlock block = std::move(*pool_->block(1000_B));
  pool_->Describe(figures);
  EXPECT_EQ(figures.of.at("pool_capacity_bytes"), kCapacity.as_double());
  EXPECT_EQ(figures.of.at("pool_used_bytes"), 1000);
  EXPECT_GE(figures.of.at("pool_held_bytes"), 65'536);
  EXPECT_EQ(figures.of.at("pool_allocations_total"), 1);
}

using MemoryPoolDeathTest = MemoryPoolTest;
TEST_F(MemoryPoolDeathTest, EndsWithoutItsBlocksOnly) {
  EXPECT_DEATH(
      {
        MemoryPool pool(2_MiB);
        static_cast<void>(pool.allocate(100'000));
      },
      "bytes in blocks are left");
}

}  // namespace
}  // namespace plimsoll
