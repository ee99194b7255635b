#include "plimsoll/budget/tally.h"

#include <bit>

namespace plimsoll {
namespace {

// Cells that no thread has, a bit each.
std::atomic<std::uint32_t> free_cells{(1U << Tally::kOwn) - 1};

}  // namespace

constinit thread_local unsigned Tally::thread_cell = Tally::kUnknown;

// A thread's right to its cells, until it ends.
struct Tally::Claim {
  Claim() {
    std::uint32_t free = free_cells.load(std::memory_order_relaxed);
    while (free != 0) {
      const auto lowest = static_cast<unsigned>(std::countr_zero(free));
      // acquire: pairs with the release below, so that this thread goes on from what the last one wrote.
      if (free_cells.compare_exchange_weak(free, free & ~(1U << lowest), std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
        cell = lowest;
        break;
      }
    }
    thread_cell = cell;
  }
  ~Claim() {
    // Whatever this thread still charges while it ends goes to the shared cell.
    thread_cell = kShared;
    if (cell < kOwn) free_cells.fetch_or(1U << cell, std::memory_order_release);
  }
  unsigned cell = kShared;
};

void Tally::add_elsewhere(std::uint64_t n) noexcept {
  if (thread_cell == kUnknown) {
    static thread_local const Claim claim;
    static_cast<void>(claim);
    if (thread_cell < kOwn) return add(n);
  }
  cells_[kShared].count.fetch_add(n, std::memory_order_relaxed);
}

std::uint64_t Tally::total() const noexcept {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.count.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace plimsoll
