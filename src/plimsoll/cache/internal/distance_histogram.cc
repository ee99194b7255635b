#include "plimsoll/cache/internal/distance_histogram.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace plimsoll {

std::size_t DistanceHistogram::bucket_of(std::uint64_t distance) {
  if (distance < kSteps) return static_cast<std::size_t>(distance);
  const auto octave = static_cast<unsigned>(std::bit_width(distance)) - 6;  // of those that have 32 steps
  const std::size_t step = static_cast<std::size_t>(distance >> octave) - kSteps;
  return std::min(std::size_t{kSteps} * (octave + 1) + step, kBuckets - 1);
}

std::uint64_t DistanceHistogram::begin_of(std::size_t bucket) {
  if (bucket < kSteps) return bucket;
  return (kSteps + bucket % kSteps) << (bucket / kSteps - 1);
}

void DistanceHistogram::adjust_to(double total, std::uint64_t distance, double known_share) {
  const double beyond = this->total() * (1 - share_within(distance));
  if (known_share >= 0 && beyond > 0) scale(std::clamp(total * (1 - known_share) / beyond, 0.75, 1.33));
  shortest_ += total - this->total();
}

void DistanceHistogram::scale(double by) {
  for (double& bucket : buckets_) bucket *= by;
  cold_ *= by;
  shortest_ *= by;
}

double DistanceHistogram::total() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), cold_ + shortest_);
}

double DistanceHistogram::share_within(std::uint64_t distance) const {
  const double all = total();
  if (all <= 0) return 0;
  const std::size_t bucket = bucket_of(distance);
  double within =
      std::accumulate(buckets_.begin(), buckets_.begin() + static_cast<std::ptrdiff_t>(bucket), shortest_);
  const std::uint64_t begin = begin_of(bucket);
  const std::uint64_t width = begin_of(bucket + 1) - begin;
  const double part = static_cast<double>(std::min(distance - begin + 1, width)) / static_cast<double>(width);
  within += buckets_[bucket] * part;
  return std::clamp(within / all, 0.0, 1.0);
}

}  // namespace plimsoll
