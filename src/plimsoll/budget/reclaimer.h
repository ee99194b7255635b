// Reclaimer: an owner of memory that can be given back; an interface that the governor calls on its own
// thread.
//
// No reclaim happens inside an allocation: an owner may replace its own items inside its own insert, but only
// the governor asks other owners.
//
// Thread-safety: offer(), reclaim() and tick() are called by the governor's thread while the owner is in use
// by others. Cost: offer() is a few loads; reclaim() works in slices and never stalls the owner's users for
// more than a millisecond. Limits: none. Errors: none; giving less than was wanted is normal.
#pragma once

#include <chrono>
#include <string_view>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

struct ReclaimOffer {
  Bytes droppable{};                       // what reclaim() could give back now
  std::chrono::nanoseconds coldest_age{};  // how long ago the coldest of it was used
  // Charged for pages that nobody has touched yet: charged ahead, it would hide memory that nobody charged.
  Bytes untouched{};
};

class Reclaimer {
 public:
  virtual ~Reclaimer() = default;

  virtual std::string_view name() const = 0;
  virtual ReclaimOffer offer() const = 0;
  // Gives back at least `wanted` if it can, and says how much it was. Charges are released by the time it
  // returns.
  virtual Bytes reclaim(Bytes wanted) = 0;
  // Called by the governor each time it looks, ten times a second under load: what was not needed since the
  // last time may go back.
  virtual void tick() {}
};

}  // namespace plimsoll
