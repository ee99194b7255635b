#include "plimsoll/cache/internal/expiry_wheel.h"

#include <algorithm>
#include <utility>

namespace plimsoll {

static_assert(kFirstUnused + 64 * 4 - 1 == 0xffff'ffff, "a slot's number fits above the last place");

// An item is due in the first tick that ends after its time, so that it is never dropped early.
std::size_t ExpiryWheel::slot_for(std::int64_t tick) const {
  std::int64_t ahead = std::max<std::int64_t>(tick - tick_, 0);
  std::int64_t target = tick_ + ahead;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const unsigned shift = static_cast<unsigned>(6 * level);
    // By the difference of the slots' numbers and not of the ticks: a slot must not be lapped.
    if ((target >> shift) - (tick_ >> shift) < static_cast<std::int64_t>(kSlots)) {
      return level * kSlots + static_cast<std::size_t>((target >> shift) & 63);
    }
  }
  const unsigned shift = 6 * (kLevels - 1);
  return (kLevels - 1) * kSlots + static_cast<std::size_t>(((tick_ >> shift) + 63) & 63);
}

void ExpiryWheel::link(Locator locator, std::size_t slot) {
  Item& item = at(locator);
  item.expiry()->previous = kFirstUnused + static_cast<Locator>(slot);
  item.expiry()->next = heads_[slot];
  if (heads_[slot] != kNoLocator) at(heads_[slot]).expiry()->previous = locator;
  heads_[slot] = locator;
}

void ExpiryWheel::add(Locator locator, std::int64_t now_ms) {
  if (size_ == 0) tick_ = std::max(tick_, now_ms / kTickMs);
  link(locator, slot_for(at(locator).expiry()->at_ms / kTickMs + 1));
  ++size_;
}

void ExpiryWheel::remove(Locator locator) {
  const ItemExpiry& expiry = *at(locator).expiry();
  if (expiry.previous < kFirstUnused) {
    at(expiry.previous).expiry()->next = expiry.next;
  } else {
    heads_[expiry.previous - kFirstUnused] = expiry.next;
  }
  if (expiry.next != kNoLocator) at(expiry.next).expiry()->previous = expiry.previous;
  --size_;
}

void ExpiryWheel::moved(Locator to) {
  const ItemExpiry& expiry = *at(to).expiry();
  if (expiry.previous < kFirstUnused) {
    at(expiry.previous).expiry()->next = to;
  } else {
    heads_[expiry.previous - kFirstUnused] = to;
  }
  if (expiry.next != kNoLocator) at(expiry.next).expiry()->previous = to;
}

// The current slot of `level` has come near enough to be spread over the levels below.
void ExpiryWheel::cascade(std::size_t level) {
  const std::size_t slot = level * kSlots + static_cast<std::size_t>((tick_ >> (6 * level)) & 63);
  Locator item = heads_[slot];
  heads_[slot] = kNoLocator;
  while (item != kNoLocator) {
    Locator next = at(item).expiry()->next;
    link(item, slot_for(at(item).expiry()->at_ms / kTickMs + 1));
    item = next;
  }
}

Locator ExpiryWheel::due(std::int64_t now_ms) {
  const std::int64_t now = now_ms / kTickMs;
  if (size_ == 0) tick_ = std::max(tick_, now);
  if (now < tick_) return kNoLocator;  // the clock was set back: nothing goes before it has caught up
  if (now - tick_ > kAhead) jump_to(now);
  while (true) {
    Locator head = heads_[static_cast<std::size_t>(tick_ & 63)];
    if (head != kNoLocator) return head;
    if (tick_ >= now) return kNoLocator;
    ++tick_;
    for (std::size_t level = kLevels - 1; level > 0; --level) {
      if ((tick_ & ((std::int64_t{1} << (6 * level)) - 1)) == 0) cascade(level);
    }
  }
}

// The clock was set far ahead, or nobody looked for days: walking there tick by tick could take minutes.
void ExpiryWheel::jump_to(std::int64_t tick) {
  tick_ = tick;
  for (Locator& head : heads_) {
    Locator item = std::exchange(head, kNoLocator);
    while (item != kNoLocator) {
      Locator next = at(item).expiry()->next;
      link(item, slot_for(at(item).expiry()->at_ms / kTickMs + 1));
      item = next;
    }
  }
}

void ExpiryWheel::clear() {
  heads_.fill(kNoLocator);
  size_ = 0;
}

}  // namespace plimsoll
