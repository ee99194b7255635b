#include "plimsoll/cache/internal/held_cache.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/stat_sink.h"

namespace plimsoll {
namespace {

// The caches whose departed this thread is looking after, so that a listener may use its own cache.
struct Settling {
  const HeldCache* cache;
  const Settling* outer;
};
thread_local const Settling* settling = nullptr;

// A shard needs some hundred items to be as good as the whole; as many as 16 keep threads apart.
std::size_t shards_for(const HeldCache::Options& options) {
  constexpr std::uint64_t kMost = 16;
  if (options.shards > 0) return std::bit_floor(std::min<std::size_t>(options.shards, 64));
  std::uint64_t shards = kMost;
  if (options.maximum_items > 0) shards = std::min(shards, options.maximum_items / 256);
  if (!options.maximum.zero()) shards = std::min(shards, options.maximum / 1_MiB);
  return std::bit_floor(std::max<std::uint64_t>(shards, 1));
}

// A cache that is bounded below the line is served with segments of its own measure.
Bytes line_for(const HeldCache::Options& options) {
  const Bytes line = options.account.line().line();
  return options.maximum.zero() ? line : std::min(line, std::max(options.maximum, 32_MiB));
}

}  // namespace

HeldCache::HeldCache(Options options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_),
      expires_(options_.time_to_live.count() > 0),
      ticked_ms_(clock_.wall_ms()),
      cache_({.account = options_.account,
              .pages = pages_,
              .line = line_for(options_),
              .address_space = {},
              .shards = shards_for(options_),
              .policy = options_.policy,
              .objective = options_.objective,
              .max_items = options_.maximum_items,
              .max_bytes = options_.maximum,
              .owner = this}) {}

// The listener is not told: what it refers to may be gone already.
HeldCache::~HeldCache() {
  cache_.clear();
  for (HeldValue* value = departed_.load(std::memory_order_acquire); value != nullptr;) {
    std::exchange(value, value->next_)->leave();
  }
}

void HeldCache::left(HeldValue& value, Removal why) {
  value.why_ = why;
  value.next_ = departed_.load(std::memory_order_relaxed);
  // release: pairs with settle(), which reads what was written here. The list is only ever taken whole.
  while (!departed_.compare_exchange_weak(value.next_, &value, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
}

void HeldCache::settle() {
  if (departed_.load(std::memory_order_relaxed) == nullptr) return;
  for (const Settling* s = settling; s != nullptr; s = s->outer) {
    if (s->cache == this) return;  // the outer call goes on
  }
  const Settling here{this, settling};
  settling = &here;
  // acquire: pairs with left().
  while (HeldValue* taken = departed_.exchange(nullptr, std::memory_order_acquire)) {
    HeldValue* first = nullptr;  // in the order that they left
    while (taken != nullptr) {
      HeldValue* next = taken->next_;
      taken->next_ = std::exchange(first, taken);
      taken = next;
    }
    while (first != nullptr) {
      HeldValue& value = *std::exchange(first, first->next_);
      if (options_.on_removed) options_.on_removed(value, value.why_);
      value.leave();
    }
  }
  settling = here.outer;
}

std::int64_t HeldCache::now_ms() const {
  // relaxed: whoever put a time to live and tells others of it does so by other means.
  return expires_.load(std::memory_order_relaxed) ? clock_.wall_ms()
                                                  : ticked_ms_.load(std::memory_order_relaxed);
}

std::int64_t HeldCache::expiry_of(std::chrono::milliseconds time_to_live) {
  const std::int64_t now = clock_.wall_ms();
  // Who says the longest time that there is means for ever too.
  if (time_to_live.count() <= 0 || time_to_live.count() > std::numeric_limits<std::int64_t>::max() - now)
    return ByteCache::kNever;
  expires_.store(true, std::memory_order_relaxed);
  return now + time_to_live.count() - 1;  // the byte cache's is the last moment that counts
}

HeldCache::Stripe& HeldCache::stripe_of(std::string_view key) { return stripes_[hash64(key) % kStripes]; }

HeldPin HeldCache::get(std::string_view key) {
  HeldPin found = cache_.read_held(key, now_ms());
  settle();  // it may have expired
  return found;
}

// Charges what the object weighs, evicting as long as that is refused.
WriteStatus HeldCache::charge(HeldValue& value) {
  if (!options_.maximum.zero() && value.weight() > options_.maximum) return WriteStatus::kTooLong;
  for (int tries = 0; tries < kTries; ++tries) {
    if (Charge charge = options_.account.charge(value.weight())) {
      value.set_charge(std::move(charge));
      return WriteStatus::kDone;
    }
    if (!cache_.make_room_for(options_.account, value.weight())) break;
    settle();
  }
  return WriteStatus::kRefused;
}

WriteStatus HeldCache::write(std::string_view key, HeldValue& value, std::int64_t expires_at_ms) {
  ByteCache::Slot slot = cache_.lock(key, now_ms());
  value.enter();
  const WriteStatus status = slot.put(value, expires_at_ms);
  if (status != WriteStatus::kDone) value.leave();
  return status;
}

WriteStatus HeldCache::put(std::string_view key, HeldPin value, std::chrono::milliseconds time_to_live) {
  WriteStatus status = charge(*value.get());
  if (status != WriteStatus::kDone) return status;
  const std::int64_t expires = expiry_of(time_to_live);
  for (int tries = 0; tries < kTries; ++tries) {
    {
      Stripe& stripe = stripe_of(key);
      MutexLock lock(stripe.mutex);
      forget(stripe, key);  // what is being loaded is older than this
      status = write(key, *value.get(), expires);
    }
    if (status == WriteStatus::kDone) value = HeldPin();  // a listener may need its place
    settle();
    if (status != WriteStatus::kRefused) break;
  }
  expire_now_and_then();
  return status;
}

// What nobody asks for is dropped by those who write, where no governor ticks.
void HeldCache::expire_now_and_then() {
  if (!expires_.load(std::memory_order_relaxed)) return;
  if (clock_.wall_ms() - expired_ms_.load(std::memory_order_relaxed) >= 1000) tick();
}

void HeldCache::forget(Stripe& stripe, std::string_view key) {
  if (!stripe.loads.empty()) stripe.loads.erase(std::string(key));
}

bool HeldCache::erase(std::string_view key) {
  bool existed = false;
  {
    Stripe& stripe = stripe_of(key);
    MutexLock lock(stripe.mutex);
    forget(stripe, key);
    ByteCache::Slot slot = cache_.lock(key, now_ms());
    existed = slot.exists();
    if (existed) slot.erase();
  }
  settle();
  return existed;
}

void HeldCache::clear() {
  for (Stripe& stripe : stripes_) {
    MutexLock lock(stripe.mutex);
    stripe.loads.clear();
  }
  cache_.clear();
  settle();
}

HeldCache::Ticket::Ticket(HeldCache& cache, std::string_view key) : cache_(cache), key_(key) {
  Stripe& stripe = cache.stripe_of(key);
  MutexLock lock(stripe.mutex);
  {
    // A load may have ended since the caller looked.
    ByteCache::Slot slot = cache.cache_.lock(key, cache.now_ms());
    if (slot.exists()) {
      answer_ = HeldPin::of(*slot.held());
      return;
    }
  }
  std::shared_ptr<Load>& under_way = stripe.loads[std::string(key)];
  if (under_way == nullptr) {
    under_way = load_ = std::make_shared<Load>();
    load_->loader = std::this_thread::get_id();
    began_ = cache.clock_.monotonic_now();
    return;
  }
  const std::shared_ptr<Load> load = under_way;
  if (load->loader == std::this_thread::get_id()) {
    answer_ = plimsoll::fail(ErrorCode::kInvalid, "a loader asks for the key that it is loading");
    return;
  }
  cache.waited_.fetch_add(1, std::memory_order_relaxed);
  while (!load->done) load->ended.wait(stripe.mutex);
  answer_ = load->answer;
}

HeldCache::Ticket::~Ticket() {
  if (load_ != nullptr) fail({.code = ErrorCode::kInvalid, .what = "the loader ended without an answer"});
  cache_.settle();
}

void HeldCache::Ticket::deliver(HeldPin value) {
  const WriteStatus status = cache_.charge(*value.get());
  // It is held already, and those who asked get it; it ends with them.
  if (status != WriteStatus::kDone) {
    value.get()->set_charge(cache_.options_.account.charge_held(value.get()->weight()));
  }
  cache_.end(key_, *load_, std::move(value), status == WriteStatus::kDone);
  cache_.load_ns_.fetch_add((cache_.clock_.monotonic_now() - began_).count(), std::memory_order_relaxed);
  load_ = nullptr;
}

void HeldCache::Ticket::fail(const Error& error) {
  cache_.load_failures_.fetch_add(1, std::memory_order_relaxed);
  cache_.end(key_, *load_, tl::unexpected(error), false);
  cache_.load_ns_.fetch_add((cache_.clock_.monotonic_now() - began_).count(), std::memory_order_relaxed);
  load_ = nullptr;
}

// `keep`: to be cached, unless the key was written or erased meanwhile.
void HeldCache::end(std::string_view key, Load& load, Result<HeldPin> answer, bool keep) {
  loads_.fetch_add(1, std::memory_order_relaxed);
  const std::int64_t expires = keep ? expiry_of(options_.time_to_live) : ByteCache::kNever;
  Stripe& stripe = stripe_of(key);
  for (int tries = 1; !load.done; ++tries) {
    {
      MutexLock lock(stripe.mutex);
      const auto mine = stripe.loads.find(std::string(key));
      const bool current = mine != stripe.loads.end() && mine->second.get() == &load;
      const bool refused = keep && current && write(key, *answer->get(), expires) == WriteStatus::kRefused;
      if (!refused || tries == kTries) {
        load.answer = answer;
        load.done = true;
        load.ended.notify_all();
        if (current) stripe.loads.erase(mine);
      }
    }
    settle();
  }
  expire_now_and_then();
}

Bytes HeldCache::reclaim(Bytes wanted) {
  const Bytes released = cache_.reclaim(wanted);
  settle();
  return released;
}

void HeldCache::tick() {
  const std::int64_t now = clock_.wall_ms();
  ticked_ms_.store(now, std::memory_order_relaxed);
  expired_ms_.store(now, std::memory_order_relaxed);
  cache_.expire(now);
  cache_.tick();
  settle();
}

HeldCache::Stats HeldCache::stats() const {
  return {.cache = cache_.stats(),
          .loads = loads_.load(std::memory_order_relaxed),
          .load_failures = load_failures_.load(std::memory_order_relaxed),
          .waited = waited_.load(std::memory_order_relaxed),
          .load_time = std::chrono::nanoseconds(load_ns_.load(std::memory_order_relaxed))};
}

void HeldCache::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  const StatLabel label{"cache", options_.name};
  sink.gauge("object_cache_items", "Objects held", number(s.cache.items), {label});
  sink.gauge("object_cache_payload_bytes", "Keys, and what the objects weigh", s.cache.payload.as_double(),
             {label});
  sink.counter("object_cache_hits_total", "Reads that found their key", number(s.cache.hits), {label});
  sink.counter("object_cache_misses_total", "Reads that did not", number(s.cache.misses), {label});
  sink.counter("object_cache_evicted_total", "Objects given up for memory or a bound",
               number(s.cache.evicted), {label});
  sink.counter("object_cache_expired_total", "Objects whose time had come", number(s.cache.expired), {label});
  sink.counter("object_cache_refused_total", "Writes refused for lack of memory", number(s.cache.refused),
               {label});
  sink.counter("object_cache_loads_total", "Calls of loaders", number(s.loads), {label});
  sink.counter("object_cache_load_failures_total", "Calls of loaders that failed", number(s.load_failures),
               {label});
  sink.counter("object_cache_load_waits_total", "Reads that waited for another's load", number(s.waited),
               {label});
  sink.counter("object_cache_load_seconds_total", "Spent in loaders",
               std::chrono::duration<double>(s.load_time).count(), {label});
}

}  // namespace plimsoll
