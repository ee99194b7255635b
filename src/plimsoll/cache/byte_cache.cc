#include "plimsoll/cache/byte_cache.h"

#include <algorithm>
#include <bit>

#include "plimsoll/base/hash.h"
#include "plimsoll/cache/internal/access_sampler.h"
#include "plimsoll/cache/internal/adaptive_learner.h"
#include "plimsoll/cache/internal/epoch.h"
#include "plimsoll/cache/internal/shard.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {
namespace {

// From 768 MiB on as long as a huge page.
Bytes segment_size(Bytes line) {
  if (line >= 768_MiB) return 2_MiB;
  return Bytes(std::bit_floor(std::clamp(line / 512, 64_KiB, 2_MiB).count()));
}

// Each shard has a segment or two that are not full. While all of them would be more than a thirtieth of what
// is held, they take as many pages as were written.
Bytes huge_from(const ByteCache::Options& options) {
  return segment_size(options.line) * (32 * options.shards);
}

// A shard's part of a bound is one at least: zero would be none.
std::size_t shards_within_bounds(const ByteCache::Options& options) {
  std::uint64_t shards = options.shards;
  for (const std::uint64_t bound : {options.max_items, options.max_bytes.count()}) {
    if (bound > 0) shards = std::min(shards, std::bit_floor(bound));
  }
  return static_cast<std::size_t>(shards);
}

// Room to grow when the limit is raised, as long as that leaves items aligned to 8 bytes; at least twice the
// line.
Bytes address_space_for(Bytes line) {
  return std::clamp(std::max(line * 2, 31_GiB), line * 2, std::max(line * 16, 1_GiB));
}

}  // namespace

ByteCache::ByteCache(const Options& options)
    : options_(options),
      address_space_(options.address_space.zero() ? address_space_for(options.line) : options.address_space),
      slabs_({.account = options.account,
              .idle = options.account,
              .pages = options.pages,
              .line = options.line,
              .address_space = std::max(address_space_ / 64, 4_MiB),
              .name = "cache"}),
      extents_(options.pages, address_space_, slabs_),
      segments_(new SegmentStore({.pages = options.pages,
                                  .account = options.account,
                                  .block = segment_size(options.line),
                                  .address_space = address_space_,
                                  .huge_from = huge_from(options)})),
      blocks_(new SegmentStore({.pages = options.pages,
                                .account = options.account,
                                .block = kIndexBlock,
                                .address_space = std::max(address_space_ / 8, 64_MiB)})),
      compressor_({.account = options.account}),
      compression_(options.compression),
      describe_(options.describe_entries) {
  PLIMSOLL_CHECK(std::has_single_bit(options.shards) && options.shards <= 64, "%zu shards", options.shards);
  if (options.analyse) {
    sampler_ = std::make_unique<AccessSampler>(AccessSampler::Options{
        .account = options.account, .memory = options.line / 100, .max_weight = options.max_bytes.count()});
  }
  std::uint64_t seed = options.seed + 1;
  const auto learner = std::make_shared<AdaptiveLearner>(options.objective);
  const std::size_t shards = shards_within_bounds(options);
  for (std::size_t i = 0; i < shards; ++i) {
    auto part = [&](std::uint64_t whole) { return whole / shards + (i < whole % shards ? 1 : 0); };
    shards_.push_back(
        std::make_unique<CacheShard>(CacheShard::Options{.segments = *segments_,
                                                         .blocks = *blocks_,
                                                         .account = options.account,
                                                         .sampler = sampler_.get(),
                                                         .policy = options.policy,
                                                         .objective = options.objective,
                                                         .hash_seed = options.seed,
                                                         .seed = Random::split_mix(seed),
                                                         .learner = learner,
                                                         .max_items = part(options.max_items),
                                                         .max_bytes = part(options.max_bytes.count()),
                                                         .owner = options.owner,
                                                         .extents = extents_,
                                                         .compressor = compressor_,
                                                         .compression = compression_,
                                                         .describe = describe_,
                                                         .group_of = options.group_of}));
  }
  policy_.store(options.policy, std::memory_order_relaxed);
  set_evict(options.evict);
}

ByteCache::~ByteCache() = default;

CacheShard& ByteCache::shard_of(std::uint64_t hash) const {
  return *shards_[(hash >> 40) & (shards_.size() - 1)];
}

ByteCache::Slot ByteCache::lock(std::string_view key, std::int64_t now_ms) {
  std::uint64_t hash = hash64(key, options_.seed);
  return Slot(*this, shard_of(hash), key, hash, now_ms);
}

