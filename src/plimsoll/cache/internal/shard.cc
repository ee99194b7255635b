#include "plimsoll/cache/internal/shard.h"

#include <algorithm>

#include "plimsoll/base/poison.h"

namespace plimsoll {

thread_local const CacheShard* CacheShard::held_by_this_thread = nullptr;

CacheShard::CacheShard(SegmentStore& segments, SegmentStore& blocks, PolicyKind policy, std::uint64_t seed)
    : segments_(segments),
      first_(static_cast<std::uint32_t>(std::max(segments.unit(), std::size_t{64}))),
      index_(segments, blocks),
      wheel_(segments),
      policy_(make_policy(policy)),
      random_(seed) {}

CacheShard::~CacheShard() { clear(); }

Locator CacheShard::find(std::uint64_t hash, std::string_view key, std::int64_t now_ms) {
  last_now_ms_ = now_ms;
  Locator at = index_.find(hash, key);
  if (at == kNoLocator) return at;
  const std::int64_t expires = item(at).expires_at_ms();
  if (expires == Cache::kNever || now_ms <= expires) return at;
  erase(at);
  ++counters_.expired;
  return kNoLocator;
}

void CacheShard::touch(Locator at) {
  ++accesses_;
  if (at == kNoLocator) {
    ++counters_.misses;
    return;
  }
  ++counters_.hits;
  Item& record = item(at);
  record.stamp = now();
  if (record.large()) renew(*record.extent());
}

Locator CacheShard::write(const Write& w) {
  const bool expiring = w.expires_at_ms != Cache::kNever;
  const std::size_t stored = w.large ? sizeof(Extent*) : w.value_size;
  const std::size_t length = Item::length(w.key.size(), stored, expiring, segments_.unit());
  ++accesses_;
  last_now_ms_ = w.now_ms;
  if (Locator same = index_.find(w.hash, w.key); same != kNoLocator) {
    Item& record = item(same);
    if (!w.large && !record.large() && record.expiring() == expiring &&
        record.length(segments_.unit()) == length) {
      payload_ = payload_ + Bytes(w.value_size) - Bytes(record.value_size);
      record.value_size = w.value_size;
      record.stamp = now();
      if (expiring) schedule(same, w.expires_at_ms, w.now_ms);
      return same;
    }
  }
  char* place = allocate(length, w.now_ms, w.evict);
  if (place == nullptr) {
    ++counters_.refused;
    return kNoLocator;
  }
  Item& record = *reinterpret_cast<Item*>(place);
  record = {
      .value_size = w.value_size,
      .hash = static_cast<std::uint32_t>(w.hash),
      .stamp = now(),
      .key_size = static_cast<std::uint16_t>(w.key.size()),
      .flags = static_cast<std::uint8_t>((w.large ? Item::kLarge : 0) | (expiring ? Item::kExpiring : 0)),
      .wheel_slot = 0};
  if (expiring) *record.expiry() = {Cache::kNever, kNoLocator, kNoLocator};
  std::copy(w.key.begin(), w.key.end(), record.key_begin());
  if (w.large) record.set_extent(nullptr);
  Locator at = segments_.locator_of(place);
  if (!link_new(w, record, at)) {
    ++counters_.refused;
    return kNoLocator;
  }
  if (expiring) schedule(at, w.expires_at_ms, w.now_ms);
  return at;
}

// Puts a written record in the index, in the place of the one that it replaces. False: no memory for the
// index; the record stays behind as dead bytes.
bool CacheShard::link_new(const Write& w, Item& record, Locator at) {
  const auto length = static_cast<std::uint32_t>(record.length(segments_.unit()));
  const Locator old = index_.find(w.hash, w.key);
  if (old != kNoLocator) {
    index_.move(record.hash, old, at);
  } else if (!index_.insert(w.hash, at)) {
    return false;
  }
  record.flags |= Item::kLive;
  open_->live += length;
  payload_ += Bytes(record.key_size + record.value_size);
  ++counters_.inserted;
  if (old != kNoLocator) discard(item(old));
  return true;
}

void CacheShard::schedule(Locator at, std::int64_t expires_at_ms, std::int64_t now_ms) {
  ItemExpiry& expiry = *item(at).expiry();
  if (expiry.at_ms != Cache::kNever) wheel_.remove(at);
  expiry.at_ms = expires_at_ms;
  if (expires_at_ms != Cache::kNever) wheel_.add(at, now_ms);
}

void CacheShard::attach(Locator at, ExtentRef extent) {
  Item& record = item(at);
  extent->item_ = at;
  extent->stamp_ = now();
  extents_ += extent->charged();
  link_newest(*extent);
  record.set_extent(extent.release());
}

void CacheShard::resized(Locator at, Bytes charged_before) {
  Item& record = item(at);
  extents_ = extents_ + record.extent()->charged() - charged_before;
  payload_ = payload_ + Bytes(record.extent()->size()) - Bytes(record.value_size);
  record.value_size = static_cast<std::uint32_t>(record.extent()->size());
  record.stamp = now();
}

void CacheShard::retire(Item& record) {
  const auto length = static_cast<std::uint32_t>(record.length(segments_.unit()));
  if (record.expires_at_ms() != Cache::kNever) wheel_.remove(segments_.locator_of(&record));
  if (record.large()) {
    if (Extent* extent = record.extent()) {
      unlink(*extent);
      extents_ -= extent->charged();
      if (extent->pins_.load(std::memory_order_relaxed) == 0) given_back_ += extent->charged();
      ExtentRef(extent).reset();
    }
  }
  payload_ -= Bytes(record.key_size + record.value_size);
  record.flags &= static_cast<std::uint8_t>(~Item::kLive);
  Segment* segment = segment_of(&record);
  segment->live -= length;
  if (segment->sealed) sealed_live_ -= length;
  poison(&record + 1, length - sizeof(Item));
}

void CacheShard::discard(Item& record) {
  Segment* segment = segment_of(&record);
  retire(record);
  if (segment->live > 0) return;
  if (segment == open_) {
    unpoison(segment, segments_.block_size());
    open_->used = first_;
  } else {
    unseal(*segment);
    give_back(*segment);
  }
}

void CacheShard::erase(Locator at) {
  Item& record = item(at);
  index_.erase(record.hash, at);
  discard(record);
}

std::size_t CacheShard::expire(std::int64_t now_ms, std::size_t limit) {
  last_now_ms_ = now_ms;
  std::size_t dropped = 0;
  while (dropped < limit) {
    Locator at = wheel_.due(now_ms);
    if (at == kNoLocator) break;
    erase(at);
    ++dropped;
  }
  counters_.expired += dropped;
  return dropped;
}

void CacheShard::clear() {
  while (oldest_extent_ != nullptr) {
    Extent* extent = oldest_extent_;
    unlink(*extent);
    ExtentRef(extent).reset();
  }
  index_.clear();
  wheel_.clear();
  payload_ = extents_ = Bytes();
  while (oldest_ != nullptr) {
    Segment* segment = oldest_;
    unseal(*segment);
    give_back(*segment);
  }
  if (open_ != nullptr) give_back(*std::exchange(open_, nullptr));
}

void CacheShard::unlink(Extent& extent) {
  (extent.newer_ ? extent.newer_->older_ : newest_extent_) = extent.older_;
  (extent.older_ ? extent.older_->newer_ : oldest_extent_) = extent.newer_;
  extent.newer_ = extent.older_ = nullptr;
}

void CacheShard::renew(Extent& extent) {
  extent.stamp_ = now();
  unlink(extent);
  link_newest(extent);
}

void CacheShard::link_newest(Extent& extent) {
  extent.older_ = newest_extent_;
  extent.newer_ = nullptr;
  (newest_extent_ ? newest_extent_->newer_ : oldest_extent_) = &extent;
  newest_extent_ = &extent;
}

std::int64_t CacheShard::oldest_ms() const { return oldest_ ? oldest_->sealed_ms : 0; }

std::size_t CacheShard::memory_of(Locator at) const {
  Item& record = item(at);
  std::size_t bytes = record.length(segments_.unit()) + 8;  // and its share of the index
  return record.large() ? bytes + record.extent()->charged().count() : bytes;
}

void CacheShard::CheckInvariants() const {
  index_.CheckInvariants();
  std::uint64_t used = 0, live = 0, items = 0;
  Bytes payload, extents;
  auto walk = [&](const Segment* segment) {
    std::uint32_t sum = 0;
    const char* begin = reinterpret_cast<const char*>(segment);
    for (std::size_t at = first_; at < segment->used;) {
      auto* record = const_cast<Item*>(reinterpret_cast<const Item*>(begin + at));
      std::size_t length = record->length(segments_.unit());
      if (record->live()) {
        sum += static_cast<std::uint32_t>(length);
        ++items;
        payload += Bytes(record->key_size + record->value_size);
        if (record->large()) extents += record->extent()->charged();
      }
      at += length;
    }
    PLIMSOLL_CHECK(sum == segment->live, "%u live of %u", sum, segment->live);
  };
  for (const Segment* segment = oldest_; segment != nullptr; segment = segment->newer) {
    PLIMSOLL_CHECK(segment->sealed && segment->live > 0);
    walk(segment);
    used += segment->used;
    live += segment->live;
  }
  if (open_ != nullptr) walk(open_);
  PLIMSOLL_CHECK(used == sealed_used_ && live == sealed_live_);
  PLIMSOLL_CHECK(items == index_.size(), "%llu records, %zu in the index",
                 static_cast<unsigned long long>(items), index_.size());
  PLIMSOLL_CHECK(payload == payload_ && extents == extents_);
}

}  // namespace plimsoll
