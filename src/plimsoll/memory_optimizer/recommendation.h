// Recommendation: what to change about a process's memory, and why, from figures alone.
//
// Each carries what a person needs to decide: what was seen, what the change should bring, what it may cost,
// and the step that makes it.
//
// Thread-safety: values and a pure function. Cost: none. Limits: none. Errors: none: without figures there is
// nothing to say. Ownership: copies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/cache/analysis.h"
#include "plimsoll/governor/level.h"

namespace plimsoll {

struct MemoryStatistics {
  Bytes limit;
  Bytes line;
  Bytes now;   // charged by all accounts, with what nobody charged
  Bytes peak;  // the most that was
  Bytes droppable;
  Bytes unaccounted;  // of now: held by the process, charged by nobody
  Bytes resident;
  Level level = Level::kNormal;
  double efficiency = 1;  // of what pools, cache and allocator hold, what their users use
  double cache_hit_rate = 0;
  double pool_reuse_rate = 0;
  std::uint64_t refused = 0;  // charges, by accounts that cannot make room themselves
  std::uint64_t reclaims = 0;

  Bytes undroppable() const { return now.minus_clamped(droppable); }
  double use() const { return line.zero() ? 0 : now.as_double() / line.as_double(); }
};

enum class Risk : std::uint8_t { kNone, kLow, kModerate };
std::string_view name_of(Risk risk);

struct Recommendation {
  std::string what;      // "hold the cache to adaptive"
  std::string evidence;  // what was seen
  std::string gain;      // what it should bring
  Risk risk = Risk::kNone;
  std::string step;   // the code or the command that applies it
  double weight = 0;  // for the order: of the line, or of the hit rate
};

// What recommendations are made from.
struct MemoryFacts {
  MemoryStatistics statistics;
  double target_use = 0.75;
  // Of those that cannot be dropped and may be given a maximum; empty: there is none.
  std::string largest_account;
  Bytes largest_used;
  std::optional<CacheAnalysis> cache;  // none without a cache
  Bytes cache_maximum;
  std::uint64_t pool_created = 0;
  Bytes pool_maximum;
  Bytes slabs_free;  // between objects in use
  double slabs_fragmentation = 0;
};

// The most urgent first.
std::vector<Recommendation> recommend(const MemoryFacts& facts);
// Some lines for a person: how it stands, then what to do.
std::string summarise(const MemoryStatistics& statistics, const std::vector<Recommendation>& recommendations);

}  // namespace plimsoll
