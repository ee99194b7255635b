// Item: the layout of a record in a segment.
//
//   header (16) | expiry (16, when kExpiring) | key | value, or a pointer to its Extent when kLarge | padding
//   to the unit
//
// A record's length follows from its header, so that a segment can be walked from its front. An item is named
// by its place: the segment store's 32-bit locator.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "plimsoll/cache/extent.h"

namespace plimsoll {

using Locator = std::uint32_t;
constexpr Locator kNoLocator = 0;

struct ItemExpiry {
  std::int64_t at_ms;
  Locator next;  // in the wheel's slot
  Locator previous;
};

struct Item {
  static constexpr std::uint8_t kLive = 1;
  static constexpr std::uint8_t kLarge = 2;
  static constexpr std::uint8_t kExpiring = 4;  // has an ItemExpiry, which may say never
  static constexpr std::uint8_t kBusy = 8;      // a slot is working on it: moved, but not evicted

  std::uint32_t value_size;
  std::uint32_t hash;  // the low half of the key's hash
  std::uint32_t stamp;
  std::uint16_t key_size;
  std::uint8_t flags;
  std::uint8_t wheel_slot;

  static std::size_t length(std::size_t key_size, std::size_t stored_value_size, bool expiring,
                            std::size_t unit) {
    std::size_t bytes = sizeof(Item) + (expiring ? sizeof(ItemExpiry) : 0) + key_size + stored_value_size;
    return (bytes + unit - 1) & ~(unit - 1);
  }
  bool live() const { return flags & kLive; }
  bool large() const { return flags & kLarge; }
  bool expiring() const { return flags & kExpiring; }

  std::size_t length(std::size_t unit) const {
    return length(key_size, large() ? sizeof(Extent*) : value_size, expiring(), unit);
  }
  ItemExpiry* expiry() { return reinterpret_cast<ItemExpiry*>(this + 1); }
  std::int64_t expires_at_ms() { return expiring() ? expiry()->at_ms : -1; }
  char* key_begin() { return reinterpret_cast<char*>(this + 1) + (expiring() ? sizeof(ItemExpiry) : 0); }
  std::string_view key() { return {key_begin(), key_size}; }
  char* stored_value() { return key_begin() + key_size; }
  Extent* extent() {  // REQUIRES: large(). The pointer is not aligned behind a key of any length.
    Extent* pointer = nullptr;
    std::memcpy(&pointer, stored_value(), sizeof pointer);
    return pointer;
  }
  void set_extent(Extent* pointer) { std::memcpy(stored_value(), &pointer, sizeof pointer); }
  std::string_view value() {
    return large() ? extent()->view() : std::string_view{stored_value(), value_size};
  }
};
static_assert(sizeof(Item) == 16 && sizeof(ItemExpiry) == 16);

}  // namespace plimsoll
