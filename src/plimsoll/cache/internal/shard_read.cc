// Reading without the shard's lock, and what readers leave for whoever has it.
#include <algorithm>

#include "plimsoll/cache/internal/access_sampler.h"
#include "plimsoll/cache/internal/epoch.h"
#include "plimsoll/cache/internal/shard.h"

namespace plimsoll {
namespace {

constexpr int kTries = 8;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

PLIMSOLL_RACING std::int64_t racing_expiry(const RacingItem& found) {
  if (!found.head.expiring()) return ByteCache::kNever;
  return racing_load(reinterpret_cast<const ItemExpiry*>(found.record + sizeof(Item))->at_ms);
}

}  // namespace

CacheShard::Answer CacheShard::read(std::uint64_t hash, std::string_view key, std::int64_t now_ms,
                                    Read& read) {
  if (read.counts && sampled(hash) && options_.sampler != nullptr) return Answer::kUnsure;
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint32_t version = versions().version(hash);
    if (!ReadVersions::at_rest(version)) {
      pause();
      continue;
    }
    RacingItem found;
    const Look seen = look(hash, key, version, found, read);
    if (seen == Look::kChanged) continue;
    if (seen == Look::kUnsure) return Answer::kUnsure;
    // Who has the lock drops it, and tells who is to hear of it.
    const bool expired = read.expires_at_ms != ByteCache::kNever && now_ms > read.expires_at_ms;
    if (seen == Look::kFound && expired) return Answer::kUnsure;
    if (read.counts) note_read(hash, key, version, found);
    return seen == Look::kFound ? Answer::kFound : Answer::kAbsent;
  }
  return Answer::kUnsure;
}

// One look at a version that was at rest: only when it is unchanged afterwards is what was read true.
CacheShard::Look CacheShard::look(std::uint64_t hash, std::string_view key, std::uint32_t version,
                                  RacingItem& found, Read& read) {
  found = index_.racing_find(hash, key);
  read.expires_at_ms = ByteCache::kNever;
  if (found.at == kNoLocator) {
    if (!versions().unchanged(hash, version)) return Look::kChanged;
    return found.sure ? Look::kAbsent : Look::kUnsure;
  }
  const Item::Head head = found.head;
  if (!head.plain()) return versions().unchanged(hash, version) ? Look::kUnsure : Look::kChanged;
  read.expires_at_ms = racing_expiry(found);
  read.size = head.has_no_bytes() ? 0 : head.value_size;
  if (head.large() || head.held()) {
    if (read.pins) return pin(hash, version, found, read) ? Look::kFound : Look::kChanged;
  } else if (!head.has_no_bytes() && head.value_size <= read.into.size()) {
    racing_copy(read.into.data(), found.record + head.key_offset() + head.key_size, head.value_size);
  }
  return versions().unchanged(hash, version) ? Look::kFound : Look::kChanged;
}

// What the record points to was there while the version was unchanged, so it was retired after this reading
// began, if it was at all, and its count of references may be looked at.
bool CacheShard::pin(std::uint64_t hash, std::uint32_t version, const RacingItem& found, Read& read) {
  const char* place = found.record + found.head.key_offset() + found.head.key_size;
  ExtentRef extent;
  {
    const EpochReading reading;
    if (!reading) return false;
    void* pointer = nullptr;
    racing_copy(&pointer, place, sizeof pointer);
    if (!versions().unchanged(hash, version)) return false;
    if (found.head.held()) {
      read.held = HeldPin::try_of(*static_cast<HeldValue*>(pointer));
      return static_cast<bool>(read.held);
    }
    auto* large = static_cast<Extent*>(pointer);
    if (!large->try_refer()) return false;
    extent = ExtentRef(large);
  }
  // From here on nobody writes into it; but somebody may have begun before (Extent::is_mine()).
  if (!versions().unchanged(hash, version)) return false;
  read.pinned = PinnedValue(*extent);
  return true;
}

void CacheShard::note_read(std::uint64_t hash, std::string_view key, std::uint32_t version,
                           const RacingItem& found) {
  const bool hit = found.at != kNoLocator;
  // relaxed: a rule that is late by some reads loses or adds a count.
  const bool wanted = hit && rule_.load(std::memory_order_relaxed).wants(found.head.frequency());
  const HitBuffers::Hit entry{static_cast<std::uint32_t>(hash), version, found.at};
  const HitBuffers::Noted noted = hits_.note(hit, wanted ? &entry : nullptr);
  if (noted.chosen) [[unlikely]] {
    const Item::Head& head = found.head;
    const std::uint64_t payload = hit ? head.key_size + (head.has_no_bytes() ? 0 : head.value_size) : 0;
    options_.sampler->read_any(hash, key, hit, payload);
  }
  // Where somebody has the lock, it is drained when it is next taken.
  if (noted.full && mutex_.try_lock()) {
    drain_all_hits();
    mutex_.unlock();
  }
}

void CacheShard::drain_all_hits() {
  hits_.drain(
      [this](const HitBuffers::Hit& hit) {
        const Item& record = item(hit.item);
        __builtin_prefetch(&record, 1);
      },
      [this](const HitBuffers::Hit& hit) {
        // Unchanged since it was read, or at least in its place still.
        if (versions().version(hit.hash) == hit.version || index_.contains(hit.hash, hit.item)) {
          policy_->hit(hit.item);
        }
      });
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
