// ByteCache::Slot: what one key's operations do under its shard's lock.
#include <algorithm>
#include <cstring>
#include <string>

#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/shard.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

ByteCache::Slot::Slot(ByteCache& cache, CacheShard& shard, std::string_view key, std::uint64_t hash,
                      std::int64_t now_ms)
    : cache_(&cache), shard_(&shard), key_(key), hash_(hash), now_ms_(now_ms) {
  PLIMSOLL_DCHECK(CacheShard::held_by_this_thread == nullptr, "one key at a time");
  shard.mutex().lock();
  CacheShard::held_by_this_thread = &shard;
  shard.drain_hits();
  item_ = shard.find(hash, key, now_ms);
}

ByteCache::Slot::Slot(Slot&& other) noexcept
    : cache_(other.cache_),
      shard_(std::exchange(other.shard_, nullptr)),
      key_(other.key_),
      hash_(other.hash_),
      now_ms_(other.now_ms_),
      item_(other.item_),
      changing_(other.changing_),
      unpacked_(std::move(other.unpacked_)),
      restores_(other.restores_) {}

ByteCache::Slot::~Slot() {
  if (shard_ == nullptr) return;
  if (changing_) shard_->versions().end(hash_);
  CacheShard::held_by_this_thread = nullptr;
  shard_->mutex().unlock();
}

// From here to the slot's end, readers without the lock wait for it: they would see half of what is written.
void ByteCache::Slot::change() {
  if (!changing_) changing_ = shard_->versions().begin(hash_);
  if (restores_) return;
  cache_->watches_.tell(hash_);
  if (cache_->lower_ != nullptr) [[unlikely]]
    cache_->lower_->changed(hash_);
}

std::string_view ByteCache::Slot::value() const {
  Item& record = shard_->item(item_);
  if (!record.packed()) [[likely]]
    return record.stored();
  if (!unpacked_) {
    Result<Compressor::Buffer> unpacked = cache_->compressor_.unpack(record.stored());
    // It was packed here: other bytes are a mistake in the cache, or memory that was overwritten.
    PLIMSOLL_CHECK(unpacked.has_value(), "%s", unpacked ? "" : unpacked.error().what);
    unpacked_ = std::move(*unpacked);
  }
  return unpacked_.view();
}
std::size_t ByteCache::Slot::size() const {
  Item& record = shard_->item(item_);
  return record.packed() ? Compressor::unpacked_size(record.stored()) : record.stored_size();
}
std::size_t ByteCache::Slot::stored_size() const { return shard_->item(item_).stored_size(); }
Compression ByteCache::Slot::packed_with() const {
  Item& record = shard_->item(item_);
  return record.packed() ? Compressor::codec_of(record.stored()) : Compression::kOff;
}
unsigned ByteCache::Slot::frequency() const { return shard_->frequency(item_); }
std::optional<ByteCache::EntryFacts> ByteCache::Slot::facts() const {
  Item& record = shard_->item(item_);
  if (!record.described()) return std::nullopt;
  const ItemFacts facts = record.facts();
  return EntryFacts{facts.created_s, facts.accessed_s, facts.accesses};
}
std::int64_t ByteCache::Slot::expires_at_ms() const { return shard_->item(item_).expires_at_ms(); }
std::size_t ByteCache::Slot::memory() const { return shard_->memory_of(item_); }
bool ByteCache::Slot::large() const {
  const Item& record = shard_->item(item_);
  return record.large() && !record.packed();
}
PinnedValue ByteCache::Slot::pin() const {
  PLIMSOLL_CHECK(large(), "pinned pages would not be the value");
  return PinnedValue(*shard_->item(item_).extent());
}
void ByteCache::Slot::touch() { shard_->touch(item_, hash_, key_); }

void ByteCache::Slot::erase_below() {
  PLIMSOLL_DCHECK(!exists());
  if (cache_->lower_ != nullptr) cache_->lower_->inserted(hash_, key_);
}

void ByteCache::Slot::erase() {
  change();
  unpacked_ = {};
  shard_->erase(item_, Removal::kErased);
  item_ = kNoItem;
}

