// Least recently used, by sampling: what is among the oldest quarter of the shard goes. Exact LRU needs a
// list that every hit rewrites; a stamp is one store, and the segment at the head of the queue holds mostly
// old items anyway.
#include <algorithm>

#include "plimsoll/cache/policy.h"

namespace plimsoll {
namespace {

class Lru final : public EvictionPolicy {
 public:
  std::uint32_t evicted_age(std::span<std::uint32_t> sample) override {
    auto at = sample.begin() + static_cast<std::ptrdiff_t>(sample.size() * 3 / 4);
    std::nth_element(sample.begin(), at, sample.end());
    return *at;
  }
};

}  // namespace

std::string_view name_of(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kLru:
      return "lru";
  }
  return "unknown";
}

std::optional<PolicyKind> policy_named(std::string_view name) {
  if (name == "lru") return PolicyKind::kLru;
  return std::nullopt;
}

std::unique_ptr<EvictionPolicy> make_policy(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kLru:
      return std::make_unique<Lru>();
  }
  return nullptr;
}

}  // namespace plimsoll
