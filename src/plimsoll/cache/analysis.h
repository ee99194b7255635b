// CacheAnalysis: what a cache's requests say of its size and policy, and what to do about it, in words.
//
// From a sample of the keys that is kept while the cache serves (internal/access_sampler.h): its miss-ratio
// curve (SHARDS, Waldspurger et al., FAST 2015), the pattern of its requests, its hottest keys; and a recent
// sampled trace that is replayed in small caches, as what another policy would do cannot be read off the
// curve (miniature simulations, Waldspurger et al., ATC 2017). Why: a hit rate by itself does not say whether
// to change anything.
//
//   CacheAnalysis found = cache.analysis();
//   for (const std::string& line : cache_advice(found)) print(line);
//
// Thread-safety: values. Cost: analysis() with policies replays up to 32768 requests for each: some 30 ms.
// Limits: figures are of what was read lately, older reads count less; with a sample of a thousand keys a
// forecast is good to about two points. Errors: known() is false while too little was seen; then nothing is
// advised. Ownership: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/cache/policy.h"

namespace plimsoll {

// Shares of the reads; all together one.
struct AccessPattern {
  double recency = 0;     // came back sooner than how often the key is read would let expect
  double frequency = 0;   // came back as its frequency lets expect
  double loop = 0;        // came back in the order of the time before
  double scan = 0;        // a new key among mostly new ones
  double first_time = 0;  // another new key
};

struct HotKey {
  std::string key;      // its first 64 bytes
  double share = 0;     // of all reads, at most
  double at_least = 0;  // and at least
};

struct CurvePoint {
  double times = 1;              // as much memory for items as now
  double hit_rate = 0;           // with the least recently used given up
  double hit_rate_by_items = 0;  // with so many times the items of now, whatever their size
};

struct PolicyForecast {
  PolicyKind policy = PolicyKind::kLru;
  double hit_rate = 0;
  double byte_hit_rate = 0;  // of the bytes that were asked for, as the replay had it
};

struct CacheAdvice {
  std::string what;      // "twice the memory: hit rate 71 -> 78 %"
  std::string evidence;  // what was seen
  std::string command;   // that does it; empty where none does
  double gain = 0;       // of the hit rate, or what is lost (below zero)
};

struct CacheAnalysis {
  bool on = false;  // off: only the figures of `Effectiveness` are there
  double sample_rate = 0;
  std::uint64_t sampled_keys = 0;
  Bytes memory;      // of the analysis itself
  double reads = 0;  // that the figures are of
  double hit_rate = 0;
  bool full = false;  // it has given up items for memory

  // Effectiveness, since the start.
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  double saved_bytes = 0;  // of values that nobody had to fetch elsewhere; from a sample
  Bytes payload;
  Bytes held;  // by the account

  std::vector<CurvePoint> curve;  // an eighth to eight times
  AccessPattern pattern;
  double never_read_again = 0;  // share of items, of those that had the time to be
  std::vector<HotKey> hot;
  PolicyKind policy = PolicyKind::kLru;
  Objective objective = Objective::kObjects;  // what policies are judged by
  bool evicts = true;
  // The bounds of its own that it has reached, so that they are what it gives up items for; zero is none.
  std::uint64_t most_items = 0;
  Bytes most_bytes;
  std::vector<PolicyForecast> policies;  // with the memory of now; empty when it was not asked for
  double twice_hit_rate = 0;             // forecast for the policy of now
  double half_hit_rate = 0;
  std::vector<CacheAdvice> advice;  // the greatest gain first

  bool known() const { return on && reads >= kEnoughReads && sampled_keys >= kEnoughKeys; }
  double payload_ratio() const { return held.zero() ? 0 : payload.as_double() / held.as_double(); }

  static constexpr double kEnoughReads = 10'000;
  static constexpr std::uint64_t kEnoughKeys = 100;
};

std::string with_command(const CacheAdvice& advice);
// What is advised, one line each: what, why, and the command.
std::vector<std::string> cache_advice(const CacheAnalysis& analysis);
// The curve as a drawing of some lines.
std::string curve_text(const CacheAnalysis& analysis);
// What an analysis advises, from its figures; `line_now` is what --line is, or was found to be.
std::vector<CacheAdvice> advise(const CacheAnalysis& analysis, Bytes line_now);

}  // namespace plimsoll
