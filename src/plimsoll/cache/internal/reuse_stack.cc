#include "plimsoll/cache/internal/reuse_stack.h"

#include <algorithm>
#include <bit>

#include "plimsoll/base/check.h"

namespace plimsoll {

std::size_t ReuseStack::find_bucket(std::uint64_t hash) const {
  std::size_t bucket = bucket_of(hash);
  while (table_[bucket] != kNobody && keys_[table_[bucket]].hash != hash)
    bucket = (bucket + 1) & (table_.size() - 1);
  return bucket;
}

SampledKey* ReuseStack::find(std::uint64_t hash) {
  if (table_.empty()) return nullptr;
  const std::uint32_t number = table_[find_bucket(hash)];
  return number == kNobody ? nullptr : &keys_[number];
}

ReuseStack::Sum ReuseStack::sum_to(std::uint32_t place) const {
  Sum sum;
  for (; place > 0; place &= place - 1) {
    sum.keys += counts_[place];
    sum.bytes += weights_[place];
  }
  return sum;
}

ReuseStack::Distance ReuseStack::distance(const SampledKey& key) const {
  const Sum older = sum_to(key.place - 1);
  return {.keys = keys_.size() - older.keys, .bytes = bytes_ - older.bytes};
}

std::uint64_t ReuseStack::keys_between(std::uint32_t before, std::uint32_t after) const {
  if (after <= before + 1) return 0;
  return sum_to(after - 1).keys - sum_to(before).keys;
}

void ReuseStack::take(std::uint32_t number, std::uint64_t bytes) {
  SampledKey& key = keys_[number];
  key.place = next_++;
  key.bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, 0xffff'ffff));
  owners_[key.place] = number;
  bytes_ += key.bytes;
  for (std::size_t at = key.place; at < counts_.size(); at += at & -at) {
    ++counts_[at];
    weights_[at] += key.bytes;
  }
}

void ReuseStack::leave(std::uint32_t place, std::uint32_t bytes) {
  owners_[place] = kNobody;
  bytes_ -= bytes;
  for (std::size_t at = place; at < counts_.size(); at += at & -at) {
    --counts_[at];
    weights_[at] -= bytes;
  }
}

bool ReuseStack::use(SampledKey& key, std::uint64_t bytes) {
  const bool full = next_ == owners_.size();
  if (full) number_anew();
  leave(key.place, key.bytes);
  take(static_cast<std::uint32_t>(&key - keys_.data()), bytes);
  return full;
}

SampledKey& ReuseStack::insert(std::uint64_t hash, std::uint64_t bytes) {
  if (next_ >= owners_.size()) number_anew();
  if (keys_.size() == keys_.capacity()) keys_.reserve(std::max(kFewest, keys_.size() * 9 / 8));
  keys_.push_back({.hash = hash, .place = 0, .bytes = 0, .first = 0, .last = 0, .reads = 0});
  if (keys_.size() * 4 > table_.size() * 3) {
    rebuild_table();
  } else {
    table_[find_bucket(hash)] = static_cast<std::uint32_t>(keys_.size() - 1);
  }
  take(static_cast<std::uint32_t>(keys_.size() - 1), bytes);
  return keys_.back();
}

void ReuseStack::rebuild_table() {
  const std::size_t buckets = std::bit_ceil(std::max(kFewest, keys_.size()) * 4 / 3 + 1);
  table_.assign(std::max(buckets, table_.size()), kNobody);
  for (std::uint32_t i = 0; i < keys_.size(); ++i) table_[find_bucket(keys_[i].hash)] = i;
}

// Twice as many places as there are keys, so that each pays for two.
void ReuseStack::number_anew() {
  std::vector<std::uint32_t> order;
  order.reserve(keys_.size());
  for (std::uint32_t place = 1; place < next_; ++place) {
    if (owners_[place] != kNobody) order.push_back(owners_[place]);
  }
  const std::size_t places = std::max({kFewest, owners_.size(), keys_.size() * 2 + 2});
  owners_.assign(places, kNobody);
  counts_.assign(places, 0);
  weights_.assign(places, 0);
  next_ = 1;
  bytes_ = 0;
  for (std::uint32_t number : order) take(number, keys_[number].bytes);
}

void ReuseStack::erase(std::uint64_t hash) {
  if (table_.empty()) return;
  std::size_t hole = find_bucket(hash);
  const std::uint32_t number = table_[hole];
  if (number == kNobody) return;
  leave(keys_[number].place, keys_[number].bytes);
  // Whoever may move back to the hole does, so that probing meets no gap.
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = (hole + 1) & mask; table_[at] != kNobody; at = (at + 1) & mask) {
    const std::size_t home = bucket_of(keys_[table_[at]].hash);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = kNobody;
  const auto last = static_cast<std::uint32_t>(keys_.size() - 1);
  if (number != last) {
    table_[find_bucket(keys_[last].hash)] = number;
    owners_[keys_[last].place] = number;
    keys_[number] = keys_[last];
  }
  keys_.pop_back();
}

template <typename Keep>
void ReuseStack::keep_if(const Keep& keep) {
  std::vector<SampledKey> kept;
  kept.reserve(keys_.capacity());
  visit([&](const SampledKey& key) {
    if (keep(key)) kept.push_back(key);
  });
  keys_ = std::move(kept);
  std::fill(owners_.begin(), owners_.end(), kNobody);
  std::fill(counts_.begin(), counts_.end(), 0);
  std::fill(weights_.begin(), weights_.end(), 0);
  next_ = 1;
  bytes_ = 0;
  rebuild_table();
  for (std::uint32_t i = 0; i < keys_.size(); ++i) take(i, keys_[i].bytes);
}

void ReuseStack::erase_above(std::uint64_t highest_hash) {
  keep_if([&](const SampledKey& key) { return key.hash <= highest_hash; });
}

void ReuseStack::erase_oldest(std::size_t count) {
  keep_if([&](const SampledKey&) { return count > 0 ? (--count, false) : true; });
}

void ReuseStack::clear() { *this = ReuseStack(); }

Bytes ReuseStack::memory() const {
  return Bytes(keys_.capacity() * sizeof(SampledKey) +
               (table_.capacity() + owners_.capacity() + counts_.capacity()) * sizeof(std::uint32_t) +
               weights_.capacity() * sizeof(std::uint64_t));
}

void ReuseStack::CheckInvariants() const {
  std::uint64_t bytes = 0;
  std::size_t keys = 0;
  visit([&](const SampledKey& key) {
    ++keys;
    bytes += key.bytes;
    const Sum sum = sum_to(key.place);
    PLIMSOLL_CHECK(sum.keys == keys && sum.bytes == bytes, "%u keys to place %u, not %zu", sum.keys,
                   key.place, keys);
    PLIMSOLL_CHECK(keys_[table_[find_bucket(key.hash)]] == key);
  });
  PLIMSOLL_CHECK(keys == keys_.size() && bytes == bytes_);
}

}  // namespace plimsoll
