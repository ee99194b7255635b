// Throttle: how long producers are to pause, so that what comes in meets what is drained.
//
// Within its level's bound the pause grows while what cannot be dropped grows, and shrinks while it does not:
// the smallest pause at which memory stands still is where it settles, whatever the load is. Added in steps
// and taken back in steps of half the size, so that it does not swing.
//
// Invariant: 0 <= share() <= 1, and 0 below the level where producers are paused.
//
// Thread-safety: one thread. Cost: a few operations. Limits: none. Errors: none. Time is passed in.
#pragma once

#include <optional>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/governor/level.h"

namespace plimsoll {

class Throttle {
 public:
  // From nothing to the whole pause, while memory grows all the time.
  static constexpr Duration kRise = std::chrono::seconds(1);

  // `undroppable`: what is held and cannot be dropped, now. Returns share().
  double update(Level level, Bytes undroppable, MonotonicTime now) {
    const double passed = last_ ? std::chrono::duration<double>(now - last_at_) / kRise : 0;
    const bool grows = last_ && undroppable > *last_;
    last_ = undroppable;
    last_at_ = now;
    if (level < Level::kHigh) return share_ = 0;
    share_ += grows ? passed : -passed / 2;
    return share_ = share_ < 0 ? 0 : share_ > 1 ? 1 : share_;
  }
  double share() const { return share_; }

 private:
  std::optional<Bytes> last_;
  MonotonicTime last_at_{};
  double share_ = 0;
};

}  // namespace plimsoll
