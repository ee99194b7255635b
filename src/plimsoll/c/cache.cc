#include <algorithm>
#include <bit>
#include <random>

#include "plimsoll/c/internal/handles.h"

using plimsoll::ByteCache;
using plimsoll::Bytes;
using plimsoll::PinnedValue;
using plimsoll::WriteStatus;
using plimsoll::c::fail;
using plimsoll::c::fail_null;
using plimsoll::c::fail_size;
using plimsoll::c::guarded;
using plimsoll::c::is_size;

// With the upkeep that the governor does at each look: what has expired is dropped.
struct plimsoll_cache final : plimsoll::Reclaimer {
  plimsoll_cache(plimsoll_line& its_line, const ByteCache::Options& options)
      : line(its_line), bytes(options) {
    line.governor.add(bytes, bytes.account());
    line.governor.add(*this, bytes.account());
    line.parts.fetch_add(1, std::memory_order_relaxed);
  }
  ~plimsoll_cache() override {
    line.governor.remove(*this);
    line.governor.remove(bytes);
    line.parts.fetch_sub(1, std::memory_order_release);  // pairs with plimsoll_line_close()
  }

  std::string_view name() const override { return "upkeep"; }
  plimsoll::ReclaimOffer offer() const override { return {}; }
  Bytes reclaim(Bytes) override { return {}; }
  void tick() override { bytes.expire(clock.wall_ms()); }

  plimsoll_line& line;
  const plimsoll::SystemClock clock;
  std::atomic<std::int64_t> pinned{0};  // values that are out
  ByteCache bytes;
};

