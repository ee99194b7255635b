// ItemIndex: from a key's hash to its item, by linear hashing (Litwin, VLDB 1980) over buckets of one cache
// line.
//
// The table grows and shrinks by one bucket at a time, so there is no moment with two tables, no pause, and
// the memory follows the number of items. A bucket holds ten items of 6 bytes (a locator and 16 bits of the
// hash); what does not fit hangs behind it. A bucket covers a contiguous range of bit-reversed hashes however
// the table grows, which is what scan cursors are. Invariant: an item is in the chain of bucket_of(hash); (1
// << level_) <= buckets_ < (2 << level_); slots are filled without holes, chains likewise. Thread-safety: its
// shard's lock. Cost: one cache line for the bucket and one for the item found; 64 bytes for eight items;
// growing hashes the keys of one bucket again.
//
// Readers without the lock: a bucket is of one stripe of ReadVersions, as there are never fewer buckets than
// stripes, and every change of it is a change of that stripe; arrays of blocks that were outgrown stay until
// the end, blocks stay mapped.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "plimsoll/cache/internal/racing_read.h"
#include "plimsoll/cache/internal/read_versions.h"
#include "plimsoll/cache/internal/segment_store.h"

namespace plimsoll {

// How a record's hash comes from its key: it is not stored.
struct KeyHash {
  std::uint64_t (*function)(std::string_view key, std::uint64_t seed);
  std::uint64_t seed;
  std::uint64_t operator()(std::string_view key) const { return function(key, seed); }
};

// What a look-up without the lock found; true if the version of its stripe is unchanged afterwards.
struct RacingItem {
  bool sure = false;  // else it met what cannot be: ask again
  Locator at = kNoLocator;
  const char* record = nullptr;  // REQUIRES: at != kNoLocator
  Item::Head head{};
};

class ItemIndex {
 public:
  ItemIndex(SegmentStore& items, SegmentStore& blocks, KeyHash hash)
      : items_(items),
        blocks_(blocks),
        hash_(hash),
        block_shift_(static_cast<unsigned>(std::countr_zero(blocks.block_size() / sizeof(Bucket)))) {}
  ~ItemIndex() { clear(); }

  Locator find(std::uint64_t hash, std::string_view key) const;
  // Without the shard's lock, whatever the one who has it does meanwhile.
  RacingItem racing_find(std::uint64_t hash, std::string_view key) const;
  // Only where most are, in the first bucket of its chain (index_read.h).
  PLIMSOLL_RACING bool racing_find_first(std::uint64_t hash, std::string_view key, RacingItem& found) const;
  // Brings the key's bucket, and when that came the records it may mean, nearer. Without the lock.
  void prefetch_bucket(std::uint64_t hash) const;
  void prefetch_records(std::uint64_t hash) const;
  ReadVersions& versions() { return versions_; }
  const ReadVersions& versions() const { return versions_; }
  // Whether the item is in the bucket of this (low) hash.
  bool contains(std::uint32_t hash, Locator item) const;
  // False when there is no memory for it. REQUIRES: the key is not there.
  [[nodiscard]] bool insert(std::uint64_t hash, Locator item);
  // REQUIRES: the item with this (low) hash is at `from`.
  void move(std::uint32_t hash, Locator from, Locator to);
  void erase(std::uint32_t hash, Locator item);
  void clear();

  std::size_t size() const { return size_; }
  Bytes memory() const { return Bytes(blocks_.block_size()) * (table_.size() + chains_.size()); }

  // Visits all items whose bit-reversed hash is at or after `position` in that position's bucket; returns
  // where the next bucket begins, or 2^32 at the end.
  std::uint64_t visit_bucket(std::uint64_t position, const std::function<void(Locator)>& visit) const;
  // An item of a bucket chosen by `random`, or of one of the 63 after it; kNoLocator when all are empty.
  Locator pick(std::uint64_t random) const;
  void CheckInvariants() const;

