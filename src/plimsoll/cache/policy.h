// EvictionPolicy: decides which items of a segment that is due survive; one file and one row a policy.
//
// The cache asks when it needs memory, and evicts from the segment at the head of its queue the items that
// are as old as the answer or older; a segment with few such items is passed over. An age is counted in
// accesses to the shard (in units of 16) since the item was last used. LRU is the first policy; others come
// behind the same verbs.
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

  // `sample`: ages of items drawn at random from the whole shard, not empty; may be reordered.
  virtual std::uint32_t evicted_age(std::span<std::uint32_t> sample) = 0;
};

std::unique_ptr<EvictionPolicy> make_policy(PolicyKind kind);

}  // namespace plimsoll
