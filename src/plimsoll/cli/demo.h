// The words of the demonstration: how a flood under way, and what became of it, are shown.
//
// What is under way is one step of the line that every verb shows while it works (cli/progress.h).
//
// Thread-safety: pure functions. Cost: a few strings. Limits: none. Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "plimsoll/cli/flood.h"
#include "plimsoll/cli/progress.h"

namespace plimsoll {

// "flooding plimsoll", how much of `duration` is over, and "231 MiB of 256 MiB, 0 kills, 1,234,567 served, 3
// refused".
ProgressStep demo_progress(std::string_view who, const FloodProgress& progress, Duration duration);
// A table with a column for each: kills, refused, served, highest use, what a calm client waited.
std::string demo_summary(std::span<const FloodResult> results);

}  // namespace plimsoll
