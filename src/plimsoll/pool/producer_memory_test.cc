#include "plimsoll/pool/producer_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/failing_pages.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonotonicTime in(Duration time) { return std::chrono::steady_clock::now() + time; }
MonotonicTime now() { return in(Duration(0)); }

class ProducerMemoryTest : public ::testing::Test {
 protected:
  using Buffer = ProducerMemory::Buffer;

  ~ProducerMemoryTest() override {
    if (!memory_) return;
    memory_->CheckInvariants();
    EXPECT_EQ(memory_->available(), memory_->total()) << "bytes are stranded";
    memory_.reset();
    EXPECT_EQ(account_.used(), 0_B);
    EXPECT_EQ(pages_.reserved(), 0_B);
  }
  Result<Buffer> take(Bytes size) { return memory_->allocate(size, now()); }
  // Until so many callers wait.
  void await_waiting(std::size_t count) {
    const MonotonicTime end = in(seconds(20));
    while (memory_->stats().waiting != count && in(Duration(0)) < end) std::this_thread::yield();
    EXPECT_EQ(memory_->stats().waiting, count);
  }

  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 256_MiB}};
  Account& account_ = line_.open({.name = "producer"});
  std::optional<ProducerMemory> memory_{
      ProducerMemory::Options{.account = account_, .pages = pages_, .total = 256_KiB}};
};

TEST_F(ProducerMemoryTest, KeepsBatchesOnItsFreeListAndCountsThemAsAvailable) {
  std::byte* first = nullptr;
  {
    Result<Buffer> batch = take(16_KiB);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->size(), 16_KiB);
    first = batch->data();
    std::memset(first, 7, 16 * 1024);
    EXPECT_EQ(memory_->available(), 240_KiB);
  }
  EXPECT_EQ(memory_->available(), 256_KiB);
  EXPECT_EQ(memory_->stats().free_list, 16_KiB);
  Result<Buffer> again = take(16_KiB);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->data(), first);
  EXPECT_EQ(memory_->stats().reused, 1u);
}

TEST_F(ProducerMemoryTest, FreesTheFreeListToMakeRoomForOtherSizes) {
  std::vector<Buffer> batches;
  for (int i = 0; i < 16; ++i) batches.push_back(std::move(*take(16_KiB)));
  EXPECT_FALSE(take(1_B));
  batches.clear();
  EXPECT_EQ(memory_->stats().free_list, 256_KiB);
  Result<Buffer> large = take(200_KiB);
  ASSERT_TRUE(large);
  std::memset(large->data(), 1, 200 * 1024);
  EXPECT_LE(memory_->stats().free_list, 56_KiB);
  EXPECT_LE(pages_.usable(), 256_KiB);
  memory_->CheckInvariants();
}

TEST_F(ProducerMemoryTest, RefusesNothingAndMoreThanTheTotal) {
  EXPECT_EQ(take(0_B).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(take(257_KiB).error().code, ErrorCode::kOutOfRange);
  EXPECT_TRUE(take(256_KiB));
}

TEST_F(ProducerMemoryTest, TimesOutAndHasTakenNothing) {
  Result<Buffer> most = take(200_KiB);
  ASSERT_TRUE(most);
  const Bytes before = memory_->available();
  EXPECT_EQ(memory_->allocate(100_KiB, in(milliseconds(5))).error().code, ErrorCode::kTimedOut);
  EXPECT_EQ(memory_->available(), before);
  EXPECT_EQ(memory_->stats().timed_out, 1u);
  EXPECT_GE(memory_->stats().wait_longest, milliseconds(5));
  EXPECT_TRUE(take(before)) << "all of it is still to be had";
}

TEST_F(ProducerMemoryTest, LetsNoSmallerRequestOvertakeTheFirstWaiter) {
  Result<Buffer> most = take(240_KiB);
  std::optional<Buffer> rest = std::move(*take(16_KiB));
  std::atomic<bool> served = false;
  std::thread large([&] {
    Result<Buffer> all = memory_->allocate(256_KiB, in(seconds(60)));
    EXPECT_TRUE(all);
    served = true;
  });
  await_waiting(1);
  rest.reset();  // enough for the small, not for the large
  EXPECT_FALSE(take(16_KiB)) << "it would overtake";
  EXPECT_FALSE(take(4_KiB)) << "it would overtake";
  std::atomic<bool> overtook = false;
  std::thread small([&] {
    EXPECT_TRUE(memory_->allocate(4_KiB, in(seconds(60))));
    overtook = !served;
  });
  await_waiting(2);
  most->release();
  large.join();
  small.join();
  EXPECT_FALSE(overtook);
}

TEST_F(ProducerMemoryTest, ServesThoseBehindAWaiterThatTimesOut) {
  Result<Buffer> most = take(240_KiB);
  std::thread large([&] { EXPECT_FALSE(memory_->allocate(64_KiB, in(milliseconds(50)))); });
  await_waiting(1);
  EXPECT_TRUE(memory_->allocate(16_KiB, in(seconds(60))));
  large.join();
}

TEST_F(ProducerMemoryTest, WakesAllWaitersWithAnErrorWhenItIsClosed) {
  Result<Buffer> all = take(256_KiB);
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back(
        [&] { EXPECT_EQ(memory_->allocate(4_KiB, in(seconds(60))).error().code, ErrorCode::kRefused); });
  }
  await_waiting(3);
  memory_->close();
  for (std::thread& waiter : waiters) waiter.join();
  all->release();
  EXPECT_EQ(take(4_KiB).error().code, ErrorCode::kRefused);
}

