// Least recently used: one queue; a use moves an item to its newest end, and the oldest goes.
#include "plimsoll/cache/internal/queue_policy.h"

namespace plimsoll {
namespace {

class Lru final : public QueuePolicy {
 public:
  using QueuePolicy::QueuePolicy;

  void approach(Locator item) const override { queue_.prefetch_neighbours(item); }
  void hit(Locator item) override {
    queue_.at(item).count_use();  // for a policy that comes after
    if (item == queue_.newest()) return;
    queue_.unlink(item);
    queue_.push_newest(item);
  }
};

}  // namespace

std::unique_ptr<EvictionPolicy> make_lru(const PolicyOptions& options) {
  return std::make_unique<Lru>(options);
}

}  // namespace plimsoll
