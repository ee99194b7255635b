// What an analysis advises, and how it is said.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "plimsoll/base/text.h"
#include "plimsoll/cache/analysis.h"

namespace plimsoll {
namespace {

constexpr double kWorthMemory = 0.01;   // of the hit rate, for twice the memory
constexpr double kWorthPolicy = 0.02;   // which a replay of a sample is surely good to
constexpr double kNothingLost = 0.005;  // by half the memory
constexpr double kManyUnread = 0.15;    // of the items
constexpr double kVeryHot = 0.1;        // of the reads
constexpr double kLittlePayload = 0.6;
constexpr std::size_t kBar = 50;

std::string whole(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f", 100 * share);
  return text;
}

std::string tenth(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", 100 * share);
  return text;
}

std::string from_to(double from, double to) { return "hit rate " + tenth(from) + " -> " + tenth(to) + " %"; }

std::string size_flag(Bytes bytes) {
  const std::uint64_t mebibytes = (bytes.count() + (1 << 20) - 1) >> 20;
  return std::to_string(mebibytes) + "MiB";
}

// What gives it more memory, or less, by `times`: a bound of its own, if it has reached one, else the line.
std::string memory_command(const CacheAnalysis& a, double times, Bytes line) {
  std::string flags;
  if (a.most_items > 0)
    flags += " --cache-items " +
             std::to_string(static_cast<std::uint64_t>(times * static_cast<double>(a.most_items)));
  if (!a.most_bytes.zero())
    flags +=
        " --cache-size " + size_flag(Bytes(static_cast<std::uint64_t>(times * a.most_bytes.as_double())));
  return "plimsoll serve" + (flags.empty() ? " --line " + size_flag(line) : flags);
}

std::string seen(const CacheAnalysis& a) {
  return "from " + format_count(a.sampled_keys) + " sampled keys and " +
         format_count(static_cast<std::uint64_t>(a.reads)) + " reads";
}

void advise_memory(const CacheAnalysis& a, Bytes line, std::vector<CacheAdvice>& advice) {
  const double gain = a.twice_hit_rate - a.hit_rate;
  const double loss = a.hit_rate - a.half_hit_rate;
  if (gain >= kWorthMemory) {
    advice.push_back({.what = "twice the memory for the cache: " + from_to(a.hit_rate, a.twice_hit_rate),
                      .evidence = seen(a),
                      .command = memory_command(a, 2, line.plus_clamped(a.held)),
                      .gain = gain});
  } else if (loss < kNothingLost) {
    advice.push_back(
        {.what = "half the memory for the cache would do: " + from_to(a.hit_rate, a.half_hit_rate),
         .evidence = seen(a),
         .command = memory_command(a, 0.5, line.minus_clamped(a.held / 2)),
         .gain = -loss});
  }
}

void advise_policy(const CacheAnalysis& a, std::vector<CacheAdvice>& advice) {
  const bool by_bytes = a.objective == Objective::kBytes;
  auto rate = [by_bytes](const PolicyForecast& p) { return by_bytes ? p.byte_hit_rate : p.hit_rate; };
  auto forecast_of = [&](PolicyKind kind) {
    return std::find_if(a.policies.begin(), a.policies.end(),
                        [kind](const PolicyForecast& p) { return p.policy == kind; });
  };
  const auto now = forecast_of(a.policy);
  if (now == a.policies.end()) return;
  const PolicyForecast& best = *std::max_element(
      a.policies.begin(), a.policies.end(), [&](const auto& x, const auto& y) { return rate(x) < rate(y); });
  if (best.policy == a.policy || rate(best) - rate(*now) < kWorthPolicy) return;
  // Where the one that learns is nearly as good, it stays so when the pattern changes.
  const auto adaptive = forecast_of(PolicyKind::kAdaptive);
  const bool close = adaptive != a.policies.end() && a.policy != PolicyKind::kAdaptive &&
                     rate(*adaptive) >= rate(best) - kWorthMemory;
  const PolicyForecast& chosen = close ? *adaptive : best;
  const std::string name(name_of(chosen.policy));
  advice.push_back({.what = "policy " + name + " in place of " + std::string(name_of(a.policy)) + ": " +
                            (by_bytes ? "byte " : "") + from_to(rate(*now), rate(chosen)),
                    .evidence = "by replaying recent sampled reads under each policy",
                    .command = "redis-cli CONFIG SET maxmemory-policy " + name,
                    .gain = rate(chosen) - rate(*now)});
}

}  // namespace

std::vector<CacheAdvice> advise(const CacheAnalysis& a, Bytes line_now) {
  std::vector<CacheAdvice> advice;
  if (!a.known()) return advice;
  if (a.full && a.evicts) {
    advise_memory(a, line_now, advice);
    advise_policy(a, advice);
  }
  std::sort(advice.begin(), advice.end(),
            [](const CacheAdvice& x, const CacheAdvice& y) { return x.gain > y.gain; });
  if (a.never_read_again >= kManyUnread) {
    advice.push_back({.what = whole(a.never_read_again) + " % of items were never read again",
                      .evidence = "of those written long enough ago; " + tenth(a.pattern.scan) +
                                  " % of reads were of a scan; not writing them, or a short time to live, "
                                  "leaves their room to others",
                      .command = {},
                      .gain = 0});
  }
  if (!a.hot.empty() && a.hot[0].at_least >= kVeryHot) {
    advice.push_back({.what = "one key takes " + whole(a.hot[0].share) + " % of all reads",
                      .evidence = "a copy in the client for even a second would spare the server those",
                      .command = {},
                      .gain = 0});
  }
  if (a.full && a.payload_ratio() < kLittlePayload) {
    advice.push_back(
        {.what = "keys and values are " + whole(a.payload_ratio()) + " % of what the cache holds",
         .evidence = "values are small beside what an item takes by itself; several in one "
                     "value would take less",
         .command = {},
         .gain = 0});
  }
  return advice;
}

std::string with_command(const CacheAdvice& advice) {
  return advice.what + " (" + advice.evidence + ")" + (advice.command.empty() ? "" : ": " + advice.command);
}

std::vector<std::string> cache_advice(const CacheAnalysis& a) {
  if (!a.on) return {"the analysis is off (--analysis on)"};
  if (!a.known()) return {"too little was read yet to advise anything"};
  std::vector<std::string> lines;
  for (const CacheAdvice& advice : a.advice) lines.push_back(with_command(advice));
  if (lines.empty()) lines.push_back("nothing to advise: " + seen(a));
  return lines;
}

std::string curve_text(const CacheAnalysis& a) {
  std::string text;
  for (const CurvePoint& point : a.curve) {
    char line[64];
    std::snprintf(line, sizeof line, "  %5.3gx %6.1f %%  ", point.times, 100 * point.hit_rate);
    text += line + std::string(static_cast<std::size_t>(std::lround(kBar * point.hit_rate)), '#') +
            (point.times == 1 ? "  now" : "") + "\n";
  }
  return text;
}

}  // namespace plimsoll
