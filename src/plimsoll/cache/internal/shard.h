// CacheShard: one lock's worth of the cache: an index, a queue of segments, the large values, the expiry
// wheel.
//
// Writing appends a record to the open segment; a full one goes to the tail of the queue. When there is no
// memory for another, the segment at the head is swept: records that the policy gives up are dropped, the
// others fill up the open segment, and what does not fit there slides to the front of its own, which becomes
// the open one. So neither replacing items nor giving memory back needs a spare segment, and sealed segments
// are full.
// Invariant: `live` of a segment is the sum of its live records; a segment without any, but the open one, is
// returned at once.
// Thread-safety: mutex() is held for every call. Cost: sweeping costs about 100 ns a record.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/random.h"
#include "plimsoll/cache/cache.h"
#include "plimsoll/cache/internal/expiry_wheel.h"
#include "plimsoll/cache/internal/index.h"
#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/segment_store.h"
#include "plimsoll/cache/policy.h"

namespace plimsoll {

class CacheShard {
 public:
  struct Counters {
    std::uint64_t hits = 0, misses = 0, inserted = 0, evicted = 0, expired = 0, relocated = 0, refused = 0;
  };

  CacheShard(SegmentStore& segments, SegmentStore& blocks, PolicyKind policy, std::uint64_t seed);
  ~CacheShard();

  Mutex& mutex() { return mutex_; }
  // The one that this thread has a slot of, so that evicting on behalf of others leaves it alone.
  static thread_local const CacheShard* held_by_this_thread;

  // Present and not expired; an expired one is dropped.
  Locator find(std::uint64_t hash, std::string_view key, std::int64_t now_ms);
  void touch(Locator item);  // kNoLocator counts a miss
  Item& item(Locator at) const { return *reinterpret_cast<Item*>(segments_.at(at)); }

  struct Write {
    std::string_view key;
    std::uint64_t hash;
    std::uint32_t value_size;
    bool large;                  // the record holds an extent's pointer
    std::int64_t expires_at_ms;  // or Cache::kNever
    std::int64_t now_ms;
    bool evict;
  };
  // A live record for the key, in place of the one there was, evicting if allowed. The value's bytes are the
  // caller's to write at once (or attach()). kNoLocator when there is no memory; the old record is still
  // there then, unless it was evicted.
  Locator write(const Write& w);
  void erase(Locator item);
  void attach(Locator item, ExtentRef extent);  // REQUIRES: a new large record
  void schedule(Locator item, std::int64_t expires_at_ms,
                std::int64_t now_ms);  // REQUIRES: the record is expiring
  // After a large value's extent was made longer or shorter.
  void resized(Locator item, Bytes charged_before);

  // Gives back one block or one large value and says how many bytes it was; zero when there is nothing to
  // give up. Without `evict` only what dead records take.
  Bytes release_some(bool evict);
  std::size_t expire(std::int64_t now_ms, std::size_t limit);
  void clear();

  ItemIndex& index() { return index_; }
  const ItemIndex& index() const { return index_; }
  const Counters& counters() const { return counters_; }
  Random& random() { return random_; }
  std::size_t expiring() const { return wheel_.size(); }
  Bytes payload() const { return payload_; }
  Bytes extents() const { return extents_; }
  std::int64_t oldest_ms() const;  // when the segment at the head of the queue was filled; 0 without one
  std::int64_t last_now_ms() const { return last_now_ms_; }
  std::size_t memory_of(Locator item) const;
  void CheckInvariants() const;

 private:
  // At the front of every block; records follow.
  struct Segment {
    Segment* older;
    Segment* newer;
    std::int64_t sealed_ms;
    std::uint32_t used;  // bytes from the block's begin to the end of the last record
    std::uint32_t live;  // bytes in live records
    std::uint32_t sealed_stamp;
    bool sealed;
  };
  static constexpr std::uint32_t kNeverOld = ~std::uint32_t{0};
  static constexpr int kRounds = 64;
  static constexpr int kPassedOver = 8;  // segments in use that are put back in the queue in one search

  std::uint32_t now() const { return static_cast<std::uint32_t>(accesses_ >> 4); }
  std::uint32_t age_of(std::uint32_t stamp) const { return now() - stamp; }
  Segment* segment_of(const void* record) const {
    return reinterpret_cast<Segment*>(segments_.begin_of(segments_.block_of(record)));
  }
  std::size_t room() const { return open_ ? segments_.block_size() - open_->used : 0; }
  // `length` bytes at the end of the open segment; opens or sweeps another if need be. Null: no memory.
  char* allocate(std::size_t length, std::int64_t now_ms, bool evict);
  bool make_room(std::int64_t now_ms, bool evict);
  void seal(std::int64_t now_ms);
  void link_sealed(Segment& segment);  // at the tail of the queue
  void unseal(Segment& segment);
  void give_back(Segment& segment);  // REQUIRES: not sealed, nothing live
  struct Victim {
    Segment* segment = nullptr;
    std::uint32_t age = kNeverOld;  // records at least so old go
  };
  Victim choose_victim(bool evict);
  std::uint32_t old_age();  // the policy's word: items at least so old may go
  void collect_ages(const Segment& segment);
  // Drops what is at least victim.age old. What stays fills up the open segment; the rest slides to the
  // victim's own front, and it becomes the open one. Nothing staying, it goes back. False without a victim.
  bool sweep(const Victim& victim);
  void relocate(Item& from, std::size_t length, char* to);
  void retire(Item& record);   // out of the wheel, its extent let go: the bytes are dead. It is out of the
                               // index already
  void discard(Item& record);  // retire(), and the segment goes back when nothing in it is live
  bool link_new(const Write& w, Item& record, Locator at);
  bool oldest_is_an_extent() const;
  bool evict_extent();  // the oldest, if it is older than the oldest segment
  Extent* extent_to_evict();
  void renew(Extent& extent);  // it is in use now
  void unlink(Extent& extent);
  void link_newest(Extent& extent);

  Mutex mutex_;
  SegmentStore& segments_;
  const std::uint32_t first_;  // where records begin in a block: at a whole unit
  ItemIndex index_;
  ExpiryWheel wheel_;
  std::unique_ptr<EvictionPolicy> policy_;
  Random random_;
  Segment* oldest_ = nullptr;  // the queue of sealed segments
  Segment* newest_ = nullptr;
  Segment* open_ = nullptr;
  std::uint64_t sealed_used_ = 0;
  std::uint64_t sealed_live_ = 0;
  Extent* newest_extent_ = nullptr;
  Extent* oldest_extent_ = nullptr;
  std::uint64_t accesses_ = 0;
  std::int64_t last_now_ms_ = 0;
  Bytes payload_;
  Bytes extents_;
  Bytes given_back_;  // in all: blocks, and large values that nobody was sending
  Counters counters_;
  std::vector<std::uint32_t> ages_;  // kept for sweeping
};

}  // namespace plimsoll
