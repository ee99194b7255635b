// Whether memory holds one byte all through: what tests of allocators and pools ask of every block.
//
// Why: byte by byte it was most of the time of some tests, where each comparison is instrumented.
//
// Thread-safety: reads only. Cost: memcmp's. Limits: none. Errors: none. Ownership: none.
#pragma once

#include <cstddef>
#include <cstring>

namespace plimsoll {

// True for no bytes.
inline bool is_filled(const void* bytes, std::size_t size, unsigned char with) {
  if (size == 0) return true;
  const auto* first = static_cast<const unsigned char*>(bytes);
  return *first == with && std::memcmp(first, first + 1, size - 1) == 0;
}

}  // namespace plimsoll
