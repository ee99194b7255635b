// StandardAllocator: the face that the containers of the standard library ask for, before any allocator here.
//
// As std::allocator, but of an allocator that is named at run time; for containers whose type may name their
// allocator and that should not pay a virtual call. The others take a std::pmr resource (memory_resource.h).
//
//   std::vector<Row, StandardAllocator<Row, SlabAllocator>> rows(slabs);     // from an allocator, implicitly
//   std::map<Key, Row, std::less<>, StandardAllocator<std::pair<const Key, Row>, MemoryPool>> index(pool);
//
// Containers know no other way to be refused than std::bad_alloc, so that is what they get. For allocators
// that know their own (slabs, also monitored), what they do not have is asked of `beyond` first: more than 32
// KiB in one piece, or a refusal. Two are equal when they stand before the same allocator and the same
// `beyond`; containers that are moved or swapped take it with them, those that are copied keep their own.
// Invariant: what was allocated by one is freed by an equal one.
//
// Thread-safety: as the allocator's. Cost: the allocator's; beside it nothing. Limits: the allocator's.
// Errors: std::bad_alloc. Ownership: refers to both.
#pragma once

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <type_traits>

#include "plimsoll/alloc/sized_allocator.h"

namespace plimsoll {

template <typename T, SizedAllocator A>
class StandardAllocator {
 public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  StandardAllocator(A& allocator) noexcept : allocator_(&allocator) {}  // implicit, as containers' arguments
  // REQUIRES: the allocator knows its own.
  StandardAllocator(A& allocator, std::pmr::memory_resource& beyond) noexcept
    requires KnowsItsOwn<A>
      : allocator_(&allocator), beyond_(&beyond) {}
  template <typename U>
  StandardAllocator(const StandardAllocator<U, A>& other) noexcept
      : allocator_(other.allocator_), beyond_(other.beyond_) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count <= std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) [[likely]] {
      void* place = take_from(*allocator_, count * sizeof(T), alignof(T));
      if (place != nullptr) [[likely]]
        return static_cast<T*>(place);
      return static_cast<T*>(beyond_->allocate(count * sizeof(T), alignof(T)));
    }
    return static_cast<T*>(std::pmr::null_memory_resource()->allocate(1));  // std::bad_alloc
  }
  void deallocate(T* place, std::size_t count) noexcept {
    if constexpr (KnowsItsOwn<A>) {
      if (!allocator_->owns(place)) return beyond_->deallocate(place, count * sizeof(T), alignof(T));
    }
    give_back_to(*allocator_, place, count * sizeof(T), alignof(T));
  }

  A& allocator() const { return *allocator_; }

  template <typename U>
  friend bool operator==(const StandardAllocator& one, const StandardAllocator<U, A>& other) noexcept {
    return one.is_equal(other);
  }

 private:
  template <typename U, SizedAllocator B>
  friend class StandardAllocator;

  template <typename U>
  bool is_equal(const StandardAllocator<U, A>& other) const noexcept {
    return allocator_ == other.allocator_ && beyond_ == other.beyond_;
  }

  A* allocator_;
  std::pmr::memory_resource* beyond_ = std::pmr::null_memory_resource();  // gives std::bad_alloc
};

}  // namespace plimsoll
