// The policy that learns: until it does, first in, first out, but who was used since it was inserted goes
// round once more (a second chance).
#include "plimsoll/cache/internal/eviction_policy.h"
#include "plimsoll/cache/internal/item_queue.h"

namespace plimsoll {
namespace {

class SecondChance final : public EvictionPolicy {
 public:
  explicit SecondChance(const PolicyOptions& options) : queue_(options.items, 0) {}

  void insert(Locator item, std::uint64_t /*hash*/) override { adopt(item, 0, 0); }
  void hit(Locator item) override {
    if (queue_.at(item).frequency() < kMost) queue_.at(item).count_use();
  }
  void erase(Locator item) override { queue_.unlink(item); }

  Locator evict() override {
    for (std::size_t busy = 0; busy < kTries && !queue_.empty();) {
      const Locator item = queue_.oldest();
      Item& record = queue_.at(item);
      queue_.unlink(item);
      if (!record.busy() && record.frequency() == 0) return item;
      busy += record.busy();
      if (record.frequency() > 0) record.set_frequency(record.frequency() - 1);
      queue_.push_newest(item);
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
      visit(item, queue_.at(item).frequency() + 1);
    }
  }
  void adopt(Locator item, std::uint64_t /*hash*/, unsigned frequency) override {
    queue_.at(item).set_frequency(frequency <= 1 ? 0 : frequency - 1 < kMost ? frequency - 1 : kMost);
    queue_.push_newest(item);
  }

  std::size_t size() const override { return queue_.size(); }
  void CheckInvariants() const override { queue_.CheckInvariants(); }

 private:
  static constexpr std::size_t kTries = 64;  // busy items passed over in one search
  static constexpr unsigned kMost = 3;

  ItemQueue queue_;
};

}  // namespace

std::unique_ptr<EvictionPolicy> make_adaptive(const PolicyOptions& options) {
  return std::make_unique<SecondChance>(options);
}

}  // namespace plimsoll
