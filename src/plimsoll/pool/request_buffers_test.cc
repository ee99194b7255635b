#include "plimsoll/pool/request_buffers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"

namespace plimsoll {
namespace {

class RequestBuffersTest : public ::testing::Test {
 protected:
  using Buffer = RequestBuffers::Buffer;

  ~RequestBuffersTest() override {
    requests_->CheckInvariants();
    EXPECT_EQ(requests_->in_flight(), 0_B);
    requests_.reset();
    EXPECT_EQ(account_.used(), 0_B);
    EXPECT_EQ(idle_.used(), 0_B);
  }

  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 512_MiB}};
  Account& pool_account_ = line_.open({.name = "pool"});
  Account& pool_idle_ = line_.open({.name = "pool_idle", .kind = AccountKind::kDroppable});
  Account& account_ = line_.open({.name = "requests"});
  Account& idle_ = line_.open({.name = "requests_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = pool_account_, .idle = pool_idle_, .pages = system_, .line = 64_MiB}};
  BufferPool pool_{{.slabs = slabs_, .pages = system_, .account = pool_account_, .idle = pool_idle_}};
  std::optional<RequestBuffers> requests_{RequestBuffers::Options{
      .buffers = pool_, .pages = pages_, .account = account_, .idle = idle_, .in_flight = 128_MiB}};
};

TEST_F(RequestBuffersTest, NeverHandsOutLessThanWasAsked) {
  EXPECT_EQ(RequestBuffers::capacity_for(1_B), 4_KiB);
  EXPECT_EQ(RequestBuffers::capacity_for(4_KiB), 4_KiB);
  EXPECT_EQ(RequestBuffers::capacity_for(4_KiB + 1_B), 64_KiB);
  EXPECT_EQ(RequestBuffers::capacity_for(64_KiB), 64_KiB);
  EXPECT_EQ(RequestBuffers::capacity_for(64_KiB + 1_B), 1_MiB);
  EXPECT_EQ(RequestBuffers::capacity_for(1_MiB + 1_B), 2_MiB);
  EXPECT_EQ(RequestBuffers::capacity_for(5_MiB), 8_MiB);
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const Bytes size(1 + random.below(std::uint64_t{1} << (8 + random.below(16))));
    Buffer buffer = requests_->acquire(size);
    ASSERT_TRUE(buffer);
    ASSERT_GE(buffer.capacity(), size);
    std::memset(buffer.data(), i, size.count());
  }
}

TEST_F(RequestBuffersTest, RefusesWhatWouldPassTheBound) {
  std::vector<Buffer> buffers;
  while (Buffer buffer = requests_->acquire(1_MiB)) buffers.push_back(std::move(buffer));
  EXPECT_EQ(buffers.size(), 128u);
  EXPECT_EQ(requests_->in_flight(), 128_MiB);
  EXPECT_FALSE(requests_->acquire(1_B));
  EXPECT_EQ(requests_->stats().over_bound, 2u);
  buffers.pop_back();
  EXPECT_TRUE(requests_->acquire(1_B));
  EXPECT_FALSE(requests_->acquire(0_B));
  EXPECT_FALSE(requests_->acquire(Bytes::max()));
}

TEST_F(RequestBuffersTest, KeepsAtMost64LargeOnesIdle) {
  std::vector<Buffer> buffers;
  for (int i = 0; i < 100; ++i) buffers.push_back(requests_->acquire(70_KiB));
  buffers.clear();
  EXPECT_EQ(requests_->stats().large_idle, 64u);
  EXPECT_EQ(idle_.used(), 64_MiB);
  EXPECT_EQ(pages_.usable(), 64_MiB);
  EXPECT_EQ(requests_->offer().droppable, 64_MiB);
  EXPECT_EQ(requests_->reclaim(3_MiB), 3_MiB);
  Buffer again = requests_->acquire(1_MiB);
  EXPECT_EQ(requests_->stats().large_reused, 1u);
  EXPECT_EQ(requests_->stats().large_idle, 60u);
}

TEST_F(RequestBuffersTest, GivesUpIdleOnesBeforeItRefuses) {
  {
    Buffer a = requests_->acquire(8_MiB), b = requests_->acquire(8_MiB);
  }
  line_.set_limit(line_.limit(), 0_B);
  account_.set_maximum(4_MiB);
  EXPECT_FALSE(requests_->acquire(8_MiB)) << "the account would have more than its maximum";
  EXPECT_TRUE(requests_->acquire(4_MiB));
  EXPECT_EQ(requests_->stats().refused, 1u);
}

TEST_F(RequestBuffersTest, CountsNothingAsInFlightWhateverMappingFails) {
  for (std::uint64_t nth = 0; nth < 3; ++nth) {
    pages_.fail_after(PageCall::kMakeUsable, nth);
    std::vector<Buffer> buffers;
    for (int i = 0; i < 3; ++i) {
      if (Buffer buffer = requests_->acquire(2_MiB)) buffers.push_back(std::move(buffer));
    }
    EXPECT_EQ(buffers.size(), nth);
    buffers.clear();
    EXPECT_EQ(requests_->in_flight(), 0_B);
    requests_->reclaim(Bytes::max());
  }
}

TEST_F(RequestBuffersTest, AgreesWithSumsUnderARandomLoad) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<Buffer> held;
    Bytes in_flight;
    for (int step = 0; step < 1000; ++step) {
      if (!held.empty() && random.below(2) == 0) {
        std::swap(held[random.below(held.size())], held.back());
        in_flight -= held.back().capacity();
        held.pop_back();
      } else {
        const Bytes size(1 + random.below(std::uint64_t{1} << (8 + random.below(19))));
        Buffer buffer = requests_->acquire(size);
        const Bytes capacity = RequestBuffers::capacity_for(size);
        ASSERT_EQ(static_cast<bool>(buffer), in_flight + capacity <= 128_MiB);
        if (!buffer) continue;
        in_flight += capacity;
        held.push_back(std::move(buffer));
      }
      ASSERT_EQ(requests_->in_flight(), in_flight);
    }
    requests_->CheckInvariants();
  }
}

TEST_F(RequestBuffersTest, HoldsItsBoundForManyThreads) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([this, t] {
      Random random(t + 1);
      for (int i = 0; i < 500; ++i) {
        Buffer a = requests_->acquire(Bytes(1 + random.below(100'000)));
        Buffer b = requests_->acquire(Bytes(1 + random.below(64'000'000)));
        if (a) a.data()[0] = std::byte{1};
        if (b) b.data()[0] = std::byte{2};
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    requests_->reclaim(16_MiB);
    requests_->CheckInvariants();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(requests_->stats().most_in_flight, 128_MiB);
}

}  // namespace
}  // namespace plimsoll
