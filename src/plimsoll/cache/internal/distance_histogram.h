// DistanceHistogram: how many reads came back at which distance, as shares of all that were counted.
//
// Buckets are a 32nd of their octave wide, so a distance is known to 3 %; within one, reads are taken to be
// spread evenly. All counts can be scaled at once: when the sampling rate changes (SHARDS, Waldspurger et
// al., FAST 2015), or to let what is past fade.
//
// Invariant: total() is the sum of all buckets and of those that never came back.
//
// Thread-safety: its owner's lock. Cost: an addition a read; 10 KiB. Limits: distances to 2^44. Errors: none.
#pragma once

#include <array>
#include <cstdint>

namespace plimsoll {

class DistanceHistogram {
 public:
  void add(std::uint64_t distance) { add(distance, 1); }
  void add_cold() { cold_ += 1; }
  // Makes the total what it should be, as the reads of hot keys are what a sample has too many or too few of
  // (the paper's adjustment): the difference goes to the shortest distance. Where the true share within one
  // distance is known, `known_share` not below zero, all others are scaled so that it is that one: a sample
  // that has too few keys altogether is not one that lacks hot keys.
  void adjust_to(double total, std::uint64_t distance = 0, double known_share = -1);
  void scale(double by);
  void clear() { *this = DistanceHistogram(); }

  double total() const;
  // The share of reads that came back within `distance`.
  double share_within(std::uint64_t distance) const;

 private:
  static constexpr unsigned kSteps = 32;  // an octave
  static constexpr unsigned kOctaves = 40;
  static constexpr std::size_t kBuckets = std::size_t{kSteps} * kOctaves;

  void add(std::uint64_t distance, double count) { buckets_[bucket_of(distance)] += count; }
  static std::size_t bucket_of(std::uint64_t distance);
  static std::uint64_t begin_of(std::size_t bucket);

  std::array<double, kBuckets> buckets_{};
  double cold_ = 0;
  double shortest_ = 0;  // of the adjustment; may be below zero
};

}  // namespace plimsoll