bool ByteCache::watch(KeyWatcher& watcher, std::string_view key) {
  return watches_.add(watcher, hash64(key, options_.seed));
}

Bytes ByteCache::release(Bytes wanted, CacheShard* own) { return release(wanted, own, wanted <= kPackedFor); }

Bytes ByteCache::release(Bytes wanted, CacheShard* own, bool pack) {
  const bool evict = evicts();
  const CacheShard* held = CacheShard::held_by_this_thread;
  Bytes released;
  std::size_t dry = 0;  // shards in a row that had nothing to give
  while (released < wanted && dry < shards_.size()) {
    CacheShard& shard = *shards_[next_release_.fetch_add(1, std::memory_order_relaxed) % shards_.size()];
    Bytes some;
    if (&shard == held) {
      if (&shard == own) some = shard.release_some(evict, pack);  // its hits were drained for the slot
    } else if (held != nullptr) {
      // A shard is locked already: waiting for a second lock could deadlock, trying cannot.
      if (shard.mutex().try_lock()) {
        shard.drain_hits();
        some = shard.release_some(evict, pack);
        shard.mutex().unlock();
      }
    } else {
      MutexLock lock(shard.mutex());
      shard.drain_hits();
      some = shard.release_some(evict, pack);
    }
    dry = some.zero() ? dry + 1 : 0;
    released += some;
  }
  return released;
}

// A droppable account leaves the headroom free, and what others wait for.
Bytes ByteCache::missing_for(const Account& account, Bytes bytes) const {
  const LoadLine& line = account.line();
  Bytes needed = bytes;
  if (account.kind() == AccountKind::kDroppable) needed = bytes + line.headroom().plus_clamped(line.wanted());
  return std::max(bytes, needed.minus_clamped(line.free()));
}

bool ByteCache::make_room_for(const Account& account, Bytes bytes) {
  // Another's account that is full is not helped by what goes here.
  if (&account != &options_.account && account.used().plus_clamped(bytes) > account.maximum()) return false;
  return !release(missing_for(account, bytes), nullptr, bytes <= kPackedFor).zero();
}

bool ByteCache::reserve(Extent& extent, std::size_t size) {
  if (extent.reserve(size)) return true;
  const Bytes missing = Bytes(size - extent.reserved()).rounded_up(options_.pages.page_size());
  return make_room_for(*extent.account_, missing) && extent.reserve(size);
}

Result<ExtentRef> ByteCache::open_extent(std::size_t capacity, Account& account) {
  Result<ExtentRef> extent = extents_.open(capacity, account);
  // Its descriptor may need a slab.
  if (!extent && extent.error().code == ErrorCode::kRefused &&
      make_room_for(options_.account, SlabAllocator::kLargestCharge)) {
    extent = extents_.open(capacity, account);
  }
  return extent;
}

// Whoever is pressed has no time for packing.
Bytes ByteCache::reclaim(Bytes wanted) { return release(wanted, nullptr, false); }

void ByteCache::tick() {
  // What the policy remembers is charged as held: it may have put the account above its own maximum.
  const Bytes over = options_.account.used().minus_clamped(options_.account.maximum());
  if (!over.zero() && evicts()) release(over, nullptr, false);
  epochs().collect();
  slabs_.tick();
  // One shard a look has dead bytes taken out: the next that has too many and is not in use.
  const std::size_t first = next_tidied_.fetch_add(1, std::memory_order_relaxed);
  bool tidied = false;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    CacheShard& shard = *shards_[(first + i) % shards_.size()];
    if (!shard.mutex().try_lock()) continue;
    shard.look();
    const bool sparse = !tidied && shard.is_sparse();
    const bool squeezes = !tidied && shard.wants_squeezing();
    if (i == 0 || sparse || squeezes) shard.drain_hits();
    if (sparse) shard.release_some(false, false);
    shard.mutex().unlock();
    if (squeezes) squeeze(shard);
    tidied = tidied || sparse || squeezes;
  }
}

// A segment at a time, so that a writer who comes waits for one.
void ByteCache::squeeze(CacheShard& shard) {
  bool more = true;
  for (std::size_t moved = 0; more && moved < kSqueezedAtOnce.count(); moved += segments_->block_size()) {
    if (!shard.mutex().try_lock()) return;
    shard.drain_hits();
    more = shard.squeeze();
    shard.mutex().unlock();
  }
}