 private:
  static constexpr std::size_t kSlots = 10;
  static constexpr std::size_t kFill = 8;  // items a bucket on average
  struct alignas(64) Bucket {
    Locator items[kSlots];
    std::uint16_t tags[kSlots];
    std::uint32_t overflow;  // number of the next bucket of the chain; 0 none
  };
  static_assert(sizeof(Bucket) == 64);

  // As many as stripes, so that a bucket is of one stripe; they fit into the first block.
  static constexpr std::size_t kFewest = ReadVersions::kStripes;
  static constexpr unsigned kLowestLevel = 6;
  static_assert(kFewest == std::size_t{1} << kLowestLevel);

  // Blocks by number. One that is outgrown is kept, as a reader may look into it: all together are no longer
  // than the last.
  class BlockList {
   public:
    std::size_t size() const { return size_; }
    Bucket* operator[](std::size_t i) const { return array_->begin[i]; }
    Bucket* back() const { return (*this)[size_ - 1]; }
    void push_back(Bucket* block);
    void pop_back() { --size_; }
    // Null where there never was one. Without the lock.
    PLIMSOLL_RACING const Bucket* racing_at(std::size_t i) const {
      const Array* array = racing_load(array_);
      if (array == nullptr || i >= racing_load(array->capacity)) return nullptr;
      return racing_load(racing_load(array->begin)[i]);
    }

   private:
    struct Array {
      explicit Array(std::size_t count) : blocks(count), capacity(count), begin(blocks.data()) {}
      std::vector<Bucket*> blocks;
      const std::size_t capacity;
      Bucket** const begin;
    };
    std::vector<std::unique_ptr<Array>> arrays_;
    Array* array_ = nullptr;  // the last of them
    std::size_t size_ = 0;
  };

  // Buckets of the table and of chains are numbered apart, both from 1 for chains: 0 ends one.
  Bucket& bucket(std::size_t number) const { return at(table_, number); }
  Bucket& chained(std::uint32_t number) const { return at(chains_, number - 1); }
  Bucket& at(const BlockList& blocks, std::size_t number) const {
    return blocks[number >> block_shift_][number & (per_block() - 1)];
  }
  PLIMSOLL_RACING const Bucket* racing_bucket(std::uint64_t hash) const;
  PLIMSOLL_RACING const Bucket* racing_next(const Bucket& bucket) const;
  PLIMSOLL_RACING bool racing_is(Locator at, std::string_view key, RacingItem& found) const;
  PLIMSOLL_RACING bool racing_find_in(const Bucket& bucket, std::uint16_t tag, std::string_view key,
                                      RacingItem& found) const;
  std::size_t per_block() const { return std::size_t{1} << block_shift_; }
  std::size_t bucket_of(std::uint32_t hash) const;
  unsigned bits_of(std::size_t bucket) const;
  bool add_block(BlockList& list);
  void give_blocks(BlockList& list, std::size_t keep);
  [[nodiscard]] bool add(Bucket& head, std::uint16_t tag, Locator item);
  void take_out(std::uint32_t hash, Locator item);
  std::uint32_t take_chained();
  void drop_chain(Bucket& head);
  std::vector<std::pair<Locator, std::uint16_t>> contents(const Bucket& head) const;
  std::uint32_t hash_of(Locator item) const;
  bool grow();
  void shrink();
  // The bucket of the chain and the slot in it that hold `item`. REQUIRES: it is there.
  std::pair<Bucket*, std::size_t> place_of(std::uint32_t hash, Locator item) const;

  SegmentStore& items_;
  SegmentStore& blocks_;
  const KeyHash hash_;
  const unsigned block_shift_;  // of how many buckets a block has
  ReadVersions versions_;
  BlockList table_;
  BlockList chains_;
  std::uint32_t free_chained_ = 0;  // a list through Bucket::overflow
  std::uint32_t used_chained_ = 0;  // numbers given out so far
  std::size_t buckets_ = 0;
  std::size_t size_ = 0;
  unsigned level_ = 0;
};

}  // namespace plimsoll
