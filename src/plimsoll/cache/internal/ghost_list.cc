#include "plimsoll/cache/internal/ghost_list.h"

#include <algorithm>

namespace plimsoll {
namespace {

// The hash's bits choose the shard and the place in its index too: multiplied, they are spread anew.
std::uint64_t spread(std::uint64_t hash) { return (hash ^ hash >> 29) * 0x9e37'79b9'7f4a'7c15; }

}  // namespace

GhostList::Bucket& GhostList::bucket_of(std::uint64_t hash) {
  return buckets_[((spread(hash) >> 32) * buckets_.size()) >> 32];
}

void GhostList::resize(std::size_t keys) {
  const std::size_t wanted = (keys + kKeys - 1) / kKeys;
  const std::size_t had = buckets_.size();
  if (wanted <= had + had / 4 && wanted * 2 > had) return;
  std::vector<Bucket> buckets(wanted);
  // A bucket takes what the one that had its part of the hashes remembered.
  for (std::size_t i = 0; i < wanted && had > 0; ++i) buckets[i] = buckets_[i * had / wanted];
  buckets_ = std::move(buckets);
}

void GhostList::remember(std::uint64_t hash) {
  if (buckets_.empty()) return;
  Bucket& bucket = bucket_of(hash);
  bucket.keys[bucket.oldest] = fingerprint(hash);
  bucket.oldest = static_cast<std::uint16_t>((bucket.oldest + 1u) % kKeys);
}

bool GhostList::recall(std::uint64_t hash) {
  if (buckets_.empty()) return false;
  Bucket& bucket = bucket_of(hash);
  auto at = std::find(bucket.keys.begin(), bucket.keys.end(), fingerprint(hash));
  if (at == bucket.keys.end()) return false;
  *at = 0;
  return true;
}

}  // namespace plimsoll