ReclaimOffer ByteCache::offer() const {
  if (!evicts()) return {};
  ReclaimOffer offer{.droppable = options_.account.used().minus_clamped(options_.account.pinned())};
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    if (shard->oldest_ms() == 0) continue;
    offer.coldest_age = std::max<std::chrono::nanoseconds>(
        offer.coldest_age, std::chrono::milliseconds(shard->last_now_ms() - shard->oldest_ms()));
  }
  return offer;
}

void ByteCache::set_evict(bool evict) {
  evict_.store(evict, std::memory_order_relaxed);
  options_.account.set_kind(evict ? AccountKind::kDroppable : AccountKind::kPinned);
}

// A slice of each shard in turn: whoever waits for one has it while the others are converted.
void ByteCache::set_policy(PolicyKind kind) {
  MutexLock one_at_a_time(policy_mutex_);
  policy_.store(kind, std::memory_order_relaxed);
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    shard->drain_hits();
    shard->change_policy(kind);
  }
  for (bool more = true; more;) {
    more = false;
    for (const auto& shard : shards_) {
      MutexLock lock(shard->mutex());
      more |= shard->convert_policy();
    }
  }
}

std::uint64_t ByteCache::scan(std::uint64_t cursor, std::size_t count, std::int64_t now_ms,
                              const std::function<void(std::string_view)>& visit) {
  return scan_with_expiry(cursor, count, now_ms, [&](std::string_view key, std::int64_t) { visit(key); });
}

std::uint64_t ByteCache::scan_with_expiry(std::uint64_t cursor, std::size_t count, std::int64_t now_ms,
                                          const std::function<void(std::string_view, std::int64_t)>& visit) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
  std::uint64_t number = cursor >> 32;
  std::uint64_t position = cursor & (kEnd - 1);
  std::size_t seen = 0;
  while (number < shards_.size() && seen < count) {
    CacheShard& shard = *shards_[number];
    MutexLock lock(shard.mutex());
    while (position < kEnd && seen < count) {
      position = shard.index().visit_bucket(position, [&](Locator at) {
        Item& item = shard.item(at);
        std::int64_t expires = item.expires_at_ms();
        if (expires != kNever && now_ms > expires) return;
        ++seen;
        visit(item.key(), expires);
      });
      // An empty bucket is work too: a table that was emptied must not be walked in one call.
      seen += seen == 0 && position % 1024 == 0 ? 1 : 0;
    }
    if (position < kEnd) break;
    ++number;
    position = 0;
  }
  return number < shards_.size() ? number << 32 | position : 0;
}

std::optional<std::string> ByteCache::random_key(std::int64_t now_ms) {
  std::uint64_t state =
      next_random_.fetch_add(1, std::memory_order_relaxed) + static_cast<std::uint64_t>(now_ms);
  for (int tries = 0; tries < 1000; ++tries) {
    std::uint64_t random = Random::split_mix(state);
    CacheShard& shard = *shards_[(random >> 58) & (shards_.size() - 1)];
    MutexLock lock(shard.mutex());
    Locator at = shard.index().pick(random);
    if (at == kNoLocator) continue;
    std::int64_t expires = shard.item(at).expires_at_ms();
    if (expires == kNever || now_ms <= expires) return std::string(shard.item(at).key());
  }
  std::optional<std::string> any;  // few keys in a large table: the first there is
  for (std::uint64_t cursor = 0; !any;) {
    cursor = scan(cursor, 1, now_ms, [&](std::string_view key) { any = std::string(key); });
    if (cursor == 0) break;
  }
  return any;
}

std::uint64_t ByteCache::size() const {
  std::uint64_t items = 0;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    items += shard->index().size();
  }
  return items;
}

std::array<ByteCache::Group, ByteCache::kGroups> ByteCache::groups() const {
  std::array<Group, kGroups> sum;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    for (std::size_t i = 0; i < kGroups; ++i) {
      sum[i].items += shard->groups()[i].items;
      sum[i].expiring += shard->groups()[i].expiring;
    }
  }
  return sum;
}

void ByteCache::clear() {
  if (lower_ != nullptr) lower_->begin_clear();
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    shard->drain_hits();
    shard->clear();
  }
  if (lower_ != nullptr) lower_->end_clear();
  if (sampler_) sampler_->clear();
  epochs().drain();  // the descriptors of large values
}

std::size_t ByteCache::expire(std::int64_t now_ms, std::size_t limit) {
  std::size_t dropped = 0;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    shard->drain_hits();
    dropped += shard->expire(now_ms, limit);
  }
  return dropped;
}

