// Where a shard's memory comes from and goes to: opening, sealing, evicting, emptying and returning segments.
#include <algorithm>
#include <cstring>
#include <utility>

#include "plimsoll/base/poison.h"
#include "plimsoll/cache/internal/shard.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

char* CacheShard::allocate(std::size_t length, bool evict) {
  writing_ = true;
  char* place = nullptr;
  for (int rounds = 0; rounds < kRounds; ++rounds) {
    if (room(open_) >= length) {
      place = reinterpret_cast<char*>(open_) + open_->used;
      open_->used += static_cast<std::uint32_t>(length);
      used_ += length;
      break;
    }
    place = take_hole(length);
    if (place != nullptr || !make_room(length, evict)) break;
  }
  writing_ = false;
  if (spare_ != nullptr) give_back(*std::exchange(spare_, nullptr));
  return place;
}

// What is over becomes a hole of its own.
char* CacheShard::take_hole(std::size_t length) {
  const Locator at = holes_.take(length);
  if (at == kNoLocator) return nullptr;
  Item& hole = item(at);
  char* place = reinterpret_cast<char*>(&hole);
  const std::size_t whole = hole.length(segments_.unit());
  unpoison(place, whole);
  if (whole > length) {
    auto* rest = new (place + length) Item{};
    rest->value_size = static_cast<std::uint32_t>(whole - length - sizeof(Item));
    bury(*rest);
  }
  return place;
}

void CacheShard::forget_holes(Segment& segment) {
  char* const begin = reinterpret_cast<char*>(&segment);
  for (std::size_t at = first_; at < segment.used;) {
    const Item& record = *reinterpret_cast<Item*>(begin + at);
    if (!record.live()) holes_.remove(segments_.locator_of(&record));
    at += record.length(segments_.unit());
  }
}

bool CacheShard::make_room(std::size_t length, bool evict) {
  if (spare_ != nullptr) {
    open(std::exchange(spare_, nullptr));
    return true;
  }
  if (std::optional<std::uint32_t> block = segments_.take()) {
    open(reinterpret_cast<Segment*>(segments_.begin_of(*block)));
    return true;
  }
  if (gain(evict)) return true;
  // Rather among those that stay than not at all.
  if (room(moved_) < length) return false;
  seal(open_);
  open_ = std::exchange(moved_, nullptr);
  return true;
}

void CacheShard::open(Segment* segment) {
  seal(open_);
  open_ = new (segment) Segment{};
  open_->used = first_;
}

void CacheShard::seal(Segment*& which) {
  Segment* segment = std::exchange(which, nullptr);
  if (segment == nullptr) return;
  if (segment->live == 0) {
    forget_holes(*segment);
    used_ -= segment->used - first_;
    give_back(*segment);
    return;
  }
  // What is left at its end is room for others.
  if (const std::size_t rest = room(segment); rest >= HoleList::kSmallestRest) {
    auto* hole = new (reinterpret_cast<char*>(segment) + segment->used) Item{};
    hole->value_size = static_cast<std::uint32_t>(rest - sizeof(Item));
    segment->used += static_cast<std::uint32_t>(rest);
    used_ += rest;
    bury(*hole);
  }
  if (segment->sealed_ms == 0) segment->sealed_ms = last_now_ms_;
  segments_.filled(segments_.block_of(segment));
  link_sealed(*segment);
}

void CacheShard::link_sealed(Segment& segment) {
  segment.sealed = true;
  segment.older = newest_;
  segment.newer = nullptr;
  (newest_ ? newest_->newer : oldest_) = &segment;
  newest_ = &segment;
}

void CacheShard::unseal(Segment& segment) {
  (segment.newer ? segment.newer->older : newest_) = segment.older;
  (segment.older ? segment.older->newer : oldest_) = segment.newer;
  segment.sealed = false;
}

void CacheShard::give_back(Segment& segment) {
  unpoison(&segment, segments_.block_size());
  segments_.give(segments_.block_of(&segment));
  given_back_ += Bytes(segments_.block_size());
}

