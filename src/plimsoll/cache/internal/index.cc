#include "plimsoll/cache/internal/index.h"

#include <algorithm>
#include <bit>
#include <span>

#include "plimsoll/base/vector.h"

namespace plimsoll {
namespace {

std::uint16_t tag_of(std::uint64_t hash) { return static_cast<std::uint16_t>(hash >> 48); }

std::uint32_t reverse_bits(std::uint32_t v) {
  v = ((v >> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  return __builtin_bswap32(v);
}

Item* item_at(const SegmentStore& items, Locator locator) {
  return reinterpret_cast<Item*>(items.at(locator));
}

}  // namespace

std::size_t ItemIndex::bucket_of(std::uint32_t hash) const {
  std::size_t number = hash & ((std::size_t{2} << level_) - 1);
  return number < buckets_ ? number : number & ((std::size_t{1} << level_) - 1);
}

// How many low bits of the hash the bucket stands for: one more where it was split already in this round.
unsigned ItemIndex::bits_of(std::size_t bucket) const {
  std::size_t round = std::size_t{1} << level_;
  return bucket >= round || bucket + round < buckets_ ? level_ + 1 : level_;
}

void ItemIndex::BlockList::push_back(Bucket* block) {
  if (array_ == nullptr || size_ == array_->capacity) {
    constexpr std::size_t kFirst = 16;
    Array& next = *arrays_.emplace_back(std::make_unique<Array>(array_ ? 2 * array_->capacity : kFirst));
    for (std::size_t i = 0; i < size_; ++i) next.begin[i] = array_->begin[i];
    // release: pairs with racing_at(), which looks into it.
    __atomic_store_n(&array_, &next, __ATOMIC_RELEASE);
  }
  __atomic_store_n(&array_->begin[size_++], block, __ATOMIC_RELEASE);
}

bool ItemIndex::add_block(BlockList& list) {
  std::optional<std::uint32_t> block = blocks_.take();
  if (!block) return false;
  list.push_back(reinterpret_cast<Bucket*>(blocks_.begin_of(*block)));
  return true;
}

void ItemIndex::give_blocks(BlockList& list, std::size_t keep) {
  while (list.size() > keep) {
    blocks_.give(blocks_.block_of(list.back()));
    list.pop_back();
  }
}

Locator ItemIndex::find(std::uint64_t hash, std::string_view key) const {
  if (buckets_ == 0) return kNoLocator;
  const std::uint16_t tag = tag_of(hash);
  for (const Bucket* b = &bucket(bucket_of(static_cast<std::uint32_t>(hash)));; b = &chained(b->overflow)) {
    for (std::uint32_t mask = matches(std::span<const std::uint16_t, kSlots>(b->tags), tag); mask != 0;
         mask &= mask - 1) {
      const Locator item = b->items[std::countr_zero(mask)];
      // Slots that are empty have old tags.
      if (item != kNoLocator && item_at(items_, item)->key() == key) return item;
    }
    if (b->overflow == 0) return kNoLocator;
  }
}

std::uint32_t ItemIndex::take_chained() {
  if (free_chained_ != 0) {
    std::uint32_t number = free_chained_;
    free_chained_ = chained(number).overflow;
    chained(number).overflow = 0;
    return number;
  }
  if (used_chained_ == chains_.size() * per_block() && !add_block(chains_)) return 0;
  return ++used_chained_;
}

bool ItemIndex::add(Bucket& head, std::uint16_t tag, Locator item) {
  Bucket* b = &head;
  while (b->overflow != 0) b = &chained(b->overflow);
  std::size_t slot = 0;
  while (slot < kSlots && b->items[slot] != kNoLocator) ++slot;
  if (slot == kSlots) {
    std::uint32_t number = take_chained();
    if (number == 0) return false;
    b->overflow = number;
    b = &chained(number);
    slot = 0;
  }
  b->items[slot] = item;
  b->tags[slot] = tag;
  return true;
}

bool ItemIndex::insert(std::uint64_t hash, Locator item) {
  // Growing is for speed: when there is no memory for it, chains get longer and the insert goes on.
  if (size_ >= buckets_ * kFill && !grow() && buckets_ == 0) return false;
  const ReadVersions::Change change(versions_, hash);
  if (!add(bucket(bucket_of(static_cast<std::uint32_t>(hash))), tag_of(hash), item)) return false;
  ++size_;
  return true;
}

bool ItemIndex::contains(std::uint32_t hash, Locator item) const {
  if (buckets_ == 0) return false;
  for (const Bucket* b = &bucket(bucket_of(hash));; b = &chained(b->overflow)) {
    if (matches(std::span<const Locator, kSlots>(b->items), item) != 0) return true;
    if (b->overflow == 0) return false;
  }
}

std::pair<ItemIndex::Bucket*, std::size_t> ItemIndex::place_of(std::uint32_t hash, Locator item) const {
  for (Bucket* b = &bucket(bucket_of(hash));; b = &chained(b->overflow)) {
    const std::uint32_t mask = matches(std::span<const Locator, kSlots>(b->items), item);
    if (mask != 0) return {b, static_cast<std::size_t>(std::countr_zero(mask))};
    PLIMSOLL_CHECK(b->overflow != 0, "item %u is not in the index", item);
  }
}

void ItemIndex::move(std::uint32_t hash, Locator from, Locator to) {
  auto [b, slot] = place_of(hash, from);
  const ReadVersions::Change change(versions_, hash);
  b->items[slot] = to;
}

void ItemIndex::erase(std::uint32_t hash, Locator item) {
  {
    const ReadVersions::Change change(versions_, hash);
    take_out(hash, item);
  }
  --size_;
  if (size_ + kFill < buckets_ * kFill / 2) shrink();
}

void ItemIndex::take_out(std::uint32_t hash, Locator item) {
  auto [b, slot] = place_of(hash, item);
  // The last item of the chain fills the hole, and a chained bucket that becomes empty is freed.
  Bucket* before_last = nullptr;
  Bucket* last = b;
  for (; last->overflow != 0; last = &chained(last->overflow)) before_last = last;
  std::size_t end = kSlots;
  while (last->items[end - 1] == kNoLocator) --end;
  b->items[slot] = last->items[end - 1];
  b->tags[slot] = last->tags[end - 1];
  last->items[end - 1] = kNoLocator;
  if (end == 1 && last != &bucket(bucket_of(hash))) {
    if (before_last == nullptr) {  // `b` is the last itself: find who points at it
      before_last = &bucket(bucket_of(hash));
      while (&chained(before_last->overflow) != last) before_last = &chained(before_last->overflow);
    }
    drop_chain(*before_last);
  }
}

// Frees all buckets chained behind `head`.
void ItemIndex::drop_chain(Bucket& head) {
  std::uint32_t number = head.overflow;
  head.overflow = 0;
  while (number != 0) {
    Bucket& b = chained(number);
    std::uint32_t next = b.overflow;
    b = Bucket{};
    b.overflow = free_chained_;
    free_chained_ = number;
    number = next;
  }
}

std::vector<std::pair<Locator, std::uint16_t>> ItemIndex::contents(const Bucket& head) const {
  std::vector<std::pair<Locator, std::uint16_t>> all;
  all.reserve(2 * kSlots);
  for (const Bucket* b = &head;; b = &chained(b->overflow)) {
    for (std::size_t i = 0; i < kSlots && b->items[i] != kNoLocator; ++i)
      all.emplace_back(b->items[i], b->tags[i]);
    if (b->overflow == 0) return all;
  }
}

std::uint32_t ItemIndex::hash_of(Locator item) const {
  return static_cast<std::uint32_t>(hash_(item_at(items_, item)->key()));
}

bool ItemIndex::grow() {
  if (buckets_ == table_.size() * per_block() && !add_block(table_)) return false;
  if (buckets_ == 0) {
    buckets_ = kFewest;
    level_ = kLowestLevel;
    return true;
  }
  std::size_t round = std::size_t{1} << level_;
  Bucket& from = bucket(buckets_ - round);
  // Both halves are chains of at most the old one's length, so the buckets that splitting frees are enough
  // but for one.
  const std::vector<std::pair<Locator, std::uint16_t>> all = contents(from);
  std::size_t stay = 0;
  std::vector<bool> moves(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    moves[i] = (hash_of(all[i].first) & round) != 0;
    stay += !moves[i];
  }
  auto chained_needed = [](std::size_t n) { return n == 0 ? 0 : (n - 1) / kSlots; };
  if (chained_needed(stay) + chained_needed(all.size() - stay) > chained_needed(all.size())) return false;
  const ReadVersions::Change change(versions_, buckets_);  // both buckets are of its stripe
  drop_chain(from);
  std::fill(std::begin(from.items), std::end(from.items), kNoLocator);
  Bucket& to = bucket(buckets_);
  to = Bucket{};
  ++buckets_;
  if (buckets_ == 2 * round) ++level_;
  for (std::size_t i = 0; i < all.size(); ++i)
    PLIMSOLL_CHECK(add(moves[i] ? to : from, all[i].second, all[i].first));
  return true;
}

void ItemIndex::shrink() {
  if (buckets_ <= kFewest) return;
  // Two chains made one need at most one bucket more than they have; when there is none to be had, the table
  // stays.
  if (free_chained_ == 0 && used_chained_ == chains_.size() * per_block() && !add_block(chains_)) return;
  const ReadVersions::Change change(versions_, buckets_ - 1);  // as in grow()
  if (buckets_ == std::size_t{1} << level_) --level_;
  --buckets_;
  Bucket& last = bucket(buckets_);
  Bucket& into = bucket(buckets_ - (std::size_t{1} << level_));
  std::vector<std::pair<Locator, std::uint16_t>> all = contents(last);
  drop_chain(last);
  last = Bucket{};
  std::size_t added = 0;
  while (added < all.size() && add(into, all[added].second, all[added].first)) ++added;
  PLIMSOLL_CHECK(added == all.size(), "%zu of %zu", added, all.size());
  if (buckets_ % per_block() == 0) give_blocks(table_, buckets_ / per_block());
}

void ItemIndex::clear() {
  give_blocks(table_, 0);
  give_blocks(chains_, 0);
  free_chained_ = used_chained_ = 0;
  buckets_ = size_ = 0;
  level_ = 0;
}

std::uint64_t ItemIndex::visit_bucket(std::uint64_t position,
                                      const std::function<void(Locator)>& visit) const {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
  if (buckets_ == 0 || position >= kEnd) return kEnd;
  std::size_t number = bucket_of(reverse_bits(static_cast<std::uint32_t>(position)));
  for (const Bucket* b = &bucket(number);; b = &chained(b->overflow)) {
    for (std::size_t i = 0; i < kSlots && b->items[i] != kNoLocator; ++i) visit(b->items[i]);
    if (b->overflow == 0) break;
  }
  std::uint64_t width = kEnd >> bits_of(number);
  return (position & ~(width - 1)) + width;
}

Locator ItemIndex::pick(std::uint64_t random) const {
  if (buckets_ == 0) return kNoLocator;
  for (std::size_t tries = 0; tries < kFewest; ++tries) {
    const Bucket& b = bucket(((random >> 8) + tries) % buckets_);
    std::size_t filled = 0;
    while (filled < kSlots && b.items[filled] != kNoLocator) ++filled;
    if (filled > 0) return b.items[random % filled];
  }
  return kNoLocator;
}

void ItemIndex::CheckInvariants() const {
  PLIMSOLL_CHECK(buckets_ == 0 || (buckets_ >> level_) == 1, "%zu buckets at level %u", buckets_, level_);
  std::size_t found = 0;
  for (std::size_t n = 0; n < buckets_; ++n) {
    for (const Bucket* b = &bucket(n);; b = &chained(b->overflow)) {
      for (std::size_t i = 0; i < kSlots; ++i) {
        if (b->items[i] == kNoLocator) {
          PLIMSOLL_CHECK(b->overflow == 0 && (i + 1 == kSlots || b->items[i + 1] == kNoLocator),
                         "a hole in bucket %zu", n);
          continue;
        }
        const Item* item = item_at(items_, b->items[i]);
        PLIMSOLL_CHECK(item->live() && bucket_of(hash_of(b->items[i])) == n, "item %u in bucket %zu",
                       b->items[i], n);
        ++found;
      }
      if (b->overflow == 0) break;
    }
  }
  PLIMSOLL_CHECK(found == size_, "%zu items found of %zu", found, size_);
}

}  // namespace plimsoll
