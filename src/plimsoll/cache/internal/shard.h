// CacheShard: one lock's worth of the cache: an index, a policy's order, segments of records, the expiry
// wheel.
//
// Writing appends a record to the open segment, or takes the place of a dead one of its length. When there is
// no memory for another segment, items are evicted in the policy's order, a batch at a time, wherever they
// lie. Segments are won by emptying the one with most dead bytes: what lives in it moves to where others
// died, or to the end of a second open segment; what fits nowhere slides to the front of its own segment,
// which then takes the second one's place. So neither replacing items nor giving memory back needs a spare
// segment, and a segment costs at most as many moves as it has records.
//
// Invariant: `live` of a segment is the sum of its live records; a sealed one without any is returned or used
// again at once; the policy has every item that the index has, the holes have every record that is dead.
//
// Thread-safety: mutex() is held for every call but read(), which reads beside whoever has it: what ends or
// changes a record does so in a change of its stripe's version (read_versions.h). Cost: evicting and moving
// cost about 200 ns a record each.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/random.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/compressor.h"
#include "plimsoll/cache/internal/changing_policy.h"
#include "plimsoll/cache/internal/eviction_policy.h"
#include "plimsoll/cache/internal/expiry_wheel.h"
#include "plimsoll/cache/internal/hit_buffers.h"
#include "plimsoll/cache/internal/holes.h"
#include "plimsoll/cache/internal/index.h"
#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/segment_store.h"

namespace plimsoll {

class AccessSampler;
class LowerLevel;

class CacheShard {
 public:
  struct Options {
    SegmentStore& segments;
    SegmentStore& blocks;  // of the index
    Account& account;      // of what the policy remembers
    AccessSampler* sampler = nullptr;
    PolicyKind policy;
    Objective objective;
    std::uint64_t hash_seed;
    std::uint64_t seed;
    std::shared_ptr<AdaptiveLearner> learner;  // one for all shards
    std::uint64_t max_items;                   // zero: as many as there is memory for
    std::uint64_t max_bytes;                   // of weight, likewise
    HeldOwner* owner;                          // is told of objects that leave; null without any
    ExtentStore& extents;                      // of large values that are packed
    Compressor& compressor;
    const std::atomic<Compression>& compression;  // what victims are packed with from now on
    const std::atomic<bool>& describe;            // whether records that are written have facts
    unsigned (*group_of)(std::string_view key) = nullptr;
  };
  struct Counters {
    std::uint64_t hits = 0, misses = 0, inserted = 0, evicted = 0, expired = 0, relocated = 0, refused = 0;
    std::uint64_t packed = 0;
  };

  explicit CacheShard(const Options& options);
  ~CacheShard();

  Mutex& mutex() { return mutex_; }

  // What is asked of read(), and its answer.
  struct Read {
    bool counts = true;      // as touch() does
    std::span<char> into{};  // for a value of bytes that is not large, where it fits
    // Where what is pinned, or was unpacked, is put; null: it is not asked for.
    PinnedValue* pinned = nullptr;
    HeldPin* held = nullptr;
    Compressor::Buffer* unpacked = nullptr;
    std::size_t size = 0;
    std::int64_t expires_at_ms = -1;
  };
  enum class Answer : std::uint8_t { kAbsent, kFound, kUnsure };
  // Without the lock. kUnsure: to be asked under it, as the record is being changed, or has expired, or the
  // sampler wants to see the request.
  Answer read(std::uint64_t hash, std::string_view key, std::int64_t now_ms, Read& read);
  // Tells the policy of what was read without the lock; to be called first by whoever takes it to change
  // anything.
  void drain_hits() {
    if (hits_.pending()) drain_hits_of(true);
  }
  ReadVersions& versions() { return index_.versions(); }
  // The one that this thread has a slot of, so that evicting on behalf of others leaves it alone.
  static thread_local const CacheShard* held_by_this_thread;

  // Present and not expired; an expired one is dropped.
  Locator find(std::uint64_t hash, std::string_view key, std::int64_t now_ms);
  void touch(Locator item, std::uint64_t hash, std::string_view key);  // kNoLocator counts a miss
  Item& item(Locator at) const { return *reinterpret_cast<Item*>(segments_.at(at)); }

  struct Write {
    std::string_view key;
    std::uint64_t hash;
    std::uint32_t value_size;    // or Item::kWeighed, Item::kHeld
    ExtentRef* extent;           // of a large value, taken over when the write is done; else null
    HeldValue* held;             // of who is held, likewise
    std::uint64_t weight;        // of who is weighed
    std::int64_t expires_at_ms;  // or ByteCache::kNever
    std::int64_t now_ms;
    bool evict;
    bool restored = false;  // it comes from below
  };
  // A live record for the key, in place of the one there was, evicting if allowed. The value's bytes are the
  // caller's to write at once. kNoLocator when there is no memory; the old record is still there then, unless
  // it was evicted.
  Locator write(const Write& w);
  // False: heavier than all that the shard may hold.
  bool could_hold(std::uint64_t weight) const {
    return options_.max_bytes == 0 || weight <= options_.max_bytes;
  }
  void erase(Locator item, Removal why);
  void schedule(Locator item, std::int64_t expires_at_ms,
                std::int64_t now_ms);  // REQUIRES: the record is expiring
  // After a large value's extent was made longer or shorter.
  void resized(Locator item, Bytes charged_before);

