// SizedAllocator: what every allocator here has in common, for the templates that stand before any of them.
//
// An allocator gives memory for a size and an alignment, null when it refuses, and takes it back with the
// same two. Some free without the alignment, the arena not at all; take_from() and give_back_to() know the
// way of each, so that a face (memory_resource.h, standard_allocator.h, monitored.h) is written once.
// Invariant: what take_from() gave goes back by give_back_to() with the same size and alignment.
//
// Thread-safety: the allocator's. Cost: nothing beside the allocator's, where the alignment is a constant.
// Limits: the allocator's. Errors: null when refused. Ownership: refers to the allocator for the call.
#pragma once

#include <concepts>
#include <cstddef>

namespace plimsoll {

// What every allocator here gives without being asked for more: its sizes are multiples of it.
inline constexpr std::size_t kOrdinaryAlignment = 16;

template <typename A>
concept SizedAllocator = requires(A& allocator, std::size_t size) {
  { allocator.allocate(size, size) } -> std::same_as<void*>;
};

// Of those that can tell: whether the object is one of theirs. Only such have something to fall back on.
template <typename A>
concept KnowsItsOwn = requires(const A& allocator, const void* object) {
  { allocator.owns(object) } -> std::convertible_to<bool>;
};

template <SizedAllocator A>
void* take_from(A& allocator, std::size_t size, std::size_t alignment) noexcept {
  if constexpr (requires { allocator.allocate(size); }) {
    if (alignment <= kOrdinaryAlignment) return allocator.allocate(size);
  }
  return allocator.allocate(size, alignment);
}

// REQUIRES: of this allocator and in use, with the size and alignment it was taken with.
template <SizedAllocator A>
void give_back_to(A& allocator, void* object, [[maybe_unused]] std::size_t size,
                  [[maybe_unused]] std::size_t alignment) noexcept {
  if constexpr (requires { allocator.deallocate(object, size, alignment); }) {
    allocator.deallocate(object, size, alignment);
  } else if constexpr (requires { allocator.deallocate(object, size); }) {
    if (alignment <= kOrdinaryAlignment) return allocator.deallocate(object, size);
    allocator.deallocate(object);
  }  // else it is freed with all others, as an arena's
}

}  // namespace plimsoll
