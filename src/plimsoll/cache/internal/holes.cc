#include "plimsoll/cache/internal/holes.h"

#include <algorithm>
#include <bit>

#include "plimsoll/base/check.h"

namespace plimsoll {

std::size_t HoleList::class_of(std::size_t length) const {
  return std::min(length / items_.unit(), kClasses - 1);
}

void HoleList::add(Locator dead) {
  Item& hole = at(dead);
  const std::size_t length = hole.length(items_.unit());
  const std::size_t number = class_of(length);
  hole.older = kNoLocator;
  hole.newer = heads_[number];
  if (hole.newer != kNoLocator) at(hole.newer).older = dead;
  heads_[number] = dead;
  filled_[number / 64] |= std::uint64_t{1} << (number % 64);
  ++size_;
  bytes_ += length;
}

void HoleList::remove(Locator dead) {
  const Item& hole = at(dead);
  const std::size_t length = hole.length(items_.unit());
  const std::size_t number = class_of(length);
  PLIMSOLL_DCHECK(!hole.live() && size_ > 0, "record %u is no hole", dead);
  (hole.older != kNoLocator ? at(hole.older).newer : heads_[number]) = hole.newer;
  if (hole.newer != kNoLocator) at(hole.newer).older = hole.older;
  if (heads_[number] == kNoLocator) filled_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
  --size_;
  bytes_ -= length;
}

std::size_t HoleList::next_class(std::size_t from) const {
  for (std::size_t word = from / 64; word < filled_.size(); ++word) {
    const std::uint64_t bits = filled_[word] & (word == from / 64 ? ~std::uint64_t{0} << (from % 64) : ~0ull);
    if (bits != 0) return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
  }
  return kClasses;
}

// The first of a class that is of this length, or longer by what makes a hole.
Locator HoleList::fitting(std::size_t number, std::size_t length) const {
  Locator hole = heads_[number];
  for (int tries = 0; tries < kTries && hole != kNoLocator; ++tries, hole = at(hole).newer) {
    const std::size_t whole = at(hole).length(items_.unit());
    if (whole == length || whole >= length + kSmallestRest) return hole;
  }
  return kNoLocator;
}

Locator HoleList::take(std::size_t length) {
  const std::size_t exact = class_of(length);
  Locator hole = fitting(exact, length);
  if (hole == kNoLocator && exact < kClasses - 1) {
    // All of a longer class fit, but for the last one, which has many lengths.
    const std::size_t longer = next_class(class_of(length + std::max(kSmallestRest, items_.unit())));
    if (longer < kClasses) hole = fitting(longer, length);
  }
  if (hole != kNoLocator) remove(hole);
  return hole;
}

void HoleList::clear() {
  heads_.fill(kNoLocator);
  filled_.fill(0);
  size_ = 0;
  bytes_ = 0;
}

void HoleList::CheckInvariants() const {
  std::size_t holes = 0;
  std::uint64_t bytes = 0;
  for (std::size_t number = 0; number < kClasses; ++number) {
    const bool filled = (filled_[number / 64] >> (number % 64) & 1) != 0;
    PLIMSOLL_CHECK(filled == (heads_[number] != kNoLocator), "class %zu", number);
    Locator older = kNoLocator;
    for (Locator hole = heads_[number]; hole != kNoLocator; older = hole, hole = at(hole).newer) {
      const std::size_t length = at(hole).length(items_.unit());
      PLIMSOLL_CHECK(!at(hole).live() && at(hole).older == older && class_of(length) == number,
                     "hole %u of class %zu", hole, number);
      bytes += length;
      ++holes;
    }
  }
  PLIMSOLL_CHECK(holes == size_ && bytes == bytes_, "%zu holes of %zu", holes, size_);
}

}  // namespace plimsoll
