// ThreadPlace: a small number that is one living thread's alone.
//
// Why: what a thread writes on its hottest path must be on a line of its own and without a locked instruction
// (per-processor counters: McKenney, "Is Parallel Programming Hard", chapter 5), and there are fewer such
// lines than threads may come. Each `Tag` has a numbering of its own: numbers 0 to kOwn - 1 belong to one
// thread each, the kShared behind them to all others. Invariant: no two living threads have the same number
// below kOwn; what a thread wrote under its number is seen by whoever has it next.
//
//   using Place = ThreadPlace<class MyTag, 4, 2>;
//   Line& mine = lines[Place::here()];  // of Place::kPlaces lines
//
// Thread-safety: any thread. Cost: known() a load; here() the same but for a thread's first time. Limits: 64
// owned numbers. Errors: none. Ownership: a thread gives its number back when it ends; what it still does
// after that, from other destructors, it does with a shared one.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace plimsoll {

template <class Tag, unsigned kOwned, unsigned kSharedByOthers>
class ThreadPlace {
 public:
  static constexpr unsigned kOwn = kOwned;
  static constexpr unsigned kShared = kSharedByOthers;
  static constexpr unsigned kPlaces = kOwn + kShared;
  static constexpr unsigned kUnknown = ~0U;
  static_assert(kOwn > 0 && kOwn < 64 && kShared > 0);

  // kUnknown before the thread's first here().
  static unsigned known() noexcept { return of_this_thread_; }
  static unsigned here() noexcept {
    const unsigned place = of_this_thread_;
    return place != kUnknown ? place : find();
  }

 private:
  // A thread's right to its number, until it ends.
  struct Claim {
    Claim() noexcept : place(take()) { of_this_thread_ = place; }
    ~Claim() {
      of_this_thread_ = share();
      // release: pairs with take(), whose thread goes on from what this one wrote.
      if (place < kOwn) free_.fetch_or(std::uint64_t{1} << place, std::memory_order_release);
    }
    const unsigned place;
  };

  [[gnu::noinline]] static unsigned find() noexcept {
    static thread_local const Claim claim;
    return claim.place;
  }
  static unsigned take() noexcept {
    std::uint64_t free = free_.load(std::memory_order_relaxed);
    while (free != 0) {
      // acquire: pairs with the release of whoever had the number before.
      if (free_.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return static_cast<unsigned>(std::countr_zero(free));
      }
    }
    return share();
  }
  static unsigned share() noexcept {
    return kOwn + next_shared_.fetch_add(1, std::memory_order_relaxed) % kShared;
  }

  // constinit, so that it is read without asking whether it was made yet.
  static inline constinit thread_local unsigned of_this_thread_ = kUnknown;
  // Numbers that no thread has, a bit each. Never ended: threads may outlive everything static.
  static inline constinit std::atomic<std::uint64_t> free_{(std::uint64_t{1} << kOwn) - 1};
  static inline constinit std::atomic<unsigned> next_shared_{0};
};

}  // namespace plimsoll
