// A machine of two nodes, made up: what each thread is served from, and where what it frees goes.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/os/topology.h"

namespace plimsoll {
namespace {

thread_local unsigned processor = 0;  // that this thread believes to be on

class SlabNodeTest : public ::testing::Test {
 protected:
  // The first node's slabs are the lower half of the address space.
  unsigned node_of(const void* object) const { return static_cast<const char*>(object) < middle_ ? 0 : 1; }
  std::vector<void*> take(std::size_t count, std::size_t size) {
    std::vector<void*> objects;
    for (std::size_t i = 0; i < count; ++i) objects.push_back(slabs_.allocate(size));
    return objects;
  }
  void free_all(const std::vector<void*>& objects, std::size_t size) {
    for (void* object : objects) slabs_.deallocate(object, size);
  }
  template <typename Run>
  void on_node(unsigned node, const Run& run) {
    std::thread([&] {
      processor = node * 2;
      run();
    }).join();
  }

  SystemPages pages_;
  LoadLine line_{{.limit = 512_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  const Topology topology_ = Topology::made_up({0, 0, 1, 1}, [] { return processor; });
  SlabAllocator slabs_{{.account = account_,
                        .idle = idle_,
                        .pages = pages_,
                        .line = 64_MiB,
                        .address_space = 256_MiB,
                        .topology = &topology_}};
  const char* middle_ = [this] {
    void* first = slabs_.allocate(32768);  // the lowest address of node 0
    slabs_.deallocate(first, 32768);
    return static_cast<char*>(first) - reinterpret_cast<std::uintptr_t>(first) % 65536 + 128 * 1024 * 1024;
  }();
};

TEST_F(SlabNodeTest, ThreadsAreServedFromTheirOwnNode) {
  for (unsigned node : {0u, 1u, 1u, 0u}) {
    on_node(node, [&] {
      for (std::size_t size : {48u, 256u, 4096u, 20000u}) {
        const std::vector<void*> objects = take(300, size);
        for (void* object : objects) ASSERT_EQ(node_of(object), node);
        free_all(objects, size);
      }
    });
  }
  slabs_.CheckInvariants();
}

TEST_F(SlabNodeTest, WhatIsFreedOnAnotherNodeGoesHome) {
  std::vector<void*> objects;
  on_node(0, [&] { objects = take(5000, 256); });
  const Bytes used = slabs_.stats().slabs;
  on_node(1, [&] {
    free_all(objects, 256);
    // Nothing of it is served here, not even to the thread that freed it.
    const std::vector<void*> own = take(5000, 256);
    for (void* object : own) ASSERT_EQ(node_of(object), 1u);
    free_all(own, 256);
  });
  slabs_.reclaim(Bytes::max());
  EXPECT_LT(slabs_.stats().slabs, used / 10) << "it came home, and its slabs emptied";
  on_node(0, [&] {
    const std::vector<void*> again = take(5000, 256);
    for (void* object : again) ASSERT_EQ(node_of(object), 0u);
    free_all(again, 256);
  });
  slabs_.CheckInvariants();
}

TEST_F(SlabNodeTest, AThreadThatMovesIsServedFromWhereItIsNow) {
  on_node(0, [&] {
    const std::vector<void*> first = take(500, 512);
    processor = 3;
    std::vector<void*> later = take(500, 512);
    std::size_t remote = 0;
    for (void* object : later) remote += node_of(object) == 0 ? 1 : 0;
    EXPECT_LE(remote, 2u * Magazine::kSlots) << "what its magazines still had";
    free_all(first, 512);
    free_all(later, 512);
  });
  slabs_.CheckInvariants();
}

TEST_F(SlabNodeTest, AnotherNodesMemoryIsBetterThanNone) {
  on_node(0, [&] {
    std::vector<void*> objects;
    const std::size_t in_half = 128 * 1024 * 1024 / 65536;
    while (objects.size() < in_half * 2 - 64) objects.push_back(slabs_.allocate(32768));
    EXPECT_EQ(node_of(objects.back()), 0u);
    for (int i = 0; i < 256; ++i) objects.push_back(slabs_.allocate(32768));
    ASSERT_NE(objects.back(), nullptr);
    EXPECT_EQ(node_of(objects.back()), 1u);
    free_all(objects, 32768);
  });
}

TEST_F(SlabNodeTest, ProducersAndConsumersOnBothNodesLoseNothing) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<void*> made[2];
    std::thread producers[2];
    for (unsigned node : {0u, 1u}) {
      producers[node] = std::thread([&, node] {
        processor = node * 2;
        made[node] = take(700, 64 + 100 * node);
        for (void* object : made[node]) std::memset(object, 1, 64);
      });
    }
    for (std::thread& thread : producers) thread.join();
    for (unsigned node : {0u, 1u}) {
      producers[node] = std::thread([&, node] {
        processor = node * 2;
        free_all(made[1 - node], 64 + 100 * (1 - node));
      });
    }
    for (std::thread& thread : producers) thread.join();
  }
  slabs_.CheckInvariants();
  slabs_.reclaim(Bytes::max());
  EXPECT_LE(slabs_.stats().slabs, 64_KiB) << "the object of this thread's magazine";
}

TEST_F(SlabNodeTest, AMachineOfOneNodePaysNothing) {
  const Topology one;
  SlabAllocator slabs{
      {.account = account_, .idle = idle_, .pages = pages_, .line = 64_MiB, .topology = &one}};
  void* object = slabs.allocate(64);
  const std::uint64_t asked = slabs.stats().exchanges + slabs.stats().missed;
  for (int i = 0; i < 1000; ++i) {
    slabs.deallocate(object, 64);
    object = slabs.allocate(64);
  }
  EXPECT_EQ(slabs.stats().exchanges + slabs.stats().missed, asked) << "no free is looked at";
  slabs.deallocate(object, 64);
}

}  // namespace
}  // namespace plimsoll
