// QueuePolicy: an order of eviction that is one queue, its oldest first; what a hit does is the policy's own.
//
// Thread-safety: its shard's lock. Cost: constant. Limits: none. Errors: none. Ownership:
// owns nothing but its ends.
#pragma once

#include "plimsoll/cache/internal/eviction_policy.h"
#include "plimsoll/cache/internal/item_queue.h"

namespace plimsoll {

class QueuePolicy : public EvictionPolicy {
 public:
  explicit QueuePolicy(const PolicyOptions& options)
      : queue_(options.items, static_cast<std::uint8_t>(options.generation * kQueuesOfAPolicy)) {}

  void insert(Locator item, std::uint64_t /*hash*/) override {
    queue_.at(item).set_frequency(1);
    queue_.push_newest(item);
  }
  void erase(Locator item) override { queue_.unlink(item); }
  Locator evict() override {
    // Who is busy is in use: left where it is, it would be met again and again.
    for (std::size_t tries = 0; tries < kTries && !queue_.empty(); ++tries) {
      const Locator item = queue_.oldest();
      queue_.unlink(item);
      if (!queue_.at(item).busy()) return item;
      queue_.push_newest(item);
    }
    return kNoLocator;
  }

  void readmit(Locator /*from*/, Locator to) override { queue_.push_newest(to); }
  void moved(Locator from, Locator to) override { queue_.moved(from, to); }
  void replaced(Locator from, Locator to) override {
    queue_.at(to).set_frequency(queue_.at(from).frequency());
    queue_.replace(from, to);
    hit(to);
  }
  void reweighed(Locator item, std::uint64_t before) override { queue_.reweighed(item, before); }

  Given give_up() override {
    const Locator item = queue_.newest();
    if (item == kNoLocator) return {};
    const Given given{item, queue_.at(item).frequency()};
    erase(item);
    return given;
  }
  void adopt(Locator item, unsigned frequency) override {
    queue_.at(item).set_frequency(frequency);
    queue_.push_oldest(item);
  }

  unsigned frequency(Locator item) const override { return queue_.at(item).frequency(); }
  std::size_t size() const override { return queue_.size(); }
  void CheckInvariants() const override { queue_.CheckInvariants(); }

 protected:
  static constexpr std::size_t kTries = 64;  // busy items passed over in one search

  ItemQueue queue_;
};

}  // namespace plimsoll
