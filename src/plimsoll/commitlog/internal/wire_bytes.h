// Big-endian integers in bytes, as batches and index entries have them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace plimsoll {

template <typename T>
T swapped(T value) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  return value;
}

template <typename T>
T load_big(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return swapped(value);
}

template <typename T>
void store_big(void* to, T value) {
  value = swapped(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace plimsoll
