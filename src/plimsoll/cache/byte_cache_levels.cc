// ByteCache beside a level below it.
#include "plimsoll/base/hash.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/shard.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

void ByteCache::set_lower_level(LowerLevel* level) {
  lower_ = level;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    shard->set_lower_level(level);
  }
}

void ByteCache::clear_below(const std::function<void()>& meanwhile) {
  if (lower_ != nullptr) lower_->begin_clear();
  meanwhile();
  if (lower_ != nullptr) lower_->end_clear();
}

std::uint64_t ByteCache::hash_of(std::string_view key) const { return hash64(key, options_.seed); }

bool ByteCache::holds(std::string_view key, std::int64_t now_ms) { return lock(key, now_ms).exists(); }

bool ByteCache::may_be_below(std::string_view key, std::int64_t now_ms) {
  if (lower_ == nullptr) return false;
  const Slot slot = lock(key, now_ms);
  return !slot.exists() && lower_->may_hold(slot.hash_);
}

bool ByteCache::restore(std::string_view key, std::string_view value, std::int64_t expires_at_ms,
                        std::int64_t now_ms, const std::function<bool()>& may) {
  Slot slot = lock(key, now_ms);
  if (slot.exists() || !may()) return false;
  slot.restores_ = true;
  return slot.put(value, expires_at_ms) == WriteStatus::kDone;
}

}  // namespace plimsoll
