#include "plimsoll/alloc/slab.h"

#include <algorithm>
#include <cstdint>

#include "plimsoll/alloc/internal/slab_bin.h"
#include "plimsoll/alloc/internal/slab_region.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

namespace detail {
namespace {

Magazine no_magazine;  // holds nothing and takes nothing

constexpr std::array<MagazinePair, SizeClasses::kCount> no_pairs() {
  std::array<MagazinePair, SizeClasses::kCount> pairs{};
  pairs.fill({&no_magazine, &no_magazine});
  return pairs;
}

constexpr std::array<SlabFront*, kSlabFronts + 1> no_fronts() {
  std::array<SlabFront*, kSlabFronts + 1> fronts{};
  fronts.fill(&no_slab_front);
  return fronts;
}

}  // namespace

constinit SlabFront no_slab_front{.pairs = no_pairs()};
constinit thread_local std::array<SlabFront*, kSlabFronts + 1> slab_fronts = no_fronts();

}  // namespace detail

namespace {

using detail::SlabFront;

// Which allocator has which slot; and, while it is held, no thread or allocator ends.
struct Slots {
  Mutex mutex;
  std::array<SlabAllocator*, detail::kSlabFronts> taken PLIMSOLL_GUARDED_BY(mutex){};
};

// Never destroyed: threads may end after the statics have.
Slots& slots() {
  static Slots& all = *new Slots;
  return all;
}

unsigned take_slot(SlabAllocator& allocator) {
  MutexLock lock(slots().mutex);
  auto free = std::find(slots().taken.begin(), slots().taken.end(), nullptr);
  if (free != slots().taken.end()) *free = &allocator;
  return static_cast<unsigned>(free - slots().taken.begin());
}

constexpr Bytes kMagazineBytes = Bytes(sizeof(Magazine) + 16);  // and malloc's share
constexpr Bytes kFrontBytes = Bytes(sizeof(SlabFront) + 16);

// Its magazines have gone to the depots: what its other objects free after that goes to the slabs.
constinit thread_local bool thread_has_ended = false;

}  // namespace

// At a thread's end its magazines go to the depots.
struct SlabThreadExit {
  bool armed = false;
  ~SlabThreadExit() {
    thread_has_ended = true;
    MutexLock lock(slots().mutex);
    for (std::size_t slot = 0; slot < detail::kSlabFronts; ++slot) {
      SlabFront* front = detail::slab_fronts[slot];
      if (front != &detail::no_slab_front) slots().taken[slot]->close(*front);
    }
  }
};

namespace {
thread_local SlabThreadExit thread_exit;
}

SlabAllocator::SlabAllocator(const Options& options)
    : name_(options.name),
      account_(options.account),
      idle_(options.idle),
      region_(new SlabRegion(
          {.pages = options.pages,
           .account = options.account,
           .idle = options.idle,
           .address_space = options.address_space.zero() ? options.line * 16 : options.address_space})),
      bins_(std::make_unique<SlabBin[]>(SizeClasses::kCount)) {
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) bins_[c].open(*region_, c);
  slot_ = take_slot(*this);
}

SlabAllocator::~SlabAllocator() {
  if (slot_ < detail::kSlabFronts) {
    MutexLock lock(slots().mutex);
    while (fronts_ != nullptr) close(*fronts_);
    slots().taken[slot_] = nullptr;
  }
  bins_.reset();
  region_->trim(Bytes::max());
}

bool SlabAllocator::charge_own(Bytes bytes) noexcept {
  Charge charge = account_.charge(bytes);
  if (!charge) return false;
  MutexLock lock(charge_mutex_);
  magazines_.merge(std::move(charge));
  return true;
}

void SlabAllocator::release_own(Bytes bytes) noexcept {
  MutexLock lock(charge_mutex_);
  magazines_.shrink(bytes);
}

Magazine* SlabAllocator::new_magazine(unsigned size_class) noexcept {
  if (Magazine* waiting = bins_[size_class].take_empty()) return waiting;
  if (!charge_own(kMagazineBytes)) return nullptr;
  auto* magazine = new (std::nothrow) Magazine;
  if (magazine == nullptr) {
    release_own(kMagazineBytes);
    return nullptr;
  }
  magazine->capacity = magazine_capacity(size_class);
  return magazine;
}

