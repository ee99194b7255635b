#include "plimsoll/cache/analysis.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/access_sampler.h"
#include "plimsoll/cache/internal/shard.h"
#include "plimsoll/cache/simulation.h"

namespace plimsoll {
namespace {

constexpr std::array kTimes{0.125, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0};
constexpr std::size_t kReplayed = 32'768;
constexpr std::size_t kEnoughToReplay = 4096;

// Replays what was sampled in a cache that is smaller by the rate; the first half only fills it.
class Replay {
 public:
  Replay(const AccessSampler::Findings& found, std::uint64_t weight, Objective objective)
      : capacity_(found.rate * static_cast<double>(weight)), objective_(objective) {
    const std::vector<TraceRequest>& all = found.recent.requests;
    const std::size_t count = std::min(all.size(), kReplayed);
    trace_.requests.assign(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
  }
  bool possible() const { return trace_.requests.size() >= kEnoughToReplay && capacity_ >= 1; }
  struct Hits {
    double objects = 0, bytes = 0;
  };
  Hits hits(PolicyKind policy, double times) const {
    const Result<SimulationResult> result =
        simulate(trace_, {.policy = policy,
                          .basis = Basis::kBytes,
                          .objective = objective_,
                          .capacity = static_cast<std::uint64_t>(std::max(1.0, capacity_ * times)),
                          .shards = 1,
                          .warm_up = trace_.requests.size() / 2});
    if (!result) return {};
    return {.objects = 1 - result->object_miss_ratio(), .bytes = 1 - result->byte_miss_ratio()};
  }

 private:
  Trace trace_;
  const double capacity_;
  const Objective objective_;
};

void read_curve(CacheAnalysis& a, const AccessSampler::Findings& found, std::uint64_t weight,
                std::uint64_t items) {
  auto at = [&](double times) {
    return found.by_bytes.share_within(static_cast<std::uint64_t>(times * static_cast<double>(weight)));
  };
  for (double times : kTimes) {
    const auto most = static_cast<std::uint64_t>(times * static_cast<double>(items));
    a.curve.push_back({times, at(times), found.by_objects.share_within(most)});
  }
  // The differences are the curve's, the level is what was counted.
  a.twice_hit_rate = std::clamp(a.hit_rate + at(2) - at(1), 0.0, 1.0);
  a.half_hit_rate = std::clamp(a.hit_rate + at(0.5) - at(1), 0.0, 1.0);
}

// Nine tenths, as shards fill up one after the other.
bool nearly(std::uint64_t held, std::uint64_t bound) { return bound > 0 && held >= bound - bound / 10; }

void replay_policies(CacheAnalysis& a, const Replay& replay) {
  const Replay::Hits now = replay.hits(a.policy, 1);
  for (PolicyKind kind : kPolicyKinds) {
    const Replay::Hits then = kind == a.policy ? now : replay.hits(kind, 1);
    a.policies.push_back({kind, std::clamp(a.hit_rate + then.objects - now.objects, 0.0, 1.0), then.bytes});
  }
  if (a.policy == PolicyKind::kLru) return;  // whose curve is exact
  auto with = [&](double times) {
    return std::clamp(a.hit_rate + replay.hits(a.policy, times).objects - now.objects, 0.0, 1.0);
  };
  a.twice_hit_rate = with(2);
  a.half_hit_rate = with(0.5);
}

}  // namespace

std::uint64_t ByteCache::weight() const {
  std::uint64_t weight = 0;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    weight += shard->weight();
  }
  return weight;
}

CacheAnalysis ByteCache::analysis(bool with_policies) const {
  const Stats s = stats();
  CacheAnalysis a{.on = sampler_ != nullptr,
                  .full = s.evicted > 0,
                  .hits = s.hits,
                  .misses = s.misses,
                  .payload = s.payload,
                  .held = options_.account.used(),
                  .policy = policy(),
                  .objective = options_.objective,
                  .evicts = evicts()};
  if (sampler_ == nullptr) return a;
  const std::uint64_t weight = this->weight();
  if (nearly(s.items, options_.max_items)) a.most_items = options_.max_items;
  if (nearly(weight, options_.max_bytes.count())) a.most_bytes = options_.max_bytes;
  const AccessSampler::Findings found = sampler_->findings(
      {.items = s.items, .weight = weight, .least_recently_used = a.policy == PolicyKind::kLru || !a.full},
      with_policies);
  a.sample_rate = found.rate;
  a.sampled_keys = found.keys;
  a.memory = found.memory;
  a.reads = found.reads;
  a.hit_rate = found.hit_rate;
  a.saved_bytes = found.mean_hit_bytes * static_cast<double>(s.hits);
  a.pattern = found.pattern;
  a.never_read_again = found.never_read_again;
  a.hot = found.hot;
  read_curve(a, found, weight, s.items);
  if (const Replay replay(found, weight, options_.objective);
      with_policies && a.known() && a.full && replay.possible())
    replay_policies(a, replay);
  a.advice = advise(a, options_.account.line().limit());
  return a;
}

}  // namespace plimsoll
