#include "plimsoll/base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace plimsoll {

// All counters are statistics: nothing is published through them, so every order here is relaxed.
constexpr auto kRelaxed = std::memory_order_relaxed;

std::size_t Histogram::bucket_of(std::uint64_t value) {
  value = std::min(value, kMaxValue);
  if (value < kSubBuckets) return static_cast<std::size_t>(value);
  std::size_t octave = static_cast<std::size_t>(std::bit_width(value)) - 5;  // 16..31 is octave 0
  std::size_t within = static_cast<std::size_t>(value >> octave) - kSubBuckets;
  return kSubBuckets * (octave + 1) + within;
}

std::uint64_t Histogram::upper_bound_of(std::size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  std::size_t octave = bucket / kSubBuckets - 1;
  std::uint64_t within = bucket % kSubBuckets + kSubBuckets;
  return ((within + 1) << octave) - 1;
}

void Histogram::add(std::uint64_t value) {
  buckets_[bucket_of(value)].fetch_add(1, kRelaxed);
  sum_.fetch_add(value, kRelaxed);
  std::uint64_t seen = max_.load(kRelaxed);
  while (value > seen && !max_.compare_exchange_weak(seen, value, kRelaxed)) {
  }
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(kRelaxed);
  return total;
}

double Histogram::mean() const {
  std::uint64_t n = count();
  return n == 0 ? 0.0 : static_cast<double>(sum()) / static_cast<double>(n);
}

std::uint64_t Histogram::quantile(double quantile) const {
  std::uint64_t total = count();
  if (total == 0) return 0;
  double clamped = std::clamp(quantile, 0.0, 1.0);
  auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(clamped * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(kRelaxed);
    if (seen >= rank) return i + 1 == kBuckets ? max() : std::min(upper_bound_of(i), max());
  }
  return max();
}

std::uint64_t Histogram::count_at_most(std::uint64_t bound) const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kBuckets && upper_bound_of(i) <= bound; ++i)
    total += buckets_[i].load(kRelaxed);
  return total;
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    buckets_[i].fetch_add(other.buckets_[i].load(kRelaxed), kRelaxed);
  }
  sum_.fetch_add(other.sum(), kRelaxed);
  std::uint64_t seen = max_.load(kRelaxed);
  while (other.max() > seen && !max_.compare_exchange_weak(seen, other.max(), kRelaxed)) {
  }
}

void Histogram::reset() {
  for (auto& bucket : buckets_) bucket.store(0, kRelaxed);
  sum_.store(0, kRelaxed);
  max_.store(0, kRelaxed);
}

}  // namespace plimsoll
