// Item: the layout of a record in a segment.
//
//   header (16) | expiry (16, when kExpiring) | facts (12, when kDescribed) | key | value, or a pointer to
//   its Extent when kLarge, or of the object that it holds, or its weight when it has no value | padding to
//   the unit
//
// A value may be packed (compressor.h), in the record or in its extent; then that is what is stored.
//
// A record's length follows from its header, so that a segment can be walked from its front. An item is named
// by its place: the segment store's 32-bit locator. The header has the two links of its policy's queue and
// what a policy knows of it; the key's hash is not stored, as it is computed from the key in fewer
// nanoseconds than the key takes to come from memory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "plimsoll/cache/extent.h"
#include "plimsoll/cache/held.h"

namespace plimsoll {

using Locator = std::uint32_t;
constexpr Locator kNoLocator = 0;
// Locators from here on name no place: the expiry wheel marks the heads of its slots with them.
constexpr Locator kFirstUnused = 0xffff'ff00;

struct ItemExpiry {
  std::int64_t at_ms;
  Locator next;      // in the wheel's slot
  Locator previous;  // of the first: kFirstUnused and the slot's number
};

// What is kept of an item where it is asked for; times in seconds of Unix time.
struct ItemFacts {
  std::uint32_t created_s;
  std::uint32_t accessed_s;
  std::uint32_t accesses;
};

struct Item {
  static constexpr std::uint16_t kLive = 1;
  static constexpr std::uint16_t kLarge = 2;
  static constexpr std::uint16_t kExpiring = 4;  // has an ItemExpiry, which may say never
  static constexpr std::uint16_t kBusy = 8;      // a slot is working on it: moved, but not evicted
  static constexpr unsigned kQueueShift = 4;
  static constexpr unsigned kFrequencyShift = 6;
  static constexpr unsigned kMaxFrequency = 1023;
  // As value_size: eight bytes stand for the value, a weight or the pointer to a HeldValue.
  static constexpr std::uint32_t kWeighed = 0xffff'ffff;
  static constexpr std::uint32_t kHeld = 0xffff'fffe;
  // Of value_size otherwise, as no value has so many bytes. A record with neither is nothing but its bytes.
  static constexpr std::uint32_t kPacked = 0x8000'0000;
  static constexpr std::uint32_t kDescribed = 0x4000'0000;
  static constexpr std::uint32_t kSizeMask = kDescribed - 1;

  // The header's first word, as a reader without a lock loads it.
  struct Head {
    std::uint32_t value_size;
    std::uint16_t key_size;
    std::uint16_t bits;

    // By shifts, as compilers take a cast of the whole apart through memory.
    static Head of(std::uint64_t word) {
      static_assert(std::endian::native == std::endian::little);
      return {static_cast<std::uint32_t>(word), static_cast<std::uint16_t>(word >> 32),
              static_cast<std::uint16_t>(word >> 48)};
    }
    bool large() const { return bits & kLarge; }
    bool expiring() const { return bits & kExpiring; }
    bool held() const { return value_size == kHeld; }
    bool has_no_bytes() const { return value_size >= kHeld; }
    // Nothing but its bytes: what is packed or described is read with the lock.
    bool plain() const { return has_no_bytes() || (value_size & (kPacked | kDescribed)) == 0; }
    bool described() const { return !has_no_bytes() && (value_size & kDescribed) != 0; }
    std::uint32_t stored_size() const { return has_no_bytes() ? 0 : value_size & kSizeMask; }
    unsigned frequency() const { return bits >> kFrequencyShift; }
    std::size_t key_offset() const {
      return sizeof(Item) + (expiring() ? sizeof(ItemExpiry) : 0) + (described() ? sizeof(ItemFacts) : 0);
    }
    // Of all that was written, padding apart.
    std::size_t length() const {
      return key_offset() + key_size + (large() || has_no_bytes() ? sizeof(Extent*) : stored_size());
    }
  };

  std::uint32_t value_size;
  std::uint16_t key_size;
  std::uint16_t bits;
  Locator older;  // in its policy's queue
  Locator newer;

