// SlabResource and ArenaResource: the faces that std::pmr containers ask for.
//
//   SlabResource resource(slabs);
//   std::pmr::map<std::pmr::string, int> index(&resource);
//
// What the allocator does not do (slabs: more than 32 KiB; both: more alignment than a page), and what it
// refuses, is asked of `beyond`, which throws std::bad_alloc unless it is another resource: containers know
// no other way to be refused. Two are equal when they stand before the same allocator and the same `beyond`.
//
// Thread-safety: as the allocator's. Cost: a virtual call. Limits: the allocator's. Errors: std::bad_alloc
// from `beyond`. Ownership: refers to both.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/slab.h"

namespace plimsoll {

class SlabResource final : public std::pmr::memory_resource {
 public:
  explicit SlabResource(SlabAllocator& slabs,
                        std::pmr::memory_resource* beyond = std::pmr::null_memory_resource())
      : slabs_(slabs), beyond_(beyond) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* object = slabs_.allocate(bytes, alignment);
    return object ? object : beyond_->allocate(bytes, alignment);
  }
  void do_deallocate(void* object, std::size_t bytes, std::size_t alignment) override {
    if (slabs_.owns(object)) return slabs_.deallocate(object);
    beyond_->deallocate(object, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const SlabResource*>(&other);
    return same != nullptr && &same->slabs_ == &slabs_ && same->beyond_ == beyond_;
  }

  SlabAllocator& slabs_;
  std::pmr::memory_resource* beyond_;
};

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
