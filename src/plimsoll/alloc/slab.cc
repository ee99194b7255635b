#include "plimsoll/alloc/slab.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "plimsoll/alloc/internal/slab_store.h"
#include "plimsoll/alloc/pattern_tracker.h"

namespace plimsoll {
namespace {

// One refill in so many is timed.
constexpr std::uint64_t kTimedRefill = 16;

std::size_t most_threads(SlabFronts fronts) {
  if (fronts == SlabFronts::kThreads || !ProcessorMagazines::available()) return ~std::size_t{0};
  return fronts == SlabFronts::kProcessors ? 0
                                           : 4 * static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_CONF));
}

// Also of a line that nobody bounds: halved until the system grants it.
Bytes space_for(Bytes line) { return std::min(line, Bytes::max() / 64) * 16; }

}  // namespace

SlabAllocator::SlabAllocator(const Options& options)
    : classes_(options.classes),
      name_(options.name),
      tracker_(options.tracker),
      machine_(options.topology ? nullptr : new Topology(Topology::of_machine())),
      store_(new SlabStore({.region = {.pages = options.pages,
                                       .account = options.account,
                                       .idle = options.idle,
                                       .address_space = options.address_space.zero() ? space_for(options.line)
                                                                                     : options.address_space},
                            .classes = classes_,
                            .topology = options.topology ? *options.topology : *machine_,
                            .magazines = options.magazines})),
      fronts_({.owner = owner_,
               .account = options.account,
               .columns = classes_.count() + (store_->nodes() > 1 ? store_->nodes() : 0),
               .most = most_threads(options.fronts)}) {}

SlabAllocator::~SlabAllocator() { fronts_.close_all(); }

ThreadFront* SlabAllocator::front_of_thread() noexcept {
  ThreadFront* front = fronts_.have_mine() ? &fronts_.mine() : fronts_.open();
  if (front != nullptr && store_->nodes() > 1) front->node = store_->topology().current_node();
  return front;
}

void SlabAllocator::Owner::empty_front(ThreadFront& front) noexcept {
  SlabStore& store = *slabs.store_;
  const unsigned classes = slabs.classes_.count();
  for (unsigned c = 0; c < classes; ++c) {
    for (Magazine* magazine : {front.pairs()[c].loaded, front.pairs()[c].previous}) {
      if (magazine->capacity > 0) store.empty_into_slabs(store.depot(front.node, c), c, *magazine);
    }
  }
  for (unsigned home = 0; store.nodes() > 1 && home < store.nodes(); ++home) {
    for (Magazine* magazine :
         {front.pairs()[classes + home].loaded, front.pairs()[classes + home].previous}) {
      if (magazine->capacity == 0) continue;
      store.give_mixed({magazine->slots.data(), magazine->count});
      magazine->count = 0;
      store.homeward().take_back(*magazine);
    }
  }
}

void SlabAllocator::Owner::before_fork() noexcept { slabs.store_->lock(); }
void SlabAllocator::Owner::after_fork() noexcept { slabs.store_->unlock(); }

// Half of it, so that there is room for what comes back. What is asked for here stands for all that will be
// taken from it.
bool SlabAllocator::refill(Magazine& magazine, unsigned node, unsigned size_class,
                           std::size_t size) noexcept {
  const std::uint64_t turn = refills_.fetch_add(1, std::memory_order_relaxed);
  const bool timed = turn % kTimedRefill == 0;
  const auto begin = timed ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
  const std::size_t half = std::max<std::size_t>(magazine.capacity / 2, 1);
  magazine.count = static_cast<std::uint32_t>(store_->take(node, size_class, {magazine.slots.data(), half}));
  asked_bytes_.fetch_add(size * magazine.count, std::memory_order_relaxed);
  rounded_bytes_.fetch_add(classes_.size(size_class) * magazine.count, std::memory_order_relaxed);
  if (timed) {
    const auto took = std::chrono::steady_clock::now() - begin;
    refill_ns_.fetch_add(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()),
                         std::memory_order_relaxed);
  }
  return !magazine.empty();
}

void* SlabAllocator::allocate_shared(unsigned size_class) noexcept {
  void* object = store_->take_one(store_->topology().current_node(), size_class);
  return object ? object : refuse();
}

void SlabAllocator::deallocate_shared(void* object, unsigned size_class) noexcept {
  store_->give_one(store_->topology().current_node(), size_class, object);
}

