#include "plimsoll/memory_optimizer/recommendation.h"

#include <algorithm>
#include <array>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr double kWorthOfHits = 0.02;      // a forecast below two points may be chance
constexpr double kMuchUnaccounted = 0.10;  // of the line
constexpr double kLittleReuse = 0.5;       // of the buffers acquired
constexpr std::uint64_t kEnoughBuffers = 1000;
constexpr double kMuchFragmentation = 0.25;
constexpr Bytes kWorthOfFragments = 8_MiB;
constexpr double kLittleUse = 0.25;  // of the line, at the peak

std::string per_cent(double share) {
  const auto tenths = static_cast<long>(share * 1000 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

// The step to a limit below which there is such a line: a reserve is a twenty-fifth of its limit, and 4 MiB
// at least.
std::string limit_for(Bytes line) {
  const Bytes limit = line.plus_clamped(std::max(4_MiB, line / 24));
  return "MemoryConfig{.limit = \"" + std::to_string(limit / 1_MiB + 1) +
         "MiB\"}, or the cgroup's limit where that is what binds";
}

double of_line(const MemoryFacts& facts, Bytes bytes) {
  return facts.statistics.line.zero() ? 0 : bytes.as_double() / facts.statistics.line.as_double();
}

void above_target(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const MemoryStatistics& s = facts.statistics;
  const double held = of_line(facts, s.undroppable());
  if (held <= facts.target_use) return;
  std::string what = "give it a higher limit";
  std::string evidence =
      per_cent(held) + " of the line cannot be dropped, and the target is " + per_cent(facts.target_use);
  std::string step = limit_for(s.undroppable().scaled(1 / facts.target_use));
  if (!facts.largest_account.empty()) {
    what += ", or account " + facts.largest_account + " a maximum";
    evidence += "; " + facts.largest_account + " holds " + format_bytes(facts.largest_used) + " of it";
    step += "; or account.set_maximum(...)";
  }
  out.push_back({.what = std::move(what),
                 .evidence = std::move(evidence),
                 .gain = "level normal, and nobody made to wait",
                 .risk = Risk::kLow,
                 .step = std::move(step),
                 .weight = 1 + held});
}

void refused(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const MemoryStatistics& s = facts.statistics;
  if (s.refused == 0) return;
  out.push_back(
      {.what = "find out who was refused",
       .evidence = format_count(s.refused) + " charges were refused since the start",
       .gain = "requests that are served instead of turned away",
       .risk = Risk::kNone,
       .step = "Account::refused() of each account in line().accounts(); its maximum may be too low",
       .weight = 0.5});
}

void unaccounted(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const double share = of_line(facts, facts.statistics.unaccounted);
  if (share < kMuchUnaccounted) return;
  out.push_back({.what = "charge what nobody charges",
                 .evidence = format_bytes(facts.statistics.unaccounted) +
                             " are held by the process and charged by no account (" + per_cent(share) +
                             " of the line)",
                 .gain = "it can be bounded, and given back in time",
                 .risk = Risk::kNone,
                 .step = "open an account for it in line(), and hold a Charge for as long as the memory; or "
                         "allocate it from allocator()",
                 .weight = share});
}

Recommendation twice_the_cache(const MemoryFacts& facts, double gain) {
  const CacheAnalysis& a = *facts.cache;
  // Else what others leave of the line binds it, and a larger maximum would bring nothing.
  const bool maximum_binds = a.held > facts.cache_maximum / 2;
  return {.what = "give the cache twice the memory",
          .evidence = "its hit rate is " + per_cent(a.hit_rate) + ", and a sample of its keys would hit " +
                      per_cent(a.twice_hit_rate) + " of the time with twice as much",
          .gain = per_cent(gain) + " of the reads more hit",
          .risk = Risk::kLow,
          .step = maximum_binds
                      ? "MemoryConfig{.cache_size = " + std::to_string(facts.cache_maximum / 1_MiB * 2) +
                            "_MiB}, and a limit that leaves room for it"
                      : limit_for(facts.statistics.line.plus_clamped(a.held)),
          .weight = gain};
}

Recommendation half_the_cache(const MemoryFacts& facts) {
  const CacheAnalysis& a = *facts.cache;
  return {.what = "give the cache half the memory",
          .evidence = "with half of it, it would hit " + per_cent(a.half_hit_rate) +
                      " of the time, and hits " + per_cent(a.hit_rate) + " now",
          .gain = format_bytes(a.held / 2) + " for others",
          .risk = Risk::kLow,
          .step = "MemoryConfig{.cache_size = " + std::to_string(a.held / 2_MiB) + "_MiB}",
          .weight = of_line(facts, a.held / 2) / 10};
}

void cache_size(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const CacheAnalysis& a = *facts.cache;
  if (!a.full) return;
  const double gain = a.twice_hit_rate - a.hit_rate, loss = a.hit_rate - a.half_hit_rate;
  const bool hits = a.hit_rate > kWorthOfHits;  // else its memory is not what it lacks
  const bool large = a.held >= 2_MiB;           // a cache of less than 1 MiB is refused
  if (gain >= kWorthOfHits)
    out.push_back(twice_the_cache(facts, gain));
  else if (hits && large && loss < kWorthOfHits / 4)
    out.push_back(half_the_cache(facts));
}

void cache_policy(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const CacheAnalysis& a = *facts.cache;
  const auto better = [](const PolicyForecast& x, const PolicyForecast& y) {
    return x.hit_rate < y.hit_rate;
  };
  const auto best = std::max_element(a.policies.begin(), a.policies.end(), better);
  if (best == a.policies.end() || best->policy == a.policy) return;
  const double gain = best->hit_rate - a.hit_rate;
  if (gain < kWorthOfHits) return;
  const std::string name(name_of(best->policy));
  out.push_back(
      {.what = "evict by " + name,
       .evidence = "on a sample of the reads it would have hit " + per_cent(best->hit_rate) +
                   " of the time; " + std::string(name_of(a.policy)) + " hits " + per_cent(a.hit_rate),
       .gain = per_cent(gain) + " of the reads more hit",
       .risk = Risk::kLow,
       .step = "cache()->set_policy(*policy_named(\"" + name + "\")): while it runs, nothing is lost",
       .weight = gain});
}

void pool(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const MemoryStatistics& s = facts.statistics;
  if (facts.pool_created < kEnoughBuffers || s.pool_reuse_rate >= kLittleReuse) return;
  out.push_back(
      {.what = "let the pool keep more buffers",
       .evidence = "of the buffers acquired, " + per_cent(s.pool_reuse_rate) + " were idle ones; " +
                   format_count(facts.pool_created) + " had to be made",
       .gain = "fewer page faults and allocations",
       .risk = Risk::kLow,
       .step = "MemoryConfig{.pool_size = " + std::to_string(facts.pool_maximum / 1_MiB * 2) + "_MiB}",
       .weight = 0.1 * (kLittleReuse - s.pool_reuse_rate)});
}

void fragments(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  if (facts.slabs_free < kWorthOfFragments || facts.slabs_fragmentation < kMuchFragmentation) return;
  out.push_back(
      {.what = "let objects of one age lie together",
       .evidence = format_bytes(facts.slabs_free) + " are free between objects in use (" +
                   per_cent(facts.slabs_fragmentation) + " of the slabs)",
       .gain = format_bytes(facts.slabs_free) + " at most",
       .risk = Risk::kModerate,
       .step = "an Arena or a TransactionArena for what ends together; a PatternTracker says which sizes",
       .weight = of_line(facts, facts.slabs_free)});
}

void much_left(const MemoryFacts& facts, std::vector<Recommendation>& out) {
  const MemoryStatistics& s = facts.statistics;
  if (s.line.zero() || of_line(facts, s.peak) >= kLittleUse || s.peak.zero()) return;
  out.push_back(
      {.what = "a lower limit would do",
       .evidence = "at most " + format_bytes(s.peak) + " of " + format_bytes(s.line) + " were ever used",
       .gain = format_bytes(s.line.minus_clamped(s.peak.plus_clamped(s.peak))) + " for other processes",
       .risk = Risk::kLow,
       .step = limit_for(s.peak.plus_clamped(s.peak)) + "; when it has seen its busiest hour",
       .weight = 0.001});
}

}  // namespace

std::string_view name_of(Risk risk) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "low", "moderate"};
  return kNames[static_cast<std::size_t>(risk)];
}

