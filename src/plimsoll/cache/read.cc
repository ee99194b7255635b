// ByteCache: reading without a lock, and with it where that must be.
#include <algorithm>
#include <array>

#include "plimsoll/base/hash.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/shard.h"

namespace plimsoll {

struct ByteCache::Request : CacheShard::Read {};

// False: the key is absent.
bool ByteCache::read(std::string_view key, std::int64_t now_ms, Request& request) {
  const std::uint64_t hash = hash64(key, options_.seed);
  CacheShard& shard = shard_of(hash);
  const CacheShard::Answer answer = shard.read(hash, key, now_ms, request);
  if (answer != CacheShard::Answer::kUnsure) [[likely]]
    return answer == CacheShard::Answer::kFound;
  return read_locked(shard, key, hash, now_ms, request);
}

bool ByteCache::read_locked(CacheShard& shard, std::string_view key, std::uint64_t hash, std::int64_t now_ms,
                            Request& request) {
  Slot slot(*this, shard, key, hash, now_ms);
  if (request.counts) slot.touch();
  if (!slot.exists()) return false;
  request.size = slot.size();
  request.expires_at_ms = slot.expires_at_ms();
  if (HeldValue* held = slot.held(); held != nullptr) {
    if (request.held != nullptr) *request.held = HeldPin::of(*held);
  } else if (slot.large()) {
    if (request.pinned != nullptr) *request.pinned = slot.pin();
  } else if (request.into.empty()) {  // only looked at
  } else if (const std::string_view value = slot.value(); value.size() <= request.into.size()) {
    std::copy(value.begin(), value.end(), request.into.begin());
  } else if (request.unpacked != nullptr) {
    *request.unpacked = std::move(slot.unpacked_);
  }
  return true;
}

ByteCache::Reading ByteCache::read(std::string_view key, std::int64_t now_ms, std::span<char> into) {
  Reading reading;
  Request request{{.into = into, .pinned = &reading.pinned, .unpacked = &reading.unpacked}};
  if (!read(key, now_ms, request)) {
    reading = {};  // it may have expired when it was pinned already
    return reading;
  }
  reading.exists = true;
  reading.size = request.size;
  reading.expires_at_ms = request.expires_at_ms;
  return reading;
}

HeldPin ByteCache::read_held(std::string_view key, std::int64_t now_ms) {
  HeldPin held;
  Request request{{.held = &held}};
  if (!read(key, now_ms, request)) held = {};
  return held;
}

ByteCache::Reading ByteCache::look(std::string_view key, std::int64_t now_ms) {
  Reading reading;
  Request request{{.counts = false}};
  reading.exists = read(key, now_ms, request);
  if (!reading.exists) return reading;
  reading.size = request.size;
  reading.expires_at_ms = request.expires_at_ms;
  return reading;
}

void ByteCache::prefetch(std::span<const std::string_view> keys) const {
  constexpr std::size_t kAtOnce = 16;
  std::array<std::uint64_t, kAtOnce> hashes{};
  for (; !keys.empty(); keys = keys.subspan(std::min(kAtOnce, keys.size()))) {
    const std::size_t count = std::min(kAtOnce, keys.size());
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash64(keys[i], options_.seed);
      shard_of(hashes[i]).index().prefetch_bucket(hashes[i]);
    }
    for (std::size_t i = 0; i < count; ++i) shard_of(hashes[i]).index().prefetch_records(hashes[i]);
  }
}

}  // namespace plimsoll
