#include "plimsoll/cache/internal/policy_adaptive.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "plimsoll/base/hash.h"

namespace plimsoll {

std::uint64_t AdaptivePolicy::Records::hash(Locator item) const { return hash64(at(item).key(), hash_seed); }

AdaptivePolicy::AdaptivePolicy(const PolicyOptions& options, const AdaptiveMode* fixed)
    : records_{&options.items, options.hash_seed,
               static_cast<std::uint8_t>(options.generation * kQueuesOfAPolicy)},
      fixed_(fixed),
      learner_(options.learner != nullptr || fixed != nullptr
                   ? options.learner
                   : std::make_shared<AdaptiveLearner>(options.objective)),
      order_(records_, options.objective == Objective::kObjects) {
  if (fixed_ != nullptr) learner_.reset();
  if (learner_ != nullptr) learner_->join();
}

AdaptivePolicy::~AdaptivePolicy() {
  if (learner_ != nullptr) learner_->leave(reported_items_, reported_weight_);
}

void AdaptivePolicy::insert(Locator item, std::uint64_t hash) {
  mark(item, hash, 0);
  order_.insert(item, hash, mode());
  report();
  if (sampled(item)) learner_->accessed(hash, records_.weight(item));
}

void AdaptivePolicy::hit(Locator item) {
  const unsigned uses = records_.frequency(item);
  if (uses < mode().uses) records_.at(item).count_use();
  if (sampled(item) && learner_->learns()) learner_->accessed(records_.hash(item), records_.weight(item));
}

void AdaptivePolicy::erase(Locator item) {
  if (sampled(item)) learner_->erased(records_.hash(item));
  order_.unlink(item);
}

Locator AdaptivePolicy::evict() {
  if (learner_ != nullptr) learner_->fill();
  report();
  return order_.evict(mode());
}

// It is not one of those that left.
void AdaptivePolicy::readmit(Locator from, Locator to) {
  records_.set_frequency(to, 0);
  order_.readmit(to, records_.queue_of(from), records_.hash(from));
}

void AdaptivePolicy::replaced(Locator from, Locator to) {
  records_.at(to).set_frequency(records_.at(from).frequency());
  order_.replace(from, to);
  hit(to);
}

// Who was promoted was used once more than its count says.
EvictionPolicy::Given AdaptivePolicy::give_up() {
  const Locator item = order_.last();
  if (item == kNoLocator) return {};
  const bool promoted = records_.queue_of(item) != order_.kSmall;
  const Given given{item, records_.frequency(item) + (promoted ? 2 : 1)};
  order_.unlink(item);
  return given;
}

// Others count for as long as an item lives, so only the count's length says how hot it is.
void AdaptivePolicy::adopt(Locator item, unsigned frequency) {
  const auto uses = static_cast<unsigned>(std::bit_width(frequency)) - 1;
  mark(item, records_.hash(item), std::min(uses, mode().uses));
  order_.adopt(item, uses > 0);
  report();
}

void AdaptivePolicy::mark(Locator item, std::uint64_t hash, unsigned uses) {
  records_.at(item).set_frequency(uses | (learner_ != nullptr && learner_->samples(hash) ? kSampled : 0));
}

void AdaptivePolicy::report() {
  if (learner_ == nullptr) return;
  const auto items = static_cast<std::int64_t>(order_.size());
  const auto weight = static_cast<std::int64_t>(order_.weight());
  if (std::abs(items - reported_items_) * 8 <= reported_items_ &&
      std::abs(weight - reported_weight_) * 8 <= reported_weight_)
    return;
  learner_->resize(items - reported_items_, weight - reported_weight_);
  reported_items_ = items;
  reported_weight_ = weight;
}

Bytes AdaptivePolicy::memory() const {
  return Bytes(sizeof *this) + order_.memory() + (learner_ != nullptr ? learner_->share() : Bytes());
}

std::unique_ptr<EvictionPolicy> make_adaptive(const PolicyOptions& options) {
  return std::make_unique<AdaptivePolicy>(options);
}

}  // namespace plimsoll
