#include "plimsoll/base/hash.h"

#define XXH_INLINE_ALL  // header only: a call into the shared library costs more than hashing a short key
#include <xxhash.h>

namespace plimsoll {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace plimsoll
