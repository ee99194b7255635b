#include "plimsoll/cache/internal/shadow_cache.h"

#include <algorithm>
#include <limits>

#include "plimsoll/base/check.h"

namespace plimsoll {

ShadowCache::ShadowCache(const AdaptiveMode& mode, bool by_size)
    : mode_(mode), table_(std::make_unique<Table>()), order_(Records{table_.get()}, by_size) {}

bool ShadowCache::access(std::uint32_t tag, std::uint64_t weight) {
  if (const Id item = find(tag); item != 0) {
    Entry& entry = table_->entries[item];
    if (entry.frequency < mode_.uses) ++entry.frequency;
    return true;
  }
  const auto stored =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(weight, std::numeric_limits<std::uint32_t>::max()));
  if (stored > capacity_) return false;
  while (order_.weight() + stored > capacity_ || order_.size() >= kMostItems) {
    const Id victim = order_.evict(mode_);
    if (victim == 0) return false;
    give(victim);
  }
  order_.insert(take(tag, stored), hash_of(tag), mode_);
  return false;
}

void ShadowCache::erase(std::uint32_t tag) {
  const Id item = find(tag);
  if (item == 0) return;
  order_.unlink(item);
  give(item);
}

ShadowCache::Id& ShadowCache::place_of(std::uint32_t tag) {
  return table_->places[((hash_of(tag) >> 32) * table_->places.size()) >> 32];
}

ShadowCache::Id ShadowCache::find(std::uint32_t tag) {
  Id item = place_of(tag);
  while (item != 0 && table_->entries[item].tag != tag) item = table_->entries[item].next;
  return item;
}

ShadowCache::Id ShadowCache::take(std::uint32_t tag, std::uint32_t weight) {
  std::vector<Entry>& entries = table_->entries;
  Id item = table_->free;
  if (item != 0) {
    table_->free = entries[item].next;
  } else {
    item = static_cast<Id>(entries.size());
    entries.emplace_back();
    if (entries.size() > table_->places.size()) {
      table_->places.assign(entries.size() * 2, 0);
      // All but the new one are in use, as none was free.
      for (Id other = 1; other < item; ++other) {
        Id& place = place_of(entries[other].tag);
        entries[other].next = place;
        place = other;
      }
    }
  }
  Id& place = place_of(tag);
  entries[item] = {
      .tag = tag, .weight = weight, .older = 0, .newer = 0, .next = place, .queue = 0, .frequency = 0};
  place = item;
  return item;
}

void ShadowCache::give(Id item) {
  std::vector<Entry>& entries = table_->entries;
  Id* link = &place_of(entries[item].tag);
  while (*link != item) link = &entries[*link].next;
  *link = entries[item].next;
  entries[item].next = table_->free;
  table_->free = item;
}

Bytes ShadowCache::memory() const {
  return Bytes(sizeof *this + sizeof(Table) + table_->entries.capacity() * sizeof(Entry) +
               table_->places.capacity() * sizeof(Id)) +
         order_.memory();
}

void ShadowCache::CheckInvariants() const {
  order_.CheckInvariants();
  std::size_t items = 0;
  for (Id item : table_->places) {
    for (; item != 0; item = table_->entries[item].next) ++items;
  }
  PLIMSOLL_CHECK(items == order_.size(), "%zu items in the table, %zu in order", items, order_.size());
}

void ShadowCache::Queue::push_newest(Id item) {
  Entry& entry = table_->entries[item];
  entry.queue = number_;
  entry.older = newest_;
  entry.newer = 0;
  (newest_ != 0 ? table_->entries[newest_].newer : oldest_) = item;
  newest_ = item;
  ++size_;
  weight_ += entry.weight;
}

void ShadowCache::Queue::unlink(Id item) {
  Entry& entry = table_->entries[item];
  (entry.older != 0 ? table_->entries[entry.older].newer : oldest_) = entry.newer;
  (entry.newer != 0 ? table_->entries[entry.newer].older : newest_) = entry.older;
  --size_;
  weight_ -= entry.weight;
}

void ShadowCache::Queue::CheckInvariants() const {
  std::size_t items = 0;
  std::uint64_t weight = 0;
  for (Id item = oldest_; item != 0; item = table_->entries[item].newer) {
    ++items;
    weight += table_->entries[item].weight;
    PLIMSOLL_CHECK(items <= size_ && table_->entries[item].queue == number_, "item %u", unsigned{item});
  }
  PLIMSOLL_CHECK(items == size_ && weight == weight_, "%zu items of %zu", items, size_);
}

}  // namespace plimsoll
