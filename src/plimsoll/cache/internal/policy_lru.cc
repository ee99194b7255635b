// Least recently used: one queue; a use moves an item to its newest end, and the oldest goes.
#include "plimsoll/cache/internal/eviction_policy.h"
#include "plimsoll/cache/internal/item_queue.h"

namespace plimsoll {
namespace {

class Lru final : public EvictionPolicy {
 public:
  explicit Lru(const PolicyOptions& options) : queue_(options.items, 0) {}

  void insert(Locator item, std::uint64_t /*hash*/) override {
    queue_.at(item).set_frequency(1);
    queue_.push_newest(item);
  }
  void hit(Locator item) override {
    queue_.at(item).count_use();  // for a policy that comes after
    use(item);
  }
  void erase(Locator item) override { queue_.unlink(item); }

  Locator evict() override {
    // Who is busy is in use: left where it is, it would be met again and again.
    for (std::size_t tries = 0; tries < kTries && !queue_.empty(); ++tries) {
      const Locator item = queue_.oldest();
      if (queue_.at(item).busy()) {
        use(item);
        continue;
      }
      queue_.unlink(item);
      return item;
    }
    return kNoLocator;
  }

  void moved(Locator from, Locator to) override { queue_.moved(from, to); }
  void replaced(Locator from, Locator to) override {
    queue_.at(to).set_frequency(queue_.at(from).frequency());
    queue_.replace(from, to);
    hit(to);
  }
  void reweighed(Locator item, std::uint64_t before) override { queue_.reweighed(item, before); }

  void visit(const Visit& visit) const override {
    Locator next = kNoLocator;
    for (Locator item = queue_.oldest(); item != kNoLocator; item = next) {
      next = queue_.newer(item);
      visit(item, queue_.at(item).frequency());
    }
  }
  void adopt(Locator item, std::uint64_t /*hash*/, unsigned frequency) override {
    queue_.at(item).set_frequency(frequency);
    queue_.push_newest(item);
  }

  std::size_t size() const override { return queue_.size(); }
  void CheckInvariants() const override { queue_.CheckInvariants(); }

 private:
  static constexpr std::size_t kTries = 64;  // busy items passed over in one search

  void use(Locator item) {
    if (item == queue_.newest()) return;
    queue_.unlink(item);
    queue_.push_newest(item);
  }

  ItemQueue queue_;
};

}  // namespace

std::unique_ptr<EvictionPolicy> make_lru(const PolicyOptions& options) {
  return std::make_unique<Lru>(options);
}

}  // namespace plimsoll
