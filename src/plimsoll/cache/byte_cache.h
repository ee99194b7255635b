// ByteCache: a byte-bounded concurrent map from keys to values, in pages of its own, that takes all the
// memory others leave.
//
// Items live in fixed segments that are filled front to back (after Segcache, Yang et al., NSDI 2021, and the
// log-structured memory of Rumble et al., FAST 2014), so that giving memory back is returning whole segments;
// sparse ones are emptied by moving what lives in them. Values of 16 KiB and more live in an Extent each.
// Every key belongs to one shard, and a shard is one lock, one index and one policy's order of its items,
// which is apart from where they lie. Who only reads takes no lock: what was read counts when nothing changed
// meanwhile, and is read again or under the lock when something did (internal/read_versions.h). Invariant:
// every byte held is charged to the account; an insert evicts the cache's own items and nobody else's.
//
//   ByteCache cache({.account = account, .pages = pages, .line = line.line()});
//   {
//     ByteCache::Slot slot = cache.lock("user:17", now_ms);      // one key, exclusively
//     if (slot.put("Ada") == WriteStatus::kRefused) ...
//   }
//   std::array<char, ByteCache::kLargeValue> space;
//   ByteCache::Reading found = cache.read("user:17", now_ms, space);   // beside whoever has a slot
//
// Thread-safety: all methods from any thread; a Slot holds its shard's lock and stays with its thread. Lock
// one key at a time, and read no other meanwhile. Cost: a hit 30-45 ns, and two misses where it is in
// memory; prefetched with others a third of that. About 30 bytes an item beyond its payload. Limits: keys to
// 32 KiB, values to 512 MiB, 2^32 x 8 bytes of items (more with a coarser unit). Errors: WriteStatus.
// Ownership: owns the items; account, pages and clock must outlive it.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/budget/reclaimer.h"
#include "plimsoll/cache/analysis.h"
#include "plimsoll/cache/compressor.h"
#include "plimsoll/cache/extent.h"
#include "plimsoll/cache/held.h"
#include "plimsoll/cache/key_watches.h"
#include "plimsoll/cache/policy.h"

namespace plimsoll {

class AccessSampler;
class CacheShard;
class LowerLevel;
class SegmentStore;

enum class WriteStatus : std::uint8_t {
  kDone,
  kRefused,  // no memory, and nothing of the cache's own left to evict (or the policy is not to)
  kTooLong,  // the key or the value is over the limits
};

class ByteCache final : public Reclaimer {
 public:
  static constexpr std::size_t kMaxKey = 32 * 1024;
  static constexpr std::size_t kMaxValue = ExtentStore::kLargest;
  static constexpr std::size_t kLargeValue =
      ExtentStore::kSmallest;                 // from here on a value has its own Extent
  static constexpr std::int64_t kNever = -1;  // of expiry times

  struct Options {
    Account& account;
    PageSource& pages;
    Bytes line;           // decides the size of a segment: line/512, at least 64 KiB; 2 MiB from 768 MiB on
    Bytes address_space;  // for items; zero: between twice and sixteen times the line
    std::size_t shards = 8;  // a power of two, at most 64; fewer where a bound below is less than so many
    PolicyKind policy = PolicyKind::kAdaptive;
    Objective objective = Objective::kObjects;
    bool evict = true;       // false: a full cache refuses writes
    bool analyse = false;    // learns from a sample of the requests, in at most 1 % of the line
    std::uint64_t seed = 0;  // of the hash; random for keys from outside
    // Bounds beside the account's, split evenly over the shards; zero is none. Bytes are the records' and
    // their large values' pages. What is heavier than a shard's part is not admitted.
    std::uint64_t max_items = 0;
    Bytes max_bytes{};
    HeldOwner* owner = nullptr;  // of the objects that are put, if there are any
    // What items of 128 bytes to 64 KiB are packed with, if it pays, when the policy would give them up; they
    // live once more then. Not with max_items, where nothing is won.
    Compression compression = Compression::kOff;
    bool describe_entries = false;  // keeps EntryFacts of what is written, for 12 bytes an item
    // Which of kGroups a key belongs to, for groups(); null: all to the first.
    unsigned (*group_of)(std::string_view key) = nullptr;
  };
  // Items of one group of keys, expired ones that were not dropped yet among them.
  static constexpr std::size_t kGroups = 16;
  struct Group {
    std::uint64_t items = 0, expiring = 0;
  };
  struct Stats {
    std::uint64_t items = 0, hits = 0, misses = 0, inserted = 0, evicted = 0, expired = 0, relocated = 0;
    std::uint64_t refused = 0;
    Bytes payload;   // keys and values of live items
    Bytes segments;  // held by segments
    Bytes extents;   // held by large values that are items
    Bytes index;
    Bytes dead;                  // in segments: of items that are gone, until their segment is emptied
    Bytes policy;                // what the policy remembers beside the items' own links
    std::uint64_t expiring = 0;  // items with a time to live
    std::uint64_t packed = 0;    // items that are compressed
    Bytes saved;                 // by that: what payload would be more
    Compressor::Stats compression;

