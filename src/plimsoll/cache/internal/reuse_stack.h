// ReuseStack: keys in the order of their last use, which says how many others, and how many of their bytes,
// were used since.
//
// That is the stack distance (Mattson et al., IBM Systems Journal 1970): in a cache of so much that gives up
// the least recently used, the key would be a hit. Places in time are numbered; two Fenwick trees (Fenwick,
// Software: Practice and Experience 1994) count keys and bytes by place, and when places run out they are
// numbered anew.
//
// Invariant: every key has one place, places are in the order of use, the trees' sums are those of the keys.
//
// Thread-safety: its owner's lock. Cost: three to five steps of the binary logarithm a use; 60-72 bytes a key
// of the most there were. Limits: 2^31 keys, bytes of a key to 4 GiB. Errors: none.
#pragma once

#include <cstdint>
#include <vector>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

struct SampledKey {
  std::uint64_t hash;
  std::uint32_t place;
  std::uint32_t bytes;
  std::uint32_t first;  // when it came and when it was last read, on its owner's clock
  std::uint32_t last;
  std::uint32_t reads;
  bool operator==(const SampledKey&) const = default;
};

class ReuseStack {
 public:
  struct Distance {
    std::uint64_t keys = 0;  // that were used since, the key itself among them
    std::uint64_t bytes = 0;
  };

  // Null when it is not there. Ends with the next insert() or erase().
  SampledKey* find(std::uint64_t hash);
  Distance distance(const SampledKey& key) const;
  // How many keys have a place in between, neither end among them. REQUIRES: before <= after.
  std::uint64_t keys_between(std::uint32_t before, std::uint32_t after) const;
  // The key was used now, and has this many bytes. Numbers places anew when they run out: true then, and
  // places that were kept mean nothing any more.
  bool use(SampledKey& key, std::uint64_t bytes);
  // REQUIRES: not there.
  SampledKey& insert(std::uint64_t hash, std::uint64_t bytes);
  void erase(std::uint64_t hash);
  // Drops those above the bound.
  void erase_above(std::uint64_t highest_hash);
  // Drops the `count` that were used longest ago.
  void erase_oldest(std::size_t count);
  void clear();

  // From the one used longest ago.
  template <typename Visit>
  void visit(const Visit& visit) const {
    for (std::uint32_t place = 1; place < next_; ++place) {
      if (owners_[place] != kNobody) visit(keys_[owners_[place]]);
    }
  }

  std::size_t size() const { return keys_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  Bytes memory() const;
  void CheckInvariants() const;

 private:
  static constexpr std::uint32_t kNobody = 0xffff'ffff;
  static constexpr std::size_t kFewest = 64;

  std::size_t bucket_of(std::uint64_t hash) const { return hash & (table_.size() - 1); }
  std::size_t find_bucket(std::uint64_t hash) const;
  void take(std::uint32_t number, std::uint64_t bytes);  // the next place
  void leave(std::uint32_t place, std::uint32_t bytes);
  void number_anew();
  void rebuild_table();
  template <typename Keep>
  void keep_if(const Keep& keep);
  struct Sum {
    std::uint32_t keys = 0;
    std::uint64_t bytes = 0;
  };
  Sum sum_to(std::uint32_t place) const;

  std::vector<SampledKey> keys_;
  std::vector<std::uint32_t> table_;    // numbers of keys, by hash, with linear probing
  std::vector<std::uint32_t> owners_;   // numbers of keys, by place
  std::vector<std::uint32_t> counts_;   // Fenwick tree of keys, by place from 1
  std::vector<std::uint64_t> weights_;  // of bytes
  std::uint32_t next_ = 1;              // place
  std::uint64_t bytes_ = 0;
};

}  // namespace plimsoll
