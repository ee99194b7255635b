// ObjectCore: what an ObjectPool does that does not depend on the type of its objects: how many there are,
// which of them are idle, and who waits.
//
// Invariant: existing <= maximum; while anybody waits the shelf is hungry, so that every object that comes
// back is seen, and nobody overtakes.
//
// Thread-safety: all methods from any thread; the destructor alone. Resumptions are posted with no lock held.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/pool/demand.h"
#include "plimsoll/pool/executor.h"
#include "plimsoll/pool/internal/out_set.h"
#include "plimsoll/pool/internal/shelf.h"

namespace plimsoll {

struct ObjectPoolStats {
  std::uint64_t created = 0;
  std::uint64_t reused = 0;
  std::uint64_t returned = 0;
  std::uint64_t discarded = 0;  // ended: by their users, or because too many were idle
  std::uint64_t existing = 0;
  std::uint64_t limit = 0;  // that may be idle now
  std::size_t waiting = 0;
  std::uint64_t waited = 0;  // had to wait, however it ended
  std::uint64_t timed_out = 0;
  std::uint64_t refused = 0;  // by the memory behind it

  double reuse_rate() const {
    const std::uint64_t all = created + reused;
    return all == 0 ? 0 : static_cast<double>(reused) / static_cast<double>(all);
  }
};

void describe(StatSink& sink, std::string_view pool, const ObjectPoolStats& stats);

// Makes and ends objects; never called with a lock of the pool held.
class ObjectMaker {
 public:
  virtual void* make() noexcept = 0;  // null: refused
  virtual void end(void* object) noexcept = 0;

 protected:
  ~ObjectMaker() = default;
};

// One that waits: a thread, or a coroutine.
struct ObjectWaiter {
  CondVar* ready = nullptr;                    // of a thread
  detail::ResumptionTicket* ticket = nullptr;  // of a coroutine
  ObjectWaiter* before = nullptr;
  ObjectWaiter* after = nullptr;
  bool queued = false;
  bool granted = false;
  void* object = nullptr;  // granted; null: it may make one
};

class ObjectCore final : private ShelfKeeper {
 public:
  struct Options {
    ObjectMaker& maker;
    Account& account;
    std::size_t minimum = 0;
    std::size_t maximum_idle = 0;
    std::size_t maximum = 0;
    DemandTracker::Options demand{};
  };

  explicit ObjectCore(const Options& options);
  ~ObjectCore();

  void* take() noexcept {
    void* object = shelf_.try_take();
    if (object == nullptr) [[unlikely]]
      object = take_slow();
    return object;
  }
  void put(void* object) noexcept {
    if (!shelf_.try_put(object)) [[unlikely]]
      put_slow(object);
  }
  void* take_before(MonotonicTime deadline) noexcept;
  // Its user has ended it.
  void forget() noexcept;

  // The waiter is told through its executor; false: it cannot wait, and nothing was done.
  bool enqueue(ObjectWaiter& waiter, std::coroutine_handle<> frame, PoolExecutor& executor) noexcept;
  // What was granted; null when that could not be made.
  void* collect(ObjectWaiter& waiter) noexcept;
  // It waits no longer; what it was granted and has not collected goes to the next.
  void cancel(ObjectWaiter& waiter) noexcept;

  void fill();  // up to the minimum
  void tick();
  std::size_t drop_idle();
  // Before the maker ends.
  void drain() noexcept;

  OutSet& out() { return out_; }
  ObjectPoolStats stats() const;
  void CheckInvariants() const;

 private:
  using Tickets = detail::ResumptionTicket*;

  void* take_slow() noexcept;
  void put_slow(void* object) noexcept;
  void* make_counted() noexcept;
  void* look_everywhere() noexcept;
  std::size_t end_excess(std::size_t keep) noexcept;
  void note_demand() noexcept PLIMSOLL_REQUIRES(shelf_.mutex) { demand_.note(existing_ - shelf_.pile()); }

  void link(ObjectWaiter& waiter) noexcept PLIMSOLL_REQUIRES(shelf_.mutex);
  void unlink(ObjectWaiter& waiter) noexcept PLIMSOLL_REQUIRES(shelf_.mutex);
  void grant(void* object, Tickets& tickets) noexcept PLIMSOLL_REQUIRES(shelf_.mutex);
  // Grants while there is anything to grant; what is in `tickets` is to be posted without the lock.
  void serve(Tickets& tickets) noexcept PLIMSOLL_REQUIRES(shelf_.mutex);
  static void post(Tickets tickets) noexcept;

  bool leaving(std::size_t) noexcept override { return true; }  // objects are charged where they are made
  void arriving(std::size_t) noexcept override {}

  ObjectMaker& maker_;
  const std::size_t minimum_;
  const std::size_t maximum_;
  OutSet out_;
  DemandTracker demand_;
  Shelf shelf_;
  ObjectWaiter* first_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = nullptr;
  ObjectWaiter* last_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = nullptr;
  std::uint64_t existing_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;
  std::uint64_t handed_over_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;  // from a user to a waiter
  std::uint64_t turned_away_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;  // returned, and not kept
  ObjectPoolStats counts_ PLIMSOLL_GUARDED_BY(shelf_.mutex);
};

}  // namespace plimsoll
