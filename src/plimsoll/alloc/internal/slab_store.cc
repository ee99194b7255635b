#include "plimsoll/alloc/internal/slab_store.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace plimsoll {
namespace {

// How much goes back in one tick: a tenth of a second's share of the governor's thread.
constexpr Bytes kDecayATick = 256_MiB;
constexpr std::size_t kVisitsATick = 1024;  // slabs

// How many objects of a class a magazine holds to begin with; a thread keeps two. 128 lock entries of 64
// bytes a thread, 96 rows of 256, 16 index nodes of 4096; fewer of what is larger.
std::uint32_t first_capacity(std::size_t size) {
  if (size <= 192) return 64;
  if (size <= 512) return 48;
  if (size <= 1024) return 32;
  if (size <= 2048) return 16;
  return size <= 4096 ? 8
                      : static_cast<std::uint32_t>(std::max(std::size_t{32} * 1024 / size, std::size_t{2}));
}
// And at most, where the class is asked for often.
std::uint32_t largest_capacity(std::size_t size) {
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(std::size_t{128} * 1024 / size, 4, Magazine::kSlots));
}

SlabRegion::Options with_nodes(SlabRegion::Options options, unsigned nodes) {
  options.nodes = nodes;
  return options;
}

}  // namespace

SlabStore::SlabStore(const Options& options)
    : classes_(options.classes),
      topology_(options.topology),
      nodes_(options.topology.nodes()),
      region_(with_nodes(options.region, nodes_)),
      shelves_(std::make_unique<Shelf[]>(shelf_count())),
      pages_(options.region.pages),
      account_(options.region.account) {
  for (unsigned node = 0; node < nodes_; ++node) {
    for (unsigned c = 0; c < classes_.count(); ++c) {
      shelf(node, c).bin.open(region_, classes_, c, node);
      const std::size_t size = classes_.size(c);
      shelf(node, c).depot.open(
          {.account = options.region.account,
           .capacity = c < options.magazines.size() ? (options.magazines[c] + 1) / 2 : first_capacity(size),
           .largest = largest_capacity(size),
           .each_looked_at = nodes_ > 1});
    }
    // Memory that is not near is better than none: where it cannot be chosen, first touch decides.
    if (nodes_ > 1 && region_.capacity() > 0)
      static_cast<void>(prefer_node(region_.range_of_node(node), topology_.kernel_id(node)));
  }
  homeward_.open({.account = options.region.account});
}

SlabStore::~SlabStore() {
  empty_processors();
  empty_depots(true);
  region_.trim(Bytes::max());
}

std::size_t SlabStore::take(unsigned node, unsigned size_class, std::span<void*> objects) {
  std::size_t taken = shelf(node, size_class).bin.take(objects);
  for (unsigned other = 0; taken == 0 && other < nodes_; ++other) {
    if (other != node) taken = shelf(other, size_class).bin.take(objects);
  }
  return taken;
}

void SlabStore::give(unsigned size_class, std::span<void*> objects) {
  if (nodes_ == 1) return shelf(0, size_class).bin.give(objects);
  std::sort(objects.begin(), objects.end());  // a node's slabs lie side by side
  for (std::size_t begin = 0; begin < objects.size();) {
    const unsigned node = region_.node_of(region_.slab_of(objects[begin]));
    std::size_t end = begin + 1;
    while (end < objects.size() && region_.node_of(region_.slab_of(objects[end])) == node) ++end;
    shelf(node, size_class).bin.give(objects.subspan(begin, end - begin));
    begin = end;
  }
}

void SlabStore::give_mixed(std::span<void*> objects) {
  auto class_of = [this](const void* object) { return region_.record(region_.slab_of(object)).size_class; };
  std::sort(objects.begin(), objects.end(), [&](void* a, void* b) { return class_of(a) < class_of(b); });
  for (std::size_t begin = 0; begin < objects.size();) {
    const unsigned size_class = class_of(objects[begin]);
    std::size_t end = begin + 1;
    while (end < objects.size() && class_of(objects[end]) == size_class) ++end;
    give(size_class, objects.subspan(begin, end - begin));
    begin = end;
  }
}

void SlabStore::empty_into_slabs(Depot& depot, unsigned size_class, Magazine& magazine) {
  if (!magazine.empty()) give(size_class, {magazine.slots.data(), magazine.count});
  magazine.count = 0;
  depot.take_back(magazine);
}

void SlabStore::empty_depots(bool all) {
  for (unsigned node = 0; node < nodes_; ++node) {
    for (unsigned c = 0; c < classes_.count(); ++c) {
      Depot& from = depot(node, c);
      while (Magazine* magazine = from.unneeded(all)) empty_into_slabs(from, c, *magazine);
    }
  }
}

// Made when the first thread needs them; null where there can be none.
ProcessorMagazines* SlabStore::processors() {
  if (!ProcessorMagazines::available()) return nullptr;
  MutexLock lock(processors_mutex_);
  if (made_ != nullptr) return made_->opened() ? made_.get() : nullptr;
  made_ = std::make_unique<ProcessorMagazines>(
      ProcessorMagazines::Options{.pages = pages_,
                                  .account = account_,
                                  .classes = classes_.count(),
                                  .processors = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF))});
  if (!made_->opened()) return nullptr;
  for (unsigned c = 0; c < classes_.count(); ++c)
    made_->set_capacity(c,
                        std::min(2 * first_capacity(classes_.size(c)), largest_capacity(classes_.size(c))));
  processors_.store(made_.get(), std::memory_order_release);
  return made_.get();
}

