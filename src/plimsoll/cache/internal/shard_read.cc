// Reading without the shard's lock, and what readers leave for whoever has it.
#include <algorithm>
#include <utility>

#include "plimsoll/cache/internal/access_sampler.h"
#include "plimsoll/cache/internal/epoch.h"
#include "plimsoll/cache/internal/index_read.h"
#include "plimsoll/cache/internal/shard.h"

namespace plimsoll {
namespace {

constexpr int kTries = 8;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

PLIMSOLL_RACING PLIMSOLL_HOT std::int64_t racing_expiry(const RacingItem& found) {
  if (!found.head.expiring()) return ByteCache::kNever;
  return racing_load(reinterpret_cast<const ItemExpiry*>(found.record + sizeof(Item))->at_ms);
}

PLIMSOLL_HOT bool has_expired(const CacheShard::Read& read, std::int64_t now_ms) {
  return read.expires_at_ms != ByteCache::kNever && now_ms > read.expires_at_ms;
}

}  // namespace

// A look at what was found at a version that was at rest: only when it is unchanged afterwards is what was
// read true.
PLIMSOLL_HOT CacheShard::Look CacheShard::look_at(std::uint64_t hash, std::uint32_t version,
                                                  const RacingItem& found, Read& read) {
  const Item::Head head = found.head;
  if (!head.plain()) return versions().unchanged(hash, version) ? Look::kUnsure : Look::kChanged;
  read.expires_at_ms = racing_expiry(found);
  read.size = head.has_no_bytes() ? 0 : head.value_size;
  const char* place = found.record + head.key_offset() + head.key_size;
  if (head.large() || head.held()) {
    if (read.pinned != nullptr || read.held != nullptr)
      return pin(hash, version, place, head.held(), read) ? Look::kFound : Look::kChanged;
  } else if (!head.has_no_bytes() && head.value_size <= read.into.size()) {
    racing_copy(read.into.data(), place, head.value_size);
  }
  return versions().unchanged(hash, version) ? Look::kFound : Look::kChanged;
}

PLIMSOLL_HOT void CacheShard::note_read(std::uint64_t hash, std::string_view key, std::uint32_t version,
                                        const RacingItem& found) {
  const bool hit = found.at != kNoLocator;
  // relaxed: a rule that is late by some reads loses or adds a count.
  const bool wanted = hit && rule_.load(std::memory_order_relaxed).wants(found.head.frequency());
  const HitBuffers::Noted noted =
      hits_.note(hit, wanted, {static_cast<std::uint32_t>(hash), version, found.at});
  if (noted.chosen || noted.full) [[unlikely]]
    look_after(noted, hash, key, found.head, hit);
}

void CacheShard::look_after(HitBuffers::Noted noted, std::uint64_t hash, std::string_view key,
                            Item::Head head, bool hit) {
  if (noted.chosen) {
    const std::uint64_t payload = hit ? head.key_size + (head.has_no_bytes() ? 0 : head.value_size) : 0;
    options_.sampler->read_any(hash, key, hit, payload);
  }
  // Where somebody has the lock, it is drained when it is next taken to write, or at the next hit.
  if (noted.full && mutex_.try_lock()) {
    drain_hits_of(false);
    mutex_.unlock();
  }
}

// Most reads are of a key in the first bucket of its chain that nobody is changing: those are done here, in
// one piece (index_read.h).
CacheShard::Answer CacheShard::read(std::uint64_t hash, std::string_view key, std::int64_t now_ms,
                                    Read& read) {
  if (read.counts && sampled(hash) && options_.sampler != nullptr) return Answer::kUnsure;
  const std::uint32_t version = versions().version(hash);
  RacingItem found;
  if (ReadVersions::at_rest(version) && index_.racing_find_first(hash, key, found)) [[likely]] {
    if (look_at(hash, version, found, read) == Look::kFound && !has_expired(read, now_ms)) [[likely]] {
      if (read.counts) note_read(hash, key, version, found);
      return Answer::kFound;
    }
  }
  return read_again(hash, key, now_ms, read);
}

CacheShard::Answer CacheShard::read_again(std::uint64_t hash, std::string_view key, std::int64_t now_ms,
                                          Read& read) {
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint32_t version = versions().version(hash);
    if (!ReadVersions::at_rest(version)) {
      pause();
      continue;
    }
    const RacingItem found = index_.racing_find(hash, key);
    if (found.at == kNoLocator) {
      if (!versions().unchanged(hash, version)) continue;
      if (!found.sure) return Answer::kUnsure;
      if (read.counts) note_read(hash, key, version, found);
      return Answer::kAbsent;
    }
    const Look seen = look_at(hash, version, found, read);
    if (seen == Look::kChanged) continue;
    // Who has the lock drops what has expired, and tells who is to hear of it.
    if (seen == Look::kUnsure || has_expired(read, now_ms)) return Answer::kUnsure;
    if (read.counts) note_read(hash, key, version, found);
    return Answer::kFound;
  }
  return Answer::kUnsure;
}

// What the record points to was there while the version was unchanged, so it was retired after this reading
// began, if it was at all, and its count of references may be looked at.
bool CacheShard::pin(std::uint64_t hash, std::uint32_t version, const char* place, bool held, Read& read) {
  ExtentRef extent;
  {
    const EpochReading reading;
    if (!reading) return false;
    void* pointer = nullptr;
    racing_copy(&pointer, place, sizeof pointer);
    if (!versions().unchanged(hash, version)) return false;
    if (held) {
      HeldPin pin = HeldPin::try_of(*static_cast<HeldValue*>(pointer));
      if (!pin) return false;
      if (read.held != nullptr) *read.held = std::move(pin);
      return true;
    }
    auto* large = static_cast<Extent*>(pointer);
    if (!large->try_refer()) return false;
    extent = ExtentRef(large);
  }
  // From here on nobody writes into it; but somebody may have begun before (Extent::is_mine()).
  if (!versions().unchanged(hash, version)) return false;
  if (read.pinned != nullptr) *read.pinned = PinnedValue(*extent);
  return true;
}

void CacheShard::drain_hits_of(bool all) {
  // Unchanged since it was read, or at least in its place still.
  const auto is_there = [this](const HitBuffers::Hit& hit) {
    return versions().version(hit.hash) == hit.version || index_.contains(hit.hash, hit.item);
  };
  const auto prepare = [this](const HitBuffers::Hit& hit) { __builtin_prefetch(&item(hit.item), 1); };
  const auto approach = [&](const HitBuffers::Hit& hit) {
    if (is_there(hit)) policy_->approach(hit.item);
  };
  const auto apply = [&](const HitBuffers::Hit& hit) {
    if (is_there(hit)) policy_->hit(hit.item);
  };
  if (all) {
    hits_.drain(prepare, approach, apply);
  } else {
    hits_.drain_mine(prepare, approach, apply);
  }
  publish_rule();
}

void CacheShard::publish_rule() {
  const HitRule rule = policy_->hit_rule();
  // Written only when it changes: readers have it in their caches.
  if (rule_.load(std::memory_order_relaxed) != rule) rule_.store(rule, std::memory_order_relaxed);
}

CacheShard::Counters CacheShard::counters() const {
  Counters all = counters_;
  const HitBuffers::Reads reads = hits_.reads();
  all.hits += reads.hits;
  all.misses += reads.misses;
  return all;
}

}  // namespace plimsoll
