// glob_matches: the patterns of KEYS, SCAN MATCH and CONFIG GET, with the answers of Redis 7.0.
//
//   *  any bytes, also none      ?  any byte      [abc] [a-z] [^a-z]  one of, none of      \c  c itself
//
// Its oddities are kept, since clients see them: a class that is not closed ends with the pattern; a range is
// taken in either order; an escape within a class is compared with regard to case always; no pattern but the
// empty one matches the empty text, "*" included (Redis answers "*" before it comes to its matcher).
//
// Only the last '*' is ever tried again: when what follows it is nowhere in the rest of the text, moving an
// earlier '*' leaves less text to find it in. So there is no exponential case (CVE-2022-36021 of Redis), and
// no recursion.
//
// Thread-safety: a pure function. Cost: the product of both lengths at worst, about 1 ns a byte usually.
// Limits: none. Errors: none; every pattern means something.
#pragma once

#include <cstdint>
#include <string_view>

namespace plimsoll {

enum class GlobCase : std::uint8_t { kRegard, kIgnore };  // of ASCII letters

bool glob_matches(std::string_view pattern, std::string_view text, GlobCase letters = GlobCase::kRegard);

}  // namespace plimsoll