// The thread's pair of the class is empty where it counts: swap, exchange, or fill half of it from slabs.
void* SlabAllocator::allocate_slow(unsigned size_class, std::size_t size) noexcept {
  if (!fronts_.have_mine() && fronts_.enough()) return allocate_shared(size_class);
  ThreadFront* front = front_of_thread();
  if (front == nullptr) return allocate_shared(size_class);
  Depot& depot = store_->depot(front->node, size_class);
  MagazinePair& pair = front->pairs()[size_class];
  if (pair.loaded->capacity == 0 && !depot.equip(pair)) return allocate_shared(size_class);
  if (!depot.load(pair) && !refill(*pair.loaded, front->node, size_class, size)) return refuse();
  // What is asked for here stands for all that its magazine will be asked for.
  if (tracker_ != nullptr) tracker_->record(size, pair.loaded->count);
  return pair.loaded->slots[--pair.loaded->count];
}

// It gathers with others of its node until they are worth a lock.
void SlabAllocator::send_home(ThreadFront& front, void* object, unsigned home, unsigned size_class) noexcept {
  MagazinePair& pair = front.pairs()[classes_.count() + home];
  if (pair.loaded->capacity == 0 && !store_->homeward().equip(pair))
    return store_->give(size_class, {&object, 1});
  if (pair.loaded->full()) {
    store_->give_mixed({pair.loaded->slots.data(), pair.loaded->count});
    pair.loaded->count = 0;
  }
  pair.loaded->slots[pair.loaded->count++] = object;
}

// On one node: both magazines of the pair are full. On several: every free comes here.
void SlabAllocator::deallocate_slow(void* object, unsigned size_class) noexcept {
  if (!fronts_.have_mine() && fronts_.enough()) return deallocate_shared(object, size_class);
  ThreadFront* front = front_of_thread();
  if (front == nullptr) return deallocate_shared(object, size_class);
  if (store_->nodes() > 1) {
    const unsigned home = store_->region().node_of(store_->region().slab_of(object));
    if (home != front->node) return send_home(*front, object, home, size_class);
  }
  Depot& depot = store_->depot(front->node, size_class);
  MagazinePair& pair = front->pairs()[size_class];
  if (pair.loaded->capacity == 0 && !depot.equip(pair)) return store_->give(size_class, {&object, 1});
  if (!depot.unload(pair)) {  // its objects go to their slabs
    store_->give(size_class, {pair.loaded->slots.data(), pair.loaded->count});
    pair.loaded->count = 0;
  }
  pair.loaded->slots[pair.loaded->count++] = object;
}

void* SlabAllocator::refuse() noexcept {
  refused_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

bool SlabAllocator::owns(const void* address) const noexcept {
  const SlabRegion& region = store_->region();
  return region.contains(address) && region.record(region.slab_of(address)).in_use;
}

unsigned SlabAllocator::class_of(const void* object) const noexcept {
  PLIMSOLL_DCHECK(owns(object), "%p is not of %.*s", object, static_cast<int>(name_.size()), name_.data());
  return store_->region().record(store_->region().slab_of(object)).size_class;
}

#ifdef NDEBUG
void SlabAllocator::note_out(const void*, unsigned) noexcept {}
void SlabAllocator::note_back(const void*, unsigned) noexcept {}
#else
void SlabAllocator::note_out(const void* object, unsigned size_class) noexcept {
  const SlabRegion& region = store_->region();
  const SlabIndex slab = region.slab_of(object);
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(object) - region.begin_of(slab));
  const std::size_t number = offset / classes_.size(size_class);
  const std::uint64_t bit = std::uint64_t{1} << (number % 64);
  // Relaxed: who hands an object to another thread orders that itself.
  const std::uint64_t before =
      std::atomic_ref(region.busy(slab)[number / 64]).fetch_or(bit, std::memory_order_relaxed);
  PLIMSOLL_CHECK((before & bit) == 0, "object %p of %zu bytes was handed out twice", object,
                 classes_.size(size_class));
}

