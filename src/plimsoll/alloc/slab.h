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
//   slabs.tick();                              // some times a second: what is not needed goes back
//
// Threads that are many more than the processors share those of their processor (rseq(2)), where the system
// has that. On a machine of several nodes each has its own slabs and depots: a thread is served from its
// node, and what it frees of another node goes home in batches. With one node none of that is in the way.
//
// Invariant: an object is in use, in one magazine, or free in its slab; the account is charged for every page
// of a slab with an object that is not free in it, but for those given back. Freed memory is poisoned for the
// address sanitizer; builds with checks find objects freed twice, freed with another size, or not ours.
//
// Thread-safety: all methods from any thread; the destructor alone. Cost: 2 ns for a pair that meets no
// depot, 5 to 10 more where it does; 15 by way of the processor's; a thread keeps up to two magazines of each
// class it uses. Limits: 32 KiB, alignment to a page; 64 allocators and pools at a time have magazines,
// further ones lock. Errors: null when the account, the line or the system refuses, and above the limits.
// Ownership: all objects end with the allocator, which aborts if slabs of them are in use. fork: the child
// goes on with what its thread had.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "plimsoll/alloc/magazine.h"
#include "plimsoll/alloc/size_class.h"
#include "plimsoll/alloc/thread_fronts.h"
#include "plimsoll/base/check.h"
#include "plimsoll/base/poison.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/budget/reclaimer.h"

namespace plimsoll {

class PageSource;
class PatternTracker;
class SlabStore;
class Topology;

// Who has magazines. Threads' are faster, processors' are as few as those: by itself, as many threads as
// there are four to a processor have their own, and those that come later use their processor's.
enum class SlabFronts { kByItself, kThreads, kProcessors };

class SlabAllocator final : public Reclaimer {
 public:
  static constexpr std::size_t kLargest = SizeClasses::kLargest;
  // What one allocation charges at most: a slab, and a thread's first magazines. Who is refused and can make
  // room makes so much.
  static constexpr Bytes kLargestCharge = 68_KiB;

  struct Options {
    Account& account;  // of slabs with objects, and of magazines
    Account& idle;     // of empty slabs that are kept for the next; droppable
    PageSource& pages;
    Bytes line;             // address space is sixteen times as much, or what there is
    Bytes address_space{};  // if it is to be another
    std::string_view name = "slabs";
    SizeClasses classes{};
    // Of each class, how many objects a thread keeps to begin with; those that are missing by their size.
    std::span<const std::uint32_t> magazines{};
    PatternTracker* tracker = nullptr;   // is told what is asked for, a magazine at a time
    const Topology* topology = nullptr;  // null: the machine's
    SlabFronts fronts = SlabFronts::kByItself;
  };
  struct Stats {
    Bytes slabs;                   // with objects, less the pages given back
    Bytes idle;                    // empty and kept
    Bytes free;                    // in slabs, between objects in use
    Bytes waiting;                 // in the depots' magazines
    Bytes given_out;               // the rest: in use, or in threads' magazines
    Bytes gone;                    // pages of slabs with objects that were given back
    Bytes metadata;                // records and bitmaps
    std::uint64_t exchanges = 0;   // of a thread's magazine with a depot's
    std::uint64_t missed = 0;      // times that a depot could not serve
    std::uint64_t from_slabs = 0;  // objects that had to be taken from slabs
    std::uint64_t refused = 0;
    std::size_t threads = 0;  // with magazines
    // Of requests sampled where a magazine is refilled: what was asked for, and what an object of their class
    // takes.
    std::uint64_t asked_bytes = 0, rounded_bytes = 0;
    std::chrono::nanoseconds refill_time{};  // spent refilling, sampled
    std::uint64_t refills_timed = 0;

    Bytes held() const { return slabs + idle + metadata; }
    double efficiency() const { return ratio(given_out, held()); }  // of what is held, what is given out
    double fragmentation() const { return ratio(free - std::min(free, gone), slabs); }
    double rounding() const;  // of objects, what is lost to their class
    // At least so much of what was allocated met no slab.
    double hit_ratio() const;

   private:
    static double ratio(Bytes part, Bytes whole) {
      return whole.zero() ? 0 : part.as_double() / whole.as_double();
    }
  };

  explicit SlabAllocator(const Options& options);
  ~SlabAllocator() override;
  SlabAllocator(const SlabAllocator&) = delete;
  SlabAllocator& operator=(const SlabAllocator&) = delete;

  // Null when refused. Not cleared. A request for nothing gets an object of its own.
  void* allocate(std::size_t size) noexcept {
    if (size > kLargest) [[unlikely]]
      return refuse();
    return allocate_of(classes_.of(size), size);
  }
  // REQUIRES: alignment is a power of two; null above a page.
  void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (size > kLargest) [[unlikely]]
      return refuse();
    const unsigned size_class = classes_.aligned(size, alignment);
    return size_class < classes_.count() ? allocate_of(size_class, size) : refuse();
  }
  // REQUIRES: of this allocator and in use, or null.
  void deallocate(void* object) noexcept {
    if (object != nullptr) deallocate_of(object, class_of(object));
  }
  // REQUIRES: `size` is what it was allocated with, without an alignment.
  void deallocate(void* object, std::size_t size) noexcept {
    if (object != nullptr) deallocate_of(object, classes_.of(size));
  }
  // The same with a size that the compiler knows.
  template <std::size_t kSize>
  void* allocate() noexcept {
    static_assert(kSize <= kLargest);
    return allocate_of(class_of_size<kSize>(), kSize);
  }
  template <std::size_t kSize>
  void deallocate(void* object) noexcept {
    static_assert(kSize <= kLargest);
    if (object != nullptr) deallocate_of(object, class_of_size<kSize>());
  }

