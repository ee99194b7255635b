// Magazine: a stack of free objects that changes hands as a whole (Bonwick and Adams, USENIX 2001).
//
// Taking an object pops it and giving it back pushes it; neither touches the object, and only one in many
// meets a lock: where a whole magazine is exchanged. Invariant: count <= capacity <= kSlots; limit <=
// capacity; slots below count are set.
//
// Thread-safety: whoever holds it. Cost: 528 bytes. Limits: 64 objects. Errors: none. Ownership: none of what
// it points at.
#pragma once

#include <array>
#include <cstdint>

namespace plimsoll {

struct Magazine {
  static constexpr std::uint32_t kSlots = 64;

  std::uint32_t count = 0;
  // What its thread pushes up to by itself: the capacity, or nothing where each free must be looked at.
  std::uint16_t limit = 0;
  std::uint16_t capacity = 0;  // 0: takes nothing, as the one that stands for none
  Magazine* next = nullptr;    // in a depot
  std::array<void*, kSlots> slots;

  bool empty() const { return count == 0; }
  bool full() const { return count >= capacity; }
};

// A thread's magazines of one kind of object: the one that is used, and one that is full or empty.
struct MagazinePair {
  Magazine* loaded = nullptr;
  Magazine* previous = nullptr;
};

}  // namespace plimsoll
