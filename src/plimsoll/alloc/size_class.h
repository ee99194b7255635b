// SizeClasses: the sizes that slabs are cut into, and which of them a request is served from.
//
// Without being told, between 16 bytes and 4 KiB there are four to an octave (as jemalloc's, Evans 2006), the
// sizes of database objects among them: lock entries 64, page headers 128, version records 192, transaction
// metadata 384, rows 256, 512 and 1024, index nodes 512, 2048 and 4096. Above, a slab is cut into equal
// parts, so that nothing is left at its end. Others can be made of a list (PatternTracker suggests one).
// Invariant: sizes grow strictly, each is a multiple of 16, the last is kLargest.
//
//   constexpr SizeClasses usual;
//   static_assert(usual.size(usual.of(100)) == 112);
//   Result<SizeClasses> mine = SizeClasses::make({48, 200, 3000, 32768});
//
// Thread-safety: a value. Cost: of() is one load; 2.2 KiB. Limits: 32 KiB, 64 classes; of the usual ones what
// is lost inside is nothing for the sizes above, 11 % on average for sizes drawn evenly, at most 20 % from 80
// bytes to 16 KiB and 33 % beyond. Errors: make() says which size is wrong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "plimsoll/base/result.h"

namespace plimsoll {

class SizeClasses {
 public:
  static constexpr std::size_t kSlab = std::size_t{64} * 1024;
  static constexpr std::size_t kLargest = std::size_t{32} * 1024;
  static constexpr std::size_t kLargestAlignment = 4096;
  static constexpr std::size_t kGranule = 16;
  static constexpr unsigned kMost = 64;
  // Slabs of smaller objects keep their bitmap at their own end; of others 128 bytes beside them are enough.
  static constexpr std::size_t kBitmapInside = 64;
  static constexpr std::size_t kInsideBytes = kSlab / kGranule / 8;

  constexpr SizeClasses() { fill(kUsual); }
  // Each is rounded up to a multiple of 16; kLargest is added when it is not the last.
  static Result<SizeClasses> make(std::span<const std::size_t> sizes);

  constexpr unsigned count() const { return count_; }
  constexpr bool usual() const { return usual_; }  // not of a list
  // REQUIRES: size <= kLargest. A request for nothing gets the smallest.
  constexpr unsigned of(std::size_t size) const { return table_[(size + kGranule - 1) / kGranule]; }
  constexpr std::size_t size(unsigned size_class) const { return sizes_[size_class]; }
  // Objects of a slab.
  constexpr std::size_t objects(unsigned size_class) const {
    const std::size_t size = sizes_[size_class];
    return (size < kBitmapInside ? kSlab - kInsideBytes : kSlab) / size;
  }
  // The smallest class whose objects all lie on `alignment`; count() when there is none. REQUIRES: size <=
  // kLargest, alignment a power of two.
  constexpr unsigned aligned(std::size_t size, std::size_t alignment) const {
    if (alignment > kLargestAlignment) return count_;
    unsigned c = of(size);
    while (c < count_ && sizes_[c] % alignment != 0) ++c;
    return c;
  }
  constexpr std::span<const std::uint16_t> sizes() const { return {sizes_.data(), count_}; }

 private:
  static constexpr std::array<std::uint16_t, 41> kUsual = {
      16,   32,   48,   64,   80,   96,   112,  128,  160,   192,   224,   256,   320,  384,
      448,  512,  640,  768,  896,  1024, 1280, 1536, 1792,  2048,  2560,  3072,  3584, 4096,
      4672, 5040, 5456, 5952, 6544, 7280, 8192, 9360, 10912, 13104, 16384, 21840, 32768};

  constexpr void fill(std::span<const std::uint16_t> sizes) {
    count_ = static_cast<std::uint8_t>(sizes.size());
    for (unsigned c = 0; c < count_; ++c) sizes_[c] = sizes[c];
    unsigned c = 0;
    for (std::size_t i = 0; i < table_.size(); ++i) {
      while (sizes_[c] < i * kGranule) ++c;
      table_[i] = static_cast<std::uint8_t>(c);
    }
  }

  std::array<std::uint8_t, kLargest / kGranule + 1> table_{};
  std::uint8_t count_ = 0;
  bool usual_ = true;
  std::array<std::uint16_t, kMost> sizes_{};
};

}  // namespace plimsoll