ByteCache::Stats ByteCache::stats() const {
  Stats sum;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    const CacheShard::Counters c = shard->counters();
    sum.items += shard->index().size();
    sum.hits += c.hits;
    sum.misses += c.misses;
    sum.inserted += c.inserted;
    sum.evicted += c.evicted;
    sum.expired += c.expired;
    sum.relocated += c.relocated;
    sum.refused += c.refused;
    sum.expiring += shard->expiring();
    sum.payload += shard->payload();
    sum.extents += shard->extents();
    sum.dead += shard->dead();
    sum.policy += shard->policy_memory();
    sum.packed += shard->packed();
    sum.saved += shard->saved();
  }
  sum.compression = compressor_.stats();
  sum.segments = segments_->held();
  sum.index = blocks_->held();
  return sum;
}

void ByteCache::Describe(StatSink& sink) const {
  const Stats s = stats();
  slabs_.Describe(sink);
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("cache_items", "Keys held, expired ones that were not dropped yet among them", number(s.items));
  sink.gauge("cache_expiring_items", "Keys with a time to live", number(s.expiring));
  sink.gauge("cache_payload_bytes", "Keys and values", s.payload.as_double());
  sink.gauge("cache_segments_bytes", "Held in segments", s.segments.as_double());
  sink.gauge("cache_large_values_bytes", "Held in pages of large values", s.extents.as_double());
  sink.gauge("cache_index_bytes", "Held by the index", s.index.as_double());
  sink.gauge("cache_dead_bytes", "In segments, of records that are gone and whose place was not taken yet",
             s.dead.as_double());
  sink.gauge("cache_policy_bytes", "Remembered by the policy beside the items", s.policy.as_double());
  sink.counter("cache_hits_total", "Reads that found their key", number(s.hits));
  sink.counter("cache_misses_total", "Reads that did not", number(s.misses));
  sink.counter("cache_inserted_total", "Records written for keys, new or in place of another",
               number(s.inserted));
  sink.counter("cache_evicted_total", "Keys given up for memory", number(s.evicted));
  sink.counter("cache_expired_total", "Keys whose time had come", number(s.expired));
  sink.counter("cache_relocated_total", "Records moved to empty a segment", number(s.relocated));
  sink.counter("cache_refused_total", "Writes refused for lack of memory", number(s.refused));
  sink.gauge("cache_compressed_items", "Keys whose value is kept compressed", number(s.packed));
  sink.gauge("cache_compression_saved_bytes", "What their values would take more as they were",
             s.saved.as_double());
  sink.gauge("cache_compression_contexts_bytes", "Held to compress and to decompress with",
             s.compression.contexts.as_double());
  sink.counter("cache_compressions_total", "Values compressed instead of being given up",
               number(s.compression.packed));
  sink.counter("cache_compressions_unpaid_total", "Attempts that would not have saved an eighth",
               number(s.compression.did_not_pay));
  sink.counter("cache_decompressions_total", "Reads of a compressed value", number(s.compression.unpacked));
  if (sampler_ == nullptr) return;
  const CacheAnalysis a = analysis(false);
  sink.gauge("cache_analysis_bytes", "Held by the sample of requests", a.memory.as_double());
  sink.gauge("cache_analysis_keys", "Keys in the sample", number(a.sampled_keys));
  sink.gauge("cache_analysis_sample_ratio", "Share of keys that are sampled", a.sample_rate);
  constexpr const char* kForecast = "What would hit with so much of the memory, by the sample";
  sink.gauge("cache_forecast_hit_ratio", kForecast, a.half_hit_rate, {{"memory", "half"}});
  sink.gauge("cache_forecast_hit_ratio", kForecast, a.hit_rate, {{"memory", "now"}});
  sink.gauge("cache_forecast_hit_ratio", kForecast, a.twice_hit_rate, {{"memory", "twice"}});
  constexpr const char* kPattern = "Share of the reads that came in this way, by the sample";
  sink.gauge("cache_pattern_ratio", kPattern, a.pattern.recency, {{"kind", "recency"}});
  sink.gauge("cache_pattern_ratio", kPattern, a.pattern.frequency, {{"kind", "frequency"}});
  sink.gauge("cache_pattern_ratio", kPattern, a.pattern.loop, {{"kind", "loop"}});
  sink.gauge("cache_pattern_ratio", kPattern, a.pattern.scan, {{"kind", "scan"}});
  sink.gauge("cache_pattern_ratio", kPattern, a.pattern.first_time, {{"kind", "first_time"}});
}

void ByteCache::CheckInvariants() const {
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex());
    shard->CheckInvariants();
  }
}

}  // namespace plimsoll
