#include "plimsoll/alloc/memory_resource.h"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class MemoryResourceTest : public ::testing::Test {
 protected:
  SystemPages pages_;
  LoadLine line_{{.limit = 256_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = account_, .idle = idle_, .pages = pages_, .line = 16_MiB}};
  Arena arena_{{.slabs = slabs_, .pages = pages_, .account = account_}};
};

// What containers do: grow, copy, move, clear.
void use_containers(std::pmr::memory_resource& resource) {
  std::pmr::vector<std::pmr::string> names(&resource);
  std::pmr::map<std::pmr::string, std::pmr::list<int>> index(&resource);
  for (int i = 0; i < 500; ++i) {
    names.emplace_back("a name that is too long to be kept inside of its string " + std::to_string(i));
    index[names.back()].push_back(i);
    index[names[static_cast<std::size_t>(i) / 2]].push_back(i);
  }
  std::pmr::vector<std::pmr::string> copy(names, &resource);
  names.clear();
  ASSERT_EQ(copy.size(), 500u);
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(index.at(copy[static_cast<std::size_t>(i)]).front(), i);
  }
}

TEST_F(MemoryResourceTest, SlabsServeContainers) {
  SlabResource resource(slabs_, std::pmr::new_delete_resource());
  use_containers(resource);
  slabs_.CheckInvariants();
}

TEST_F(MemoryResourceTest, AnArenaServesContainers) {
  ArenaResource resource(arena_);
  use_containers(resource);
  EXPECT_GT(arena_.held(), 100_KiB);
  arena_.reset();
  EXPECT_LE(arena_.held(), Bytes(Arena::kLargestChunk));
}

TEST_F(MemoryResourceTest, WhatIsBeyondThemIsAskedOfTheNext) {
  SlabResource alone(slabs_);
  EXPECT_THROW(static_cast<void>(alone.allocate(100'000)), std::bad_alloc);
  SlabResource with_heap(slabs_, std::pmr::new_delete_resource());
  void* large = with_heap.allocate(100'000);
  EXPECT_FALSE(slabs_.owns(large));
  with_heap.deallocate(large, 100'000);
  account_.set_maximum(0_B);
  ArenaResource refused(arena_);
  EXPECT_THROW(static_cast<void>(refused.allocate(100)), std::bad_alloc);
}

TEST_F(MemoryResourceTest, EqualMeansThatOneFreesWhatTheOtherGave) {
  SlabResource one(slabs_), other(slabs_);
  ArenaResource arena(arena_), same_arena(arena_);
  EXPECT_EQ(one, other);
  EXPECT_EQ(arena, same_arena);
  EXPECT_NE(static_cast<std::pmr::memory_resource&>(one), arena);
  EXPECT_NE(one, SlabResource(slabs_, std::pmr::new_delete_resource()));
}

}  // namespace
}  // namespace plimsoll
