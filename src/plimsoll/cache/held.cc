#include "plimsoll/cache/held.h"

#include "plimsoll/budget/account.h"
#include "plimsoll/cache/internal/epoch.h"

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

bool HeldValue::try_pin() {
  std::uint32_t before = references_.load(std::memory_order_relaxed);
  do {
    if (before == 0) return false;
    // acquire: pairs with the releases of those who let it go, so that a count which came back is seen.
  } while (!references_.compare_exchange_weak(before, before + 1, std::memory_order_acquire,
                                              std::memory_order_relaxed));
  if ((before & ~kCached) == 0 && counted_ != nullptr) counted_->pin(weight_);
  return true;
}

void* HeldValue::operator new(std::size_t size) { return ::operator new(size); }
void* HeldValue::operator new(std::size_t size, std::align_val_t alignment) {
  return ::operator new(size, alignment);
}

void HeldValue::operator delete(void* memory, std::size_t size) {
  epochs().retire({.memory = memory,
                   .size = Bytes(size),
                   .end = [](void* ended, void*) { ::operator delete(ended); },
                   .context = nullptr});
}

void HeldValue::operator delete(void* memory, std::size_t size, std::align_val_t alignment) {
  epochs().retire({.memory = memory,
                   .size = Bytes(size),
                   .end =
                       [](void* ended, void* aligned_to) {
                         ::operator delete(ended, static_cast<std::align_val_t>(
                                                      reinterpret_cast<std::uintptr_t>(aligned_to)));
                       },
                   .context = reinterpret_cast<void*>(static_cast<std::uintptr_t>(alignment))});
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
