// PatternTracker: which sizes a program asks for, and the size classes and magazines that fit them.
//
// No list of classes fits every program: sizes drawn evenly lose 11 % in four classes an octave, and a
// program with five sizes of objects needs five classes and loses nothing. The tracker counts how often each
// size was asked for; suggest() finds the classes that lose least, and no more of them than the goal needs,
// by dynamic programming over the sizes seen (as text is broken into lines: a class is a line, what it loses
// its raggedness).
//
//   PatternTracker tracker;
//   if (sampled()) tracker.record(size, 1024);            // this one stands for 1024
//   PatternSuggestion better = tracker.suggest({.current = classes});
//   if (better.saving() > 0.02) configure(better.sizes, better.capacities);
//
// Invariant: a suggestion's sizes grow strictly, are multiples of kGranule and end with kLargest; there is
// one capacity for each.
//
// Thread-safety: record() and all else from any thread; suggest() sees a recent state. Cost: record() two
// locked additions, so sample; 32 KiB; suggest() under 10 ms and 1 MiB with 2048 sizes. Limits: sizes up
// to 32 KiB, larger ones are only counted; what is asked for with an alignment needs classes that are
// multiples of it, of which the last is always one. Errors: none. Ownership: values.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"

namespace plimsoll {

// Of a list of classes, for the sizes that were recorded.
struct PatternLoss {
  Bytes requested;
  Bytes lost;  // to rounding, and at the ends of slabs
  double share() const { return ratio(lost, requested + lost); }
};

struct PatternSuggestion {
  std::vector<std::size_t> sizes;
  std::vector<std::uint32_t> capacities;  // of a thread, of each class
  PatternLoss before;                     // with the current classes; nothing lost where there are none
  PatternLoss after;

  // Of the memory for what was recorded: how much less it would be.
  double saving() const;
};

class PatternTracker {
 public:
  static constexpr std::size_t kGranule = 16;
  static constexpr std::size_t kLargest = std::size_t{32} * 1024;
  static constexpr std::size_t kMostClasses = 64;

  struct Options {
    std::size_t max_classes = kMostClasses;
    double waste_goal = 0.02;                // share of memory; classes stop where it is reached
    Bytes slab = 64_KiB;                     // that classes are cut from; 0: its end does not count
    std::uint32_t most_in_magazines = 128;   // objects of a class, for one thread
    Bytes most_bytes_in_magazines = 64_KiB;  // the same, in bytes, but for two objects
    std::vector<std::size_t> current{};      // growing; to compare with

    Result<void> Validate() const;
  };
  struct Stats {
    std::uint64_t recorded = 0;  // allocations
    std::uint64_t larger = 0;    // of those, above kLargest
    Bytes bytes;                 // of those up to kLargest
    std::size_t sizes = 0;       // different ones, to kGranule
  };

  // `count` allocations of `size` bytes.
  void record(std::size_t size, std::uint64_t count = 1) noexcept;
  // Halves all counts, so that what is new weighs more. Call every so often.
  void age() noexcept;

  // With nothing recorded: the one class kLargest. REQUIRES: valid options.
  PatternSuggestion suggest(const Options& options) const;
  // What a list of growing classes loses. Sizes above its last do not count. `slab` as in Options.
  PatternLoss loss_of(const std::vector<std::size_t>& classes, Bytes slab = 64_KiB) const;

  Stats stats() const;
  void Describe(StatSink& sink) const;

 private:
  static constexpr std::size_t kSizes = kLargest / kGranule + 1;

  // By the size rounded up to kGranule; all relaxed: statistics.
  std::array<std::atomic<std::uint64_t>, kSizes> counts_{};
  std::array<std::atomic<std::uint64_t>, kSizes> bytes_{};
  std::atomic<std::uint64_t> larger_{0};
};

}  // namespace plimsoll
