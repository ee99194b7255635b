// HotKeys: the keys that are asked for most, and about how often, in a fixed room.
//
// Space-saving (Metwally, Agrawal and El Abbadi, ICDT 2005): a key without a counter takes over the lowest
// one with its count, so that what is asked for more than once in `kCounters` is never missed, and a count is
// too high by at most what was taken over. Invariant: the counts' sum is the number of reads counted.
//
// Thread-safety: its owner's lock. Cost: a look at 128 hashes a read that is counted; 16 KiB. Limits: the
// first 64 bytes of a key are kept. Errors: none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "plimsoll/cache/analysis.h"

namespace plimsoll {

class HotKeys {
 public:
  static constexpr std::size_t kCounters = 128;
  static constexpr std::size_t kKeyKept = 64;

  void count(std::uint64_t hash, std::string_view key);
  // The hottest first, without those that may have come by another's count alone.
  std::vector<HotKey> top(std::size_t most) const;
  void halve();  // lets what is past fade
  void clear() { *this = HotKeys(); }
  std::uint64_t counted() const { return counted_; }

 private:
  struct Counter {
    std::uint64_t hash = 0;
    std::uint64_t reads = 0;
    std::uint64_t taken_over = 0;
    std::uint8_t length = 0;
    std::array<char, kKeyKept> key{};
  };

  std::array<std::uint64_t, kCounters> hashes_{};
  std::array<Counter, kCounters> counters_{};
  std::uint64_t counted_ = 0;
};

}  // namespace plimsoll
