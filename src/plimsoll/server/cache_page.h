// The cache's analysis as a page: for people, for programs, and its curve drawn.
//
// Thread-safety: functions of values. Cost: some microseconds; the analysis itself is what costs. Limits:
// bytes of a key that are no printable ASCII are written as \xNN. Errors: none. Ownership: values.
#pragma once

#include <string>

#include "plimsoll/cache/analysis.h"
#include "plimsoll/server/pace.h"

namespace plimsoll {

std::string cache_text(const CacheAnalysis& analysis, const Pace::Figures& pace);
std::string cache_json(const CacheAnalysis& analysis, const Pace::Figures& pace);
std::string cache_curve_text(const CacheAnalysis& analysis);

}  // namespace plimsoll
