#include "plimsoll/base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace plimsoll {

std::uint32_t crc32c(std::uint32_t seed, const void* bytes, std::size_t size) {
  // isa-l neither inverts the seed nor the result, does not write to its argument though it takes it without
  // const, and counts in int.
  constexpr std::size_t kPart = std::size_t{1} << 30;
  auto* at = static_cast<unsigned char*>(const_cast<void*>(bytes));
  std::uint32_t crc = ~seed;
  while (size != 0) {
    const std::size_t part = std::min(size, kPart);
    crc = crc32_iscsi(at, static_cast<int>(part), crc);
    at += part;
    size -= part;
  }
  return ~crc;
}

}  // namespace plimsoll
