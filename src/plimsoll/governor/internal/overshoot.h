// OvershootTracker: the furthest the process has been above the line, which the reserve is made of.
//
// A line that was lowered leaves the process above it through no overshoot; so nothing counts from then until
// it has been below once. What counts is bounded by an eighth of the limit, so that the reserve, twice of it,
// takes a quarter at most.
//
// Thread-safety: one thread. Cost: none. Limits: none. Errors: none.
#pragma once

#include <algorithm>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

class OvershootTracker {
 public:
  explicit OvershootTracker(Bytes worst) : worst_(worst) {}

  // True when the worst has grown.
  bool update(Bytes held, Bytes line, Bytes limit) {
    if (line < line_before_) settling_ = true;
    line_before_ = line;
    if (held <= line) settling_ = false;
    Bytes over = std::min(held.minus_clamped(line), limit / 8);
    if (settling_ || over <= worst_) return false;
    worst_ = over;
    return true;
  }
  Bytes worst() const { return worst_; }

 private:
  Bytes worst_;
  Bytes line_before_ = Bytes::max();
  bool settling_ = false;
};

}  // namespace plimsoll
