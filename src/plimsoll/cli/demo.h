// The words of the demonstration: how a flood under way, and what became of it, are shown.
//
// Thread-safety: pure functions. Cost: a few strings. Limits: none. Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "plimsoll/cli/flood.h"

namespace plimsoll {

// " 12 s  [##################--]  231 MiB of 245.8 MiB  1,234,567 served  0 refused  0 kills": one line,
// without its end.
std::string demo_progress(std::string_view who, const FloodProgress& progress);
// A table with a column for each: kills, refused, served, highest use, what a calm client waited.
std::string demo_summary(std::span<const FloodResult> results);

}  // namespace plimsoll