SlabFront* SlabAllocator::open_front() noexcept {
  if (!charge_own(kFrontBytes)) return nullptr;
  auto* front = new (std::nothrow) SlabFront{.pairs = detail::no_slab_front.pairs};
  if (front == nullptr) {
    release_own(kFrontBytes);
    return nullptr;
  }
  thread_exit.armed = true;  // used, so that it is made and ends with the thread
  MutexLock lock(slots().mutex);
  front->home = &detail::slab_fronts[slot_];
  front->next = fronts_;
  if (fronts_ != nullptr) fronts_->previous = front;
  fronts_ = front;
  *front->home = front;
  return front;
}

detail::MagazinePair* SlabAllocator::pair_of(unsigned size_class) noexcept {
  if (slot_ == detail::kSlabFronts) return nullptr;
  SlabFront* front = detail::slab_fronts[slot_];
  if (front == &detail::no_slab_front) front = thread_has_ended ? nullptr : open_front();
  if (front == nullptr) return nullptr;
  detail::MagazinePair& pair = front->pairs[size_class];
  if (pair.loaded->capacity > 0) return &pair;
  Magazine* loaded = new_magazine(size_class);
  Magazine* previous = loaded != nullptr ? new_magazine(size_class) : nullptr;
  if (previous != nullptr) {
    pair = {loaded, previous};
    return &pair;
  }
  if (loaded != nullptr) bins_[size_class].give_empty(*loaded);
  return nullptr;
}

void SlabAllocator::close(SlabFront& front) noexcept {
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) {
    for (Magazine* magazine : {front.pairs[c].loaded, front.pairs[c].previous}) {
      if (magazine->capacity == 0) continue;
      bins_[c].give({magazine->slots.data(), magazine->count});
      magazine->count = 0;
      bins_[c].give_empty(*magazine);
    }
  }
  *front.home = &detail::no_slab_front;
  (front.previous ? front.previous->next : fronts_) = front.next;
  if (front.next != nullptr) front.next->previous = front.previous;
  delete &front;
  release_own(kFrontBytes);
}

// The thread's pair of the class is empty where it counts: swap, exchange, or fill half of it from slabs.
void* SlabAllocator::allocate_slow(unsigned size_class) noexcept {
  SlabBin& bin = bins_[size_class];
  detail::MagazinePair* pair = pair_of(size_class);
  if (pair == nullptr) {
    void* object = nullptr;
    return bin.take({&object, 1}) == 1 ? object : refuse();
  }
  if (pair->loaded->empty() && !pair->previous->empty()) {
    std::swap(pair->loaded, pair->previous);
  } else if (pair->loaded->empty()) {
    if (Magazine* full = bin.full_for(*pair->previous)) {
      pair->previous = std::exchange(pair->loaded, full);
    } else {
      const std::size_t half = std::max<std::size_t>(pair->loaded->capacity / 2, 1);
      pair->loaded->count = static_cast<std::uint32_t>(bin.take({pair->loaded->slots.data(), half}));
      if (pair->loaded->empty()) return refuse();
    }
  }
  return pair->loaded->slots[--pair->loaded->count];
}

void SlabAllocator::deallocate_slow(void* object, unsigned size_class) noexcept {
  SlabBin& bin = bins_[size_class];
  detail::MagazinePair* pair = pair_of(size_class);
  if (pair == nullptr) return bin.give({&object, 1});
  if (pair->loaded->full() && !pair->previous->full()) {
    std::swap(pair->loaded, pair->previous);
  } else if (pair->loaded->full()) {
    Magazine* empty = bin.empty_for(*pair->previous);
    if (empty == nullptr) {
      Magazine* made = new_magazine(size_class);
      if (made != nullptr) empty = bin.empty_for(*pair->previous, made);
    }
    if (empty != nullptr) {
      pair->previous = std::exchange(pair->loaded, empty);
    } else {  // no memory for another magazine: its objects go to their slabs
      bin.give({pair->loaded->slots.data(), pair->loaded->count});
      pair->loaded->count = 0;
    }
  }
  pair->loaded->slots[pair->loaded->count++] = object;
}

