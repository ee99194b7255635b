// Response: how much is reclaimed at which level, as a pure function.
//
// Monitoring only while enough is free; gentle eviction of just what is short; aggressive eviction of that
// and a headroom more, so that the next requests find room; emergency clean-up of all that can be dropped.
// The level taken is that of the present ratio and not the held one, so that a cache which has filled again
// after an emergency is not emptied for the past.
//
// Thread-safety: pure functions. Cost: none. Limits: none. Errors: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/governor/level.h"

namespace plimsoll {

enum class Response : std::uint8_t { kMonitor, kGentle, kAggressive, kEmergency };
std::string_view name_of(Response response);

// REQUIRES of `shortfall`: headroom + wanted - free, or zero.
Response response_for(Level present, Bytes shortfall);
// How much is to be given back in all.
Bytes bytes_to_free(Response response, Bytes shortfall, Bytes headroom, Bytes droppable);

}  // namespace plimsoll
