// Shelf: the idle blocks of one kind of a pool: some with each thread, the rest on a central pile under a
// lock, and all of them to be had by whoever finds the pile empty.
//
// A thread takes from and puts on a stack of its own without a lock. What would be wrong with that alone: in
// a pool that is bounded, a block idle with one thread would leave another waiting for ever. So stacks can be
// emptied by others, by an asymmetric fence that costs their owner nothing. The owner says `busy`, looks at
// the gate, works and says it is not busy; whoever gathers closes the gate, has every thread pass a fence,
// and waits for each busy owner. A closed gate sends all to the slow path; it stays closed while the shelf is
// hungry, so that what comes back is seen at once.
//
// Invariant: what threads may hold and what the pile may hold is at most `most`; hungry or gathering == the
// gate is closed. After gather(), while the gate stays closed, no thread holds a block.
//
// Lock order: the registry of fronts, then `mutex`. So nothing that opens a front may be called with it held.
// Thread-safety: all methods from any thread. Cost: try_take() and try_put() about 2 ns; gather() a
// membarrier. Ownership: none of the blocks; drain() gives them all up.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "plimsoll/alloc/thread_fronts.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/asymmetric_fence.h"

namespace plimsoll {

// What blocks on the pile are charged to is the pool's business. Called with the shelf's lock held.
class ShelfKeeper {
 public:
  // So many leave the pile for threads; false: they are refused, and stay.
  virtual bool leaving(std::size_t blocks) noexcept = 0;
  virtual void arriving(std::size_t blocks) noexcept = 0;

 protected:
  ~ShelfKeeper() = default;
};

class Shelf final : private ThreadFrontOwner {
 public:
  struct Options {
    ShelfKeeper& keeper;
    Account& account;                     // of stacks and the pile itself
    std::size_t most = 0;                 // idle at any time
    std::uint32_t each = 32;              // with a thread, at most
    std::size_t limit = ~std::size_t{0};  // idle to begin with
  };
  struct Counts {
    std::uint64_t taken = 0;  // from the shelf
    std::uint64_t put = 0;    // on it
  };

  explicit Shelf(const Options& options);
  ~Shelf();
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  // The lock of the pile, and of whatever its pool keeps beside it.
  mutable Mutex mutex;

  // From, and to, the thread's own stack; null and false when that cannot be.
  void* try_take() noexcept;
  bool try_put(void* block) noexcept;

  // The thread gets a stack, if it has none and may have one. REQUIRES: before the lock is taken.
  void equip() noexcept PLIMSOLL_EXCLUDES(mutex);
  // From the pile, some for the thread's stack with it; null when it is empty, or is refused.
  void* take() noexcept PLIMSOLL_REQUIRES(mutex);
  // False: there are as many idle as may be, and the caller keeps it.
  bool put(void* block) noexcept PLIMSOLL_REQUIRES(mutex);

  // The same, past the thread's stack and uncounted: for one that was never out.
  bool put_on_pile(void* block) noexcept PLIMSOLL_REQUIRES(mutex);

  // While it is hungry the gate is closed.
  void set_hungry(bool hungry) noexcept PLIMSOLL_REQUIRES(mutex);
  bool hungry() const PLIMSOLL_REQUIRES(mutex) { return hungry_; }
  // Hungry, and nothing can be with any thread: gather() would find nothing.
  bool bare() const PLIMSOLL_REQUIRES(mutex) { return hungry_ && gathered_; }
  // What threads have goes to the pile.
  void gather() noexcept PLIMSOLL_EXCLUDES(mutex);

  // As many as may be idle from now on; never more than `most`.
  void set_limit(std::size_t limit) noexcept PLIMSOLL_REQUIRES(mutex) { limit_ = limit; }
  std::size_t pile() const PLIMSOLL_REQUIRES(mutex) { return pile_.size(); }
  std::size_t limit() const PLIMSOLL_REQUIRES(mutex) { return std::min(limit_, most_); }
  // The coldest of the pile that are more than `keep`: so many are in `blocks` now, for the caller to end.
  // Its keeper is not asked.
  std::size_t take_excess(std::size_t keep, std::span<void*> blocks) noexcept PLIMSOLL_REQUIRES(mutex);
  // Before the end: all of them are on the pile, and no thread may use it any more.
  void drain() noexcept PLIMSOLL_EXCLUDES(mutex) { fronts_.close_all(); }

