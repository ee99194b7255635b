// hash64: a 64-bit hash of bytes (XXH3, Y. Collet, through the distribution's xxhash).
//
// Stable within a process; not for files and not against an attacker without a secret seed.
//
// Thread-safety: any thread. Cost: about 2 ns for 16 bytes, 10 GiB/s for long ones. Limits: none. Errors:
// none.
#pragma once

#include <cstdint>
#include <string_view>

namespace plimsoll {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace plimsoll
