#include "plimsoll/cache/internal/shard.h"

#include <algorithm>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/poison.h"
#include "plimsoll/cache/internal/access_sampler.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

thread_local const CacheShard* CacheShard::held_by_this_thread = nullptr;

CacheShard::CacheShard(const Options& options)
    : options_(options),
      segments_(options.segments),
      first_(static_cast<std::uint32_t>(std::max(segments_.unit(), std::size_t{64}))),
      index_(segments_, options.blocks, {&hash64, options.hash_seed}),
      wheel_(segments_),
      holes_(segments_),
      kind_(options.policy),
      policy_(make_policy(kind_, policy_options())),
      sampled_to_(options.sampler ? options.sampler->highest() : kNothingSampled),
      draw_(options.seed),
      next_hot_(options.sampler ? 0 : ~std::uint64_t{0}),
      enough_(least_dead()),
      hits_(options.sampler ? AccessSampler::kBetweenHot : 0, options.seed) {
  charge_policy();
  publish_rule();
}

CacheShard::~CacheShard() { clear(); }

PolicyOptions CacheShard::policy_options() const {
  return {.items = segments_,
          .objective = options_.objective,
          .hash_seed = options_.hash_seed,
          .seed = options_.seed,
          .learner = options_.learner,
          .generation = generation_};
}

std::uint64_t CacheShard::hash_of(Locator at) const { return hash64(item(at).key(), options_.hash_seed); }

Locator CacheShard::find(std::uint64_t hash, std::string_view key, std::int64_t now_ms) {
  last_now_ms_ = now_ms;
  Locator at = index_.find(hash, key);
  if (at == kNoLocator) return at;
  const std::int64_t expires = item(at).expires_at_ms();
  if (expires == ByteCache::kNever || now_ms <= expires) return at;
  erase(at, Removal::kExpired);
  ++counters_.expired;
  return kNoLocator;
}

void CacheShard::touch(Locator at, std::uint64_t hash, std::string_view key) {
  if (sampled(hash) || counters_.hits + counters_.misses >= next_hot_) [[unlikely]]
    sample_read(at, hash, key);
  if (at == kNoLocator) {
    ++counters_.misses;
    return;
  }
  ++counters_.hits;
  policy_->hit(at);
  Item& record = item(at);
  if (!record.packed() && !record.described()) [[likely]]
    return;
  if (record.packed()) Compressor::mark(const_cast<char*>(record.stored().data()), true);
  if (record.described()) {
    ItemFacts facts = record.facts();
    facts.accessed_s = static_cast<std::uint32_t>(last_now_ms_ / 1000);
    ++facts.accesses;
    record.set_facts(facts);
  }
}

// Facts outlive what the key is overwritten with.
void CacheShard::describe(Item& record, Locator old) {
  const auto now = static_cast<std::uint32_t>(last_now_ms_ / 1000);
  ItemFacts facts{.created_s = now, .accessed_s = now, .accesses = 0};
  if (old != kNoLocator && item(old).described()) facts = item(old).facts();
  facts.accessed_s = now;
  record.set_facts(facts);
}

void CacheShard::sample_read(Locator at, std::uint64_t hash, std::string_view key) {
  AccessSampler* const sampler = options_.sampler;
  if (sampler == nullptr) return;
  const bool hit = at != kNoLocator;
  const std::uint64_t reads = counters_.hits + counters_.misses;
  if (sampled(hash)) {
    const Counters all = counters();
    sampler->read({.hash = hash,
                   .bytes = hit ? item(at).weight(segments_.unit()) : 0,
                   .hit = hit,
                   .reads = all.hits + all.misses + 1 - reported_reads_,
                   .hits = all.hits + hit - reported_hits_});
    reported_reads_ = all.hits + all.misses + 1;
    reported_hits_ = all.hits + hit;
  }
  if (reads >= next_hot_) {
    sampler->read_any(hash, key, hit, hit ? item(at).payload() : 0);
    next_hot_ = reads + 1 + draw_.below(2 * AccessSampler::kBetweenHot);
  }
}

