// AllocatorResource and its names: the faces that std::pmr containers ask for, before any allocator here.
//
//   SlabResource resource(slabs);
//   std::pmr::map<std::pmr::string, int> index(&resource);
//
// What the allocator does not do (slabs: more than 32 KiB; all: more alignment than a page), and what it
// refuses, is asked of `beyond`, which throws std::bad_alloc unless it is another resource: containers know
// no other way to be refused. Only allocators that know their own objects, and the arena, which is not given
// them back, can have another. Two are equal when they stand before the same allocator and the same `beyond`.
// Invariant: what one gave is freed by an equal one.
//
// Thread-safety: as the allocator's. Cost: a virtual call. Limits: the allocator's. Errors: std::bad_alloc
// from `beyond`. Ownership: refers to both.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/backend.h"
#include "plimsoll/alloc/memory_pool.h"
#include "plimsoll/alloc/monitored.h"
#include "plimsoll/alloc/sized_allocator.h"
#include "plimsoll/alloc/slab.h"

namespace plimsoll {

template <SizedAllocator A>
class AllocatorResource final : public std::pmr::memory_resource {
 public:
  explicit AllocatorResource(A& allocator) : allocator_(allocator) {}
  // REQUIRES: the allocator knows its own.
  AllocatorResource(A& allocator, std::pmr::memory_resource* beyond)
    requires KnowsItsOwn<A>
      : allocator_(allocator), beyond_(beyond) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* object = take_from(allocator_, bytes, alignment);
    return object ? object : beyond_->allocate(bytes, alignment);
  }
  void do_deallocate(void* object, std::size_t bytes, std::size_t alignment) override {
    if constexpr (KnowsItsOwn<A>) {
      if (!allocator_.owns(object)) return beyond_->deallocate(object, bytes, alignment);
    }
    give_back_to(allocator_, object, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const AllocatorResource*>(&other);
    return same != nullptr && &same->allocator_ == &allocator_ && same->beyond_ == beyond_;
  }

  A& allocator_;
  std::pmr::memory_resource* beyond_ = std::pmr::null_memory_resource();
};

using SlabResource = AllocatorResource<SlabAllocator>;
using PoolResource = AllocatorResource<MemoryPool>;
using BackendResource = AllocatorResource<Backend>;
template <SizedAllocator A>
using MonitoredResource = AllocatorResource<MonitoredAllocator<A>>;

// Freed with the arena: single objects are not.
class ArenaResource final : public std::pmr::memory_resource {
 public:
  explicit ArenaResource(Arena& arena, std::pmr::memory_resource* beyond = std::pmr::null_memory_resource())
      : arena_(arena), beyond_(beyond) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* place = arena_.allocate(bytes, alignment);
    return place ? place : beyond_->allocate(bytes, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const ArenaResource*>(&other);
    return same != nullptr && &same->arena_ == &arena_ && same->beyond_ == beyond_;
  }

  Arena& arena_;
  std::pmr::memory_resource* beyond_;
};

}  // namespace plimsoll
