// EvictionPolicy: the order in which a shard gives up its items; one file and one row of the table a policy.
//
// Order is kept apart from place: a policy links records into queues by the two locators in their headers and
// never asks where they lie; the shard moves records to empty segments and says so. What a policy remembers
// of items that are gone (ghosts) is its own memory, charged by the shard.
//
// Invariant: a live record that is in the index is in exactly one of its policy's queues, from insert() or
// adopt() to erase() or evict().
//
// Thread-safety: its shard's lock. Cost: constant time a call, but for what is said. Limits: two queues, a
// frequency of 1023. Errors: none. Ownership: records are the shard's; the store must outlive the policy.
#pragma once

#include <cstdint>
#include <memory>

#include "plimsoll/base/bytes.h"
#include "plimsoll/cache/internal/segment_store.h"
#include "plimsoll/cache/policy.h"

namespace plimsoll {

class AdaptiveLearner;

// Which hits a policy wants to hear of, by what the item's header says of its frequency: those whose count is
// below `below`, and those that have one of `always`. Of others nothing is written.
struct HitRule {
  std::uint16_t counted = 0;  // the bits of the frequency that count
  std::uint16_t always = 0;
  std::uint16_t below = 1;
  std::uint16_t unused = 0;  // eight bytes are read at once

  bool wants(unsigned frequency) const { return (frequency & counted) < below || (frequency & always) != 0; }
  friend bool operator==(const HitRule&, const HitRule&) = default;
};

// Of the four numbers that a record's header can say: two policies of one shard have their own while one
// takes over from the other.
inline constexpr std::uint8_t kQueuesOfAPolicy = 2;

struct PolicyOptions {
  const SegmentStore& items;
  Objective objective = Objective::kObjects;
  std::uint64_t hash_seed = 0;                         // the hash of an item is hash64(its key, hash_seed)
  std::uint64_t seed = 0;                              // of what the policy draws at random
  std::shared_ptr<AdaptiveLearner> learner = nullptr;  // of all shards; without one, kAdaptive has its own
  std::uint8_t generation = 0;  // 0 or 1: its queues' numbers are from kQueuesOfAPolicy times that on
};

class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  // A new key's record joins. Its frequency and queue are the policy's to write.
  virtual void insert(Locator item, std::uint64_t hash) = 0;
  // Read, or overwritten in place.
  virtual void hit(Locator item) = 0;
  // It will be hit soon: brings nearer what that takes beside the record itself.
  virtual void approach(Locator /*item*/) const {}
  // All, unless it says otherwise. May change with every call.
  virtual HitRule hit_rule() const { return {}; }
  // Leaves for another reason than eviction: deleted, expired.
  virtual void erase(Locator item) = 0;
  // Takes the next victim out of the order, and remembers it if it has ghosts. Whoever is busy() is passed
  // over. kNoLocator when there is none. The victim's key is there to be read until the next call.
  virtual Locator evict() = 0;
  // The victim that evict() gave stays after all, as `to`, which may be the same: among the newest, as if it
  // had not been used. `from` is still readable, and `to` has its header.
  virtual void readmit(Locator from, Locator to) = 0;
  // The record lies elsewhere now; `to` has the same bytes, links with them.
  virtual void moved(Locator from, Locator to) = 0;
  // Overwritten by a record of another length, which has no links yet: it takes over the place, and it is a
  // hit. `from` is still readable.
  virtual void replaced(Locator from, Locator to) = 0;
  // The item's weight changed while it stayed where it is (a large value was made longer).
  virtual void reweighed(Locator item, std::uint64_t before) = 0;

  // Switching (changing_policy.h). The old policy gives up its items, the last victim first, with what it
  // knows of how often they were used; the new one puts each in front of those that it adopted before.
  struct Given {
    Locator item = kNoLocator;
    unsigned frequency = 0;
  };
  virtual Given give_up() = 0;                               // without an item: there is none
  virtual void adopt(Locator item, unsigned frequency) = 0;  // REQUIRES: frequency > 0

  // How often it counts the item as used.
  virtual unsigned frequency(Locator item) const = 0;
  // Whether the victim that evict() gave was used since it came.
  virtual bool was_used(Locator victim) const { return frequency(victim) > 1; }  // coming is the first

  // Of ghosts and simulations, and what else grows with the items; not the records' links.
  virtual Bytes memory() const { return {}; }
  virtual std::size_t size() const = 0;  // items
  virtual void CheckInvariants() const = 0;
};

std::unique_ptr<EvictionPolicy> make_lru(const PolicyOptions& options);
std::unique_ptr<EvictionPolicy> make_lfu(const PolicyOptions& options);
std::unique_ptr<EvictionPolicy> make_fifo(const PolicyOptions& options);
std::unique_ptr<EvictionPolicy> make_adaptive(const PolicyOptions& options);

std::unique_ptr<EvictionPolicy> make_policy(PolicyKind kind, const PolicyOptions& options);

}  // namespace plimsoll
