// EvictionPolicy: decides which items of a segment that is due survive; one file and one row a policy.
//
// The cache asks when it needs memory: it takes the segment at the head of its queue, shows the policy the items' stamps, and
// evicts those the policy does not keep. A stamp is the shard's count of accesses (in units of 16) when the item was
// last used. LRU is the first; others come behind the same verbs.
//
// Thread-safety: called under the shard's lock. Cost: as said at each policy. Limits: none. Errors: none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace plimsoll {

enum class PolicyKind : std::uint8_t { kLru };

std::string_view name_of(PolicyKind kind);
std::optional<PolicyKind> policy_named(std::string_view name);

class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  // `due`: the stamps of the items of the segment at the head of the queue. `sample`: stamps of items drawn at random from
  // the whole shard. Both may be reordered. Items with a stamp below the answer are evicted, the others stay.
  // The answer evicts at least a quarter of `due`, so that work is bounded.
  virtual std::uint32_t cutoff(std::uint32_t now, std::span<std::uint32_t> due, std::span<std::uint32_t> sample) = 0;
};

std::unique_ptr<EvictionPolicy> make_policy(PolicyKind kind);

}  // namespace plimsoll
