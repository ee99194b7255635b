#include "plimsoll/cache/held.h"

#include "plimsoll/budget/account.h"

namespace plimsoll {

std::string_view name_of(Removal why) {
  switch (why) {
    case Removal::kEvicted:
      return "evicted";
    case Removal::kExpired:
      return "expired";
    case Removal::kErased:
      return "erased";
    case Removal::kReplaced:
      return "replaced";
    case Removal::kCleared:
      return "cleared";
  }
  return "?";
}

void HeldValue::pin() {
  // relaxed: whoever pins holds a pin or the shard's lock already, and saw the object through that.
  const std::uint32_t before = references_.fetch_add(1, std::memory_order_relaxed);
  if ((before & ~kCached) == 0 && counted_ != nullptr) counted_->pin(weight_);
}

void HeldValue::unpin() {
  // Read first: when the count is down another may end it.
  Account* counted = counted_;
  const Bytes weight = weight_;
  // acq_rel: who ends it comes after everything that others did with it (pairs with itself and leave()).
  const std::uint32_t before = references_.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & ~kCached) == 1 && counted != nullptr) counted->unpin(weight);
  if (before == 1) delete this;
}

void HeldValue::set_charge(Charge charge) {
  charge_ = std::move(charge);
  if (weight_ < kCounted) return;
  counted_ = charge_.account();
  counted_->pin(weight_);
}

// relaxed: published by the lock of its shard.
void HeldValue::enter() { references_.fetch_or(kCached, std::memory_order_relaxed); }

void HeldValue::leave() {
  // acq_rel: as in unpin().
  if (references_.fetch_and(~kCached, std::memory_order_acq_rel) == kCached) delete this;
}

}  // namespace plimsoll
