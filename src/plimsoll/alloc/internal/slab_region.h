// SlabRegion: the address space of a slab allocator, cut into slabs of 64 KiB, with a record of each beside
// it.
//
// Objects have no header. Which slab an address is in, and whether it is one of ours, is one subtraction; a
// record of 64 bytes says which class the slab is cut for, and a bitmap which of its objects are free: 128
// bytes beside it, or the slab's own end where objects are smaller than 64 bytes. A machine of several nodes
// has a part of the space for each. Slabs are taken lowest first, so that the end empties. A slab without
// objects keeps its pages until trim(): they are charged to the idle account meanwhile, which is droppable.
// Pages inside a slab with objects can be given back too, where all that lies on them is free. Invariant:
// `account` is charged for every page of a slab in use but for those given back, and for its record and
// bitmap; `idle` for every empty slab kept.
//
// Thread-safety: take(), give(), trim() and pages from any thread; a record belongs to who took its slab.
// Cost: a lock; a fresh slab a system call; trim() one for as many as lie side by side, to 2 MiB. Limits:
// 2^30 slabs. Errors: no slab when the account, the line or the system refuses. Ownership: owns its mappings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "plimsoll/alloc/internal/slab_set.h"
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
  std::uint16_t free = 0;      // objects whose bit is set
  std::uint16_t hint = 0;      // no word of the bitmap before this one has a bit set
  std::uint16_t gone = 0;      // pages that were given back, a bit each
  bool in_use = false;         // taken; else its memory is nobody's
  bool bitmap_inside = false;  // at the slab's own end
  bool pages_seen = false;     // nothing was freed in it since its pages were looked at
  bool taken_from = false;     // since it was last asked
  std::uint8_t fullness = 0;   // which list of its bin it is in
  SlabIndex next = kNoSlab;    // in that list
  SlabIndex previous = kNoSlab;
};
static_assert(sizeof(SlabRecord) == 64);

class SlabRegion {
 public:
  static constexpr std::size_t kSlabSize = SizeClasses::kSlab;
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kBitmapWords = kSlabSize / SizeClasses::kBitmapInside / 64;
  static constexpr std::size_t kBusyWords = kSlabSize / SizeClasses::kGranule / 64;
  static constexpr Bytes kRecord = Bytes(sizeof(SlabRecord) + kBitmapWords * sizeof(std::uint64_t));

  struct Options {
    PageSource& pages;
    Account& account;     // of slabs in use
    Account& idle;        // of empty slabs that keep their pages; droppable
    Bytes address_space;  // halved until the system grants it
    unsigned nodes = 1;   // that have an equal part of it each
  };

  explicit SlabRegion(const Options& options);
  ~SlabRegion();
  SlabRegion(const SlabRegion&) = delete;
  SlabRegion& operator=(const SlabRegion&) = delete;

  // A slab of the node whose record is new and whose memory is what was left there.
  std::optional<SlabIndex> take(unsigned node, unsigned size_class);
  void give(SlabIndex slab);  // REQUIRES: taken, no object in use
  // Gives the pages of empty slabs back, at most `wanted` of them rounded up to a slab; says how many.
  Bytes trim(Bytes wanted);
  // Half of the empty slabs that were not needed since the last call, at most `most`; says how many bytes.
  Bytes decay(Bytes most);

  // Pages of a slab in use, a bit each: given back to the system, and made ready to be touched again; false
  // when the line or the account refuses.
  void give_pages(SlabIndex slab, std::uint16_t pages);
  bool want_pages(SlabIndex slab, std::uint16_t pages);

  bool contains(const void* address) const {
    return static_cast<std::uint64_t>(static_cast<const char*>(address) - base_) < size_;
  }
  // REQUIRES: contains(address).
  SlabIndex slab_of(const void* address) const {
    return static_cast<SlabIndex>(static_cast<std::uint64_t>(static_cast<const char*>(address) - base_) >>
                                  kShift);
  }
  unsigned node_of(SlabIndex slab) const { return static_cast<unsigned>(slab / slabs_per_node_); }
  char* begin_of(SlabIndex slab) const { return base_ + (std::uint64_t{slab} << kShift); }
  SlabRecord& record(SlabIndex slab) const { return records_[slab]; }
  std::uint64_t* bitmap(SlabIndex slab) const {
    if (records_[slab].bitmap_inside)
      return reinterpret_cast<std::uint64_t*>(begin_of(slab) + kSlabSize - SizeClasses::kInsideBytes);
    return bitmaps_ + std::size_t{slab} * kBitmapWords;
  }
  // Of builds with checks: which objects are in use, by their allocator's word.
  std::uint64_t* busy(SlabIndex slab) const { return busy_ + std::size_t{slab} * kBusyWords; }
  std::size_t capacity() const { return size_ >> kShift; }  // slabs that the address space has room for
  // The class that a slab is cut for; none while it is nobody's. It stays as it is under its bin's lock.
  std::optional<unsigned> class_in_use(SlabIndex slab) const;
  // One above the highest slab that was ever taken from the node.
  SlabIndex end_of(unsigned node) const;
  SlabIndex first_of(unsigned node) const { return static_cast<SlabIndex>(node * slabs_per_node_); }
  unsigned nodes() const { return node_count_; }
  PageRange range_of_node(unsigned node) const { return range_of(first_of(node), capacity() / node_count_); }

  struct Stats {
    std::size_t in_use = 0;  // slabs
    Bytes idle;              // empty ones that are kept, and their records
    Bytes gone;              // of their pages, given back
    Bytes metadata;          // records and bitmaps
  };
  Stats stats() const;
  void CheckInvariants() const;

  // Around a fork, so that the child finds the lock free.
  void lock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void unlock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
  static constexpr unsigned kShift = 16;

  struct Node {
    SlabIndex next = 0;    // the lowest of its slabs that was never used
    SlabIndex usable = 0;  // and the lowest that cannot be touched yet
    SlabIndex end = 0;
    SlabSet kept;                 // empty, with pages
    SlabSet without;              // empty, without
    std::size_t fewest_kept = 0;  // since the last decay()
  };

  bool reserve(Bytes space);
  void unmap();
  void open_nodes();
  PageRange range_of(SlabIndex slab, std::size_t slabs) const;
  Charge take_kept(Node& node, SlabIndex& slab) PLIMSOLL_REQUIRES(mutex_);
  Charge take_new(Node& node, SlabIndex& slab) PLIMSOLL_REQUIRES(mutex_);
  bool make_next_usable(Node& node) PLIMSOLL_REQUIRES(mutex_);
  std::size_t give_back_highest(unsigned node, std::size_t most) PLIMSOLL_EXCLUDES(mutex_);

  PageSource& pages_;
  Account& account_;
  Account& idle_;
  PageRange memory_;
  PageRange record_pages_;
  PageRange bitmap_pages_;
  PageRange set_pages_;
  PageRange busy_pages_;
  char* base_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t slabs_per_node_ = 1;
  unsigned node_count_ = 1;
  SlabRecord* records_ = nullptr;
  std::uint64_t* bitmaps_ = nullptr;
  std::uint64_t* busy_ = nullptr;

  mutable Mutex mutex_;
  Charge used_charge_ PLIMSOLL_GUARDED_BY(mutex_);
  Charge idle_charge_ PLIMSOLL_GUARDED_BY(mutex_);
  std::vector<Node> nodes_ PLIMSOLL_GUARDED_BY(mutex_);
  std::size_t in_use_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::size_t pages_gone_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
