// reader_place: a small number that is one thread's alone, for as long as it lives.
//
// Why: what a thread writes at each read must be on a line of its own, and without a locked instruction
// (hit_buffers.h). Numbers that threads had and gave back are given to others; what the earlier one wrote
// under its number is seen by the later, as both passed one lock.
//
// Thread-safety: any thread. Cost: a load; the first time a lock. Limits: kOwnedReaderPlaces threads at a
// time have one of their own, others, and a thread that is ending, get one that is shared. Errors: none.
// Ownership: none.
#pragma once

#include <cstddef>

namespace plimsoll {

inline constexpr unsigned kOwnedReaderPlaces = 4;
inline constexpr unsigned kSharedReaderPlaces = 2;
inline constexpr std::size_t kReaderPlaces = kOwnedReaderPlaces + kSharedReaderPlaces;
inline constexpr unsigned kNoReaderPlace = ~0u;

// constinit, so that it is read without asking whether it was made yet.
extern constinit thread_local unsigned reader_place_of_this_thread;
unsigned find_reader_place();

// Below kOwnedReaderPlaces: nobody else has it now.
inline unsigned reader_place() {
  const unsigned place = reader_place_of_this_thread;
  return place != kNoReaderPlace ? place : find_reader_place();
}

}  // namespace plimsoll