Locator CacheShard::write(const Write& w) {
  const bool expiring = w.expires_at_ms != ByteCache::kNever;
  const bool weighed = w.value_size == Item::kWeighed;
  const bool small = w.extent == nullptr && w.held == nullptr && !weighed;
  // relaxed: whoever switches it waits for nothing.
  const bool described = (small || w.extent != nullptr) && options_.describe.load(std::memory_order_relaxed);
  const std::size_t length = Item::length(w.key.size(), small ? w.value_size : sizeof(Extent*), expiring,
                                          segments_.unit(), described);
  last_now_ms_ = w.now_ms;
  if (Locator same = index_.find(w.hash, w.key); same != kNoLocator && small) {
    Item& record = item(same);
    if (!record.large() && !record.has_no_bytes() && !record.packed() && record.expiring() == expiring &&
        record.described() == described && record.length(segments_.unit()) == length) {
      payload_ = payload_ + Bytes(w.value_size) - Bytes(record.stored_size());
      record.set_stored_size(w.value_size);
      if (described) describe(record, same);
      policy_->hit(same);
      if (expiring) schedule(same, w.expires_at_ms, w.now_ms);
      if (sampled(w.hash) && options_.sampler) options_.sampler->wrote(w.hash, length);
      return same;
    }
  }
  const std::uint64_t weight = weighed    ? w.weight
                               : w.extent ? length + (*w.extent)->charged().count()
                               : w.held   ? length + w.held->weight().count()
                                          : length;
  char* place = make_fit(w, weight) ? allocate(length, w.evict) : nullptr;
  if (place == nullptr) {
    ++counters_.refused;
    return kNoLocator;
  }
  Item& record = *reinterpret_cast<Item*>(place);
  record = {
      .value_size = w.value_size | (described ? Item::kDescribed : 0),
      .key_size = static_cast<std::uint16_t>(w.key.size()),
      .bits = static_cast<std::uint16_t>((w.extent ? Item::kLarge : 0) | (expiring ? Item::kExpiring : 0)),
      .older = kNoLocator,
      .newer = kNoLocator};
  if (expiring) *record.expiry() = {ByteCache::kNever, kNoLocator, kNoLocator};
  if (described) describe(record, index_.find(w.hash, w.key));
  std::copy(w.key.begin(), w.key.end(), record.key_begin());
  if (w.extent != nullptr) record.set_extent(&**w.extent);
  if (w.held != nullptr) record.set_held_value(w.held);
  if (weighed) record.set_weight(w.weight);
  const Locator at = segments_.locator_of(place);
  if (!link_new(w, at)) {
    ++counters_.refused;
    return kNoLocator;
  }
  if (expiring) schedule(at, w.expires_at_ms, w.now_ms);
  if (sampled(w.hash) && options_.sampler) options_.sampler->wrote(w.hash, weight);
  if (counters_.inserted % 256 == 0) charge_policy();
  publish_rule();
  return at;
}

// Puts a written record in the index and the order, in the place of the one that it replaces. False: no
// memory for the index; the record is dead.
bool CacheShard::link_new(const Write& w, Locator at) {
  Item& record = item(at);
  const Locator old = index_.find(w.hash, w.key);
  if (old != kNoLocator) {
    index_.move(static_cast<std::uint32_t>(w.hash), old, at);
  } else if (!index_.insert(w.hash, at)) {
    bury(record);
    return false;
  }
  const auto length = static_cast<std::uint32_t>(record.length(segments_.unit()));
  record.bits |= Item::kLive;
  segment_of(&record)->live += length;
  live_ += length;
  weight_ += record.weight(segments_.unit());
  payload_ += Bytes(record.payload());
  if (w.extent != nullptr) extents_ += w.extent->release()->charged();
  ++counters_.inserted;
  ++group_of(record).items;
  if (old != kNoLocator) {
    policy_->replaced(old, at);
    discard(item(old), Removal::kReplaced);
  } else {
    policy_->insert(at, w.hash);
    if (lower_ != nullptr && !w.restored) lower_->inserted(w.hash, w.key);
  }
  return true;
}

// Evicts until one more item of this weight is within the bounds that were set. False: it never is.
bool CacheShard::make_fit(const Write& w, std::uint64_t weight) {
  if (options_.max_items == 0 && options_.max_bytes == 0) return true;
  if (options_.max_bytes > 0 && weight > options_.max_bytes) return false;
  while (true) {
    const Locator old = index_.find(w.hash, w.key);
    const std::uint64_t items = index_.size() - (old != kNoLocator);
    const std::uint64_t bytes = weight_ - (old != kNoLocator ? item(old).weight(segments_.unit()) : 0);
    if ((options_.max_items == 0 || items < options_.max_items) &&
        (options_.max_bytes == 0 || bytes + weight <= options_.max_bytes)) {
      return true;
    }
    if (!w.evict || evict_one() == 0) return false;
  }
}

