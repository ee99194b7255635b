// ThreadFronts: each thread's own magazines of one allocator or pool, found without a lock.
//
// An owner takes one of 64 slots for as long as it lives, and a thread finds its front of that owner at the
// slot's place in an array of its own: one load. A thread without a front finds one there that holds nothing
// and takes nothing, so that the fast path has no question to ask but the one for a magazine's end. When a
// thread ends, and when the owner does, the owner is handed the front to empty. Invariant: a thread has at
// most one front of an owner, and the owner knows them all.
//
//   Magazine& mine = *fronts_.mine().pairs()[column].loaded;
//   void* object = mine.count > 0 ? mine.slots[--mine.count] : slow(column);
//
// Thread-safety: mine() and open() by any thread for itself; the rest under the registry's lock, which is
// held while an owner empties a front. Cost: mine() one load; open() a lock and an allocation. Limits: 64
// owners at a time have fronts, and `most` threads of each; further ones have none. Errors: open() says null.
// Ownership: owns the fronts; the account is charged for them.
//
// fork: owners' locks are taken before it and released on both sides, the youngest owner's first. The child
// has its own thread's fronts; what other threads kept in theirs stays in use there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "plimsoll/alloc/magazine.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"

namespace plimsoll {

// A MagazinePair for every column of its owner follows it in memory.
struct alignas(16) ThreadFront {
  ThreadFront** home = nullptr;  // where its thread looks for it
  ThreadFront* next = nullptr;   // of the same owner
  ThreadFront* previous = nullptr;
  std::uint32_t node = 0;               // its thread's, when it last looked
  std::atomic<std::uint32_t> busy = 0;  // for owners whose fronts can be taken from by others

  MagazinePair* pairs() { return reinterpret_cast<MagazinePair*>(this + 1); }
};

class ThreadFrontOwner {
 public:
  // Takes the magazines out of a front that ends. Called under the registry's lock: must not open() one.
  virtual void empty_front(ThreadFront& front) noexcept = 0;
  // Takes and releases every lock that its slow paths take.
  virtual void before_fork() noexcept = 0;
  virtual void after_fork() noexcept = 0;

 protected:
  ~ThreadFrontOwner() = default;
};

namespace detail {
constexpr std::size_t kThreadSlots = 64;
constexpr unsigned kMostColumns = 80;
struct NoThreadFront {
  ThreadFront front;
  std::array<MagazinePair, kMostColumns> pairs;
};
extern NoThreadFront no_thread_front;
// By the owner's slot; the last is for those that got none, and stays as it is.
extern constinit thread_local std::array<ThreadFront*, kThreadSlots + 1> thread_fronts;
}  // namespace detail

class ThreadFronts {
 public:
  static constexpr unsigned kMostColumns = detail::kMostColumns;

  struct Options {
    ThreadFrontOwner& owner;
    Account& account;
    unsigned columns = 1;
    std::size_t most = ~std::size_t{0};  // threads that get one
  };

  explicit ThreadFronts(const Options& options);
  ~ThreadFronts() { close_all(); }
  ThreadFronts(const ThreadFronts&) = delete;
  ThreadFronts& operator=(const ThreadFronts&) = delete;

  // The thread's; or one that holds nothing and takes nothing, and is nobody's.
  ThreadFront& mine() const noexcept { return *detail::thread_fronts[slot_]; }
  bool have_mine() const noexcept { return &mine() != &detail::no_thread_front.front; }
  // No thread more gets one, for now. Relaxed: who is told so comes again.
  bool enough() const noexcept {
    return slot_ == detail::kThreadSlots || count_.load(std::memory_order_relaxed) >= options_.most;
  }
  // Makes the thread's; null when there is no slot, or too many, or the thread is ending, or it is refused.
  ThreadFront* open() noexcept;
  // The thread's own, emptied and gone; then all, before the owner ends. REQUIRES for all: no thread uses
  // the owner any more.
  void close_mine() noexcept;
  void close_all() noexcept;
  std::size_t count() const noexcept;

  // `visit(ThreadFront&)` for every thread's, under the registry's lock.
  template <typename Visit>
  void for_each(const Visit& visit) {
    MutexLock lock(registry());
    for_each_locked(visit);
  }
  // The same within what an owner is called for under that lock.
  template <typename Visit>
  void for_each_locked(const Visit& visit) {
    for (ThreadFront* front = first_; front != nullptr; front = front->next) visit(*front);
  }

 private:
  friend struct ThreadFrontsExit;

  static Mutex& registry();
  void close(ThreadFront& front) noexcept;  // under the registry's lock

  Options options_;
  Bytes front_bytes_;
  unsigned slot_ = detail::kThreadSlots;
  std::uint64_t born_ = 0;
  ThreadFront* first_ = nullptr;        // under the registry's lock, as all below
  std::atomic<std::size_t> count_ = 0;  // read without it, too
  Charge charge_;
};

}  // namespace plimsoll