void SlabAllocator::note_back(const void* object, unsigned size_class) noexcept {
  const SlabRegion& region = store_->region();
  PLIMSOLL_CHECK(owns(object), "%p is freed and not of %.*s", object, static_cast<int>(name_.size()),
                 name_.data());
  const SlabIndex slab = region.slab_of(object);
  const unsigned true_class = region.record(slab).size_class;
  const std::size_t size = classes_.size(true_class);
  PLIMSOLL_CHECK(true_class == size_class, "object %p of %zu bytes is freed as one of %zu", object, size,
                 classes_.size(size_class));
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(object) - region.begin_of(slab));
  PLIMSOLL_CHECK(offset % size == 0, "%p is freed and lies %zu bytes into an object of %zu", object,
                 offset % size, size);
  const std::uint64_t bit = std::uint64_t{1} << (offset / size % 64);
  const std::uint64_t before =
      std::atomic_ref(region.busy(slab)[offset / size / 64]).fetch_and(~bit, std::memory_order_relaxed);
  PLIMSOLL_CHECK((before & bit) != 0, "object %p of %zu bytes is freed twice", object, size);
}
#endif

void SlabAllocator::tick() { store_->tick(); }

ReclaimOffer SlabAllocator::offer() const { return {.droppable = store_->region().stats().idle}; }

Bytes SlabAllocator::reclaim(Bytes wanted) { return store_->reclaim(wanted); }

SlabAllocator::Stats SlabAllocator::stats() const {
  const SlabStore::Stats store = store_->stats();
  const Bytes whole(store.region.in_use * SlabRegion::kSlabSize);
  Stats stats{.slabs = whole - store.region.gone,
              .idle = store.region.idle,
              .free = store.free,
              .waiting = store.waiting,
              .gone = store.region.gone,
              .metadata = store.region.metadata,
              .exchanges = store.exchanges,
              .missed = store.missed,
              .from_slabs = store.from_slabs,
              .refused = refused_.load(std::memory_order_relaxed),
              .threads = fronts_.count(),
              .asked_bytes = asked_bytes_.load(std::memory_order_relaxed),
              .rounded_bytes = rounded_bytes_.load(std::memory_order_relaxed),
              .refill_time = std::chrono::nanoseconds(refill_ns_.load(std::memory_order_relaxed)),
              .refills_timed = (refills_.load(std::memory_order_relaxed) + kTimedRefill - 1) / kTimedRefill};
  stats.given_out = whole - std::min(whole, stats.free + stats.waiting);  // summed while others go on
  return stats;
}

double SlabAllocator::Stats::rounding() const {
  if (rounded_bytes == 0) return 0;
  return 1 - static_cast<double>(asked_bytes) / static_cast<double>(rounded_bytes);
}

// An exchange stands for a magazine of objects, a miss for half of one.
double SlabAllocator::Stats::hit_ratio() const {
  const std::uint64_t asked = exchanges + missed;
  return asked == 0 ? 1 : 1 - static_cast<double>(missed) / static_cast<double>(asked);
}

void SlabAllocator::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto gauge = [&](const char* name, const char* help, double value) {
    sink.gauge(name, help, value, {{"allocator", name_}});
  };
  auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    sink.counter(name, help, static_cast<double>(value), {{"allocator", name_}});
  };
  gauge("slab_bytes", "Slabs with objects", s.slabs.as_double());
  gauge("slab_idle_bytes", "Empty slabs that are kept", s.idle.as_double());
  gauge("slab_free_bytes", "Free in slabs with objects", s.free.as_double());
  gauge("slab_waiting_bytes", "In full magazines of the depots", s.waiting.as_double());
  gauge("slab_metadata_bytes", "Records and bitmaps of slabs", s.metadata.as_double());
  gauge("slab_efficiency_ratio", "Of what is held, what is given out", s.efficiency());
  gauge("slab_fragmentation_ratio", "Of slabs with objects, what is free", s.fragmentation());
  gauge("slab_rounding_ratio", "Of objects, what is lost to their size class (sampled)", s.rounding());
  gauge("slab_hit_ratio", "Of magazines asked for, those that the depots had", s.hit_ratio());
  counter("slab_exchanges_total", "Magazines exchanged with a depot", s.exchanges);
  counter("slab_taken_total", "Objects taken from slabs, not from magazines", s.from_slabs);
  sink.counter("slab_refill_seconds_total", "Spent taking objects from slabs, sampled",
               std::chrono::duration<double>(s.refill_time).count(), {{"allocator", name_}});
  counter("slab_refills_timed_total", "Samples of that", s.refills_timed);
  counter("slab_refused_total", "Allocations refused", s.refused);
}

void SlabAllocator::CheckInvariants() const { store_->CheckInvariants(); }

}  // namespace plimsoll
