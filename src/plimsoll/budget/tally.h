// Tally: a count that many threads add to on their hottest paths, read now and then.
//
// Each thread has a cell of its own and adds to it by a load and a store, which is why: an atomic addition to
// a counter that all threads share would cost as much again as what is counted (a charge). After the
// per-processor counters of kernels (McKenney, "Is Parallel Programming Hard", chapter 5). Threads beyond
// kOwn share one cell, by atomic additions. Invariant: what a thread has added is in total() from then on,
// also when the thread has ended and another has its cell.
//
// Thread-safety: add() and total() from any thread. Cost: add() about a nanosecond; total() reads 16 lines of
// cache. Limits: 1 KiB; wraps at 2^64. Errors: none. Ownership: none; a thread gives its cells back when it
// ends.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "plimsoll/base/thread_place.h"

namespace plimsoll {

class Tally {
  using Place = ThreadPlace<Tally, 15, 1>;

 public:
  static constexpr unsigned kOwn = Place::kOwn;  // threads with a cell of their own

  Tally() = default;
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  void add(std::uint64_t n) noexcept {
    const unsigned cell = Place::known();
    if (cell >= kOwn) [[unlikely]]
      return add_elsewhere(n);
    // Relaxed, and no addition: nobody else writes to this thread's cell.
    std::atomic<std::uint64_t>& mine = cells_[cell].count;
    mine.store(mine.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t total() const noexcept;

 private:
  static constexpr unsigned kShared = kOwn;
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> count{0};
  };

  void add_elsewhere(std::uint64_t n) noexcept;

  std::array<Cell, Place::kPlaces> cells_;
};

}  // namespace plimsoll
