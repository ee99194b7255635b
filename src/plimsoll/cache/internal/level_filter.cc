#include "plimsoll/cache/internal/level_filter.h"

#include <algorithm>

namespace plimsoll {

// The line by the hash's high half, nine bits for each of six places in it by the hash times an odd number.
void LevelFilter::Part::set(std::uint64_t hash) {
  Line& line = lines[(hash >> 32) * lines.size() >> 32];
  std::uint64_t draw = hash * 0x9e37'79b9'7f4a'7c15;
  for (unsigned i = 0; i < kBits; ++i, draw >>= 9)
    line.words[draw >> 6 & 7] |= std::uint64_t{1} << (draw & 63);
}

bool LevelFilter::Part::has(std::uint64_t hash) const {
  const Line& line = lines[(hash >> 32) * lines.size() >> 32];
  std::uint64_t draw = hash * 0x9e37'79b9'7f4a'7c15;
  for (unsigned i = 0; i < kBits; ++i, draw >>= 9) {
    if ((line.words[draw >> 6 & 7] >> (draw & 63) & 1) == 0) return false;
  }
  return true;
}

bool LevelFilter::add(std::uint64_t hash, std::uint32_t generation) {
  const bool same = !parts_.empty() && parts_.back().generation == generation;
  if (!same || parts_.back().keys >= parts_.back().capacity) {
    const std::size_t keys = same ? parts_.back().capacity * 2 : first_;
    const std::size_t lines = std::max<std::size_t>(keys / kKeysPerLine, 1);
    Charge charge = account_.charge(Bytes(lines * sizeof(Line)));
    if (!charge) return false;
    parts_.push_back({generation, keys, 0, std::vector<Line>(lines), std::move(charge)});
  }
  parts_.back().set(hash);
  ++parts_.back().keys;
  return true;
}

bool LevelFilter::may_hold(std::uint64_t hash) const {
  return std::any_of(parts_.begin(), parts_.end(), [hash](const Part& part) { return part.has(hash); });
}

void LevelFilter::find(std::uint64_t hash, std::vector<std::uint32_t>& generations) const {
  generations.clear();
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    if (part->has(hash) && (generations.empty() || generations.back() != part->generation))
      generations.push_back(part->generation);
  }
}

void LevelFilter::drop_before(std::uint32_t generation) {
  while (!parts_.empty() && parts_.front().generation < generation) parts_.pop_front();
}

Bytes LevelFilter::memory() const {
  Bytes sum;
  for (const Part& part : parts_) sum += part.charge.size();
  return sum;
}

}  // namespace plimsoll