  Counts counts() const PLIMSOLL_EXCLUDES(mutex);
  void CheckInvariants() const PLIMSOLL_REQUIRES(mutex);

 private:
  // Read by others while its owner counts.
  struct Stack : Magazine {
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> put{0};

    static void add(std::atomic<std::uint64_t>& count, std::uint64_t more = 1) {
      count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);  // one writer
    }
  };

  static Stack* stack_of(ThreadFront& front) noexcept;
  Stack* my_stack() noexcept { return stack_of(fronts_.mine()); }
  void to_pile(Stack& stack, std::uint32_t blocks) noexcept PLIMSOLL_REQUIRES(mutex);
  std::size_t room_on_pile() const PLIMSOLL_REQUIRES(mutex);
  void set_gate() noexcept PLIMSOLL_REQUIRES(mutex);

  void empty_front(ThreadFront& front) noexcept override;
  // No owner is busy while the process forks: the child would wait for it for ever.
  void before_fork() noexcept override PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS;
  void after_fork() noexcept override PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS;
  static void await_idle(const ThreadFront& front) noexcept;

  const AsymmetricFence fence_;
  std::atomic<std::uint32_t> gate_{0};  // 1: closed
  mutable ThreadFronts fronts_;

  ShelfKeeper& keeper_;
  Account& account_;
  const std::size_t most_;
  const std::uint32_t each_;
  Charge overhead_ PLIMSOLL_GUARDED_BY(mutex);
  std::vector<void*> pile_ PLIMSOLL_GUARDED_BY(mutex);  // never grows beyond its first capacity
  std::size_t limit_ PLIMSOLL_GUARDED_BY(mutex);
  std::size_t with_threads_ PLIMSOLL_GUARDED_BY(mutex) = 0;  // the sum of their stacks' capacities
  std::uint32_t gathering_ PLIMSOLL_GUARDED_BY(mutex) = 0;
  bool hungry_ PLIMSOLL_GUARDED_BY(mutex) = false;
  bool gathered_ PLIMSOLL_GUARDED_BY(mutex) = false;  // since it is hungry
  Counts counts_ PLIMSOLL_GUARDED_BY(mutex);          // by the slow path, and of threads that have ended
};

inline void* Shelf::try_take() noexcept {
  ThreadFront& front = fronts_.mine();
  // Relaxed and a light fence: ordered before the load of the gate by the heavy fence in gather().
  front.busy.store(1, std::memory_order_relaxed);
  fence_.light();
  void* block = nullptr;
  // Acquire: pairs with the release in set_gate(), so that what a gatherer did to the stack is seen.
  if (gate_.load(std::memory_order_acquire) == 0) [[likely]] {
    Magazine& magazine = *front.pairs()->loaded;
    if (magazine.count > 0) {
      block = magazine.slots[--magazine.count];
      Stack::add(static_cast<Stack&>(magazine).taken);
    }
  }
  // Release: pairs with the acquire in gather(), which reads the stack after that.
  front.busy.store(0, std::memory_order_release);
  return block;
}

inline bool Shelf::try_put(void* block) noexcept {
  ThreadFront& front = fronts_.mine();
  front.busy.store(1, std::memory_order_relaxed);  // orders as in try_take()
  fence_.light();
  bool kept = false;
  if (gate_.load(std::memory_order_acquire) == 0) [[likely]] {
    Magazine& magazine = *front.pairs()->loaded;
    if (magazine.count < magazine.capacity) {
      magazine.slots[magazine.count++] = block;
      Stack::add(static_cast<Stack&>(magazine).put);
      kept = true;
    }
  }
  front.busy.store(0, std::memory_order_release);
  return kept;
}

}  // namespace plimsoll