namespace {

std::string_view text_of(const void* data, size_t size) {
  return data != nullptr ? std::string_view(static_cast<const char*>(data), size) : std::string_view();
}

// A key or a value: NULL only when it is empty.
bool is_text(const void* data, size_t size) { return data != nullptr || size == 0; }

plimsoll_status check_key(const plimsoll_cache* cache, const void* key, size_t key_size) {
  if (cache == nullptr || !is_text(key, key_size)) return fail_null();
  if (key_size > ByteCache::kMaxKey) return fail(PLIMSOLL_OUT_OF_RANGE, "a key has 32 KiB at most");
  return PLIMSOLL_OK;
}

plimsoll_status fail_absent() { return fail(PLIMSOLL_NOT_FOUND, "the cache has no such key"); }
plimsoll_status fail_policy() {
  return fail(PLIMSOLL_INVALID, "a policy is one of lru, lfu, fifo and adaptive");
}
plimsoll_status fail_small() {
  return fail(PLIMSOLL_TOO_SMALL, "the value is larger than the buffer; its size was told");
}

plimsoll_status check_options(const plimsoll_cache_options& options) {
  if (options.shards != 0 && (!std::has_single_bit(options.shards) || options.shards > 64))
    return fail(PLIMSOLL_OUT_OF_RANGE, "shards are a power of two, 64 at most");
  if (!is_size(options.max_bytes)) return fail_size();
  if (options.policy != nullptr && !plimsoll::policy_named(options.policy)) return fail_policy();
  return PLIMSOLL_OK;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

plimsoll_status plimsoll_cache_open(plimsoll_account* account, const plimsoll_cache_options* options,
                                    plimsoll_cache** cache) {
  if (cache != nullptr) *cache = nullptr;
  if (account == nullptr || cache == nullptr) return fail_null();
  const plimsoll_cache_options asked =
      options != nullptr ? *options : plimsoll_cache_options PLIMSOLL_CACHE_OPTIONS_INIT;
  if (const plimsoll_status status = check_options(asked); status != PLIMSOLL_OK) return status;
  if (account->account.kind() != plimsoll::AccountKind::kDroppable)
    return fail(PLIMSOLL_INVALID, "a cache's account is droppable");
  return guarded([&] {
    plimsoll_line& line = account->line;
    const ByteCache::Options made{.account = account->account,
                                  .pages = line.pages,
                                  .line = std::min(line.line.line(), account->account.maximum()),
                                  .address_space = {},
                                  .shards = asked.shards != 0 ? asked.shards : 8,
                                  .policy = asked.policy != nullptr ? *plimsoll::policy_named(asked.policy)
                                                                    : plimsoll::PolicyKind::kAdaptive,
                                  .evict = asked.keep == 0,
                                  .seed = random_seed(),
                                  .max_items = asked.max_items,
                                  .max_bytes = Bytes(asked.max_bytes)};
    *cache = std::make_unique<plimsoll_cache>(line, made).release();
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_cache_close(plimsoll_cache* cache) {
  if (cache == nullptr) return fail_null();
  if (cache->pinned.load(std::memory_order_acquire) != 0)  // pairs with plimsoll_value_release()
    return fail(PLIMSOLL_BUSY, "release the values of the cache first");
  return guarded([&] {
    const std::unique_ptr<plimsoll_cache> ends(cache);
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_cache_put(plimsoll_cache* cache, const void* key, size_t key_size, const void* value,
                                   size_t value_size, uint64_t ttl_ms) {
  if (!is_text(value, value_size)) return fail_null();
  if (const plimsoll_status status = check_key(cache, key, key_size); status != PLIMSOLL_OK) return status;
  if (ttl_ms > Bytes::kMax / 2) return fail_size();
  return guarded([&] {
    const std::int64_t now = cache->clock.wall_ms();
    ByteCache::Slot slot = cache->bytes.lock(text_of(key, key_size), now);
    const std::int64_t expires = ttl_ms != 0 ? now + static_cast<std::int64_t>(ttl_ms) : ByteCache::kNever;
    switch (slot.put(text_of(value, value_size), expires)) {
      case WriteStatus::kDone:
        return PLIMSOLL_OK;
      case WriteStatus::kTooLong:
        return fail(PLIMSOLL_OUT_OF_RANGE, "a value has 512 MiB at most");
      case WriteStatus::kRefused:
        break;
    }
    return fail(PLIMSOLL_REFUSED, "the cache has no room for this now, and nothing to evict for it");
  });
}

plimsoll_status plimsoll_cache_get(plimsoll_cache* cache, const void* key, size_t key_size, void* buffer,
                                   size_t capacity, size_t* size) {
  if (size == nullptr) return fail_null();
  *size = 0;
  plimsoll_value value;
  const plimsoll_status status = plimsoll_cache_read(cache, key, key_size, buffer, capacity, &value);
  *size = value.size;
  if (value.pin == nullptr) return status;
  const bool fits = value.size <= capacity;
  if (fits) std::copy_n(static_cast<const char*>(value.data), value.size, static_cast<char*>(buffer));
  plimsoll_value_release(cache, &value);
  return fits ? PLIMSOLL_OK : fail_small();
}

plimsoll_status plimsoll_cache_read(plimsoll_cache* cache, const void* key, size_t key_size, void* buffer,
                                    size_t capacity, plimsoll_value* value) {
  if (value == nullptr) return fail_null();
  *value = {.data = nullptr, .size = 0, .expires_at_ms = ByteCache::kNever, .pin = nullptr};
  if (!is_text(buffer, capacity)) return fail_null();
  if (const plimsoll_status status = check_key(cache, key, key_size); status != PLIMSOLL_OK) return status;
  return guarded([&] {
    ByteCache::Reading found = cache->bytes.read(text_of(key, key_size), cache->clock.wall_ms(),
                                                 {static_cast<char*>(buffer), capacity});
    if (!found.exists) return fail_absent();
    value->size = found.size;
    value->expires_at_ms = found.expires_at_ms;
    if (found.pinned) {
      value->data = found.pinned.view().data();
      value->pin = found.pinned.disown();
      cache->pinned.fetch_add(1, std::memory_order_relaxed);
      return PLIMSOLL_OK;
    }
    if (found.size > capacity) return fail_small();
    value->data = buffer;
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_value_release(plimsoll_cache* cache, plimsoll_value* value) {
  if (cache == nullptr || value == nullptr) return fail_null();
  if (value->pin != nullptr) {
    {
      const PinnedValue ends = PinnedValue::adopt(static_cast<plimsoll::Extent*>(value->pin));
    }
    cache->pinned.fetch_sub(1, std::memory_order_release);  // pairs with plimsoll_cache_close()
  }
  *value = {.data = nullptr, .size = 0, .expires_at_ms = ByteCache::kNever, .pin = nullptr};
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_cache_make_room(plimsoll_cache* cache, const plimsoll_account* account,
                                         uint64_t bytes) {
  if (cache == nullptr || account == nullptr) return fail_null();
  if (!is_size(bytes)) return fail_size();
  if (&account->line != &cache->line) return fail(PLIMSOLL_INVALID, "the account is of another line");
  return guarded([&] {
    return cache->bytes.make_room_for(account->account, Bytes(bytes))
               ? PLIMSOLL_OK
               : fail(PLIMSOLL_REFUSED, "the account is full by itself, or the cache has nothing to evict");
  });
}

plimsoll_status plimsoll_cache_erase(plimsoll_cache* cache, const void* key, size_t key_size) {
  if (const plimsoll_status status = check_key(cache, key, key_size); status != PLIMSOLL_OK) return status;
  return guarded([&] {
    ByteCache::Slot slot = cache->bytes.lock(text_of(key, key_size), cache->clock.wall_ms());
    if (!slot.exists()) return fail_absent();
    slot.erase();
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_cache_clear(plimsoll_cache* cache) {
  if (cache == nullptr) return fail_null();
  return guarded([&] {
    cache->bytes.clear();
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_cache_set_policy(plimsoll_cache* cache, const char* policy) {
  if (cache == nullptr || policy == nullptr) return fail_null();
  const std::optional<plimsoll::PolicyKind> kind = plimsoll::policy_named(policy);
  if (!kind) return fail_policy();
  return guarded([&] {
    cache->bytes.set_policy(*kind);
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_cache_get_usage(const plimsoll_cache* cache, plimsoll_cache_usage* usage) {
  if (cache == nullptr || usage == nullptr) return fail_null();
  return guarded([&] {
    const ByteCache::Stats stats = cache->bytes.stats();
    *usage = {.items = stats.items,
              .hits = stats.hits,
              .misses = stats.misses,
              .evicted = stats.evicted,
              .expired = stats.expired,
              .refused = stats.refused,
              .payload = stats.payload.count(),
              .held = cache->bytes.account().used().count()};
    return PLIMSOLL_OK;
  });
}