  // Gives back one block or one large value and says how many bytes it was; zero when there is nothing to
  // give up. Without `evict` only what dead records take.
  // `pack`: what is given up may be packed, which takes longer.
  Bytes release_some(bool evict, bool pack);
  std::size_t expire(std::int64_t now_ms, std::size_t limit);
  void clear();
  // From here on `kind` has new items; those that are there keep their order until convert_policy() has said
  // that they went over, with what is known of their use. REQUIRES: no other change is under way.
  void change_policy(PolicyKind kind);
  // A slice of that, a fraction of a millisecond. False: it is done.
  bool convert_policy();

  // What is evicted goes there; what is new is no longer to be there.
  void set_lower_level(LowerLevel* level) { lower_ = level; }

  ItemIndex& index() { return index_; }
  const ItemIndex& index() const { return index_; }
  Counters counters() const;
  const std::array<ByteCache::Group, ByteCache::kGroups>& groups() const { return groups_; }
  std::size_t expiring() const { return wheel_.size(); }
  Bytes payload() const { return payload_; }
  std::uint64_t packed() const { return packed_; }  // items
  Bytes saved() const { return saved_; }            // by packing them
  Bytes extents() const { return extents_; }
  std::uint64_t weight() const { return weight_; }
  // More than an eighth of what it holds is dead.
  bool is_sparse() const { return used_ - live_ > used_ / 8; }
  // To be called at each of the governor's looks: whether anything was written, or died, since the one
  // before.
  void look();
  // It rests, and more is dead than a shard that nobody writes to keeps.
  bool wants_squeezing() const {
    return looks_at_rest_ >= kLooksAtRest && !squeezed_out_ && used_ - live_ > used_ / kDeadAtRest;
  }
  // One step towards no dead bytes in a shard that rests, whether a segment comes free by it or not; its own
  // moves are not a write. False: what is dead is not worth more moves.
  bool squeeze();
  Bytes dead() const { return Bytes(used_ - live_); }
  Bytes policy_memory() const { return policy_charge_.size(); }
  std::int64_t oldest_ms() const;  // when the segment at the head of the queue was filled; 0 without one
  std::int64_t last_now_ms() const { return last_now_ms_; }
  std::size_t memory_of(Locator item) const;
  unsigned frequency(Locator item) const { return policy_->frequency(item); }
  void CheckInvariants() const;

 private:
  // At the front of every block; records follow.
  struct Segment {
    Segment* older;  // of the sealed ones
    Segment* newer;
    std::int64_t sealed_ms;
    std::uint32_t used;  // bytes from the block's begin to the end of the last record
    std::uint32_t live;  // bytes in live records
    bool sealed;
  };
  // Each brings memory nearer, by evicting or by moving; a bound against a mistake.
  static constexpr int kRounds = 4096;
  static constexpr std::uint64_t kPackedAtOnce = 16;
  static constexpr std::size_t kConvertedAtOnce = 2048;
  static constexpr std::uint64_t kDeadAtRest = 64;  // one byte in so many
  static constexpr int kLooksAtRest = 4;            // 40 to 400 ms
  static constexpr int kMovesInVain = 2;            // segments, before something is evicted
  static constexpr int kMovesInVainAtMost = 16;     // where nothing may be

