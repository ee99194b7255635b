// SlabRegion: the address space of a slab allocator, cut into slabs of 64 KiB, with a record of each beside
// it.
//
// Objects have no header. Which slab an address is in, and whether it is one of ours, is one subtraction; a
// record of 64 bytes says which class the slab is cut for, and a bitmap beside it which objects are free.
// Slabs are taken lowest first, so that the region's end empties. A slab without objects keeps its pages
// until trim(): they are charged to the idle account meanwhile, which is droppable. Invariant: `account` is
// charged 64 KiB and its record for every slab in use, `idle` for every empty one kept.
//
// Thread-safety: take(), give() and trim() from any thread; a record belongs to who took its slab. Cost: a
// lock; a fresh slab a system call; trim() a madvise call a slab. Limits: 2^32 slabs. Errors: no slab when
// the account, the line or the system refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "plimsoll/alloc/size_class.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

using SlabIndex = std::uint32_t;
constexpr SlabIndex kNoSlab = ~SlabIndex{0};

struct alignas(64) SlabRecord {
  std::uint16_t size_class = 0;
  std::uint16_t capacity = 0;
  std::uint16_t free = 0;     // objects whose bit is set
  std::uint16_t hint = 0;     // no word of the bitmap before this one has a bit set
  bool in_use = false;        // taken; else its memory is nobody's
  std::uint8_t fullness = 0;  // which list of its bin it is in
  SlabIndex next = kNoSlab;   // in that list
  SlabIndex previous = kNoSlab;
};
static_assert(sizeof(SlabRecord) == 64);

class SlabRegion {
 public:
  static constexpr std::size_t kSlabSize = SizeClasses::kSlab;
  static constexpr std::size_t kBitmapWords = kSlabSize / SizeClasses::kGranule / 64;
  static constexpr Bytes kRecord = Bytes(sizeof(SlabRecord) + kBitmapWords * sizeof(std::uint64_t));

  struct Options {
    PageSource& pages;
    Account& account;     // of slabs in use
    Account& idle;        // of empty slabs that keep their pages; droppable
    Bytes address_space;  // halved until the system grants it
  };

  explicit SlabRegion(const Options& options);
  ~SlabRegion();
  SlabRegion(const SlabRegion&) = delete;
  SlabRegion& operator=(const SlabRegion&) = delete;

  // A slab whose record and bitmap are zero; its memory is what was left there.
  std::optional<SlabIndex> take();
  void give(SlabIndex slab);  // REQUIRES: taken, no object in use
  // Gives the pages of empty slabs back, at most `wanted` of them rounded up to a slab; says how many.
  Bytes trim(Bytes wanted);

  bool contains(const void* address) const {
    return static_cast<std::uint64_t>(static_cast<const char*>(address) - base_) < size_;
  }
  // REQUIRES: contains(address).
  SlabIndex slab_of(const void* address) const {
    return static_cast<SlabIndex>(static_cast<std::uint64_t>(static_cast<const char*>(address) - base_) >>
                                  kShift);
  }
  char* begin_of(SlabIndex slab) const { return base_ + (std::uint64_t{slab} << kShift); }
  SlabRecord& record(SlabIndex slab) const { return records_[slab]; }
  std::uint64_t* bitmap(SlabIndex slab) const { return bitmaps_ + std::size_t{slab} * kBitmapWords; }
  // Of builds with checks: which objects are in use, by their allocator's word.
  std::uint64_t* busy(SlabIndex slab) const { return busy_ + std::size_t{slab} * kBitmapWords; }
  std::size_t capacity() const { return size_ >> kShift; }  // slabs that the address space has room for
  std::size_t in_use() const;

 private:
  static constexpr unsigned kShift = 16;

  bool reserve(Bytes space);
  void unmap();
  bool make_usable(SlabIndex slab);

  PageSource& pages_;
  Account& account_;
  Account& idle_;
  PageRange memory_;
  PageRange record_pages_;
  PageRange bitmap_pages_;
  PageRange busy_pages_;
  char* base_ = nullptr;
  std::uint64_t size_ = 0;
  SlabRecord* records_ = nullptr;
  std::uint64_t* bitmaps_ = nullptr;
  std::uint64_t* busy_ = nullptr;

  mutable Mutex mutex_;
  Charge used_charge_ PLIMSOLL_GUARDED_BY(mutex_);
  Charge idle_charge_ PLIMSOLL_GUARDED_BY(mutex_);
  std::size_t next_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // the lowest slab never used
  std::size_t in_use_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::vector<SlabIndex> kept_ PLIMSOLL_GUARDED_BY(mutex_);     // empty, with pages: a heap, lowest first
  std::vector<SlabIndex> without_ PLIMSOLL_GUARDED_BY(mutex_);  // empty, without: likewise
};

}  // namespace plimsoll
