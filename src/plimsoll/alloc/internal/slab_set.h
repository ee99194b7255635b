// SlabSet: a set of slabs, by number, that knows its lowest and its highest at once.
//
// Bitmaps over bitmaps: a bit of one level says whether a word of the level below has any, so that finding,
// adding and taking out touch one word a level (as the summaries of van Emde Boas, 1975, with 64 to a node).
// Invariant: a bit of a level is set exactly when its word below is not zero.
//
// Thread-safety: one at a time. Cost: a word a level: four for a million slabs. Limits: 2^30 slabs. Errors:
// none. Ownership: the words are the caller's, and zero at first.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace plimsoll {

class SlabSet {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // How many words a set for numbers below `capacity` needs.
  static constexpr std::size_t words(std::size_t capacity) {
    std::size_t sum = 0;
    for (unsigned level = 0; level < kLevels; ++level) sum += (capacity >>= 6, capacity + 1);
    return sum;
  }

  SlabSet() = default;
  SlabSet(std::uint64_t* words, std::size_t capacity) {
    for (std::uint64_t*& level : levels_) {
      level = words;
      words += (capacity >>= 6, capacity + 1);
    }
  }

  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }
  bool contains(std::uint32_t i) const { return (levels_[0][i / 64] >> (i % 64) & 1) != 0; }

  // REQUIRES: below the capacity, and not in it.
  void insert(std::uint32_t i) {
    ++count_;
    for (std::uint64_t* level : levels_) {
      std::uint64_t& word = level[i / 64];
      const bool known = word != 0;
      word |= std::uint64_t{1} << (i % 64);
      if (known) return;
      i /= 64;
    }
  }
  // REQUIRES: in it.
  void erase(std::uint32_t i) {
    --count_;
    for (std::uint64_t* level : levels_) {
      std::uint64_t& word = level[i / 64];
      word &= ~(std::uint64_t{1} << (i % 64));
      if (word != 0) return;
      i /= 64;
    }
  }
  // kNone when it is empty.
  std::uint32_t lowest() const {
    if (count_ == 0) return kNone;
    std::uint32_t i = 0;
    for (unsigned level = kLevels; level-- > 0;)
      i = i * 64 + static_cast<std::uint32_t>(std::countr_zero(levels_[level][i]));
    return i;
  }
  std::uint32_t highest() const {
    if (count_ == 0) return kNone;
    std::uint32_t i = 0;
    for (unsigned level = kLevels; level-- > 0;)
      i = i * 64 + 63 - static_cast<std::uint32_t>(std::countl_zero(levels_[level][i]));
    return i;
  }

 private:
  static constexpr unsigned kLevels = 5;

  std::array<std::uint64_t*, kLevels> levels_{};
  std::size_t count_ = 0;
};

}  // namespace plimsoll
