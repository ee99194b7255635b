// OtherEstimate: how much is held that nobody charged.
//
// The difference between what is held and what is charged says it, but for three things: what is charged and
// not touched yet hides as much (owners say how much that is); buffers of sockets are charged by their size
// and held as far as they are full, or not shown at all, so they are compared apart; and a charge taken just
// before its pages are touched makes the difference dip. So a rise is followed at once, and a fall when the
// highest of the last half to whole second has fallen.
// Invariant: the estimate is never below the difference given last.
//
// Thread-safety: one thread. Cost: none. Limits: none. Errors: none.
#pragma once

#include <algorithm>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"

namespace plimsoll {

struct HeldAndCharged {
  Bytes held;             // as measured, with the sockets as far as they are shown
  Bytes charged;          // by everybody but `other`
  Bytes untouched;        // of that: by the owners' word not touched yet
  Bytes sockets_held;     // of `held`
  Bytes sockets_charged;  // of `charged`

  Bytes beyond() const {
    return memory_held()
        .plus_clamped(untouched)
        .minus_clamped(memory_charged())
        .plus_clamped(sockets_held.minus_clamped(sockets_charged));
  }
  // The other way round: charged, and not held or not any more.
  Bytes overcharged() const { return memory_charged().minus_clamped(memory_held()); }

 private:
  Bytes memory_held() const { return held.minus_clamped(sockets_held); }
  Bytes memory_charged() const { return charged.minus_clamped(sockets_charged); }
};

class OtherEstimate {
 public:
  static constexpr Duration kHalf = std::chrono::milliseconds(500);

  Bytes update(Bytes beyond, MonotonicTime now) {
    if (now - began_ >= kHalf) {
      before_ = now - began_ < 2 * kHalf ? current_ : Bytes();
      current_ = Bytes();
      began_ = now;
    }
    current_ = std::max(current_, beyond);
    return std::max(before_, current_);
  }
  void forget() { before_ = current_ = Bytes(); }

 private:
  MonotonicTime began_{};
  Bytes current_;  // the highest since began_
  Bytes before_;   // the highest of the half second before
};

}  // namespace plimsoll
