// GhostList: remembers that keys were evicted, two bytes each, and forgets the oldest.
//
// Why: a key that comes back soon after it went was worth keeping (2Q, Johnson and Shasha, VLDB 1994;
// S3-FIFO, Yang et al., SOSP 2023). Fifteen fingerprints of 16 bits and a hand share 32 bytes: the key's hash
// says which bucket, and the newest takes the place of its bucket's oldest. So what is remembered is about as
// old as in one queue, one in 4,000 look-ups is wrong, and there is nothing to link or to free.
//
// Thread-safety: its owner's lock. Cost: one cache line. Limits: capacities to 2^32. Errors: none.
// Ownership: its own memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

class GhostList {
 public:
  // For about so many keys. Growing by less than a quarter, or shrinking by less than half, changes nothing;
  // else what is remembered stays, but for a part that the other number of buckets moves out of sight.
  void resize(std::size_t keys);
  void remember(std::uint64_t hash);
  // Whether it was remembered; it is forgotten then.
  bool recall(std::uint64_t hash);
  void clear() { buckets_.clear(); }
  std::size_t capacity() const { return buckets_.size() * kKeys; }
  Bytes memory() const { return Bytes(buckets_.capacity() * sizeof(Bucket)); }

 private:
  static constexpr std::size_t kKeys = 15;
  struct alignas(32) Bucket {
    std::array<std::uint16_t, kKeys> keys{};  // 0: none
    std::uint16_t oldest = 0;
  };
  // Of a part of the hash that neither choosing a shard nor a bucket looks at.
  static std::uint16_t fingerprint(std::uint64_t hash) {
    const auto print = static_cast<std::uint16_t>(hash);
    return print == 0 ? 1 : print;
  }
  Bucket& bucket_of(std::uint64_t hash);

  std::vector<Bucket> buckets_;
};

}  // namespace plimsoll