void CacheShard::dispose(Segment& segment) {
  used_ -= segment.used - first_;
  segment.used = first_;
  if (!writing_ || spare_ != nullptr) return give_back(segment);
  unpoison(&segment, segments_.block_size());
  spare_ = &segment;
}

// What lives may leave no segment empty when it is moved, as where holes are shorter than what is written.
// Then something is given up before more is moved.
bool CacheShard::gain(bool evict) {
  if (!evict && is_hopeless()) return false;
  if (much_is_dead() && (in_vain_ < kMovesInVain || !evict)) {
    const Bytes before = given_back_;
    const bool emptied = empty_sparsest();
    in_vain_ = spare_ != nullptr || given_back_ > before ? 0 : in_vain_ + 1;
    dead_in_vain_ = used_ - live_;
    return emptied;
  }
  if (!evict) return false;
  in_vain_ = 0;
  return evict_batch();
}

// Where an eighth of what is held is dead, some nine segments' worth of moves win one, if what lives fits
// anywhere. It may not: of values of 11 KiB a segment of 64 KiB has five, and an eighth is left at its end
// for ever. Then nothing is moved before more has died.
bool CacheShard::is_hopeless() {
  dead_in_vain_ = std::min(dead_in_vain_, used_ - live_);
  if (in_vain_ < kMovesInVainAtMost) return false;
  if (used_ - live_ < dead_in_vain_ + segments_.block_size() / 8) return true;
  in_vain_ = 0;
  return false;
}

// A segment's worth and an eighth: as much as lives in the segment to be emptied finds a place among it. In a
// shard of few segments a quarter of all is enough.
bool CacheShard::much_is_dead() const {
  return used_ > live_ && used_ - live_ >= std::min(enough_, used_ / 4);
}

bool CacheShard::evict_batch() {
  const std::uint64_t wanted = segments_.block_size() / 8;
  const Bytes before = given_back_;
  std::uint64_t evicted = 0;
  const std::uint64_t packed = counters_.packed;
  // Packing takes its time, under the lock: the next write goes on with it.
  while (evicted < wanted && given_back_ == before && spare_ == nullptr &&
         counters_.packed < packed + kPackedAtOnce) {
    const std::uint64_t bytes = evict_one();
    if (bytes == 0) break;
    evicted += bytes;
  }
  return evicted > 0;
}

std::uint64_t CacheShard::evict_one() {
  Locator at = policy_->evict();
  while (at != kNoLocator && stays(at)) at = policy_->evict();
  if (at == kNoLocator) return 0;
  if (const std::uint64_t won = pack_victim(at); won > 0) return won;
  Item& record = item(at);
  const std::uint64_t bytes = record.length(segments_.unit());
  if (lower_ != nullptr) give_to_lower(at);
  index_.erase(static_cast<std::uint32_t>(hash_of(at)), at);
  discard(record, Removal::kEvicted);
  ++counters_.evicted;
  return bytes;
}

void CacheShard::give_to_lower(Locator at) {
  Item& record = item(at);
  const std::int64_t expires = record.expires_at_ms();
  if (record.has_no_bytes() || (expires != ByteCache::kNever && last_now_ms_ > expires)) return;
  Compressor::Buffer unpacked;  // a level may be read by who packs in another way
  if (record.packed()) {
    Result<Compressor::Buffer> value = options_.compressor.unpack(record.stored());
    if (!value) return;
    unpacked = std::move(*value);
  }
  lower_->evicted({.key = record.key(),
                   .hash = hash_of(at),
                   .value = unpacked ? unpacked.view() : record.stored(),
                   .expires_at_ms = expires,
                   .used = policy_->was_used(at)});
}

CacheShard::Segment* CacheShard::sparsest() {
  Segment* best = oldest_;
  for (Segment* segment = oldest_; segment != nullptr; segment = segment->newer) {
    if (dead_in(*segment) > dead_in(*best)) best = segment;
  }
  for (Segment** open : {&open_, &moved_}) {
    if (*open == nullptr || (best != nullptr && dead_in(**open) <= dead_in(*best))) continue;
    if ((*open)->live == 0) continue;
    best = *open;
  }
  if (best == open_ || best == moved_) {
    if (best != nullptr) seal(best == open_ ? open_ : moved_);
  }
  return best;
}

