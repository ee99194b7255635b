// Magazine: a stack of free objects that changes hands as a whole (Bonwick and Adams, USENIX 2001).
//
// Taking an object pops it and giving it back pushes it; neither touches the object, and only one in many
// meets a lock: where a whole magazine is exchanged. Invariant: count <= capacity <= kSlots; slots below
// count are set.
//
// Thread-safety: whoever holds it. Cost: 528 bytes. Limits: 64 objects. Errors: none. Ownership: none of what
// it points at.
#pragma once

#include <array>
#include <cstdint>

#include "plimsoll/alloc/size_class.h"

namespace plimsoll {

struct Magazine {
  static constexpr std::uint32_t kSlots = 64;

  std::uint32_t count = 0;
  std::uint32_t capacity = 0;  // 0: takes nothing, as the one that stands for none
  Magazine* next = nullptr;    // in a depot
  std::array<void*, kSlots> slots;

  bool empty() const { return count == 0; }
  bool full() const { return count == capacity; }
};

// How many objects of a class a magazine holds; a thread keeps two. As many as 64 of the small ones and 8 of
// the large, so that no thread keeps much more than 64 KiB of one class.
constexpr std::uint32_t magazine_capacity(unsigned size_class) {
  const std::size_t size = SizeClasses::size(size_class);
  if (size <= 192) return 64;
  if (size <= 512) return 48;
  if (size <= 1024) return 32;
  return size <= 2048 ? 16 : 8;
}

}  // namespace plimsoll
