// Databases: sixteen databases of Redis in one cache, told apart by the last byte of a key.
//
// The cache stores a key of the first place as it is, and a key of place 1...15 with one byte more, the
// place. A key of place 0 that itself ends in a byte below 16 gets a byte 0 behind it, so that every stored
// key says what it is. So the first database, which is what clients use, costs nothing, and all of them share
// one eviction order. Which database is at which place can be swapped (SWAPDB). Invariant: split() undoes
// stored().
//
// Thread-safety: all methods from any thread; swap() and forget() while no other thread uses keys. Cost: a
// load and a comparison a key; a copy of the key in the others. Who lists or empties one of several databases
// that are in use walks all keys; how many each has, the cache counts. Limits: 16; a key in them may be a
// byte shorter than the cache takes. Errors: none. Ownership: none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace plimsoll {

class Databases {
 public:
  static constexpr unsigned kCount = 16;

  struct Place {
    unsigned place = 0;
    std::string_view key;
  };

  Databases() {
    for (unsigned i = 0; i < kCount; ++i)
      places_[i].store(static_cast<std::uint8_t>(i), std::memory_order_relaxed);
  }

  // REQUIRES: database < kCount. relaxed, here and below: places change while nobody else runs commands.
  unsigned place_of(unsigned database) const { return places_[database].load(std::memory_order_relaxed); }
  unsigned database_at(unsigned place) const;
  void swap(unsigned a, unsigned b);

  // `key` as the cache has it in that database, in `buffer` if it is not the same bytes.
  std::string_view stored(unsigned database, std::string_view key, std::string& buffer) {
    const unsigned place = place_of(database);
    if (place == 0 && (key.empty() || !is_place(key.back()))) [[likely]]
      return key;
    if (place != 0) use(place);
    buffer.assign(key);
    buffer.push_back(static_cast<char>(place));
    return buffer;
  }
  static Place split(std::string_view stored) {
    if (stored.empty() || !is_place(stored.back())) return {0, stored};
    return {static_cast<unsigned char>(stored.back()), stored.substr(0, stored.size() - 1)};
  }

  // For ByteCache::Options::group_of: its groups are our places.
  static unsigned group_of(std::string_view stored) { return split(stored).place; }

  // Whether keys of that place may be there, or of any other place.
  bool used(unsigned place) const {
    return place == 0 || (used_.load(std::memory_order_relaxed) >> place & 1) != 0;
  }
  bool any_but(unsigned place) const {
    const unsigned others = used_.load(std::memory_order_relaxed) & ~(1U << place);
    return others != 0 || place != 0;
  }
  // After the place was emptied.
  void forget(unsigned place) { used_.fetch_and(~(1U << place), std::memory_order_relaxed); }
  void forget_all() { used_.store(0, std::memory_order_relaxed); }

 private:
  static bool is_place(char c) { return static_cast<unsigned char>(c) < kCount; }
  void use(unsigned place) {
    if (!used(place)) used_.fetch_or(1U << place, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint8_t>, kCount> places_;
  std::atomic<unsigned> used_{0};  // a bit a place; not of the first
};

}  // namespace plimsoll
