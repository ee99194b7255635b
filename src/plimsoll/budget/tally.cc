#include "plimsoll/budget/tally.h"

namespace plimsoll {

void Tally::add_elsewhere(std::uint64_t n) noexcept {
  if (Place::known() == Place::kUnknown && Place::here() < kOwn) return add(n);
  cells_[kShared].count.fetch_add(n, std::memory_order_relaxed);
}

std::uint64_t Tally::total() const noexcept {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.count.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace plimsoll