  static std::size_t length(std::size_t key_size, std::size_t stored_value_size, bool expiring,
                            std::size_t unit, bool described = false) {
    std::size_t bytes = sizeof(Item) + (expiring ? sizeof(ItemExpiry) : 0) +
                        (described ? sizeof(ItemFacts) : 0) + key_size + stored_value_size;
    return (bytes + unit - 1) & ~(unit - 1);
  }
  bool live() const { return bits & kLive; }
  bool large() const { return bits & kLarge; }
  bool expiring() const { return bits & kExpiring; }
  bool weighed() const { return value_size == kWeighed; }
  bool held() const { return value_size == kHeld; }
  bool has_no_bytes() const { return value_size >= kHeld; }
  bool packed() const { return (value_size & kPacked) != 0 && !has_no_bytes(); }
  bool described() const { return (value_size & kDescribed) != 0 && !has_no_bytes(); }
  std::uint32_t stored_size() const { return has_no_bytes() ? 0 : value_size & kSizeMask; }
  void set_stored_size(std::size_t size) {
    value_size = (value_size & ~kSizeMask) | static_cast<std::uint32_t>(size);
  }
  // Not to be evicted: at work, or a value that somebody reads, which would give nothing back now.
  bool busy() {
    return (bits & kBusy) != 0 || (large() && extent()->pinned()) || (held() && held_value()->pinned());
  }
  std::uint8_t queue() const { return (bits >> kQueueShift) & 3; }
  void set_queue(std::uint8_t queue) {
    bits = static_cast<std::uint16_t>((bits & ~(3u << kQueueShift)) | (queue & 3u) << kQueueShift);
  }
  unsigned frequency() const { return bits >> kFrequencyShift; }
  // REQUIRES: frequency <= kMaxFrequency.
  void set_frequency(unsigned frequency) {
    bits = static_cast<std::uint16_t>((bits & ((1u << kFrequencyShift) - 1)) | frequency << kFrequencyShift);
  }
  // One more, up to kMaxFrequency; then nothing is written.
  void count_use() {
    if (frequency() < kMaxFrequency) bits = static_cast<std::uint16_t>(bits + (1u << kFrequencyShift));
  }

  std::size_t length(std::size_t unit) const {
    return length(key_size, large() || has_no_bytes() ? sizeof(Extent*) : stored_size(), expiring(), unit,
                  described());
  }
  ItemExpiry* expiry() { return reinterpret_cast<ItemExpiry*>(this + 1); }
  std::int64_t expires_at_ms() { return expiring() ? expiry()->at_ms : -1; }
  char* facts_begin() { return reinterpret_cast<char*>(this + 1) + (expiring() ? sizeof(ItemExpiry) : 0); }
  char* key_begin() { return facts_begin() + (described() ? sizeof(ItemFacts) : 0); }
  std::string_view key() { return {key_begin(), key_size}; }
  char* stored_value() { return key_begin() + key_size; }
  Extent* extent() {  // REQUIRES: large(). The pointer is not aligned behind a key of any length.
    Extent* pointer = nullptr;
    std::memcpy(&pointer, stored_value(), sizeof pointer);
    return pointer;
  }
  void set_extent(Extent* pointer) { std::memcpy(stored_value(), &pointer, sizeof pointer); }
  HeldValue* held_value() {  // REQUIRES: held()
    HeldValue* pointer = nullptr;
    std::memcpy(&pointer, stored_value(), sizeof pointer);
    return pointer;
  }
  void set_held_value(HeldValue* pointer) { std::memcpy(stored_value(), &pointer, sizeof pointer); }
  ItemFacts facts() {  // REQUIRES: described()
    ItemFacts facts;
    std::memcpy(&facts, facts_begin(), sizeof facts);
    return facts;
  }
  void set_facts(const ItemFacts& facts) { std::memcpy(facts_begin(), &facts, sizeof facts); }
  // The value's bytes; packed ones as they are.
  std::string_view stored() {
    if (has_no_bytes()) return {};
    return large() ? extent()->view() : std::string_view{stored_value(), stored_size()};
  }
  std::uint64_t payload() {
    if (held()) return key_size + held_value()->weight().count();
    return key_size + stored_size();
  }
  // What evicting it gives back: the record and its extent's pages or its object; or the weight it was
  // written with.
  std::uint64_t weight(std::size_t unit) {
    if (!large() && !has_no_bytes()) [[likely]]
      return length(unit);
    if (large()) return length(unit) + extent()->charged().count();
    if (held()) return length(unit) + held_value()->weight().count();
    std::uint64_t weight = 0;
    std::memcpy(&weight, stored_value(), sizeof weight);
    return weight;
  }
  void set_weight(std::uint64_t weight) { std::memcpy(stored_value(), &weight, sizeof weight); }
};
static_assert(sizeof(Item) == 16 && sizeof(Item::Head) == 8 && sizeof(ItemExpiry) == 16);

}  // namespace plimsoll
