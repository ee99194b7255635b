// racing_read: reads of memory that a writer may be writing at the same time.
//
// Why: a reader without a lock reads first and asks afterwards whether what it read was at rest
// (read_versions.h, after Boehm, "Can seqlocks get along with programming language memory models?", 2012).
// What it reads meanwhile may be torn, old, or bytes of something else, and is thrown away then. Words are
// read whole, as atomics; bytes as by the byte-wise atomic memcpy of C++ proposal P1478, which compilers give
// as memcpy. Invariant: nothing is done with what was read before the version was seen unchanged, but to
// compare it and to compute addresses that are checked against their block.
//
// The sanitizers are told to look away from these functions only: to them a read that is thrown away is a
// race, or a use of freed bytes. Their builds copy byte by byte, as their own memcpy looks too.
//
// Thread-safety: any thread, on pages that stay mapped. Cost: of the reads. Limits: none. Errors: none.
// Ownership: none.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "plimsoll/base/sanitized.h"

#if defined(__clang__)
#define PLIMSOLL_RACING __attribute__((disable_sanitizer_instrumentation))
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define PLIMSOLL_RACING \
  __attribute__((no_sanitize("thread"), no_sanitize("address"), no_sanitize("undefined")))
#else
#define PLIMSOLL_RACING
#endif

// On a hit's way, where a call costs as much as what it does. Not in the sanitizers' builds: they inline
// nothing into what they look at.
#if defined(__clang__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define PLIMSOLL_HOT inline
#else
#define PLIMSOLL_HOT inline __attribute__((always_inline))
#endif

namespace plimsoll {

// Acquire: what is read through it, or after it, is not read before it.
template <typename T>
PLIMSOLL_RACING T racing_load(const T& from) {
  return __atomic_load_n(&from, __ATOMIC_ACQUIRE);
}

// Two words that overlap stand for all of 8 to 16 bytes, and a call is saved.
inline bool equal_words(const char* a, const char* b, std::size_t size) {
  std::uint64_t words[4];
  std::memcpy(&words[0], a, sizeof(std::uint64_t));
  std::memcpy(&words[1], b, sizeof(std::uint64_t));
  std::memcpy(&words[2], a + size - sizeof(std::uint64_t), sizeof(std::uint64_t));
  std::memcpy(&words[3], b + size - sizeof(std::uint64_t), sizeof(std::uint64_t));
  return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
}

PLIMSOLL_RACING inline bool racing_equal(const char* at, std::string_view bytes) {
  if constexpr (!kSanitized) {
    if (bytes.size() - 8 <= 8) return equal_words(at, bytes.data(), bytes.size());
    return std::memcmp(at, bytes.data(), bytes.size()) == 0;
  }
  const volatile char* from = at;
  std::size_t same = 0;
  while (same < bytes.size() && from[same] == bytes.data()[same]) ++same;
  return same == bytes.size();
}

PLIMSOLL_RACING inline void racing_copy(void* to, const char* from, std::size_t size) {
  if constexpr (!kSanitized) {
    std::memcpy(to, from, size);
    return;
  }
  const volatile char* racing = from;
  volatile char* out = static_cast<char*>(to);
  for (std::size_t i = 0; i < size; ++i) out[i] = racing[i];
}

}  // namespace plimsoll
