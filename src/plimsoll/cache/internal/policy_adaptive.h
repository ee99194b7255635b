// AdaptivePolicy: a shard's records in the adaptive order, run as the learner says.
//
// Why: see adaptive_order.h and adaptive_learner.h. An item has nothing but its two links, the queue's
// number, and of its frequency's ten bits three that count uses, one that says that it was used since it came
// (the count goes down with each round), and one that says that its key is sampled, so that a hit on any
// other need not know its hash.
//
// Thread-safety: its shard's lock; the learner has its own. Cost: a hit writes the record's header until the
// count is full, and nothing then. Limits: as AdaptiveOrder. Errors: none. Ownership: shares the learner.
#pragma once

#include <memory>
#include <optional>

#include "plimsoll/cache/internal/adaptive_learner.h"
#include "plimsoll/cache/internal/adaptive_order.h"
#include "plimsoll/cache/internal/eviction_policy.h"
#include "plimsoll/cache/internal/item_queue.h"

namespace plimsoll {

class AdaptivePolicy final : public EvictionPolicy {
 public:
  // With a way of its own it does not learn: for tests and to compare.
  explicit AdaptivePolicy(const PolicyOptions& options, const AdaptiveMode* fixed = nullptr);
  ~AdaptivePolicy() override;

  void insert(Locator item, std::uint64_t hash) override;
  void hit(Locator item) override;
  HitRule hit_rule() const override {
    return {.counted = kUses, .always = kSampled, .below = static_cast<std::uint16_t>(mode().uses)};
  }
  void erase(Locator item) override;
  Locator evict() override;
  void readmit(Locator from, Locator to) override;
  void moved(Locator from, Locator to) override { order_.queue_of(to).moved(from, to); }
  void replaced(Locator from, Locator to) override;
  void reweighed(Locator item, std::uint64_t before) override { order_.reweighed(item, before); }
  Given give_up() override;
  void adopt(Locator item, unsigned frequency) override;
  unsigned frequency(Locator item) const override { return records_.frequency(item); }
  bool was_used(Locator victim) const override {
    return (records_.at(victim).frequency() & (kUses | kUsed)) != 0;
  }
  Bytes memory() const override;
  std::size_t size() const override { return order_.size(); }
  void CheckInvariants() const override { order_.CheckInvariants(); }

 private:
  static constexpr unsigned kUses = 15;      // of the frequency's bits
  static constexpr unsigned kUsed = 256;     // the bit
  static constexpr unsigned kSampled = 512;  // the bit
  struct Records {
    using Id = Locator;
    using Queue = ItemQueue;
    static constexpr Locator kNone = kNoLocator;
    const SegmentStore* items;
    std::uint64_t hash_seed;
    std::uint8_t first_queue;  // its number
    Item& at(Locator item) const { return *reinterpret_cast<Item*>(items->at(item)); }
    ItemQueue queue(std::uint8_t number) const {
      return {*items, static_cast<std::uint8_t>(first_queue + number)};
    }
    std::uint8_t queue_of(Locator item) const { return at(item).queue() % kQueuesOfAPolicy; }
    unsigned frequency(Locator item) const { return at(item).frequency() & kUses; }
    void set_frequency(Locator item, unsigned frequency) const {
      const unsigned before = at(item).frequency();
      const unsigned used = (before & kUses) != 0 ? kUsed : 0;
      at(item).set_frequency((before & ~kUses) | used | frequency);
    }
    std::uint64_t weight(Locator item) const { return at(item).weight(items->unit()); }
    bool busy(Locator item) const { return at(item).busy(); }
    std::uint64_t hash(Locator item) const;
  };

  const AdaptiveMode& mode() const { return fixed_ != nullptr ? *fixed_ : learner_->mode(); }
  bool sampled(Locator item) const { return (records_.at(item).frequency() & kSampled) != 0; }
  void mark(Locator item, std::uint64_t hash, unsigned uses);
  void report();  // to the learner, when the shard has changed by more than an eighth

  Records records_;
  const AdaptiveMode* fixed_;
  std::shared_ptr<AdaptiveLearner> learner_;
  AdaptiveOrder<Records> order_;
  std::int64_t reported_items_ = 0;
  std::int64_t reported_weight_ = 0;
};

}  // namespace plimsoll
