// ItemIndex: looking up without the shard's lock.
#include <bit>
#include <span>

#include "plimsoll/base/vector.h"
#include "plimsoll/cache/internal/index.h"

namespace plimsoll {
namespace {

using Word [[gnu::may_alias]] = std::uint64_t;

// The sanitizers would look into the vector form.
template <typename T, std::size_t kCount>
PLIMSOLL_RACING std::uint32_t racing_matches(const T (&values)[kCount], T value) {
  if constexpr (!kSanitized) return matches(std::span<const T, kCount>(values), value);
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < kCount; ++i) mask |= std::uint32_t{racing_load(values[i]) == value} << i;
  return mask;
}

}  // namespace

PLIMSOLL_RACING const ItemIndex::Bucket* ItemIndex::racing_bucket(std::uint64_t hash) const {
  // The level follows from their number, so that both are of one moment.
  const std::size_t buckets = racing_load(buckets_);
  if (buckets == 0) return nullptr;
  const std::size_t round = std::bit_floor(buckets);
  const auto low = static_cast<std::uint32_t>(hash);
  std::size_t number = low & (2 * round - 1);
  if (number >= buckets) number = low & (round - 1);
  const Bucket* block = table_.racing_at(number / per_block());
  return block != nullptr ? block + number % per_block() : nullptr;
}

// Whether a record with this key is, or was, at the place. What lies there now may be anything.
PLIMSOLL_RACING bool ItemIndex::racing_is(Locator at, std::string_view key, RacingItem& found) const {
  const char* record = items_.at(at);
  const std::uint64_t word = __atomic_load_n(reinterpret_cast<const Word*>(record), __ATOMIC_ACQUIRE);
  const auto head = std::bit_cast<Item::Head>(word);
  if (head.key_size != key.size() || head.length() > items_.rest_of_block(record)) return false;
  if (!racing_equal(record + head.key_offset(), key)) return false;
  found.at = at;
  found.record = record;
  found.head = head;
  return true;
}

PLIMSOLL_RACING RacingItem ItemIndex::racing_find(std::uint64_t hash, std::string_view key) const {
  constexpr int kLongest = 16;  // chains get as long where there is no memory to grow; or it goes in a circle
  RacingItem found;
  const Bucket* b = racing_bucket(hash);
  const auto tag = static_cast<std::uint16_t>(hash >> 48);
  for (int length = 0; b != nullptr && length < kLongest; ++length) {
    for (std::uint32_t mask = racing_matches(b->tags, tag); mask != 0; mask &= mask - 1) {
      const Locator item = racing_load(b->items[std::countr_zero(mask)]);
      // Slots that are empty have old tags.
      if (item == kNoLocator || !racing_is(item, key, found)) continue;
      found.sure = true;
      return found;
    }
    const std::uint32_t next = racing_load(b->overflow);
    if (next == 0) {
      found.sure = true;
      return found;
    }
    const Bucket* block = chains_.racing_at((next - 1) / per_block());
    b = block != nullptr ? block + (next - 1) % per_block() : nullptr;
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
    const char* record = items_.at(racing_load(b->items[std::countr_zero(mask)]));
    __builtin_prefetch(record);
    __builtin_prefetch(record + 64);
  }
}

}  // namespace plimsoll
