// SlabStore: all that the threads of a slab allocator share: its region, and for each node and class the
// slabs and the depot.
//
// Invariant: as its parts'. Thread-safety: any thread. Cost: as its parts'. Limits: 64 classes, 16 nodes.
// Errors: as its parts'. Ownership: owns them; the topology is the caller's.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "plimsoll/alloc/depot.h"
#include "plimsoll/alloc/internal/processor_magazines.h"
#include "plimsoll/alloc/internal/slab_bin.h"
#include "plimsoll/alloc/internal/slab_region.h"
#include "plimsoll/os/topology.h"

namespace plimsoll {

class SlabStore {
 public:
  struct Options {
    SlabRegion::Options region;
    const SizeClasses& classes;
    const Topology& topology;
    std::span<const std::uint32_t> magazines{};  // objects of each class for a thread, to begin with
  };
  struct Stats {
    SlabRegion::Stats region;
    Bytes free;     // in slabs with objects
    Bytes waiting;  // in depots
    std::uint64_t exchanges = 0;
    std::uint64_t missed = 0;
    std::uint64_t from_slabs = 0;
  };

  explicit SlabStore(const Options& options);
  ~SlabStore();
  SlabStore(const SlabStore&) = delete;
  SlabStore& operator=(const SlabStore&) = delete;

  SlabRegion& region() { return region_; }
  const SlabRegion& region() const { return region_; }
  const Topology& topology() const { return topology_; }
  unsigned nodes() const { return nodes_; }
  Depot& depot(unsigned node, unsigned size_class) { return shelf(node, size_class).depot; }
  Depot& homeward() { return homeward_; }  // of magazines for objects of several classes

  // From the node's slabs, or from another's when those are refused; says how many.
  std::size_t take(unsigned node, unsigned size_class, std::span<void*> objects);
  // To whichever node each belongs. The span is sorted.
  void give(unsigned size_class, std::span<void*> objects);
  // Likewise, of any class.
  void give_mixed(std::span<void*> objects);
  // Where magazines end: their objects to the slabs, themselves to the depot.
  void empty_into_slabs(Depot& depot, unsigned size_class, Magazine& magazine);

  // For threads that have no magazines of their own: one by way of the processor's. Null when refused, and
  // always taken.
  void* take_one(unsigned node, unsigned size_class) {
    // Acquire: pairs with the release where they are made, so that what is found is complete.
    ProcessorMagazines* own = processors_.load(std::memory_order_acquire);
    void* object = own != nullptr ? own->take(size_class) : nullptr;
    return object != nullptr ? object : take_one_slow(node, size_class);
  }
  void give_one(unsigned node, unsigned size_class, void* object) {
    ProcessorMagazines* own = processors_.load(std::memory_order_acquire);  // as above
    const bool at_home = nodes_ == 1 || region_.node_of(region_.slab_of(object)) == node;
    if (own == nullptr || !at_home || !own->give(size_class, object))
      give_one_slow(size_class, object, at_home);
  }

  // What is not needed: from depots into slabs, and empty slabs to the system.
  void tick();
  // As much as wanted: empty slabs first, then what depots hold, then pages between objects in use.
  Bytes reclaim(Bytes wanted);

  Stats stats() const;
  void CheckInvariants() const;
  void lock();
  void unlock();

 private:
  struct Shelf {
    SlabBin bin;
    Depot depot;
  };
  Shelf& shelf(unsigned node, unsigned size_class) { return shelves_[node * classes_.count() + size_class]; }
  void empty_depots(bool all);
  void empty_processors();
  ProcessorMagazines* processors();
  void* take_one_slow(unsigned node, unsigned size_class);
  void give_one_slow(unsigned size_class, void* object, bool at_home);
  Bytes reclaim_pages(Bytes wanted);
  void give_back_idle_pages();
  std::size_t shelf_count() const { return std::size_t{nodes_} * classes_.count(); }

  const SizeClasses& classes_;
  const Topology& topology_;
  const unsigned nodes_;
  SlabRegion region_;
  std::unique_ptr<Shelf[]> shelves_;
  std::atomic<SlabIndex> next_visit_ = 0;  // of give_back_idle_pages(); relaxed: two at once visit some twice
  Depot homeward_;
  PageSource& pages_;
  Account& account_;
  Mutex processors_mutex_;  // while they are made, and emptied
  std::unique_ptr<ProcessorMagazines> made_ PLIMSOLL_GUARDED_BY(processors_mutex_);
  std::atomic<ProcessorMagazines*> processors_ = nullptr;  // made_, once it is complete
};

}  // namespace plimsoll
