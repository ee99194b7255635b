// The version that every face shows; a test compares it with the build's.
//
// Thread-safety: constants. Cost: none. Limits: none. Errors: none.
#pragma once

#include <string_view>

namespace plimsoll {

inline constexpr std::string_view kVersion = "0.1.0";
// What is told to clients that decide by Redis's version what they may ask.
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace plimsoll
