#include "plimsoll/governor/response.h"

#include <algorithm>
#include <array>

namespace plimsoll {
namespace {

Bytes missing(const Pressure& pressure, Bytes headroom) {
  return headroom.plus_clamped(pressure.wanted).plus_clamped(pressure.over).minus_clamped(pressure.free);
}

}  // namespace

std::string_view name_of(Response response) {
  static constexpr std::array<std::string_view, 4> kNames = {"monitor", "gentle", "aggressive", "emergency"};
  return kNames[static_cast<std::size_t>(response)];
}

Response response_for(const Pressure& pressure) {
  if (pressure.present == Level::kEmergency) return Response::kEmergency;
  if (missing(pressure, pressure.headroom).zero()) return Response::kMonitor;
  return pressure.present == Level::kCritical ? Response::kAggressive : Response::kGentle;
}

Bytes missing_for(Response response, const Pressure& pressure) {
  switch (response) {
    case Response::kMonitor:
      return {};
    case Response::kGentle:
      return missing(pressure, pressure.headroom);
    case Response::kAggressive:
      return missing(pressure, pressure.headroom.plus_clamped(pressure.headroom));
    case Response::kEmergency:
      return std::max(missing(pressure, pressure.headroom), pressure.droppable);
  }
  return {};
}

}  // namespace plimsoll
