// ItemIndex: looking up without the shard's lock, to be inlined where it is done.
//
// Why: a processor begins the next reads while one waits for memory, as many as fit into its window of some
// hundred instructions; so what a read is made of is counted in instructions, and neither called nor divided.
// The record's lines are asked for as soon as its place is known: where its value begins stands in the first
// of them, and would be waited for once more.
#pragma once

#include <bit>
#include <span>

#include "plimsoll/base/vector.h"
#include "plimsoll/cache/internal/index.h"

namespace plimsoll {

// The sanitizers would look into the vector form.
template <typename T, std::size_t kCount>
PLIMSOLL_RACING PLIMSOLL_HOT std::uint32_t racing_matches(const T (&values)[kCount], T value) {
  if constexpr (!kSanitized) return matches(std::span<const T, kCount>(values), value);
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < kCount; ++i) mask |= std::uint32_t{racing_load(values[i]) == value} << i;
  return mask;
}

// All that a small item takes.
PLIMSOLL_HOT void prefetch_record(const char* record) {
  __builtin_prefetch(record);
  __builtin_prefetch(record + 64);
  __builtin_prefetch(record + 128);
}

PLIMSOLL_RACING PLIMSOLL_HOT const ItemIndex::Bucket* ItemIndex::racing_bucket(std::uint64_t hash) const {
  // The level follows from their number, so that both are of one moment.
  const std::size_t buckets = racing_load(buckets_);
  if (buckets == 0) return nullptr;
  const std::size_t round = std::bit_floor(buckets);
  const auto low = static_cast<std::uint32_t>(hash);
  const std::size_t in_next = low & (2 * round - 1);
  const std::size_t number = in_next < buckets ? in_next : low & (round - 1);
  const Bucket* block = table_.racing_at(number >> block_shift_);
  return block != nullptr ? block + (number & (per_block() - 1)) : nullptr;
}

// Whether a record with this key is, or was, at the place. What lies there now may be anything.
PLIMSOLL_RACING PLIMSOLL_HOT bool ItemIndex::racing_is(Locator at, std::string_view key,
                                                       RacingItem& found) const {
  using Word [[gnu::may_alias]] = std::uint64_t;
  const char* record = items_.at(at);
  if constexpr (!kSanitized) prefetch_record(record);
  const std::uint64_t word = __atomic_load_n(reinterpret_cast<const Word*>(record), __ATOMIC_ACQUIRE);
  const Item::Head head = Item::Head::of(word);
  if (head.key_size != key.size() || head.length() > items_.rest_of_block(record)) return false;
  if (!racing_equal(record + head.key_offset(), key)) return false;
  found.at = at;
  found.record = record;
  found.head = head;
  return true;
}

PLIMSOLL_RACING PLIMSOLL_HOT bool ItemIndex::racing_find_in(const Bucket& bucket, std::uint16_t tag,
                                                            std::string_view key, RacingItem& found) const {
  for (std::uint32_t mask = racing_matches(bucket.tags, tag); mask != 0; mask &= mask - 1) {
    const Locator item = racing_load(bucket.items[std::countr_zero(mask)]);
    // Slots that are empty have old tags.
    if (item != kNoLocator && racing_is(item, key, found)) return true;
  }
  return false;
}

PLIMSOLL_RACING PLIMSOLL_HOT bool ItemIndex::racing_find_first(std::uint64_t hash, std::string_view key,
                                                               RacingItem& found) const {
  const Bucket* first = racing_bucket(hash);
  return first != nullptr && racing_find_in(*first, static_cast<std::uint16_t>(hash >> 48), key, found);
}

}  // namespace plimsoll