    // How many times the items that there would be in the same memory if nothing were packed.
    double compression_gain() const {
      return saved.zero() ? 1 : (payload + saved).as_double() / payload.as_double();
    }
  };
  struct EntryFacts {
    std::int64_t created_s;  // Unix time; overwriting a key does not create it
    std::int64_t accessed_s;
    std::uint64_t accesses;  // reads that touch() was called for
  };

  explicit ByteCache(const Options& options);
  ~ByteCache() override;

  // Exclusive use of one key. An item whose time has come is absent (and is dropped).
  class Slot {
   public:
    Slot(Slot&& other) noexcept;
    ~Slot();

    bool exists() const { return item_ != kNoItem; }
    // REQUIRES (of all that follow, unless they write): exists(). Views end with the next write or with the
    // slot.
    std::string_view value() const;
    std::size_t size() const;            // of the value
    std::int64_t expires_at_ms() const;  // or kNever
    std::size_t memory() const;          // bytes the item takes, everything counted
    bool large() const;                  // then it can be pinned; never when it is packed
    PinnedValue pin() const;             // REQUIRES: large()
    Compression packed_with() const;     // kOff: it is stored as it is
    std::size_t stored_size() const;     // of the value as it is stored
    unsigned frequency() const;          // what the policy knows of its use
    // Kept if describe_entries was on when it was written; a touch() is seen from the next on.
    std::optional<EntryFacts> facts() const;

    // Counts the access for the policy and the hit rate; call once where a client reads the key, present or
    // absent.
    void touch();

    // Inserts or replaces. `value` must not be a view of this cache.
    WriteStatus put(std::string_view value, std::int64_t expires_at_ms = kNever);
    // Adopts the pages: no copy when size() >= kLargeValue.
    WriteStatus put(ExtentRef value, std::int64_t expires_at_ms = kNever);
    // Inserts or replaces with a record that holds an object; the owner hears when it leaves, and holds it
    // until then. Not to be resized, and its time to live is what it is put with.
    WriteStatus put(HeldValue& value, std::int64_t expires_at_ms = kNever);
    HeldValue* held() const;  // REQUIRES: exists(). Null: a value of bytes.
    // Inserts or replaces with a record that has no value and counts as `weight` bytes against max_bytes and
    // for the policy: for simulations.
    WriteStatus put_weight(std::uint64_t weight);
    // Makes the value `size` bytes long, keeping what was there and filling with zeros; inserts an empty one
    // first when absent. Keeps the time to live. A value that is pinned is copied first.
    WriteStatus resize(std::size_t size);
    // REQUIRES: resize() was called on this slot, and done; exists(), as a large value may be given up again
    // at once, to keep the headroom free.
    std::span<char> writable();
    // REQUIRES: exists(). May move the item; false when there is no memory to do it.
    bool set_expiry(std::int64_t expires_at_ms);
    void erase();
    // REQUIRES: !exists(). A level below is to have no older value either.
    void erase_below();
    // The item's pages, to be put elsewhere too without a copy. REQUIRES: large().
    ExtentRef share() const;

