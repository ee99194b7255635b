// SlabBin: the slabs of one size class on one node that have objects in use.
//
// Objects come from the fullest slab, so that the others empty and go back (the order of jemalloc and of
// Hoard, Berger et al., ASPLOS 2000, who keep fullness in groups as here), and in it from the lowest address.
// Under pressure the pages on which nothing is in use go back even from slabs that have objects. Invariant: a
// slab is in the list of its fullness, or in none when no object of it is free; a slab without objects in use
// is given back at once.
//
// Thread-safety: all methods from any thread. Cost: a lock; a batch of objects about 5 ns each. Limits: none.
// Errors: fewer objects than were asked for, down to none, when the region has no slab.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "plimsoll/alloc/internal/slab_region.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

class SlabBin {
 public:
  SlabBin() { lists_.fill(kNoSlab); }
  // REQUIRES: called once, before all else.
  void open(SlabRegion& region, const SizeClasses& classes, unsigned size_class, unsigned node);

  // Fills `objects` from the front and says how many.
  std::size_t take(std::span<void*> objects) PLIMSOLL_EXCLUDES(mutex_);
  // Any order; the span is sorted. REQUIRES: objects of this bin, in use.
  void give(std::span<void*> objects) PLIMSOLL_EXCLUDES(mutex_);
  // The pages of the slab, if it is this bin's, on which no object is in use, to the system; says how much.
  // `idle_only`: if nothing was taken from it since the last such call, and a quarter of its pages can go.
  Bytes give_back_pages(SlabIndex slab, bool idle_only) PLIMSOLL_EXCLUDES(mutex_);

  struct Stats {
    std::size_t slabs = 0;
    std::size_t free_objects = 0;        // in slabs
    std::uint64_t taken = 0, given = 0;  // objects, from and to slabs
  };
  Stats stats() const PLIMSOLL_EXCLUDES(mutex_);
  // Every object in use is where an object can be; counts agree.
  void CheckInvariants() const PLIMSOLL_EXCLUDES(mutex_);

  // Around a fork, so that the child finds the lock free.
  void lock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void unlock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
  static constexpr std::size_t kLists = 8;

  std::size_t take_from(SlabIndex slab, std::span<void*> objects) PLIMSOLL_REQUIRES(mutex_);
  bool open_slab() PLIMSOLL_REQUIRES(mutex_);
  void give_run(SlabIndex slab, std::span<void*> objects) PLIMSOLL_REQUIRES(mutex_);
  void link(SlabIndex slab) PLIMSOLL_REQUIRES(mutex_);
  void unlink(SlabIndex slab) PLIMSOLL_REQUIRES(mutex_);
  SlabIndex fullest() const PLIMSOLL_REQUIRES(mutex_);
  std::size_t list_for(const SlabRecord& record) const;
  std::uint16_t pages_under(std::size_t object) const;
  std::uint16_t free_pages(SlabIndex slab) const PLIMSOLL_REQUIRES(mutex_);

  SlabRegion* region_ = nullptr;
  unsigned size_class_ = 0;
  unsigned node_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t objects_ = 0;  // of a slab

  mutable Mutex mutex_;
  // By how full: 0 is nearly empty. Slabs without a free object are in none.
  std::array<SlabIndex, kLists> lists_ PLIMSOLL_GUARDED_BY(mutex_);
  std::size_t slabs_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::size_t free_objects_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t taken_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t given_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
