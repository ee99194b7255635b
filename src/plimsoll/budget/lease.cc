#include "plimsoll/budget/lease.h"

#include <algorithm>

namespace plimsoll {

bool Lease::refill(Bytes bytes) noexcept {
  Bytes missing = bytes - idle_;
  Charge more = account_.charge(std::max(missing, chunk_));
  // Near the line a whole chunk may be refused where the few bytes asked for are not.
  if (!more && missing < chunk_) more = account_.charge(missing);
  if (!more) return false;
  idle_ += more.size();
  charge_.merge(std::move(more));
  return true;
}

void Lease::take_held(Bytes bytes) noexcept {
  if (take(bytes)) return;
  Charge more = account_.charge_held(bytes - idle_);
  charge_.merge(std::move(more));
  idle_ = Bytes();
  outstanding_ += bytes;
}

void Lease::give(Bytes bytes) noexcept {
  outstanding_ -= bytes;
  idle_ += bytes;
  if (idle_ > chunk_ * 2) {
    charge_.shrink(idle_ - chunk_);
    idle_ = chunk_;
  }
}

}  // namespace plimsoll
