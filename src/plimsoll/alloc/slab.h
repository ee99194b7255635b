// SlabAllocator: objects up to 32 KiB from slabs of one size class each, with a pair of magazines a thread.
//
// Allocating pops a pointer from the thread's magazine of the class and freeing pushes it; nothing is locked,
// and the object is not touched. When both magazines of a pair are empty (or full), one is exchanged for a
// full (or empty) one in the class's depot, or filled from the fullest slabs (the magazines of Bonwick and
// Adams, USENIX 2001, over slabs of Bonwick, USENIX 1994). There is no owner: an object that another thread
// frees is freed as any. The line is charged by slab: objects cost no charge of their own.
//
//   SlabAllocator slabs({.account = rows, .idle = idle, .pages = pages, .line = line.line()});
//   void* row = slabs.allocate(200);           // null: refused
//   slabs.deallocate(row, 200);                // with its size, or without
//   Row* made = slabs.create<Row>(arguments);  // its class is known to the compiler
//
// Invariant: an object is in use, in one magazine, or free in its slab; the account is charged for every slab
// with an object that is not free in it. Freed memory is poisoned for the address sanitizer; builds with
// checks find objects freed twice, freed with another size, or not ours.
//
// Thread-safety: all methods from any thread; the destructor alone. Cost: 2 ns for a pair that meets no
// depot, 5 to 10 more where it does; a thread keeps up to two magazines of each class it uses. Limits: 32
// KiB, alignment to a page; 16 allocators at a time have magazines, further ones lock. Errors: null when the
// account, the line or the system refuses, and above the limits. Ownership: all objects end with the
// allocator, which aborts if slabs of them are in use.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "plimsoll/alloc/magazine.h"
#include "plimsoll/alloc/size_class.h"
#include "plimsoll/base/check.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/poison.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/budget/reclaimer.h"

namespace plimsoll {

class PageSource;
class SlabBin;
class SlabRegion;

namespace detail {

// A thread's magazines of one allocator: the one that is used, and one that is full or empty.
struct MagazinePair {
  Magazine* loaded;
  Magazine* previous;
};
struct SlabFront {
  std::array<MagazinePair, SizeClasses::kCount> pairs;
  SlabFront** home = nullptr;  // where its thread looks for it
  SlabFront* next = nullptr;   // of the same allocator
  SlabFront* previous = nullptr;
};
constexpr std::size_t kSlabFronts = 16;
extern SlabFront no_slab_front;  // its magazines hold nothing and take nothing
// By the allocator's slot; the last is for those that got none, and stays as it is.
extern constinit thread_local std::array<SlabFront*, kSlabFronts + 1> slab_fronts;

}  // namespace detail

class SlabAllocator final : public Reclaimer {
 public:
  static constexpr std::size_t kLargest = SizeClasses::kLargest;

  struct Options {
    Account& account;  // of slabs with objects, and of magazines
    Account& idle;     // of empty slabs that are kept for the next; droppable
    PageSource& pages;
    Bytes line;             // address space is sixteen times as much, or what there is
    Bytes address_space{};  // if it is to be another
    std::string_view name = "slabs";
  };
  struct Stats {
    Bytes slabs;                   // with objects
    Bytes idle;                    // empty and kept
    Bytes free;                    // in slabs, between objects in use
    Bytes waiting;                 // in the depots' magazines
    std::uint64_t exchanges = 0;   // of a thread's magazine with a depot's
    std::uint64_t from_slabs = 0;  // objects that had to be taken from slabs
    std::uint64_t refused = 0;
  };

  explicit SlabAllocator(const Options& options);
  ~SlabAllocator() override;
  SlabAllocator(const SlabAllocator&) = delete;
  SlabAllocator& operator=(const SlabAllocator&) = delete;

  // Null when refused. Not cleared. A request for nothing gets an object of its own.
  void* allocate(std::size_t size) noexcept {
    if (size > kLargest) [[unlikely]]
      return refuse();
    return allocate_of(SizeClasses::of(size), size);
  }
  // REQUIRES: alignment is a power of two; null above a page.
  void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (size > kLargest) [[unlikely]]
      return refuse();
    const unsigned size_class = SizeClasses::aligned(size, alignment);
    return size_class < SizeClasses::kCount ? allocate_of(size_class, size) : refuse();
  }
  // REQUIRES: of this allocator and in use, or null.
  void deallocate(void* object) noexcept {
    if (object != nullptr) deallocate_of(object, class_of(object));
  }
  // REQUIRES: `size` is what it was allocated with, without an alignment.
  void deallocate(void* object, std::size_t size) noexcept {
    if (object != nullptr) deallocate_of(object, SizeClasses::of(size));
  }

