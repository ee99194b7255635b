#include "plimsoll/governor/history.h"

#include <algorithm>

namespace plimsoll {

void History::add(const Sample& sample) {
  MutexLock lock(mutex_);
  if (under_way_ && sample.at - period_began_ >= period_) {
    ring_.push(highest_);
    under_way_ = false;
  }
  if (!under_way_) {
    under_way_ = true;
    period_began_ = sample.at;
    highest_ = sample;
  } else if (sample.charged >= highest_.charged) {
    highest_ = sample;
  }
}

std::vector<Sample> History::last(std::size_t count) const {
  MutexLock lock(mutex_);
  std::vector<Sample> samples;
  std::size_t begin = ring_.size() - std::min(count, ring_.size());
  for (std::size_t i = begin; i < ring_.size(); ++i) samples.push_back(ring_[i]);
  return samples;
}

std::size_t History::size() const {
  MutexLock lock(mutex_);
  return ring_.size();
}

}  // namespace plimsoll
