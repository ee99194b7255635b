// The fixed policies against simulators that are obviously right, on random traces: equal request by request,
// with one shard. The simulators keep keys in a list and look them up one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <map>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/simulation.h"

namespace plimsoll {
namespace {

// The order in which a policy gives up keys, first to go first.
class Reference {
 public:
  Reference(PolicyKind policy, Basis basis, std::uint64_t capacity)
      : policy_(policy), basis_(basis), capacity_(capacity) {}

  bool request(const TraceRequest& r) {
    auto at = std::find_if(order_.begin(), order_.end(), [&](const Entry& e) { return e.key == r.key; });
    if (at != order_.end()) {
      Entry entry = *at;
      ++entry.frequency;
      if (policy_ == PolicyKind::kFifo) return true;
      order_.erase(at);
      insert(entry);
      return true;
    }
    const std::uint64_t cost = basis_ == Basis::kObjects ? 1 : r.size;
    if (cost > capacity_) return false;
    for (; used_ + cost > capacity_; order_.pop_front()) used_ -= order_.front().cost;
    used_ += cost;
    insert({r.key, cost, 1});
    return false;
  }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint64_t cost;
    unsigned frequency;
  };

  void insert(const Entry& entry) {
    auto at = order_.end();
    if (policy_ == PolicyKind::kLfu)
      at = std::find_if(order_.begin(), order_.end(),
                        [&](const Entry& other) { return other.frequency > entry.frequency; });
    order_.insert(at, entry);
  }

  const PolicyKind policy_;
  const Basis basis_;
  const std::uint64_t capacity_;
  std::list<Entry> order_;
  std::uint64_t used_ = 0;
};

// Skewed keys whose favourites change half-way, with a scan through it.
Trace random_trace(std::uint64_t seed, std::size_t requests) {
  Random random(seed);
  Trace trace;
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (std::size_t i = 0; i < requests; ++i) {
    const double u = static_cast<double>(random.below(1'000'000) + 1) / 1e6;
    std::uint64_t key = static_cast<std::uint64_t>(std::pow(u, 3) * 600) + (i > requests / 2 ? 200 : 0);
    if (i % 2000 > 1800) key = 10'000 + i;
    auto [size, fresh] = sizes.try_emplace(key, 1 + random.below(random.below(8) == 0 ? 5000 : 200));
    trace.requests.push_back({key, size->second});
    if (fresh) trace.unique_bytes += size->second;
  }
  trace.unique_keys = sizes.size();
  return trace;
}

class FixedPolicy : public testing::TestWithParam<PolicyKind> {};

TEST_P(FixedPolicy, MissesWhatItsReferenceSimulatorMisses) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Trace trace = random_trace(seed, 10'000);
    for (auto [basis, capacity] : {std::pair{Basis::kObjects, std::uint64_t{1}},
                                   {Basis::kObjects, 37},
                                   {Basis::kObjects, 400},
                                   {Basis::kBytes, 3000},
                                   {Basis::kBytes, 60'000}}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", capacity " + std::to_string(capacity));
      Reference reference(GetParam(), basis, capacity);
      std::uint64_t hits = 0, missed = 0;
      for (const TraceRequest& r : trace.requests) {
        const bool hit = reference.request(r);
        hits += hit;
        missed += hit ? 0 : r.size;
      }
      Result<SimulationResult> ours =
          simulate(trace, {.policy = GetParam(), .basis = basis, .capacity = capacity, .shards = 1});
      ASSERT_TRUE(ours);
      EXPECT_EQ(ours->hits, hits);
      EXPECT_EQ(ours->missed_bytes, missed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, FixedPolicy,
                         testing::Values(PolicyKind::kLru, PolicyKind::kLfu, PolicyKind::kFifo),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

}  // namespace
}  // namespace plimsoll