bool CacheShard::empty_sparsest() {
  Segment* best = sparsest();
  if (best == nullptr || dead_in(*best) == 0) return false;
  Segment& segment = *best;
  unseal(segment);
  forget_holes(segment);
  char* const begin = reinterpret_cast<char*>(&segment);
  const std::size_t end = segment.used;
  std::size_t front = first_;
  used_ -= end - first_;
  const std::uint32_t lived = segment.live;
  for (std::size_t at = first_; at < end;) {
    Item& record = *reinterpret_cast<Item*>(begin + at);
    const std::size_t length = record.length(segments_.unit());
    at += length;
    if (!record.live()) continue;
    if (char* to = place_for_moved(length)) {
      relocate(record, length, to);
      segment_of(to)->live += static_cast<std::uint32_t>(length);
      segment.live -= static_cast<std::uint32_t>(length);
    } else {
      relocate(record, length, begin + front);
      front += length;
    }
  }
  // Where holes do not suit what lives, more has to be dead before the next is worth its moves.
  enough_ = segment.live > lived / 4 ? std::min(enough_ * 2, std::max(used_ / 8, least_dead()))
                                     : std::max(enough_ / 2, least_dead());
  segment.used = static_cast<std::uint32_t>(front);
  used_ += front - first_;
  if (front == first_) {
    dispose(segment);
    return true;
  }
  unpoison(begin + front, segments_.block_size() - front);
  seal(moved_);
  moved_ = &segment;
  return true;
}

void CacheShard::look() {
  const bool same = looked_used_ == used_ && looked_live_ == live_;
  looks_at_rest_ = same ? std::min(looks_at_rest_ + 1, kLooksAtRest) : 0;
  squeezed_out_ = squeezed_out_ && same;
  looked_used_ = used_;
  looked_live_ = live_;
}

bool CacheShard::squeeze() {
  if (!wants_squeezing()) return false;
  const std::uint64_t enough = enough_;  // which is of a shard that is written to
  const std::uint64_t dead = used_ - live_;
  const bool emptied = empty_sparsest();
  enough_ = enough;
  looked_used_ = used_;
  looked_live_ = live_;
  squeezed_out_ = !emptied || used_ - live_ >= dead;
  return !squeezed_out_;
}

char* CacheShard::place_for_moved(std::size_t length) {
  if (char* hole = take_hole(length)) return hole;
  if (room(moved_) < length) return nullptr;
  char* place = reinterpret_cast<char*>(moved_) + moved_->used;
  moved_->used += static_cast<std::uint32_t>(length);
  used_ += length;
  return place;
}

void CacheShard::relocate(Item& from, std::size_t length, char* to) {
  if (reinterpret_cast<char*>(&from) == to) return;
  const Locator old = segments_.locator_of(&from);
  // What slides within its segment is overwritten before the index has its new place.
  const std::uint64_t hash = hash_of(old);
  const ReadVersions::Change change(versions(), hash);
  unpoison(to, length);
  std::memmove(to, &from, length);
  Item& record = *reinterpret_cast<Item*>(to);
  const Locator at = segments_.locator_of(to);
  index_.move(static_cast<std::uint32_t>(hash), old, at);
  policy_->moved(old, at);
  if (record.expires_at_ms() != ByteCache::kNever) wheel_.moved(at);
  ++counters_.relocated;
}

Bytes CacheShard::release_some(bool evict, bool pack) {
  const Bytes before = given_back_;
  may_pack_ = pack;
  for (int rounds = 0; rounds < kRounds && given_back_ == before; ++rounds) {
    if (gain(evict)) continue;
    // All that is left are open segments without an item.
    const bool empty = (open_ != nullptr && open_->live == 0) || (moved_ != nullptr && moved_->live == 0);
    if (!empty) break;
    seal(open_ != nullptr && open_->live == 0 ? open_ : moved_);
  }
  may_pack_ = true;
  return given_back_ - before;
}

}  // namespace plimsoll