  std::uint64_t hash_of(Locator at) const;
  Segment* segment_of(const void* record) const {
    return reinterpret_cast<Segment*>(segments_.begin_of(segments_.block_of(record)));
  }
  void bury(Item& record);  // it is dead: its place can be taken
  char* take_hole(std::size_t length);
  void forget_holes(Segment& segment);
  void empty(Segment& segment);  // lets go of what its records hold, and of itself
  std::uint32_t dead_in(const Segment& segment) const { return segment.used - first_ - segment.live; }
  std::size_t room(const Segment* segment) const {
    return segment ? segments_.block_size() - segment->used : 0;
  }
  // `length` bytes at the end of the open segment, or where others died; opens or empties another segment if
  // need be. Null: no memory.
  char* allocate(std::size_t length, bool evict);
  bool make_room(std::size_t length, bool evict);
  void open(Segment* segment);
  void seal(Segment*& segment);
  void link_sealed(Segment& segment);
  void unseal(Segment& segment);
  void give_back(Segment& segment);  // REQUIRES: not sealed, nothing live
  void dispose(Segment& segment);    // gives it back, or keeps it for the write that is under way
  // One step towards an empty segment. False: too little is dead, and nothing may be evicted.
  bool gain(bool evict);
  bool is_hopeless();
  bool much_is_dead() const;
  std::uint64_t least_dead() const { return segments_.block_size() * 9 / 8; }
  bool evict_batch();
  void give_to_lower(Locator at);
  // Takes the policy's next victim; its record's length and its extent's bytes, zero without a victim.
  std::uint64_t evict_one();
  // Who was read since it was packed stays once more: true, and it is in the order again.
  bool stays(Locator victim);
  // Gives a victim its second life, in fewer bytes. How many were won; zero: it leaves.
  std::uint64_t pack_victim(Locator victim);
  char* place_for_packed(std::size_t length);
  void take_over(Item& victim, Item& packed);  // in the index, the order and the wheel
  void count_packed(Item& record, bool there);
  void describe(Item& record, Locator old);
  bool make_fit(const Write& w, std::uint64_t weight);  // within max_items and max_bytes
  bool empty_sparsest();
  char* place_for_moved(std::size_t length);
  Segment* sparsest();
  void relocate(Item& from, std::size_t length, char* to);
  // Out of the wheel, its extent or object let go: the bytes are dead. It is out of the index and the policy
  // already.
  void retire(Item& record, Removal why);
  void discard(Item& record, Removal why);  // retire(), and the segment goes when nothing in it is live
  bool link_new(const Write& w, Locator at);
  ByteCache::Group& group_of(Item& record) {
    return groups_[options_.group_of != nullptr ? options_.group_of(record.key()) : 0];
  }
  void charge_policy();
  // relaxed: a bound that is late by some requests is asked again under the sampler's lock.
  bool sampled(std::uint64_t hash) const { return hash <= sampled_to_.load(std::memory_order_relaxed); }
  void sample_read(Locator item, std::uint64_t hash, std::string_view key);
  PolicyOptions policy_options() const;
  enum class Look : std::uint8_t { kFound, kUnsure, kChanged };
  Answer read_again(std::uint64_t hash, std::string_view key, std::int64_t now_ms, Read& read);
  Look look_at(std::uint64_t hash, std::uint32_t version, const RacingItem& found, Read& read);
  bool pin(std::uint64_t hash, std::uint32_t version, const char* place, bool held, Read& read);
  void note_read(std::uint64_t hash, std::string_view key, std::uint32_t version, const RacingItem& found);
  void look_after(HitBuffers::Noted noted, std::uint64_t hash, std::string_view key, Item::Head head,
                  bool hit);
  void drain_hits_of(bool all);  // readers, or this thread
  void publish_rule();

  Mutex mutex_;
  const Options options_;
  SegmentStore& segments_;
  const std::uint32_t first_;  // where records begin in a block: at a whole unit
  ItemIndex index_;
  ExpiryWheel wheel_;
  HoleList holes_;
  PolicyKind kind_;
  std::uint8_t generation_ = 0;  // of the policy that has new items
  std::unique_ptr<EvictionPolicy> policy_;
  ChangingPolicy* changing_ = nullptr;  // policy_, while it is one
  static constexpr std::atomic<std::uint64_t> kNothingSampled{0};
  const std::atomic<std::uint64_t>& sampled_to_;
  Random draw_;                                 // which reads are looked at for hot keys
  std::uint64_t next_hot_ = ~std::uint64_t{0};  // read
  std::uint64_t reported_reads_ = 0;            // to the sampler
  std::uint64_t reported_hits_ = 0;
  Charge policy_charge_;
  Segment* oldest_ = nullptr;  // sealed ones, in the order they were sealed
  Segment* newest_ = nullptr;
  Segment* open_ = nullptr;   // takes new records
  Segment* moved_ = nullptr;  // takes those that lived in a segment that was emptied
  Segment* spare_ = nullptr;  // emptied while a write asked for one
  bool writing_ = false;
  std::uint64_t used_ = 0;  // bytes of records, live and dead
  std::uint64_t live_ = 0;
  std::uint64_t looked_used_ = 0;  // as they were at the last look
  std::uint64_t looked_live_ = 0;
  int looks_at_rest_ = 0;
  bool squeezed_out_ = false;  // what is dead is not worth more moves until it is written to again
  std::uint64_t enough_;       // dead bytes with which a segment is emptied
  std::uint64_t weight_ = 0;   // of all items
  std::int64_t last_now_ms_ = 0;
  Bytes payload_;
  Bytes extents_;
  std::uint64_t packed_ = 0;  // items
  Bytes saved_;
  std::uint32_t hopeless_ = 0;  // attempts to pack in a row that did not pay, while few are made
  std::uint32_t skipped_ = 0;
  bool may_pack_ = true;
  int in_vain_ = 0;  // segments that were emptied since something was given up, and none was won
  std::uint64_t dead_in_vain_ = 0;  // how much was dead then, or less since
  Bytes given_back_;                // in all: blocks, and large values that nobody was sending
  Counters counters_;
  LowerLevel* lower_ = nullptr;
  std::array<ByteCache::Group, ByteCache::kGroups> groups_{};
  // Read by those without the lock.
  alignas(64) std::atomic<HitRule> rule_{};
  HitBuffers hits_;
};

}  // namespace plimsoll