void* SlabStore::take_one_slow(unsigned node, unsigned size_class) {
  ProcessorMagazines* own = processors();
  std::array<void*, Magazine::kSlots / 2> batch;
  const std::size_t wanted = own != nullptr ? std::max<std::size_t>(own->capacity(size_class) / 2, 1) : 1;
  const std::size_t taken = take(node, size_class, {batch.data(), wanted});
  if (taken == 0) return nullptr;
  // The thread may have moved, or others been there before: what finds no room goes back.
  std::size_t stored = 1;
  while (stored < taken && own != nullptr && own->give(size_class, batch[stored])) ++stored;
  if (stored < taken) give(size_class, std::span(batch).subspan(stored, taken - stored));
  return batch[0];
}

void SlabStore::give_one_slow(unsigned size_class, void* object, bool at_home) {
  ProcessorMagazines* own = at_home ? processors() : nullptr;
  if (own != nullptr && own->give(size_class, object)) return;  // they are just made
  std::array<void*, Magazine::kSlots / 2 + 1> batch;
  std::size_t count = 0;
  batch[count++] = object;
  for (const std::size_t half = own != nullptr ? own->capacity(size_class) / 2 : 0; count <= half;) {
    void* other = own->take(size_class);
    if (other == nullptr) break;
    batch[count++] = other;
  }
  give(size_class, {batch.data(), count});
}

void SlabStore::empty_processors() {
  MutexLock lock(processors_mutex_);
  if (made_ == nullptr || !made_->opened()) return;
  std::array<void*, Magazine::kSlots> objects;
  for (unsigned p = 0; p < made_->processors(); ++p) {
    for (unsigned c = 0; c < classes_.count(); ++c) {
      const std::size_t count = made_->drain(p, c, objects);
      if (count > 0) give(c, {objects.data(), count});
    }
  }
}

void SlabStore::tick() {
  empty_depots(false);
  for (std::size_t i = 0; i < shelf_count(); ++i) shelves_[i].depot.tick();
  homeward_.tick();
  give_back_idle_pages();
  region_.decay(kDecayATick);
}

// Of the slabs one after the other, some at each tick: what lies in those that nobody takes from any more.
void SlabStore::give_back_idle_pages() {
  SlabIndex next = next_visit_.load(std::memory_order_relaxed);
  for (std::size_t visits = 0, nodes = 0; visits < kVisitsATick && nodes <= nodes_;) {
    const unsigned node = region_.capacity() == 0 ? 0 : region_.node_of(next);
    if (next >= region_.end_of(node)) {  // on to the next node's
      next = node + 1 < nodes_ ? region_.first_of(node + 1) : 0;
      ++nodes;
      continue;
    }
    const std::optional<unsigned> size_class = region_.class_in_use(next);
    if (size_class) shelf(node, *size_class).bin.give_back_pages(next, true);
    ++next;
    ++visits;
  }
  next_visit_.store(next, std::memory_order_relaxed);
}

// From the highest slabs down, a slab at a time, so that nobody waits for long.
Bytes SlabStore::reclaim_pages(Bytes wanted) {
  Bytes freed;
  for (unsigned node = 0; node < nodes_; ++node) {
    for (SlabIndex slab = region_.end_of(node); slab > region_.first_of(node) && freed < wanted;) {
      const std::optional<unsigned> size_class = region_.class_in_use(--slab);
      if (size_class) freed += shelf(node, *size_class).bin.give_back_pages(slab, false);
    }
  }
  return freed;
}

Bytes SlabStore::reclaim(Bytes wanted) {
  Bytes freed = region_.trim(wanted);
  if (freed >= wanted) return freed;
  empty_processors();
  empty_depots(true);
  freed += region_.trim(wanted - freed);
  return freed < wanted ? freed + reclaim_pages(wanted - freed) : freed;
}

SlabStore::Stats SlabStore::stats() const {
  Stats stats{.region = region_.stats()};
  for (std::size_t i = 0; i < shelf_count(); ++i) {
    const std::size_t size = classes_.size(static_cast<unsigned>(i % classes_.count()));
    const SlabBin::Stats bin = shelves_[i].bin.stats();
    const Depot::Stats depot = shelves_[i].depot.stats();
    stats.free += Bytes(bin.free_objects * size);
    stats.waiting += Bytes(depot.objects * size);
    stats.exchanges += depot.exchanges;
    stats.missed += depot.missed;
    stats.from_slabs += bin.taken;
  }
  return stats;
}

void SlabStore::CheckInvariants() const {
  for (std::size_t i = 0; i < shelf_count(); ++i) {
    shelves_[i].bin.CheckInvariants();
    shelves_[i].depot.CheckInvariants();
  }
  homeward_.CheckInvariants();
  region_.CheckInvariants();
}

// In the order in which they are taken elsewhere: a bin's before the region's.
void SlabStore::lock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  processors_mutex_.lock();
  for (std::size_t i = 0; i < shelf_count(); ++i) {
    shelves_[i].depot.lock();
    shelves_[i].bin.lock();
  }
  homeward_.lock();
  region_.lock();
}

void SlabStore::unlock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  region_.unlock();
  homeward_.unlock();
  for (std::size_t i = 0; i < shelf_count(); ++i) {
    shelves_[i].bin.unlock();
    shelves_[i].depot.unlock();
  }
  processors_mutex_.unlock();
}

}  // namespace plimsoll