  // Null when refused; then nothing was constructed.
  template <typename T, typename... Arguments>
  T* create(Arguments&&... arguments) {
    void* place = allocate_of(class_for<T>(), sizeof(T));
    return place ? ::new (place) T(std::forward<Arguments>(arguments)...) : nullptr;
  }
  template <typename T>
  void destroy(T* object) noexcept {
    static_assert(!std::is_abstract_v<T> && (std::is_final_v<T> || !std::is_polymorphic_v<T>),
                  "its class must be what it was created as");
    if (object == nullptr) return;
    object->~T();
    deallocate_of(object, class_for<T>());
  }

  bool owns(const void* address) const noexcept;
  // What the object takes up; only what was asked for may be touched. REQUIRES: of this allocator and in use.
  std::size_t usable_size(const void* object) const noexcept { return classes_.size(class_of(object)); }
  const SizeClasses& classes() const { return classes_; }

  // Objects that wait in depots and empty slabs, where nobody asked for them since the last call, go back.
  // Call some times a second.
  void tick() override;
  // What the calling thread keeps in magazines goes back: for one that will be idle for long.
  void release_thread() noexcept { fronts_.close_mine(); }

  std::string_view name() const override { return name_; }
  ReclaimOffer offer() const override;
  Bytes reclaim(Bytes wanted) override;

  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  // What its fronts ask of it.
  struct Owner final : ThreadFrontOwner {
    explicit Owner(SlabAllocator& owned) : slabs(owned) {}
    void empty_front(ThreadFront& front) noexcept override;
    void before_fork() noexcept override;
    void after_fork() noexcept override;
    SlabAllocator& slabs;
  };

  // A constant where the classes are the usual ones.
  template <std::size_t kSize>
  unsigned class_of_size() const {
    constexpr SizeClasses kUsual;
    constexpr unsigned kClass = kUsual.of(kSize);
    return classes_.usual() ? kClass : classes_.of(kSize);
  }
  template <typename T>
  unsigned class_for() const {
    static_assert(sizeof(T) <= kLargest && alignof(T) <= SizeClasses::kLargestAlignment,
                  "too large, or aligned to more than a page");
    if constexpr (alignof(T) <= SizeClasses::kGranule) return class_of_size<sizeof(T)>();
    return classes_.aligned(sizeof(T), alignof(T));
  }

  void* allocate_of(unsigned size_class, std::size_t size) noexcept;
  void deallocate_of(void* object, unsigned size_class) noexcept;
  void* allocate_slow(unsigned size_class, std::size_t size) noexcept;
  void* allocate_shared(unsigned size_class) noexcept;
  void deallocate_shared(void* object, unsigned size_class) noexcept;
  void deallocate_slow(void* object, unsigned size_class) noexcept;
  bool refill(Magazine& magazine, unsigned node, unsigned size_class, std::size_t size) noexcept;
  void send_home(ThreadFront& front, void* object, unsigned home, unsigned size_class) noexcept;
  void* refuse() noexcept;
  unsigned class_of(const void* object) const noexcept;
  // For builds with checks: an object leaves, or comes back.
  void note_out(const void* object, unsigned size_class) noexcept;
  void note_back(const void* object, unsigned size_class) noexcept;
  // The thread's front, made at its first call, with its node of now; null when it can have none.
  ThreadFront* front_of_thread() noexcept;

  const SizeClasses classes_;
  const std::string_view name_;
  PatternTracker* const tracker_;
  std::unique_ptr<Topology> machine_;  // when no other was given
  std::unique_ptr<SlabStore> store_;
  Owner owner_{*this};
  ThreadFronts fronts_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> refills_{0};
  std::atomic<std::uint64_t> asked_bytes_{0};
  std::atomic<std::uint64_t> rounded_bytes_{0};
  std::atomic<std::uint64_t> refill_ns_{0};
};

inline void* SlabAllocator::allocate_of(unsigned size_class, std::size_t size) noexcept {
  Magazine& magazine = *fronts_.mine().pairs()[size_class].loaded;
  void* object = magazine.count > 0 ? magazine.slots[--magazine.count] : allocate_slow(size_class, size);
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
  poison(object, classes_.size(size_class));
  Magazine& magazine = *fronts_.mine().pairs()[size_class].loaded;
  if (magazine.count >= magazine.limit) [[unlikely]]
    return deallocate_slow(object, size_class);
  magazine.slots[magazine.count++] = object;
}

}  // namespace plimsoll