void CacheShard::schedule(Locator at, std::int64_t expires_at_ms, std::int64_t now_ms) {
  Item& record = item(at);
  ItemExpiry& expiry = *record.expiry();
  if (expiry.at_ms != ByteCache::kNever) {
    wheel_.remove(at);
    --group_of(record).expiring;
  }
  expiry.at_ms = expires_at_ms;
  if (expires_at_ms != ByteCache::kNever) {
    wheel_.add(at, now_ms);
    ++group_of(record).expiring;
  }
}

void CacheShard::resized(Locator at, Bytes charged_before) {
  Item& record = item(at);
  const Extent& extent = *record.extent();
  const std::uint64_t before = record.length(segments_.unit()) + charged_before.count();
  extents_ = extents_ + extent.charged() - charged_before;
  payload_ = payload_ + Bytes(extent.size()) - Bytes(record.stored_size());
  record.set_stored_size(extent.size());
  weight_ = weight_ - before + record.weight(segments_.unit());
  policy_->reweighed(at, before);
  policy_->hit(at);
}

void CacheShard::retire(Item& record, Removal why) {
  const auto length = static_cast<std::uint32_t>(record.length(segments_.unit()));
  weight_ -= record.weight(segments_.unit());
  ByteCache::Group& group = group_of(record);
  --group.items;
  if (record.expires_at_ms() != ByteCache::kNever) {
    wheel_.remove(segments_.locator_of(&record));
    --group.expiring;
  }
  if (record.packed()) count_packed(record, false);
  if (record.large()) {
    Extent* extent = record.extent();
    extents_ -= extent->charged();
    if (!extent->pinned()) given_back_ += extent->charged();
    ExtentRef(extent).reset();
  }
  payload_ -= Bytes(record.payload());
  if (record.held()) {
    HeldValue& value = *record.held_value();
    if (!value.pinned()) given_back_ += value.weight();
    options_.owner->left(value, why);
  }
  record.bits &= static_cast<std::uint16_t>(~Item::kLive);
  segment_of(&record)->live -= length;
  live_ -= length;
  bury(record);
}

void CacheShard::bury(Item& record) {
  holes_.add(segments_.locator_of(&record));
  poison(&record + 1, record.length(segments_.unit()) - sizeof(Item));
}

void CacheShard::discard(Item& record, Removal why) {
  Segment* segment = segment_of(&record);
  retire(record, why);
  if (segment->live > 0) return;
  forget_holes(*segment);
  if (segment == open_ || segment == moved_) {
    used_ -= segment->used - first_;
    unpoison(segment, segments_.block_size());
    segment->used = first_;
  } else {
    unseal(*segment);
    dispose(*segment);
  }
}

void CacheShard::erase(Locator at, Removal why) {
  const std::uint64_t hash = hash_of(at);
  if (sampled(hash) && options_.sampler) options_.sampler->erased(hash);
  index_.erase(static_cast<std::uint32_t>(hash), at);
  policy_->erase(at);
  discard(item(at), why);
}

std::size_t CacheShard::expire(std::int64_t now_ms, std::size_t limit) {
  last_now_ms_ = now_ms;
  std::size_t dropped = 0;
  while (dropped < limit) {
    Locator at = wheel_.due(now_ms);
    if (at == kNoLocator) break;
    erase(at, Removal::kExpired);
    ++dropped;
  }
  counters_.expired += dropped;
  return dropped;
}

void CacheShard::empty(Segment& segment) {
  char* const begin = reinterpret_cast<char*>(&segment);
  for (std::size_t at = first_; at < segment.used;) {
    Item& record = *reinterpret_cast<Item*>(begin + at);
    at += record.length(segments_.unit());
    if (!record.live()) continue;
    if (record.large()) ExtentRef(record.extent()).reset();
    if (record.held()) options_.owner->left(*record.held_value(), Removal::kCleared);
  }
  give_back(segment);
}

void CacheShard::clear() {
  const ReadVersions::ChangeOfAll change(versions());
  while (oldest_ != nullptr) {
    Segment* segment = oldest_;
    unseal(*segment);
    empty(*segment);
  }
  if (open_ != nullptr) empty(*std::exchange(open_, nullptr));
  if (moved_ != nullptr) empty(*std::exchange(moved_, nullptr));
  policy_ = make_policy(kind_, policy_options());
  changing_ = nullptr;
  charge_policy();
  index_.clear();
  wheel_.clear();
  holes_.clear();
  payload_ = extents_ = saved_ = Bytes();
  used_ = live_ = weight_ = packed_ = 0;
  groups_ = {};
}

