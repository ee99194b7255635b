// The cache's analysis as a page: for people, for programs, and its curve drawn.
//
// Thread-safety: functions of values. Cost: some microseconds; the analysis itself is what costs. Limits:
// bytes of a key that are no printable ASCII are written as \xNN. Errors: none. Ownership: values.
#pragma once

#include <optional>
#include <string>

#include "plimsoll/cache/analysis.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/server/level_status.h"
#include "plimsoll/server/pace.h"

namespace plimsoll {

// What compression brings and costs; empty where there is none.
std::string compression_words(const ByteCache::Stats& stats, Compression compression);
std::string cache_text(const CacheAnalysis& analysis, const Pace::Figures& pace,
                       const std::string& compression = {}, const std::optional<LevelStatus>& level = {});
std::string cache_json(const CacheAnalysis& analysis, const Pace::Figures& pace,
                       const std::optional<LevelStatus>& level = {});
std::string cache_curve_text(const CacheAnalysis& analysis);

}  // namespace plimsoll
