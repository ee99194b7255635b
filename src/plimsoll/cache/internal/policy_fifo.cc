// First in, first out: one queue in order of insertion. A use changes nothing but the count that a policy
// that comes after may want.
#include "plimsoll/cache/internal/queue_policy.h"

namespace plimsoll {
namespace {

class Fifo final : public QueuePolicy {
 public:
  using QueuePolicy::QueuePolicy;

  void hit(Locator item) override { queue_.at(item).count_use(); }
  // What is used more often than this is hot to any policy that comes after.
  HitRule hit_rule() const override { return {.counted = Item::kMaxFrequency, .below = 4}; }
};

}  // namespace

std::unique_ptr<EvictionPolicy> make_fifo(const PolicyOptions& options) {
  return std::make_unique<Fifo>(options);
}

}  // namespace plimsoll
