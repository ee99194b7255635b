// SlabBin: all that threads share of one size class: its slabs that have free objects, and its depot of
// magazines.
//
// Objects come from the fullest slab, so that the others empty and go back (the order of jemalloc and of
// Hoard, Berger et al., ASPLOS 2000, who keep fullness in groups as here). Magazines that are full or empty
// wait in the depot; those that nobody asked for since the last trim() are emptied into their slabs.
// Invariant: a slab is in the list of its fullness, or in none when no object of it is free; a slab without
// objects in use is given back at once.
//
// Thread-safety: all methods from any thread. Cost: a lock; a batch of objects about 5 ns each. Limits: none.
// Errors: fewer objects than were asked for, down to none, when the region has no slab.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "plimsoll/alloc/internal/slab_region.h"
#include "plimsoll/alloc/magazine.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

class SlabBin {
 public:
  SlabBin() { lists_.fill(kNoSlab); }
  // REQUIRES: called once, before all else.
  void open(SlabRegion& region, unsigned size_class);
  ~SlabBin();

  // Fills `objects` from the front and says how many.
  std::size_t take(std::span<void*> objects) PLIMSOLL_EXCLUDES(mutex_);
  // Any order; the span is sorted. REQUIRES: objects of this class, in use.
  void give(std::span<void*> objects) PLIMSOLL_EXCLUDES(mutex_);

  // A full magazine for an empty one; null, and nothing taken over, when the depot has none.
  Magazine* full_for(Magazine& empty) PLIMSOLL_EXCLUDES(mutex_);
  // The other way round; but a full one that `spare` is given with is always taken over, and `spare` returned
  // when the depot has none.
  Magazine* empty_for(Magazine& full, Magazine* spare = nullptr) PLIMSOLL_EXCLUDES(mutex_);
  // An empty one of the depot, or null; and back.
  Magazine* take_empty() PLIMSOLL_EXCLUDES(mutex_);
  void give_empty(Magazine& empty) PLIMSOLL_EXCLUDES(mutex_);
  // Empties what was not asked for since the last time; `all`: everything.
  void trim(bool all) PLIMSOLL_EXCLUDES(mutex_);

  struct Stats {
    std::size_t slabs = 0;
    std::size_t free_objects = 0;        // in slabs
    std::size_t depot_objects = 0;       // in full magazines
    std::uint64_t taken = 0, given = 0;  // objects, from and to slabs
    std::uint64_t exchanges = 0;         // of magazines with the depot
  };
  Stats stats() const PLIMSOLL_EXCLUDES(mutex_);
  // Every object in use is where an object can be; counts agree.
  void CheckInvariants() const PLIMSOLL_EXCLUDES(mutex_);

 private:
  static constexpr std::size_t kLists = 8;

  std::size_t take_from(SlabIndex slab, std::span<void*> objects) PLIMSOLL_REQUIRES(mutex_);
  bool open_slab() PLIMSOLL_REQUIRES(mutex_);
  void give_run(SlabIndex slab, std::span<void*> objects) PLIMSOLL_REQUIRES(mutex_);
  void give_locked(std::span<void*> objects) PLIMSOLL_REQUIRES(mutex_);
  void link(SlabIndex slab) PLIMSOLL_REQUIRES(mutex_);
  void unlink(SlabIndex slab) PLIMSOLL_REQUIRES(mutex_);
  SlabIndex fullest() const PLIMSOLL_REQUIRES(mutex_);
  std::size_t list_for(const SlabRecord& record) const;
  void empty_some(std::size_t magazines) PLIMSOLL_REQUIRES(mutex_);

  SlabRegion* region_ = nullptr;
  unsigned size_class_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t objects_ = 0;  // of a slab

  mutable Mutex mutex_;
  // By how full: 0 is nearly empty. Slabs without a free object are in none.
  std::array<SlabIndex, kLists> lists_ PLIMSOLL_GUARDED_BY(mutex_);
  Magazine* full_ PLIMSOLL_GUARDED_BY(mutex_) = nullptr;
  Magazine* empty_ PLIMSOLL_GUARDED_BY(mutex_) = nullptr;
  std::size_t fulls_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::size_t fewest_fulls_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // since the last trim
  std::size_t slabs_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t taken_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t given_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t exchanges_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