  // Null when refused; then nothing was constructed.
  template <typename T, typename... Arguments>
  T* create(Arguments&&... arguments) {
    static_assert(kClassFor<T> < SizeClasses::kCount, "too large, or aligned to more than a page");
    void* place = allocate_of(kClassFor<T>, sizeof(T));
    return place ? ::new (place) T(std::forward<Arguments>(arguments)...) : nullptr;
  }
  template <typename T>
  void destroy(T* object) noexcept {
    static_assert(!std::is_abstract_v<T> && (std::is_final_v<T> || !std::is_polymorphic_v<T>),
                  "its class must be what it was created as");
    if (object == nullptr) return;
    object->~T();
    deallocate_of(object, kClassFor<T>);
  }

  bool owns(const void* address) const noexcept;
  // What the object takes up; only what was asked for may be touched. REQUIRES: of this allocator and in use.
  std::size_t usable_size(const void* object) const noexcept { return SizeClasses::size(class_of(object)); }

  // Objects that wait in depots and were not asked for since the last call go back to their slabs. Call some
  // times a second.
  void trim();

  std::string_view name() const override { return name_; }
  ReclaimOffer offer() const override;
  Bytes reclaim(Bytes wanted) override;

  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  friend struct SlabThreadExit;
  template <typename T>
  static constexpr unsigned kClassFor = sizeof(T) > kLargest ? SizeClasses::kCount
                                                             : SizeClasses::aligned(sizeof(T), alignof(T));

  void* allocate_of(unsigned size_class, [[maybe_unused]] std::size_t size) noexcept;
  void deallocate_of(void* object, unsigned size_class) noexcept;
  void* allocate_slow(unsigned size_class) noexcept;
  void deallocate_slow(void* object, unsigned size_class) noexcept;
  void* refuse() noexcept;
  unsigned class_of(const void* object) const noexcept;
  // For builds with checks: an object leaves, or comes back.
  void note_out(const void* object, unsigned size_class) noexcept;
  void note_back(const void* object, unsigned size_class) noexcept;

  // The thread's magazines of the class, made at its first call; null when there is no slot or no memory for
  // them.
  detail::MagazinePair* pair_of(unsigned size_class) noexcept;
  detail::SlabFront* open_front() noexcept;
  Magazine* new_magazine(unsigned size_class) noexcept;
  bool charge_own(Bytes bytes) noexcept;
  void release_own(Bytes bytes) noexcept;
  // Its magazines go to the depots, and its thread has none. REQUIRES: the lock for slots.
  void close(detail::SlabFront& front) noexcept;

  const std::string_view name_;
  Account& account_;
  Account& idle_;
  unsigned slot_ = detail::kSlabFronts;
  std::unique_ptr<SlabRegion> region_;
  std::unique_ptr<SlabBin[]> bins_;
  std::atomic<std::uint64_t> refused_{0};
  Mutex charge_mutex_;
  Charge magazines_ PLIMSOLL_GUARDED_BY(charge_mutex_);  // and fronts
  detail::SlabFront* fronts_ = nullptr;                  // of all threads, under the lock for slots
};

inline void* SlabAllocator::allocate_of(unsigned size_class, [[maybe_unused]] std::size_t size) noexcept {
  Magazine& magazine = *detail::slab_fronts[slot_]->pairs[size_class].loaded;
  void* object = magazine.count > 0 ? magazine.slots[--magazine.count] : allocate_slow(size_class);
#ifndef NDEBUG
  if (object != nullptr) note_out(object, size_class);
#endif
  if (object != nullptr) unpoison(object, size);
  return object;
}

inline void SlabAllocator::deallocate_of(void* object, unsigned size_class) noexcept {
#ifndef NDEBUG
  note_back(object, size_class);
#endif
  poison(object, SizeClasses::size(size_class));
  Magazine& magazine = *detail::slab_fronts[slot_]->pairs[size_class].loaded;
  if (magazine.count == magazine.capacity) [[unlikely]]
    return deallocate_slow(object, size_class);
  magazine.slots[magazine.count++] = object;
}

}  // namespace plimsoll
