#include "plimsoll/cache/internal/hot_keys.h"

#include <algorithm>

namespace plimsoll {

void HotKeys::count(std::uint64_t hash, std::string_view key) {
  ++counted_;
  const auto found = std::find(hashes_.begin(), hashes_.end(), hash);
  if (found != hashes_.end()) {
    Counter& counter = counters_[static_cast<std::size_t>(found - hashes_.begin())];
    if (counter.reads > 0) {
      ++counter.reads;
      return;
    }
  }
  Counter& lowest = *std::min_element(counters_.begin(), counters_.end(),
                                      [](const Counter& a, const Counter& b) { return a.reads < b.reads; });
  lowest.hash = hash;
  lowest.taken_over = lowest.reads++;
  lowest.length = static_cast<std::uint8_t>(std::min(key.size(), kKeyKept));
  std::copy_n(key.begin(), lowest.length, lowest.key.begin());
  hashes_[static_cast<std::size_t>(&lowest - counters_.data())] = hash;
}

std::vector<HotKey> HotKeys::top(std::size_t most) const {
  std::vector<Counter> sorted(counters_.begin(), counters_.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Counter& a, const Counter& b) { return a.reads > b.reads; });
  std::vector<HotKey> hottest;
  const auto all = static_cast<double>(counted_);
  for (const Counter& c : sorted) {
    // Two reads can be chance.
    if (hottest.size() == most || c.reads < 3) break;
    if (c.reads <= c.taken_over * 2) continue;
    hottest.push_back({.key = std::string(c.key.data(), c.length),
                       .share = static_cast<double>(c.reads) / all,
                       .at_least = static_cast<double>(c.reads - c.taken_over) / all});
  }
  return hottest;
}

void HotKeys::halve() {
  counted_ = 0;
  for (Counter& c : counters_) {
    c.reads /= 2;
    c.taken_over /= 2;
    counted_ += c.reads;
  }
}

}  // namespace plimsoll
