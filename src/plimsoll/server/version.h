// What the server says of itself: its version, and the version of Redis that it answers like.
//
// Thread-safety: constants. Cost: none. Limits: none. Errors: none.
#pragma once

#include <string_view>

#include "plimsoll/base/version.h"

namespace plimsoll {

inline constexpr std::string_view kVersion = PLIMSOLL_VERSION;
// What is told to clients that decide by Redis's version what they may ask.
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace plimsoll
