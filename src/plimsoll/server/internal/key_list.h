// KeyBatch and KeyList: keys that match a pattern, as the bulk strings of a reply.
//
// How many there are is said before the first, so all of them are found before any is sent. A batch holds
// some on the heap, never more than kFull and one step's keys; KEYS adds batch after batch to a list, whose
// pages are charged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plimsoll/cache/byte_cache.h"

namespace plimsoll {

class KeyBatch {
 public:
  static constexpr std::size_t kStep = 64;         // keys looked at under one lock; at most 2 MiB of them
  static constexpr std::size_t kFull = 64 * 1024;  // bytes

  // `any`: false takes no key at all. `place`: of the database. The pattern outlives the batch.
  KeyBatch(std::string_view pattern, bool any, unsigned place)
      : pattern_(pattern), any_(any), place_(place) {}

  // Looks at up to kStep keys (about) from `cursor` on, and returns the next cursor.
  std::uint64_t add(ByteCache& cache, std::uint64_t cursor, std::size_t count, std::int64_t now_ms);
  // Keys of other databases count for a part: they cost a look each, but a page of few keys costs a reply.
  std::size_t visited() const { return visited_ + others_ / kOthers; }
  std::size_t matched() const { return matched_; }
  std::string_view bytes() const { return bytes_; }
  void drop_bytes() { bytes_.clear(); }  // the counts stay

 private:
  static constexpr std::size_t kOthers = 64;
  bool takes(std::string_view key) const;

  const std::string_view pattern_;
  const bool any_;
  const unsigned place_;
  std::size_t visited_ = 0;
  std::size_t others_ = 0;
  std::size_t matched_ = 0;
  std::string bytes_;
};

class KeyList {
 public:
  // Charged to `account`; where the line refuses, `cache` gives way.
  KeyList(ByteCache& cache, Account& account) : cache_(cache), account_(account) {}

  bool empty() const { return !pages_; }
  // False when there is no memory, even after evicting.
  bool append(std::string_view bytes);
  // REQUIRES: not empty.
  PinnedValue pin() { return PinnedValue(*pages_); }

 private:
  bool make_longer(std::size_t size);

  ByteCache& cache_;
  Account& account_;
  ExtentRef pages_;
};

}  // namespace plimsoll