void* SlabAllocator::refuse() noexcept {
  refused_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

bool SlabAllocator::owns(const void* address) const noexcept {
  return region_->contains(address) && region_->record(region_->slab_of(address)).in_use;
}

unsigned SlabAllocator::class_of(const void* object) const noexcept {
  PLIMSOLL_DCHECK(owns(object), "%p is not of %.*s", object, static_cast<int>(name_.size()), name_.data());
  return region_->record(region_->slab_of(object)).size_class;
}

#ifdef NDEBUG
void SlabAllocator::note_out(const void*, unsigned) noexcept {}
void SlabAllocator::note_back(const void*, unsigned) noexcept {}
#else
void SlabAllocator::note_out(const void* object, unsigned size_class) noexcept {
  const SlabIndex slab = region_->slab_of(object);
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(object) - region_->begin_of(slab));
  const std::size_t number = offset / SizeClasses::size(size_class);
  const std::uint64_t bit = std::uint64_t{1} << (number % 64);
  // Relaxed: who hands an object to another thread orders that itself.
  const std::uint64_t before =
      std::atomic_ref(region_->busy(slab)[number / 64]).fetch_or(bit, std::memory_order_relaxed);
  PLIMSOLL_CHECK((before & bit) == 0, "object %p of %zu bytes was handed out twice", object,
                 SizeClasses::size(size_class));
}

void SlabAllocator::note_back(const void* object, unsigned size_class) noexcept {
  PLIMSOLL_CHECK(owns(object), "%p is freed and not of %.*s", object, static_cast<int>(name_.size()),
                 name_.data());
  const SlabIndex slab = region_->slab_of(object);
  const unsigned true_class = region_->record(slab).size_class;
  const std::size_t size = SizeClasses::size(true_class);
  PLIMSOLL_CHECK(true_class == size_class, "object %p of %zu bytes is freed as one of %zu", object, size,
                 SizeClasses::size(size_class));
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(object) - region_->begin_of(slab));
  PLIMSOLL_CHECK(offset % size == 0, "%p is freed and lies %zu bytes into an object of %zu", object,
                 offset % size, size);
  const std::uint64_t bit = std::uint64_t{1} << (offset / size % 64);
  const std::uint64_t before =
      std::atomic_ref(region_->busy(slab)[offset / size / 64]).fetch_and(~bit, std::memory_order_relaxed);
  PLIMSOLL_CHECK((before & bit) != 0, "object %p of %zu bytes is freed twice", object, size);
}
#endif

void SlabAllocator::trim() {
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) bins_[c].trim(false);
}

ReclaimOffer SlabAllocator::offer() const { return {.droppable = idle_.used()}; }

Bytes SlabAllocator::reclaim(Bytes wanted) {
  Bytes freed = region_->trim(wanted);
  if (freed >= wanted) return freed;
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) bins_[c].trim(true);
  return freed + region_->trim(wanted - freed);
}

SlabAllocator::Stats SlabAllocator::stats() const {
  Stats stats{.slabs = Bytes(region_->in_use() * SlabRegion::kSlabSize),
              .idle = idle_.used(),
              .refused = refused_.load(std::memory_order_relaxed)};
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) {
    const SlabBin::Stats bin = bins_[c].stats();
    stats.free += Bytes(bin.free_objects * SizeClasses::size(c));
    stats.waiting += Bytes(bin.depot_objects * SizeClasses::size(c));
    stats.exchanges += bin.exchanges;
    stats.from_slabs += bin.taken;
  }
  return stats;
}

void SlabAllocator::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("slab_bytes", "Slabs with objects", s.slabs.as_double(), {{"allocator", name_}});
  sink.gauge("slab_idle_bytes", "Empty slabs that are kept", s.idle.as_double(), {{"allocator", name_}});
  sink.gauge("slab_free_bytes", "Free in slabs with objects", s.free.as_double(), {{"allocator", name_}});
  sink.gauge("slab_waiting_bytes", "In full magazines of the depots", s.waiting.as_double(),
             {{"allocator", name_}});
  sink.counter("slab_exchanges_total", "Magazines exchanged with a depot", number(s.exchanges),
               {{"allocator", name_}});
  sink.counter("slab_taken_total", "Objects taken from slabs, not from magazines", number(s.from_slabs),
               {{"allocator", name_}});
  sink.counter("slab_refused_total", "Allocations refused", number(s.refused), {{"allocator", name_}});
}

void SlabAllocator::CheckInvariants() const {
  for (unsigned c = 0; c < SizeClasses::kCount; ++c) bins_[c].CheckInvariants();
}

}  // namespace plimsoll
