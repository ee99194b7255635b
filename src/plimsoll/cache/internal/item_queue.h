// ItemQueue: an ordered list of a shard's records through the two locators in each header.
//
// Why: four bytes a link instead of a pointer's eight, and nothing beside the record to allocate or to lose.
// Invariant: size() and bytes() are those of the records between oldest() and newest(); a record's queue
// number is this queue's while it is in it.
//
// Thread-safety: its shard's lock. Cost: constant; the two neighbours' headers are touched. Limits: 2^32
// records. Errors: none. Ownership: none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/segment_store.h"

namespace plimsoll {

class ItemQueue {
 public:
  // `number` 0..3 tells a policy's queues apart.
  ItemQueue(const SegmentStore& items, std::uint8_t number) : items_(&items), number_(number) {}

  void push_newest(Locator item) { link(item, newest_, kNoLocator); }
  void push_oldest(Locator item) { link(item, kNoLocator, oldest_); }
  void insert_newer_than(Locator where, Locator item) { link(item, where, newer(where)); }
  void unlink(Locator item);
  // The record was copied from `from` to `to`, links and all.
  void moved(Locator from, Locator to);
  // `to` takes the place of `from`, which leaves.
  void replace(Locator from, Locator to);
  // The weight of an item that is in the queue changed from `before`.
  void reweighed(Locator item, std::uint64_t before);

  // Those that are written when it is unlinked.
  void prefetch_neighbours(Locator item) const {
    __builtin_prefetch(items_->at(older(item)), 1);
    __builtin_prefetch(items_->at(newer(item)), 1);
  }

  bool empty() const { return oldest_ == kNoLocator; }
  Locator oldest() const { return oldest_; }
  Locator newest() const { return newest_; }
  Locator newer(Locator item) const { return at(item).newer; }
  Locator older(Locator item) const { return at(item).older; }
  std::size_t size() const { return size_; }
  std::uint64_t bytes() const { return bytes_; }  // the sum of the items' weights
  std::uint8_t number() const { return number_; }
  Item& at(Locator item) const { return *reinterpret_cast<Item*>(items_->at(item)); }
  std::uint64_t weight(Locator item) const { return at(item).weight(items_->unit()); }
  void CheckInvariants() const;

 private:
  void link(Locator item, Locator older, Locator newer);

  const SegmentStore* items_;
  std::uint8_t number_;
  Locator oldest_ = kNoLocator;
  Locator newest_ = kNoLocator;
  std::size_t size_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace plimsoll
