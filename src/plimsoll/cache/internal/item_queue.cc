#include "plimsoll/cache/internal/item_queue.h"

#include "plimsoll/base/check.h"

namespace plimsoll {

void ItemQueue::link(Locator item, Locator older, Locator newer) {
  Item& record = at(item);
  record.older = older;
  record.newer = newer;
  record.set_queue(number_);
  (older != kNoLocator ? at(older).newer : oldest_) = item;
  (newer != kNoLocator ? at(newer).older : newest_) = item;
  ++size_;
  bytes_ += weight(item);
}

void ItemQueue::unlink(Locator item) {
  Item& record = at(item);
  PLIMSOLL_DCHECK(record.queue() == number_ && size_ > 0, "item %u of queue %u in queue %u", item,
                  record.queue(), number_);
  (record.older != kNoLocator ? at(record.older).newer : oldest_) = record.newer;
  (record.newer != kNoLocator ? at(record.newer).older : newest_) = record.older;
  record.older = record.newer = kNoLocator;
  --size_;
  bytes_ -= weight(item);
}

void ItemQueue::moved(Locator from, Locator to) {
  const Item& record = at(to);
  PLIMSOLL_DCHECK(record.queue() == number_, "item %u was at %u", to, from);
  (record.older != kNoLocator ? at(record.older).newer : oldest_) = to;
  (record.newer != kNoLocator ? at(record.newer).older : newest_) = to;
  static_cast<void>(from);
}

void ItemQueue::replace(Locator from, Locator to) {
  const Locator older = at(from).older;
  const Locator newer = at(from).newer;
  unlink(from);
  link(to, older, newer);
}

void ItemQueue::reweighed(Locator item, std::uint64_t before) { bytes_ = bytes_ - before + weight(item); }

void ItemQueue::CheckInvariants() const {
  std::size_t items = 0;
  std::uint64_t bytes = 0;
  Locator older = kNoLocator;
  for (Locator item = oldest_; item != kNoLocator; item = newer(item)) {
    PLIMSOLL_CHECK(at(item).live() && at(item).queue() == number_ && at(item).older == older,
                   "item %u behind %u", item, older);
    older = item;
    ++items;
    bytes += weight(item);
    PLIMSOLL_CHECK(items <= size_, "more than %zu items", size_);
  }
  PLIMSOLL_CHECK(items == size_ && older == newest_, "%zu items of %zu", items, size_);
  PLIMSOLL_CHECK(bytes == bytes_, "%llu bytes of %llu", static_cast<unsigned long long>(bytes),
                 static_cast<unsigned long long>(bytes_));
}

}  // namespace plimsoll