TEST_F(ProducerMemoryTest, ReturnsTheRoomWhicheverMappingFails) {
  for (PageCall call : {PageCall::kReserve, PageCall::kMakeUsable}) {
    for (std::uint64_t nth = 0; nth < 4; ++nth) {
      pages_.fail_after(call, nth);
      std::vector<Buffer> buffers;
      for (Bytes size : {16_KiB, 20_KiB, 64_KiB, 16_KiB}) {
        if (Result<Buffer> buffer = take(size); buffer) {
          buffers.push_back(std::move(*buffer));
        } else {
          EXPECT_EQ(buffer.error().code, ErrorCode::kSystem);
        }
      }
      EXPECT_EQ(buffers.size(), nth);
      buffers.clear();
      EXPECT_EQ(memory_->available(), memory_->total());
      pages_.allow_all();
      memory_->trim(Bytes::max());
    }
  }
  EXPECT_EQ(memory_->stats().refused, 20u);
}

TEST_F(ProducerMemoryTest, FreesItsFreeListBeforeItsAccountRefuses) {
  {
    Result<Buffer> a = take(16_KiB), b = take(16_KiB);
  }
  account_.set_maximum(account_.used());
  EXPECT_TRUE(take(20_KiB));
  EXPECT_EQ(take(64_KiB).error().code, ErrorCode::kRefused);
  EXPECT_EQ(memory_->available(), memory_->total());
}

TEST_F(ProducerMemoryTest, ValidatesItsOptions) {
  auto valid = [&](Bytes total, Bytes batch) {
    return ProducerMemory::Options{.account = account_, .pages = pages_, .total = total, .batch = batch}
        .Validate()
        .has_value();
  };
  EXPECT_TRUE(valid(32_MiB, 16_KiB));
  EXPECT_FALSE(valid(32_MiB, 0_B));
  EXPECT_FALSE(valid(4_KiB, 16_KiB));
}

TEST(ProducerMemoryDeathTest, EndsWithoutItsBuffersOnly) {
  EXPECT_DEATH(
      {
        SystemPages pages;
        LoadLine line({.limit = 64_MiB});
        Account& account = line.open({.name = "producer"});
        Result<ProducerMemory::Buffer> kept;
        ProducerMemory memory({.account = account, .pages = pages});
        kept = memory.allocate(1_KiB, now());
      },
      "4096 bytes still out");
}

// Callers of all sizes with short deadlines, against the one thing that must hold: nothing is stranded, and
// nobody has another's bytes.
class ProducerMemoryScheduleTest : public ProducerMemoryTest, public ::testing::WithParamInterface<int> {
 protected:
  void caller(std::uint64_t seed) {
    Random random(seed);
    std::vector<Buffer> held;
    for (int step = 0; step < 400; ++step) {
      if (!held.empty() && random.below(2) == 0) {
        Buffer& last = held.back();
        for (std::byte byte : last.span()) ASSERT_EQ(byte, static_cast<std::byte>(seed));
        held.pop_back();
        continue;
      }
      const Bytes size = random.below(2) == 0 ? 16_KiB : Bytes(1 + random.below(100'000));
      // Who holds something waits a little only: all might wait for each other.
      const Duration patience = std::chrono::microseconds(random.below(held.empty() ? 2000 : 200));
      Result<Buffer> buffer = memory_->allocate(size, in(patience));
      if (!buffer) continue;
      std::memset(buffer->data(), static_cast<int>(seed), size.count());
      held.push_back(std::move(*buffer));
      in_use_.fetch_add(1);
    }
  }
  std::atomic<int> in_use_ = 0;
};

TEST_P(ProducerMemoryScheduleTest, StrandsNoByteUnderARandomScheduleOfThreads) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] { caller(static_cast<std::uint64_t>(GetParam()) * 4 + t + 1); });
  }
  for (int i = 0; i < 50; ++i) {
    memory_->CheckInvariants();
    EXPECT_LE(pages_.usable(), 256_KiB);
    pages_.fail_after(PageCall::kReserve, i % 5 == 0 ? 2 : 1'000'000);
    memory_->trim(16_KiB);
    std::this_thread::yield();
  }
  pages_.allow_all();
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(in_use_.load(), 0);
  EXPECT_EQ(memory_->available(), memory_->total());
  EXPECT_EQ(memory_->stats().waiting, 0u);
}
INSTANTIATE_TEST_SUITE_P(Seeds, ProducerMemoryScheduleTest, ::testing::Range(0, 4));

// One caller that never waits, against sums.
TEST_F(ProducerMemoryTest, AgreesWithSums) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<Buffer> held;
    Bytes used;
    for (int step = 0; step < 500; ++step) {
      if (!held.empty() && random.below(2) == 0) {
        std::swap(held[random.below(held.size())], held.back());
        used -= held.back().size().rounded_up(4_KiB);
        held.pop_back();
      } else {
        const Bytes size = random.below(2) == 0 ? 16_KiB : Bytes(1 + random.below(80'000));
        Result<Buffer> buffer = take(size);
        ASSERT_EQ(buffer.has_value(), used + size.rounded_up(4_KiB) <= 256_KiB);
        if (!buffer) continue;
        used += size.rounded_up(4_KiB);
        held.push_back(std::move(*buffer));
      }
      ASSERT_EQ(memory_->available(), 256_KiB - used);
      memory_->CheckInvariants();
    }
  }
}

}  // namespace
}  // namespace plimsoll
