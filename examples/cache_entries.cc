// A cache of bytes: put and get with a time to live, and all that is known of an entry.
//
//   cmake --build --preset release --target example_cache_entries && build/release/example_cache_entries
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "plimsoll/base/hash.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/content_type.h"
#include "plimsoll/os/pages.h"

using namespace plimsoll::literals;

namespace {

// Time is an argument, so that whoever reads many keys asks the clock once.
constexpr std::int64_t kNow = 1'700'000'000'000, kMinute = 60'000;

void get(plimsoll::ByteCache& cache, std::string_view key, std::int64_t now_ms) {
  std::array<char, plimsoll::ByteCache::kLargeValue> space;
  const plimsoll::ByteCache::Reading found = cache.read(key, now_ms, space);
  const long long minutes = (now_ms - kNow) / kMinute;
  if (!found.exists) {
    std::printf("after %lld min %s: not here\n", minutes, key.data());
    return;
  }
  const std::string_view value(space.data(), std::min<std::size_t>(found.size, 20));
  std::printf("after %lld min %s: %.*s (of %zu bytes)\n", minutes, key.data(), static_cast<int>(value.size()),
              value.data(), found.size);
}

void describe(plimsoll::ByteCache& cache, std::string_view key, std::int64_t now_ms) {
  plimsoll::ByteCache::Slot slot = cache.lock(key, now_ms);
  if (!slot.exists()) return;
  const std::string_view value = slot.value(), type = plimsoll::content_type_of(value);
  std::printf("%s is %.*s, %zu bytes, %zu stored", key.data(), static_cast<int>(type.size()), type.data(),
              slot.size(), slot.stored_size());
  std::printf(", checksum %016llx", static_cast<unsigned long long>(plimsoll::hash64(value, 0)));
  if (const auto facts = slot.facts()) {
    std::printf("; made at %lld, read last at %lld, %llu reads", static_cast<long long>(facts->created_s),
                static_cast<long long>(facts->accessed_s), static_cast<unsigned long long>(facts->accesses));
  }
  std::printf("\n");
}

}  // namespace

int main() {
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 64_MiB});
  plimsoll::ByteCache cache(
      {.account = line.open({.name = "cache", .kind = plimsoll::AccountKind::kDroppable}),
       .pages = pages,
       .line = line.line(),
       .address_space = {},
       .describe_entries = true});

  std::string page = "{\"ships\":[";
  for (int i = 0; i < 50; ++i) page += "{\"name\":\"ship " + std::to_string(i) + "\"},";
  page.back() = ']';
  page += "}";
  // A refusal is a value too: the cache is full of what it may not drop, or the line is.
  if (cache.lock("page:ships", kNow).put(page, kNow + 10 * kMinute) != plimsoll::WriteStatus::kDone) return 1;
  if (cache.lock("forever", kNow).put("Lloyd's of London") != plimsoll::WriteStatus::kDone) return 1;

  get(cache, "page:ships", kNow);
  get(cache, "page:ships", kNow + 9 * kMinute);
  describe(cache, "page:ships", kNow + 9 * kMinute);
  get(cache, "page:ships", kNow + 11 * kMinute);
  get(cache, "forever", kNow + 11 * kMinute);
  const plimsoll::ByteCache::Stats stats = cache.stats();
  std::printf("%llu hits, %llu misses, %llu expired, %llu kept\n",
              static_cast<unsigned long long>(stats.hits), static_cast<unsigned long long>(stats.misses),
              static_cast<unsigned long long>(stats.expired), static_cast<unsigned long long>(stats.items));
}