void CacheShard::change_policy(PolicyKind kind) {
  PLIMSOLL_CHECK(changing_ == nullptr, "to %s while another is under way", name_of(kind).data());
  if (kind == kind_) return;
  kind_ = kind;
  generation_ ^= 1;
  auto change = std::make_unique<ChangingPolicy>(segments_, std::move(policy_),
                                                 make_policy(kind, policy_options()), generation_);
  changing_ = change.get();
  policy_ = std::move(change);
  publish_rule();
}

bool CacheShard::convert_policy() {
  if (changing_ == nullptr) return false;
  const bool more = changing_->convert(kConvertedAtOnce);
  if (!more) {
    policy_ = std::exchange(changing_, nullptr)->finish();
    publish_rule();
  }
  charge_policy();
  return more;
}

// What the policy remembers is held already when it is asked for: it is charged as such, and what is too much
// makes the next insert evict.
void CacheShard::charge_policy() {
  const Bytes memory = policy_->memory();
  const Bytes charged = policy_charge_.size();
  if (memory > charged) {
    policy_charge_.merge(options_.account.charge_held(memory - charged));
  } else if (memory < charged) {
    policy_charge_.shrink(charged - memory);
  }
}

std::int64_t CacheShard::oldest_ms() const { return oldest_ ? oldest_->sealed_ms : 0; }

std::size_t CacheShard::memory_of(Locator at) const {
  Item& record = item(at);
  std::size_t bytes = record.length(segments_.unit()) + 8;  // and its share of the index
  return record.large() ? bytes + record.extent()->charged().count() : bytes;
}

void CacheShard::CheckInvariants() const {
  index_.CheckInvariants();
  policy_->CheckInvariants();
  holes_.CheckInvariants();
  std::uint64_t used = 0, live = 0, items = 0, weight = 0, packed = 0;
  Bytes payload, extents, saved;
  auto walk = [&](const Segment* segment) {
    std::uint32_t sum = 0;
    const char* begin = reinterpret_cast<const char*>(segment);
    for (std::size_t at = first_; at < segment->used;) {
      auto* record = const_cast<Item*>(reinterpret_cast<const Item*>(begin + at));
      std::size_t length = record->length(segments_.unit());
      if (record->live()) {
        sum += static_cast<std::uint32_t>(length);
        ++items;
        weight += record->weight(segments_.unit());
        payload += Bytes(record->payload());
        if (record->large()) extents += record->extent()->charged();
        if (record->packed()) {
          ++packed;
          saved += Bytes(Compressor::unpacked_size(record->stored()) - record->stored_size());
        }
      }
      at += length;
    }
    PLIMSOLL_CHECK(sum == segment->live, "%u live of %u", sum, segment->live);
    used += segment->used - first_;
    live += sum;
  };
  for (const Segment* segment = oldest_; segment != nullptr; segment = segment->newer) {
    PLIMSOLL_CHECK(segment->sealed && segment->live > 0);
    walk(segment);
  }
  if (open_ != nullptr) walk(open_);
  if (moved_ != nullptr) walk(moved_);
  PLIMSOLL_CHECK(spare_ == nullptr && used == used_ && live == live_ && weight == weight_);
  PLIMSOLL_CHECK(holes_.bytes() == used - live, "%llu bytes dead, %llu in holes",
                 static_cast<unsigned long long>(used - live),
                 static_cast<unsigned long long>(holes_.bytes()));
  PLIMSOLL_CHECK(items == index_.size() && items == policy_->size(),
                 "%llu records, %zu in the index, %zu in the order", static_cast<unsigned long long>(items),
                 index_.size(), policy_->size());
  PLIMSOLL_CHECK(payload == payload_ && extents == extents_);
  PLIMSOLL_CHECK(packed == packed_ && saved == saved_, "%llu packed of %llu",
                 static_cast<unsigned long long>(packed), static_cast<unsigned long long>(packed_));
  std::uint64_t grouped = 0, expiring = 0;
  for (const ByteCache::Group& group : groups_) {
    grouped += group.items;
    expiring += group.expiring;
  }
  PLIMSOLL_CHECK(grouped == items && expiring == wheel_.size(), "%llu items and %llu expiring in groups",
                 static_cast<unsigned long long>(grouped), static_cast<unsigned long long>(expiring));
}

}  // namespace plimsoll
