// Sample: one look at the process and its line; what levels, history and forecasts are made of.
//
// Thread-safety: a value. Cost: 120 bytes. Limits: none. Errors: none: a reading that failed keeps its last
// value.
#pragma once

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/governor/level.h"

namespace plimsoll {

struct Sample {
  MonotonicTime at;
  Bytes limit;
  Bytes line;
  Bytes charged;      // all accounts
  Bytes other;        // of that, held without a charge: unaccounted
  Bytes held;         // what the process holds of what counts, as measured
  Bytes overcharged;  // charged, but not held yet (or not any more)
  Bytes droppable;
  Bytes free;
  Bytes wanted;  // by waiters that could be served
  double pressure = 0;
  Level level = Level::kNormal;

  Bytes explained() const { return charged.minus_clamped(other); }
  std::int64_t unexplained() const { return held.signed_count() - explained().signed_count(); }
  Bytes undroppable() const { return charged.minus_clamped(droppable); }
};

}  // namespace plimsoll
