// ChangingPolicy: an order of eviction while one policy takes over from another, some items at a time.
//
// Why: an order is a list through all items of a shard, and to walk it is a wait for memory an item: in one
// go, a million items would keep a shard's lock for a tenth of a second. Here both policies have items, which
// the number of their queue tells apart (PolicyOptions::generation), and each call goes to the one that has
// the item. The old one gives up its last victims first and the new one puts each in front of those it has,
// so that the order is whole at any moment: victims are the old one's while it has any, new items the new
// one's. (Linear hashing, Litwin 1980, grows a table in the same spirit: a little at each step, with both
// halves in use.) An item that is hit before its turn goes over with the next, as the old policy has it last.
//
// Invariant: an item is in exactly one of the two, the one whose generation its queue has.
//
// Thread-safety: its shard's lock. Cost: a branch a call more than the policy's own; convert() about 150 ns
// an item. Limits: one change at a time. Errors: none. Ownership: of both policies.
#pragma once

#include <memory>

#include "plimsoll/cache/internal/eviction_policy.h"

namespace plimsoll {

class ChangingPolicy final : public EvictionPolicy {
 public:
  // `to` was made with generation `generation`, `from` with the other one.
  ChangingPolicy(const SegmentStore& items, std::unique_ptr<EvictionPolicy> from,
                 std::unique_ptr<EvictionPolicy> to, std::uint8_t generation)
      : items_(items), from_(std::move(from)), to_(std::move(to)), generation_(generation) {}

  // Takes so many items over. False: all are.
  bool convert(std::size_t count);
  // REQUIRES: convert() said that all are; nothing but the destructor follows.
  std::unique_ptr<EvictionPolicy> finish();

  void insert(Locator item, std::uint64_t hash) override { to_->insert(item, hash); }
  void hit(Locator item) override { of(item).hit(item); }
  void approach(Locator item) const override { of(item).approach(item); }
  void erase(Locator item) override { of(item).erase(item); }
  Locator evict() override {
    const Locator victim = from_->evict();
    return victim != kNoLocator ? victim : to_->evict();
  }
  void readmit(Locator from, Locator to) override { of(from).readmit(from, to); }
  void moved(Locator from, Locator to) override { of(to).moved(from, to); }
  void replaced(Locator from, Locator to) override { of(from).replaced(from, to); }
  void reweighed(Locator item, std::uint64_t before) override { of(item).reweighed(item, before); }
  Given give_up() override {
    const Given given = to_->give_up();
    return given.item != kNoLocator ? given : from_->give_up();
  }
  void adopt(Locator item, unsigned frequency) override { from_->adopt(item, frequency); }
  unsigned frequency(Locator item) const override { return of(item).frequency(item); }
  bool was_used(Locator victim) const override { return of(victim).was_used(victim); }
  Bytes memory() const override { return from_->memory() + to_->memory(); }
  std::size_t size() const override { return from_->size() + to_->size(); }
  void CheckInvariants() const override;

 private:
  EvictionPolicy& of(Locator item) const {
    const std::uint8_t queue = reinterpret_cast<const Item*>(items_.at(item))->queue();
    return queue / kQueuesOfAPolicy == generation_ ? *to_ : *from_;
  }

  const SegmentStore& items_;
  std::unique_ptr<EvictionPolicy> from_;
  std::unique_ptr<EvictionPolicy> to_;
  const std::uint8_t generation_;
};

}  // namespace plimsoll