ExtentRef ByteCache::Slot::share() const {
  PLIMSOLL_CHECK(large(), "the pages would not be the value");
  Extent* extent = shard_->item(item_).extent();
  extent->references_.fetch_add(1, std::memory_order_relaxed);  // the item holds one while it is locked
  return ExtentRef(extent);
}

// A record of the shard's own making if it can, else with memory that other shards give up.
bool ByteCache::Slot::write(std::uint32_t value_size, ExtentRef* extent, std::int64_t expires_at_ms,
                            std::uint64_t weight, HeldValue* held) {
  change();
  unpacked_ = {};
  const bool evict = cache_->evicts();
  Locator at = kNoLocator;
  for (int tries = 0; tries < 4 && at == kNoLocator; ++tries) {
    // For what no eviction makes fit, other items stay.
    if (tries > 0 && (!shard_->could_hold(extent ? (*extent)->charged().count() : 0) ||
                      cache_->release(Bytes(cache_->segments_->block_size()), shard_).zero()))
      break;
    at = shard_->write(
        {key_, hash_, value_size, extent, held, weight, expires_at_ms, now_ms_, evict, restores_});
  }
  item_ = at != kNoLocator ? at : shard_->find(hash_, key_, now_ms_);
  return at != kNoLocator;
}

HeldValue* ByteCache::Slot::held() const {
  Item& record = shard_->item(item_);
  return record.held() ? record.held_value() : nullptr;
}

WriteStatus ByteCache::Slot::put(HeldValue& value, std::int64_t expires_at_ms) {
  PLIMSOLL_DCHECK(cache_->options_.owner != nullptr, "nobody would hear when it leaves");
  if (key_.size() > kMaxKey || !shard_->could_hold(value.weight().count())) return WriteStatus::kTooLong;
  return write(Item::kHeld, nullptr, expires_at_ms, 0, &value) ? WriteStatus::kDone : WriteStatus::kRefused;
}

WriteStatus ByteCache::Slot::put_weight(std::uint64_t weight) {
  if (key_.size() > kMaxKey || !shard_->could_hold(weight)) return WriteStatus::kTooLong;
  return write(Item::kWeighed, nullptr, kNever, weight) ? WriteStatus::kDone : WriteStatus::kRefused;
}

WriteStatus ByteCache::Slot::put(std::string_view value, std::int64_t expires_at_ms) {
  if (key_.size() > kMaxKey || value.size() > kMaxValue) return WriteStatus::kTooLong;
  if (value.size() >= kLargeValue) {
    ExtentRef extent = open_extent(value.size());
    if (!extent) {
      item_ = shard_->find(hash_, key_, now_ms_);  // it may have been evicted for it
      return WriteStatus::kRefused;
    }
    extent->set_size(value.size());
    std::memcpy(extent->data(), value.data(), value.size());
    return put(std::move(extent), expires_at_ms);
  }
  if (!write(static_cast<std::uint32_t>(value.size()), nullptr, expires_at_ms)) return WriteStatus::kRefused;
  std::copy(value.begin(), value.end(), shard_->item(item_).stored_value());
  return WriteStatus::kDone;
}

WriteStatus ByteCache::Slot::put(ExtentRef value, std::int64_t expires_at_ms) {
  if (key_.size() > kMaxKey || value->size() > kMaxValue) return WriteStatus::kTooLong;
  if (value->size() < kLargeValue) return put(value->view(), expires_at_ms);
  Account& account = cache_->options_.account;
  while (!value->charge_to(account)) {
    if (cache_->evicts() && !cache_->release(value->charged(), shard_).zero()) continue;
    item_ = shard_->find(hash_, key_, now_ms_);
    return WriteStatus::kRefused;
  }
  const Bytes added = value->charged();
  const auto size = static_cast<std::uint32_t>(value->size());
  if (!write(size, &value, expires_at_ms)) return WriteStatus::kRefused;
  // The pages were charged to their receiver until now, who may use the headroom; the cache keeps it free, by
  // giving up as many bytes as it adds.
  const LoadLine& line = account.line();
  const Bytes short_of_headroom =
      line.headroom().minus_clamped(line.free());  // read once: others charge meanwhile
  if (line.enforcing() && cache_->evicts() && !short_of_headroom.zero()) {
    cache_->release(std::min(added, short_of_headroom), shard_);
    item_ = shard_->find(hash_, key_, now_ms_);
  }
  return WriteStatus::kDone;
}

