// HoleList: the dead records of a shard by their length, so that a new one of that length can take their
// place.
//
// Why: most caches have many values of few lengths, and one evicted makes room for the next without moving
// anything; a log that is only appended to moves several records for each it wins when it is nearly full.
// Lists run through the dead records' own headers. Invariant: every dead record of the shard is in the list
// of its length.
//
// Thread-safety: its shard's lock. Cost: constant; 1 KiB. Limits: those of 255 units and more share one list,
// of which eight are looked at. Errors: none. Ownership: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/segment_store.h"

namespace plimsoll {

class HoleList {
 public:
  // What is left over of a hole is worth keeping from here on: shorter ones would never be used again.
  static constexpr std::size_t kSmallestRest = 32;

  explicit HoleList(const SegmentStore& items) : items_(items) {}

  void add(Locator dead);
  void remove(Locator dead);
  // Takes out a hole of exactly `length`, or of as much more as makes another; kNoLocator without one.
  Locator take(std::size_t length);
  void clear();

  std::size_t size() const { return size_; }
  std::uint64_t bytes() const { return bytes_; }
  void CheckInvariants() const;

 private:
  static constexpr std::size_t kClasses = 256;  // the last has all longer ones
  static constexpr int kTries = 8;

  Item& at(Locator dead) const { return *reinterpret_cast<Item*>(items_.at(dead)); }
  std::size_t class_of(std::size_t length) const;
  std::size_t next_class(std::size_t from) const;  // that is not empty; kClasses without one
  Locator fitting(std::size_t number, std::size_t length) const;

  const SegmentStore& items_;
  std::array<Locator, kClasses> heads_{};
  std::array<std::uint64_t, kClasses / 64> filled_{};  // a bit a class
  std::size_t size_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace plimsoll
