// AsymmetricFence: a fence between two sides of which one runs all the time and the other hardly ever.
//
// Two threads that each store and then load what the other stores need a full fence on both sides, or both
// may miss the other's store. Where one side is a fast path, membarrier(2) lets the rare side pay for both:
// it has every running thread of the process pass a full fence, and the fast side needs only keep the
// compiler from swapping its two accesses. Where the kernel does not have it, and under the thread sanitizer,
// both sides pass a fence of their own.
//
//   owner: mine.store(1, relaxed); fence.light(); if (theirs.load(acquire)) ...
//   other: theirs.store(1, relaxed); fence.heavy(); if (mine.load(acquire)) ...
//
// Invariant: of light() and heavy(), whichever comes second sees what was stored before the first.
//
// Thread-safety: all methods from any thread. Cost: light() nothing, or 5-10 ns; heavy() a system call that
// interrupts the other running threads, 1-10 us. Limits: threads of this process. Errors: none; available()
// says which of the two it is. Ownership: none.
#pragma once

#include <atomic>

namespace plimsoll {

class AsymmetricFence {
 public:
  // Registers the process with the kernel, once for all.
  AsymmetricFence() noexcept : available_(prepare()) {}

  bool available() const { return available_; }

  void light() const noexcept {
    if (available_) {
      std::atomic_signal_fence(std::memory_order_seq_cst);  // pairs with the barrier of heavy()
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the fence of heavy()
    }
  }
  void heavy() const noexcept;

 private:
  static bool prepare() noexcept;

  const bool available_;
};

}  // namespace plimsoll
