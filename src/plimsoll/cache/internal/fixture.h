// What the cache's tests stand on: a line, an account and the system's pages, with values that can be
// checked.
#pragma once

#include <string>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

struct CacheFixture {
  explicit CacheFixture(Bytes limit = 64_MiB, bool evict = true, std::size_t shards = 4,
                        PolicyKind policy = PolicyKind::kLru, Compression compression = Compression::kOff,
                        bool describe = false)
      : line({.limit = limit}),
        account(line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}})),
        others(line.open({.name = "others", .kind = AccountKind::kPinned, .guarantee = {}})),
        cache({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = limit * 4,
               .shards = shards,
               .policy = policy,
               .evict = evict,
               .seed = 7,
               .compression = compression,
               .describe_entries = describe}) {}

  std::string get(std::string_view key, std::int64_t now_ms = 1000) {
    std::string value(ByteCache::kLargeValue, '\0');
    const ByteCache::Reading read = cache.read(key, now_ms, value);
    if (!read.exists) return "(absent)";
    if (read.pinned) return std::string(read.pinned.view());
    value.resize(read.size);
    return value;
  }
  WriteStatus set(std::string_view key, std::string_view value, std::int64_t expires = ByteCache::kNever,
                  std::int64_t now_ms = 1000) {
    return cache.lock(key, now_ms).put(value, expires);
  }

  SystemPages pages;
  LoadLine line;
  Account& account;
  Account& others;
  ByteCache cache;
};

// Bytes that follow from the key and a version, so that a wrong answer is seen.
inline std::string value_for(std::uint64_t key, std::uint64_t version, std::size_t size) {
  std::string value(size, '\0');
  std::uint64_t state = key * 1'000'003 + version;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) Random::split_mix(state);
    value[i] = static_cast<char>('a' + ((state >> (i % 8 * 8)) & 15));
  }
  return value;
}

}  // namespace plimsoll