   private:
    friend class ByteCache;
    static constexpr std::uint32_t kNoItem = 0;
    Slot(ByteCache& cache, CacheShard& shard, std::string_view key, std::uint64_t hash, std::int64_t now_ms);
    // `extent` is taken over when the write is done.
    bool write(std::uint32_t value_size, ExtentRef* extent, std::int64_t expires_at_ms,
               std::uint64_t weight = 0, HeldValue* held = nullptr);
    ExtentRef open_extent(std::size_t size);
    bool set_expiry_of_large(std::int64_t expires_at_ms);
    void change();  // to be called before anything of the key is

    ByteCache* cache_;
    CacheShard* shard_;
    std::string_view key_;
    std::uint64_t hash_;
    std::int64_t now_ms_;
    std::uint32_t item_ = kNoItem;
    bool changing_ = false;
    mutable Compressor::Buffer unpacked_;  // the value of a packed item, once it was asked for
    bool restores_ = false;                // what comes up from a level: nobody's write
  };

  // `key` must stay valid while the slot lives. now_ms: Unix time, for expiry.
  Slot lock(std::string_view key, std::int64_t now_ms);
  // A temporary would be gone before the slot is.
  template <typename Key>
    requires std::same_as<std::remove_cv_t<Key>, std::string>
  Slot lock(Key&& key, std::int64_t now_ms) = delete;

  // What a key has, without a lock: a write of the same key that is under way is waited for, and others are
  // not. Counts as a read, as Slot::touch() does.
  struct Reading {
    bool exists = false;
    std::size_t size = 0;  // of the value
    std::int64_t expires_at_ms = kNever;
    PinnedValue pinned;           // a large value
    Compressor::Buffer unpacked;  // a packed one that does not fit into `into`
  };
  // A value that is not large is copied to `into`, if it fits: kLargeValue bytes are enough for all but
  // packed ones.
  Reading read(std::string_view key, std::int64_t now_ms, std::span<char> into);
  // The object that the key holds, if it does.
  HeldPin read_held(std::string_view key, std::int64_t now_ms);
  // Without its value, and without counting.
  Reading look(std::string_view key, std::int64_t now_ms);
  // Brings what these keys have nearer, all at once: worth it for three or more that are read right after.
  void prefetch(std::span<const std::string_view> keys) const;

  // From here on `watcher` is told when the key changes, as KeyWatches says; false: it watches the key
  // already.
  bool watch(KeyWatcher& watcher, std::string_view key);

  // A level below takes what is evicted from here on. Before any other thread uses the cache; it must outlive
  // it, or be taken off when no other does.
  void set_lower_level(LowerLevel* level);
  LowerLevel* lower_level() const { return lower_; }
  // What is below is emptied; memory stays. `meanwhile` runs while nothing goes down or comes up.
  void clear_below(const std::function<void()>& meanwhile);
  // The key is not in memory and may be below: LowerLevel::fetch() brings it up. Without a level false.
  bool may_be_below(std::string_view key, std::int64_t now_ms);
  std::uint64_t hash_of(std::string_view key) const;
  bool holds(std::string_view key, std::int64_t now_ms);  // in memory
  // Inserts what comes from below, if the key is absent and `may` says so under its lock. False: it is not
  // there, or without memory.
  bool restore(std::string_view key, std::string_view value, std::int64_t expires_at_ms, std::int64_t now_ms,
               const std::function<bool()>& may);

  // Evicts for a charge of `bytes` to `account` that was refused. True: try again. False: the account is full
  // and not the cache's own, or nothing evictable is left. May be called while the thread has a slot: its
  // shard is left alone.
  bool make_room_for(const Account& account, Bytes bytes);
  // Extent::reserve() and ExtentStore::open(), evicting once if they are refused.
  [[nodiscard]] bool reserve(Extent& extent, std::size_t size);
  Result<ExtentRef> open_extent(std::size_t capacity, Account& account);
  ExtentStore& extents() { return extents_; }
  const SlabAllocator& slabs() const { return slabs_; }
  Account& account() const { return options_.account; }

