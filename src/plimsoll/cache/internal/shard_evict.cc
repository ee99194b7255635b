// Where a shard's memory comes from and goes to: opening, sealing, sweeping and returning segments.
#include <algorithm>
#include <cstring>

#include "plimsoll/base/poison.h"
#include "plimsoll/cache/internal/shard.h"

namespace plimsoll {

char* CacheShard::allocate(std::size_t length, std::int64_t now_ms, bool evict) {
  // Each round brings a block, or gives up a large value, or a good part of a segment: a few are enough.
  for (int rounds = 0; room() < length; ++rounds) {
    if (rounds == kRounds || !make_room(now_ms, evict)) return nullptr;
  }
  char* place = reinterpret_cast<char*>(open_) + open_->used;
  open_->used += static_cast<std::uint32_t>(length);
  return place;
}

bool CacheShard::make_room(std::int64_t now_ms, bool evict) {
  if (std::optional<std::uint32_t> block = segments_.take()) {
    if (open_ != nullptr) seal(now_ms);
    open_ = new (segments_.begin_of(*block)) Segment{};
    open_->used = first_;
    return true;
  }
  return (evict && evict_extent()) || sweep(choose_victim(evict));
}

void CacheShard::seal(std::int64_t now_ms) {
  Segment* segment = std::exchange(open_, nullptr);
  if (segment->live == 0) {
    give_back(*segment);
    return;
  }
  segment->sealed_ms = now_ms;
  segment->sealed_stamp = now();
  link_sealed(*segment);
}

void CacheShard::link_sealed(Segment& segment) {
  segment.sealed = true;
  segment.older = newest_;
  segment.newer = nullptr;
  (newest_ ? newest_->newer : oldest_) = &segment;
  newest_ = &segment;
  sealed_used_ += segment.used;
  sealed_live_ += segment.live;
}

void CacheShard::unseal(Segment& segment) {
  (segment.newer ? segment.newer->older : newest_) = segment.older;
  (segment.older ? segment.older->newer : oldest_) = segment.newer;
  sealed_used_ -= segment.used;
  sealed_live_ -= segment.live;
  segment.sealed = false;
}

void CacheShard::give_back(Segment& segment) {
  unpoison(&segment, segments_.block_size());
  segments_.give(segments_.block_of(&segment));
  given_back_ += Bytes(segments_.block_size());
}

// Dead records first: when they are more than an eighth, the segment with the most of them is emptied without
// a loss. Then the head of the queue, with the policy's word on what may go.
CacheShard::Victim CacheShard::choose_victim(bool evict) {
  if (sealed_used_ - sealed_live_ > sealed_used_ / 8) {
    Segment* sparsest = oldest_;
    for (Segment* segment = oldest_; segment != nullptr; segment = segment->newer) {
      if (segment->used - segment->live > sparsest->used - sparsest->live) sparsest = segment;
    }
    return {sparsest, kNeverOld};
  }
  if (!evict || oldest_ == nullptr) return {};
  const std::uint32_t bound = old_age();
  for (int passed = 0; passed < kPassedOver; ++passed) {
    collect_ages(*oldest_);
    auto old = std::count_if(ages_.begin(), ages_.end(), [&](std::uint32_t age) { return age >= bound; });
    if (static_cast<std::size_t>(old) * 5 >= ages_.size()) return {oldest_, bound};
    Segment& young = *oldest_;
    unseal(young);
    link_sealed(young);
  }
  // All in use: then the oldest quarter of the next one, so that work is bounded.
  collect_ages(*oldest_);
  auto at = ages_.begin() + static_cast<std::ptrdiff_t>(ages_.size() * 3 / 4);
  std::nth_element(ages_.begin(), at, ages_.end());
  return {oldest_, *at};
}

void CacheShard::collect_ages(const Segment& segment) {
  ages_.clear();
  const char* begin = reinterpret_cast<const char*>(&segment);
  for (std::size_t at = first_; at < segment.used;) {
    const Item& record = *reinterpret_cast<const Item*>(begin + at);
    if (record.live()) ages_.push_back(age_of(record.stamp));
    at += record.length(segments_.unit());
  }
}

std::uint32_t CacheShard::old_age() {
  std::uint32_t sample[32];
  std::size_t drawn = 0;
  for (int tries = 0; tries < 64 && drawn < 32; ++tries) {
    Locator at = index_.pick(random_());
    if (at != kNoLocator) sample[drawn++] = age_of(item(at).stamp);
  }
  return drawn == 0 ? 0 : policy_->evicted_age({sample, drawn});
}

bool CacheShard::sweep(const Victim& victim) {
  if (victim.segment == nullptr) return false;
  Segment& segment = *victim.segment;
  unseal(segment);
  char* const begin = reinterpret_cast<char*>(&segment);
  const std::size_t end = segment.used;
  std::size_t front = first_;
  for (std::size_t at = first_; at < end;) {
    Item& record = *reinterpret_cast<Item*>(begin + at);
    const std::size_t length = record.length(segments_.unit());
    at += length;
    if (!record.live()) continue;
    if (victim.age != kNeverOld && age_of(record.stamp) >= victim.age) {
      index_.erase(record.hash, segments_.locator_of(&record));
      retire(record);
      ++counters_.evicted;
    } else if (front == first_ && room() >= length) {
      relocate(record, length, reinterpret_cast<char*>(open_) + open_->used);
      open_->used += static_cast<std::uint32_t>(length);
      open_->live += static_cast<std::uint32_t>(length);
      segment.live -= static_cast<std::uint32_t>(length);
    } else {
      relocate(record, length, begin + front);
      front += length;
    }
  }
  if (front == first_) {
    give_back(segment);
    return true;
  }
  segment.used = static_cast<std::uint32_t>(front);
  unpoison(begin + front, segments_.block_size() - front);
  if (open_ != nullptr) seal(last_now_ms_);
  open_ = &segment;
  return true;
}

void CacheShard::relocate(Item& from, std::size_t length, char* to) {
  if (reinterpret_cast<char*>(&from) == to) return;
  const Locator old = segments_.locator_of(&from);
  unpoison(to, length);
  std::memmove(to, &from, length);
  Item& record = *reinterpret_cast<Item*>(to);
  const Locator at = segments_.locator_of(to);
  index_.move(record.hash, old, at);
  if (record.expires_at_ms() != Cache::kNever) wheel_.moved(at);
  if (record.large() && record.extent() != nullptr) record.extent()->item_ = at;
  ++counters_.relocated;
}

bool CacheShard::oldest_is_an_extent() const {
  if (oldest_extent_ == nullptr) return false;
  return oldest_ == nullptr || age_of(oldest_extent_->stamp_) >= age_of(oldest_->sealed_stamp);
}

bool CacheShard::evict_extent() {
  if (!oldest_is_an_extent()) return false;
  Extent* extent = extent_to_evict();
  if (extent == nullptr) return false;
  erase(extent->item_);
  ++counters_.evicted;
  return true;
}

// The least recently used one that is not being sent. One that is sent is in use: dropping it would give
// nothing back now, and left where it is it would be met again and again.
Extent* CacheShard::extent_to_evict() {
  for (int rounds = 0; oldest_extent_ != nullptr && rounds < kRounds; ++rounds) {
    if (oldest_extent_->pins_.load(std::memory_order_relaxed) == 0) return oldest_extent_;
    item(oldest_extent_->item_).stamp = now();
    renew(*oldest_extent_);
  }
  return nullptr;
}

Bytes CacheShard::release_some(bool evict) {
  const Bytes before = given_back_;
  for (int rounds = 0; rounds < kRounds && given_back_ == before; ++rounds) {
    if (evict && evict_extent()) continue;
    if (evict && oldest_ == nullptr && open_ != nullptr) seal(last_now_ms_);
    if (!sweep(choose_victim(evict))) break;
  }
  return given_back_ - before;
}

}  // namespace plimsoll
