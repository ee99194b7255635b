#include "plimsoll/cache/internal/adaptive_learner.h"

#include <algorithm>

#include "plimsoll/base/check.h"

namespace plimsoll {

void AdaptiveLearner::join() {
  MutexLock lock(mutex_);
  ++policies_;
}

void AdaptiveLearner::leave(std::int64_t items, std::int64_t weight) {
  resize(-items, -weight);
  MutexLock lock(mutex_);
  if (--policies_ > 0) return;
  shadows_.clear();
  missed_ = {};
  full_.store(false, std::memory_order_relaxed);
  mode_.store(0, std::memory_order_relaxed);
}

void AdaptiveLearner::resize(std::int64_t items, std::int64_t weight) {
  items_.fetch_add(items, std::memory_order_relaxed);
  weight_.fetch_add(weight, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  set_sample();
}

// Half of the keys or twice as many, when twice the wanted items would be sampled or half of them. Keys that
// are sampled no more are not used again, and leave the simulations as such keys do.
void AdaptiveLearner::set_sample() {
  const std::int64_t items = std::max<std::int64_t>(items_.load(std::memory_order_relaxed), 1);
  const std::int64_t weight = std::max<std::int64_t>(weight_.load(std::memory_order_relaxed), 1);
  const std::int64_t wanted = std::clamp(weight / kMemoryPart / kItemBytes, kLeastItems, kMostItems);
  unsigned shift = shift_.load(std::memory_order_relaxed);
  while (shift > 0 && items >> (32 - shift) > 2 * wanted) --shift;
  while (shift < 32 && items >> (32 - shift) < wanted / 2) ++shift;
  shift_.store(shift, std::memory_order_relaxed);
  const double share = 1 / static_cast<double>(std::uint64_t{1} << (32 - shift));
  sampled_ = std::max(static_cast<double>(items) * share, 1.0);
  for (ShadowCache& shadow : shadows_)
    shadow.set_capacity(
        std::max<std::uint64_t>(static_cast<std::uint64_t>(share * static_cast<double>(weight)), 1));
}

void AdaptiveLearner::accessed(std::uint64_t hash, std::uint64_t weight) {
  if (!full_.load(std::memory_order_relaxed) || !samples(hash)) return;
  MutexLock lock(mutex_);
  if (shadows_.empty()) {
    for (const AdaptiveMode& mode : kAdaptiveModes)
      shadows_.emplace_back(mode, objective_ == Objective::kObjects);
    set_sample();
  }
  // A miss costs one, or what the item weighs against the mean.
  const double mean =
      static_cast<double>(std::max<std::int64_t>(weight_.load(std::memory_order_relaxed), 1)) /
      static_cast<double>(std::max<std::int64_t>(items_.load(std::memory_order_relaxed), 1));
  const double cost = objective_ == Objective::kObjects ? 1 : static_cast<double>(weight) / mean;
  const double kept = 1 - 1 / (kWindow * sampled_);
  for (std::size_t i = 0; i < kModes; ++i) {
    missed_[i] *= kept;
    if (!shadows_[i].access(tag_of(hash), weight)) missed_[i] += cost;
  }
  choose();
}

void AdaptiveLearner::choose() {
  const std::size_t now = mode_.load(std::memory_order_relaxed);
  const auto best =
      static_cast<std::size_t>(std::min_element(missed_.begin(), missed_.end()) - missed_.begin());
  if (missed_[now] - missed_[best] <= kWorth * sampled_) return;
  mode_.store(best, std::memory_order_relaxed);
  switches_.fetch_add(1, std::memory_order_relaxed);
}

void AdaptiveLearner::erased(std::uint64_t hash) {
  if (!full_.load(std::memory_order_relaxed) || !samples(hash)) return;
  MutexLock lock(mutex_);
  for (ShadowCache& shadow : shadows_) shadow.erase(tag_of(hash));
}

Bytes AdaptiveLearner::memory_locked() const {
  Bytes sum(sizeof *this);
  for (const ShadowCache& shadow : shadows_) sum += shadow.memory();
  return sum;
}

Bytes AdaptiveLearner::memory() const {
  MutexLock lock(mutex_);
  return memory_locked();
}

Bytes AdaptiveLearner::share() const {
  MutexLock lock(mutex_);
  return Bytes(memory_locked().count() / std::max<std::size_t>(policies_, 1));
}

void AdaptiveLearner::CheckInvariants() const {
  MutexLock lock(mutex_);
  for (const ShadowCache& shadow : shadows_) shadow.CheckInvariants();
}

}  // namespace plimsoll