  // Calls visit(key) for about `count` keys and returns the next cursor; 0 begins and ends. Every key that is
  // there from the first call to the last is visited at least once, however the table grows meanwhile.
  // `visit` must not use the cache.
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, std::int64_t now_ms,
                     const std::function<void(std::string_view)>& visit);
  // The same, with when each key ends (or kNever).
  std::uint64_t scan_with_expiry(std::uint64_t cursor, std::size_t count, std::int64_t now_ms,
                                 const std::function<void(std::string_view, std::int64_t)>& visit);
  std::optional<std::string> random_key(std::int64_t now_ms);
  std::uint64_t size() const;
  std::size_t shards() const { return shards_.size(); }
  std::array<Group, kGroups> groups() const;
  void clear();
  // Drops what has expired by now, in slices of at most `limit` items a shard; call some times a second.
  // Returns how many.
  std::size_t expire(std::int64_t now_ms, std::size_t limit = 1000);

  void set_evict(bool evict);
  bool evicts() const { return evict_.load(std::memory_order_relaxed); }
  // Converts the order of all items and how often they were used, in slices: the cache is in use meanwhile,
  // and who comes to a shard waits for a slice of it, 2,048 items. Returns when it is done. Cost: about 150
  // ns an item.
  void set_policy(PolicyKind kind);
  // Of victims from now on; what is packed stays as it is, and readable.
  void set_compression(Compression with) { compression_.store(with, std::memory_order_relaxed); }
  Compression compression() const { return compression_.load(std::memory_order_relaxed); }
  void set_describe_entries(bool describe) { describe_.store(describe, std::memory_order_relaxed); }
  bool describes_entries() const { return describe_.load(std::memory_order_relaxed); }
  PolicyKind policy() const { return policy_.load(std::memory_order_relaxed); }

  std::string_view name() const override { return "cache"; }
  ReclaimOffer offer() const override;
  Bytes reclaim(Bytes wanted) override;
  // Looks after the next shard that needs it, without evicting: empties a sparse segment where more than an
  // eighth of its bytes are dead, and where nothing was written for four looks some more, down to a
  // sixty-fourth. Evicts what the account is above its own maximum.
  void tick() override;

  // What its requests say of its size and, with policies, of its policy, by replaying what was sampled.
  CacheAnalysis analysis(bool with_policies = true) const;
  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  static constexpr Bytes kIndexBlock = 16_KiB;
  static constexpr Bytes kSqueezedAtOnce = 8_MiB;  // 2 to 4 ms of a look
  static constexpr Bytes kPackedFor = 2_MiB;       // for more than that nothing is packed

  CacheShard& shard_of(std::uint64_t hash) const;
  struct Request;
  bool read(std::string_view key, std::int64_t now_ms, Request& request);
  bool read_locked(CacheShard& shard, std::string_view key, std::uint64_t hash, std::int64_t now_ms,
                   Request& request);
  std::uint64_t weight() const;  // of all items
  // Gives back at least `wanted` of any shards, round robin. `own`: the shard that the thread has a slot of,
  // if its items may go too; else null.
  void squeeze(CacheShard& shard);
  Bytes release(Bytes wanted, CacheShard* own);
  Bytes release(Bytes wanted, CacheShard* own, bool pack);
  // How much has to go before a charge of `bytes` to `account` is granted.
  Bytes missing_for(const Account& account, Bytes bytes) const;

  const Options options_;
  const Bytes address_space_;
  SlabAllocator slabs_;  // of what is small: the descriptors of large values
  ExtentStore extents_;
  std::unique_ptr<SegmentStore> segments_;
  std::unique_ptr<SegmentStore> blocks_;    // of the index
  std::unique_ptr<AccessSampler> sampler_;  // null: nothing is analysed
  Compressor compressor_;
  // relaxed, both: whoever switches them waits for nothing.
  std::atomic<Compression> compression_;
  std::atomic<bool> describe_;
  std::vector<std::unique_ptr<CacheShard>> shards_;
  std::atomic<bool> evict_{true};
  Mutex policy_mutex_;  // of who changes it
  std::atomic<PolicyKind> policy_{PolicyKind::kLru};
  std::atomic<std::size_t> next_release_{0};
  std::atomic<std::size_t> next_tidied_{0};
  std::atomic<std::uint64_t> next_random_{0};
  KeyWatches watches_;
  LowerLevel* lower_ = nullptr;
};

}  // namespace plimsoll
