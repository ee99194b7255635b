// ItemIndex: looking up without the shard's lock: what is out of the way of most reads.
#include "plimsoll/cache/internal/index_read.h"

namespace plimsoll {

// Of the chain; null at its end, and where there is what cannot be.
PLIMSOLL_RACING const ItemIndex::Bucket* ItemIndex::racing_next(const Bucket& bucket) const {
  const std::uint32_t next = racing_load(bucket.overflow);
  if (next == 0) return nullptr;
  const Bucket* block = chains_.racing_at((next - 1) >> block_shift_);
  return block != nullptr ? block + ((next - 1) & (per_block() - 1)) : nullptr;
}

PLIMSOLL_RACING RacingItem ItemIndex::racing_find(std::uint64_t hash, std::string_view key) const {
  constexpr int kLongest = 16;  // chains get as long where there is no memory to grow; or it goes in a circle
  const auto tag = static_cast<std::uint16_t>(hash >> 48);
  RacingItem found;
  const Bucket* bucket = racing_bucket(hash);
  for (int length = 0; bucket != nullptr && length < kLongest; ++length) {
    found.sure = racing_find_in(*bucket, tag, key, found) || racing_load(bucket->overflow) == 0;
    if (found.sure) return found;
    bucket = racing_next(*bucket);
  }
  found.sure = racing_load(buckets_) == 0;
  return found;
}

void ItemIndex::prefetch_bucket(std::uint64_t hash) const {
  if (const Bucket* b = racing_bucket(hash)) __builtin_prefetch(b);
}

PLIMSOLL_RACING void ItemIndex::prefetch_records(std::uint64_t hash) const {
  const Bucket* b = racing_bucket(hash);
  if (b == nullptr) return;
  for (std::uint32_t mask = racing_matches(b->tags, static_cast<std::uint16_t>(hash >> 48)); mask != 0;
       mask &= mask - 1) {
    prefetch_record(items_.at(racing_load(b->items[std::countr_zero(mask)])));
  }
}

}  // namespace plimsoll