// Pages for `size` bytes, charged to the cache, evicting if need be; empty when refused.
ExtentRef ByteCache::Slot::open_extent(std::size_t size) {
  for (int tries = 0; tries < 8; ++tries) {
    Result<ExtentRef> extent = cache_->extents_.open(size, cache_->options_.account);
    if (extent && (*extent)->reserve(size)) return std::move(*extent);
    if (!extent && extent.error().code != ErrorCode::kRefused) return {};
    const Bytes missing = cache_->missing_for(cache_->options_.account, Bytes(size));
    if (!cache_->evicts() || cache_->release(missing, shard_).zero()) return {};
  }
  return {};
}

WriteStatus ByteCache::Slot::resize(std::size_t size) {
  if (key_.size() > kMaxKey || size > kMaxValue) return WriteStatus::kTooLong;
  const std::int64_t expires = exists() ? expires_at_ms() : kNever;
  if (exists() && large() && size >= kLargeValue && size <= shard_->item(item_).extent()->capacity()) {
    Extent& extent = *shard_->item(item_).extent();
    const Bytes before = extent.charged();
    change();  // before who reads it is looked for
    if (extent.is_mine() && extent.reserve(size)) {
      extent.set_size(size);
      shard_->resized(item_, before);
      return WriteStatus::kDone;
    }
  }
  const std::size_t kept = exists() ? std::min(this->size(), size) : 0;
  if (size >= kLargeValue) {
    // A pin keeps the old pages while memory is found for the new ones.
    PinnedValue old_large = exists() && large() ? pin() : PinnedValue();
    const std::string old_small = exists() && !large() ? std::string(value()) : std::string();
    ExtentRef extent = open_extent(size);
    if (!extent) {
      item_ = shard_->find(hash_, key_, now_ms_);
      return WriteStatus::kRefused;
    }
    extent->set_size(size);
    std::memcpy(extent->data(), old_large ? old_large.view().data() : old_small.data(), kept);
    return put(std::move(extent), expires);
  }
  const std::string old = exists() ? std::string(value().substr(0, kept)) : std::string();
  if (!write(static_cast<std::uint32_t>(size), nullptr, expires)) return WriteStatus::kRefused;
  char* to = shard_->item(item_).stored_value();
  std::memcpy(to, old.data(), kept);
  std::memset(to + kept, 0, size - kept);
  return WriteStatus::kDone;
}

std::span<char> ByteCache::Slot::writable() {
  Item& record = shard_->item(item_);
  if (record.large()) return record.extent()->bytes();
  return {record.stored_value(), record.stored_size()};
}

bool ByteCache::Slot::set_expiry(std::int64_t expires_at_ms) {
  Item& record = shard_->item(item_);
  if (record.expiring()) {
    change();
    shard_->schedule(item_, expires_at_ms, now_ms_);
    return true;
  }
  if (expires_at_ms == kNever) return true;
  if (large()) return set_expiry_of_large(expires_at_ms);
  const std::string value(this->value());
  if (value.size() >= kLargeValue) return put(value, expires_at_ms) == WriteStatus::kDone;
  if (!write(static_cast<std::uint32_t>(value.size()), nullptr, expires_at_ms)) return false;
  std::copy(value.begin(), value.end(), shard_->item(item_).stored_value());
  return true;
}

// The record gets longer, so it moves; its pages stay where they are.
bool ByteCache::Slot::set_expiry_of_large(std::int64_t expires_at_ms) {
  Extent* extent = shard_->item(item_).extent();
  extent->references_.fetch_add(1, std::memory_order_relaxed);
  ExtentRef kept(extent);
  return write(static_cast<std::uint32_t>(extent->size()), &kept, expires_at_ms);
}

}  // namespace plimsoll
