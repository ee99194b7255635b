// SizeClasses: the sizes that slabs are cut into, and which of them a request is served from.
//
// Between 16 bytes and 4 KiB there are four to an octave (as jemalloc's, Evans 2006), the sizes of database
// objects among them: lock entries 64, page headers 128, version records 192, transaction metadata 384, rows
// 256, 512 and 1024, index nodes 512, 2048 and 4096. Above, a slab is cut into equal parts, so that nothing
// is left at its end. Invariant: sizes grow strictly, each is a multiple of 16, the last is kLargest.
//
//   static_assert(SizeClasses::size(SizeClasses::of(100)) == 112);
//
// Thread-safety: constants. Cost: of() is one load. Limits: 32 KiB; what is lost inside is nothing for the
// sizes above, 11 % on average for sizes drawn evenly, at most 20 % from 80 bytes to 16 KiB and 33 % beyond.
// Errors: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace plimsoll {

class SizeClasses {
 public:
  static constexpr std::size_t kSlab = 64 * 1024;
  static constexpr std::size_t kLargest = 32 * 1024;
  static constexpr std::size_t kLargestAlignment = 4096;
  static constexpr std::size_t kGranule = 16;
  static constexpr std::array<std::uint16_t, 41> kSizes = {
      16,   32,   48,   64,   80,   96,   112,  128,  160,   192,   224,   256,   320,  384,
      448,  512,  640,  768,  896,  1024, 1280, 1536, 1792,  2048,  2560,  3072,  3584, 4096,
      4672, 5040, 5456, 5952, 6544, 7280, 8192, 9360, 10912, 13104, 16384, 21840, 32768};
  static constexpr unsigned kCount = kSizes.size();

  // REQUIRES: size <= kLargest. A request for nothing gets the smallest.
  static constexpr unsigned of(std::size_t size) { return kTable[(size + kGranule - 1) / kGranule]; }
  static constexpr std::size_t size(unsigned size_class) { return kSizes[size_class]; }
  static constexpr std::size_t objects(unsigned size_class) { return kSlab / kSizes[size_class]; }
  // The smallest class whose objects all lie on `alignment`; kCount when there is none. REQUIRES: size <=
  // kLargest, alignment a power of two.
  static constexpr unsigned aligned(std::size_t size, std::size_t alignment) {
    if (alignment > kLargestAlignment) return kCount;
    for (unsigned c = of(size); c < kCount; ++c) {
      if (kSizes[c] % alignment == 0) return c;
    }
    return kCount;
  }

 private:
  static constexpr std::array<std::uint8_t, kLargest / kGranule + 1> make_table() {
    std::array<std::uint8_t, kLargest / kGranule + 1> table{};
    unsigned c = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
      while (kSizes[c] < i * kGranule) ++c;
      table[i] = static_cast<std::uint8_t>(c);
    }
    return table;
  }
  static const std::array<std::uint8_t, kLargest / kGranule + 1> kTable;
};

inline constexpr std::array<std::uint8_t, SizeClasses::kLargest / SizeClasses::kGranule + 1>
    SizeClasses::kTable = SizeClasses::make_table();

}  // namespace plimsoll