std::vector<Recommendation> recommend(const MemoryFacts& facts) {
  std::vector<Recommendation> found;
  above_target(facts, found);
  refused(facts, found);
  unaccounted(facts, found);
  if (facts.cache && facts.cache->known()) {
    cache_size(facts, found);
    cache_policy(facts, found);
  }
  pool(facts, found);
  fragments(facts, found);
  much_left(facts, found);
  std::sort(found.begin(), found.end(), [](const Recommendation& a, const Recommendation& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.what < b.what;
  });
  return found;
}

std::string summarise(const MemoryStatistics& s, const std::vector<Recommendation>& recommendations) {
  std::string text = "Memory: " + format_bytes(s.now) + " of " + format_bytes(s.line) + " used (" +
                     per_cent(s.use()) + "), at most " + format_bytes(s.peak) + "; level " +
                     std::string(name_of(s.level)) + ".\n";
  text += "Of what pools, cache and allocator hold, " + per_cent(s.efficiency) + " is in use; reads hit " +
          per_cent(s.cache_hit_rate) + ", buffers were reused " + per_cent(s.pool_reuse_rate) +
          " of the time.\n";
  if (recommendations.empty()) return text + "Nothing to recommend.\n";
  std::size_t number = 0;
  for (const Recommendation& r : recommendations) {
    text += std::to_string(++number) + ". " + r.what + ": " + r.evidence + ". Gain: " + r.gain +
            ". Risk: " + std::string(name_of(r.risk)) + ". Step: " + r.step + "\n";
  }
  return text;
}

}  // namespace plimsoll
