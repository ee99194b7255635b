// How a shard packs what its policy gives up: a victim that has not been packed lives on in fewer bytes, if
// that pays, among the newest of its queue; a packed one leaves, unless it was read meanwhile.
//
// So no more than about half of the items are packed, the cold half, and the order in which items leave is
// the policy's. What is packed is a new record in the place of dead ones: nothing is asked for when memory
// is short, and without such a place the victim leaves.
#include <algorithm>
#include <cstring>

#include "plimsoll/base/poison.h"
#include "plimsoll/cache/internal/shard.h"

namespace plimsoll {
namespace {

// After so many attempts in a row that did not pay, one in so many is made, until one pays.
constexpr std::uint32_t kHopeless = 32;
constexpr std::uint32_t kThenOneIn = 16;

}  // namespace

// Where age alone decides, or the count of uses, reads have had their say.
bool CacheShard::stays(Locator victim) {
  Item& record = item(victim);
  if (!record.packed() || kind_ == PolicyKind::kFifo || kind_ == PolicyKind::kLfu) return false;
  const std::string_view packed = record.stored();
  if (!Compressor::marked(packed)) return false;
  Compressor::mark(const_cast<char*>(packed.data()), false);
  policy_->readmit(victim, victim);
  return true;
}

std::uint64_t CacheShard::pack_victim(Locator victim) {
  // relaxed: whoever switches it waits for nothing.
  const Compression with = options_.compression.load(std::memory_order_relaxed);
  Item& record = item(victim);
  if (with == Compression::kOff || !may_pack_ || record.packed() || record.has_no_bytes() ||
      options_.max_items > 0 || !Compressor::suits(record.stored_size())) {
    return 0;
  }
  if (hopeless_ >= kHopeless && ++skipped_ % kThenOneIn != 0) return 0;
  const Compressor::Buffer packed = options_.compressor.pack(with, record.stored());
  hopeless_ = packed ? 0 : hopeless_ + 1;
  if (!packed) return 0;

  const std::size_t size = packed.view().size();
  const std::size_t before = record.length(segments_.unit());
  const std::size_t length = Item::length(record.key_size, record.large() ? sizeof(Extent*) : size,
                                          record.expiring(), segments_.unit(), record.described());
  ExtentRef extent;
  if (record.large()) {
    Result<ExtentRef> opened = options_.extents.open_held(size, options_.account);
    if (!opened) return 0;
    extent = std::move(*opened);
    if (extent->charged() >= record.extent()->charged()) return 0;
    std::memcpy(extent->data(), packed.view().data(), size);
  } else if (length >= before) {
    return 0;
  }
  char* const place = place_for_packed(length);
  if (place == nullptr) return 0;
  std::memcpy(place, &record,
              static_cast<std::size_t>(record.stored_value() - reinterpret_cast<char*>(&record)));
  Item& to = *reinterpret_cast<Item*>(place);
  to.value_size |= Item::kPacked;
  to.set_stored_size(size);
  if (extent) {
    extents_ += extent->charged();
    to.set_extent(extent.release());
  } else {
    std::memcpy(to.stored_value(), packed.view().data(), size);
  }
  const Bytes given = given_back_;
  take_over(record, to);
  if (!to.large()) return before - length;
  // Of what discarding the victim gave: nothing, if a reader has pinned it since it was chosen.
  given_back_ -= std::min(to.extent()->charged(), given_back_ - given);
  return length;
}

// A hole, or the end of a segment that takes records.
char* CacheShard::place_for_packed(std::size_t length) {
  char* place = place_for_moved(length);
  if (place == nullptr && room(open_) >= length) {
    place = reinterpret_cast<char*>(open_) + open_->used;
    open_->used += static_cast<std::uint32_t>(length);
    used_ += length;
  }
  if (place != nullptr) unpoison(place, length);
  return place;
}

void CacheShard::take_over(Item& victim, Item& packed) {
  const Locator from = segments_.locator_of(&victim);
  const Locator at = segments_.locator_of(&packed);
  const std::uint64_t hash = hash_of(from);
  const ReadVersions::Change change(versions(), hash);
  const auto length = static_cast<std::uint32_t>(packed.length(segments_.unit()));
  segment_of(&packed)->live += length;
  live_ += length;
  weight_ += packed.weight(segments_.unit());
  payload_ += Bytes(packed.payload());
  count_packed(packed, true);
  ++group_of(packed).items;
  ++counters_.packed;
  index_.move(static_cast<std::uint32_t>(hash), from, at);
  policy_->readmit(from, at);
  if (victim.expires_at_ms() != ByteCache::kNever) {
    wheel_.moved(at);
    victim.expiry()->at_ms = ByteCache::kNever;  // it is not in the wheel any more
  }
  discard(victim, Removal::kReplaced);
}

void CacheShard::count_packed(Item& record, bool there) {
  const Bytes saved(Compressor::unpacked_size(record.stored()) - record.stored_size());
  packed_ += there ? 1 : ~std::uint64_t{0};
  saved_ = there ? saved_ + saved : saved_ - saved;
}

}  // namespace plimsoll
