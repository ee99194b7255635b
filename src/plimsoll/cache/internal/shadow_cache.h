// ShadowCache: what one way of running the adaptive order would have kept, for a sample of the keys.
//
// Why: whether another way misses less is only known by trying it; a cache of a hash-sampled share of the
// keys with the same share of the capacity misses as often as the whole (SHARDS, Waldspurger et al., FAST
// 2015; miniature simulations, Waldspurger et al., USENIX ATC 2017). It holds no values: 16 bytes an item,
// two for its place in a table, and four of ghosts.
//
// Thread-safety: its owner's lock. Cost: as the order's, on a memory of its own. Limits: 65,534 items.
// Errors: none. Ownership: its own memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plimsoll/cache/internal/adaptive_order.h"

namespace plimsoll {

class ShadowCache {
 public:
  static constexpr std::size_t kMostItems = 65'534;

  ShadowCache(const AdaptiveMode& mode, bool by_size);
  // The sum of the items' weights; more of them go with the next miss.
  void set_capacity(std::uint64_t weight) { capacity_ = weight; }
  // Whether the key was there; if not, it is inserted. A tag stands for a key.
  bool access(std::uint32_t tag, std::uint64_t weight);
  void erase(std::uint32_t tag);
  std::size_t size() const { return order_.size(); }
  Bytes memory() const;
  void CheckInvariants() const;

 private:
  using Id = std::uint16_t;
  struct Entry {
    std::uint32_t tag;
    std::uint32_t weight;
    Id older;
    Id newer;
    Id next;  // in its place of the table, or among the free
    std::uint8_t queue;
    std::uint8_t frequency;
  };
  static_assert(sizeof(Entry) == 16);
  struct Table {
    std::vector<Entry> entries{Entry{}};  // the first stands for none
    std::vector<Id> places = std::vector<Id>(16);
    Id free = 0;
  };

  class Queue {
   public:
    Queue(Table& table, std::uint8_t number) : table_(&table), number_(number) {}
    void push_newest(Id item);
    void unlink(Id item);
    Id oldest() const { return oldest_; }
    bool empty() const { return oldest_ == 0; }
    std::size_t size() const { return size_; }
    std::uint64_t bytes() const { return weight_; }
    void CheckInvariants() const;

   private:
    Table* table_;
    std::uint8_t number_;
    Id oldest_ = 0;
    Id newest_ = 0;
    std::size_t size_ = 0;
    std::uint64_t weight_ = 0;
  };
  struct Records {
    using Id = ShadowCache::Id;
    using Queue = ShadowCache::Queue;
    static constexpr Id kNone = 0;
    Table* table;
    Queue queue(std::uint8_t number) const { return {*table, number}; }
    std::uint8_t queue_of(Id item) const { return table->entries[item].queue; }
    unsigned frequency(Id item) const { return table->entries[item].frequency; }
    void set_frequency(Id item, unsigned frequency) const {
      table->entries[item].frequency = static_cast<std::uint8_t>(frequency);
    }
    std::uint64_t weight(Id item) const { return table->entries[item].weight; }
    bool busy(Id) const { return false; }
    std::uint64_t hash(Id item) const { return hash_of(table->entries[item].tag); }
  };

  static std::uint64_t hash_of(std::uint32_t tag) { return (tag + 1) * 0x9e37'79b9'7f4a'7c15; }
  Id& place_of(std::uint32_t tag);
  Id find(std::uint32_t tag);
  Id take(std::uint32_t tag, std::uint32_t weight);
  void give(Id item);  // REQUIRES: in no queue

  const AdaptiveMode& mode_;
  std::unique_ptr<Table> table_;
  AdaptiveOrder<Records> order_;
  std::uint64_t capacity_ = 0;
};

}  // namespace plimsoll
