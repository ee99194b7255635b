// poison / unpoison: tell the address sanitizer that bytes of our own pages are free, or in use again.
//
// Why: it knows malloc's blocks and nothing of ours; without this a use after free inside a segment goes
// unseen.
//
// Thread-safety: any thread, on bytes nobody else uses. Cost: nothing without the sanitizer.
// Limits: granules of 8 bytes: a range is poisoned from its first whole granule. Errors: none.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define PLIMSOLL_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLIMSOLL_POISONS 1
#endif
#endif

#ifdef PLIMSOLL_POISONS
#include <sanitizer/asan_interface.h>
#endif

namespace plimsoll {

// Bytes to leave poisoned behind an object, where something in use lies next to it.
#ifdef PLIMSOLL_POISONS
constexpr std::size_t kRedZone = 16;
#else
constexpr std::size_t kRedZone = 0;
#endif

inline void poison([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) {
#ifdef PLIMSOLL_POISONS
  __asan_poison_memory_region(begin, size);
#endif
}

inline void unpoison([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) {
#ifdef PLIMSOLL_POISONS
  __asan_unpoison_memory_region(begin, size);
#endif
}

}  // namespace plimsoll
