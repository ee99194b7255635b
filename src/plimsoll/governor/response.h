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

struct Pressure {
  Level present = Level::kNormal;  // of the ratio now
  Bytes headroom;
  Bytes wanted;  // by waiters
  Bytes free;
  Bytes over;  // charged above the line: it was lowered, or more is held than was granted
  Bytes droppable;
};

Response response_for(const Pressure& pressure);
// How much is still to be given back; measured again after each owner, it falls to zero when it is enough.
Bytes missing_for(Response response, const Pressure& pressure);

}  // namespace plimsoll
