// ExpiryWheel: the items of a shard by the time they expire, without looking at those that do not.
//
// A hierarchical timing wheel (Varghese and Lauck, SOSP 1987): four levels of 64 slots, a tick of 64 ms, so
// 12 days ahead; what is later waits in the last slot. The lists run through the items themselves
// (ItemExpiry), so that an item that is overwritten or relocated leaves nothing behind. Invariant: every item
// with an expiry other than never is in exactly one slot, which the first of its list names. Thread-safety:
// its shard's lock. Cost: O(1) an operation; 1 KiB a shard.
#pragma once

#include <array>
#include <cstdint>

#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/segment_store.h"

namespace plimsoll {

class ExpiryWheel {
 public:
  explicit ExpiryWheel(const SegmentStore& items) : items_(items) {}

  void add(Locator item, std::int64_t now_ms);  // REQUIRES: it is expiring, at a time
  void remove(Locator item);                    // REQUIRES: it was added
  void moved(Locator to);                       // its bytes were copied to `to` from elsewhere
  // An item whose time has come, or kNoLocator; call again after removing it.
  Locator due(std::int64_t now_ms);
  std::size_t size() const { return size_; }
  void clear();

 private:
  static constexpr std::size_t kSlots = 64;
  static constexpr std::size_t kLevels = 4;
  static constexpr std::int64_t kTickMs = 64;
  static constexpr std::int64_t kAhead = std::int64_t{1} << (6 * kLevels);  // ticks that the levels cover

  Item& at(Locator item) const { return *reinterpret_cast<Item*>(items_.at(item)); }
  std::size_t slot_for(std::int64_t tick) const;
  void link(Locator item, std::size_t slot);
  void cascade(std::size_t level);
  void jump_to(std::int64_t tick);

  const SegmentStore& items_;
  std::array<Locator, kSlots * kLevels> heads_{};
  std::int64_t tick_ = 0;  // ticks up to and with this one are due
  std::size_t size_ = 0;
};

}  // namespace plimsoll
