// PoolExecutor: where a coroutine goes on that waited for a pool.
//
// The pool does not resume anybody itself: who returns an object may hold locks, and is on another thread
// than the waiter wants to be. It posts a Resumption to the executor that the waiter named, an event loop
// mostly, which calls it. If the waiting coroutine has been destroyed by then, the call does nothing.
//
//   struct OnLoop final : PoolExecutor {
//     void post(Resumption resume) noexcept override { loop.post(std::move(resume)); }
//   };
//
// Thread-safety: post() is called by whichever thread returned an object, with no lock held. A Resumption is
// called by one thread, once; the coroutine must not be destroyed on another at the same time. Cost: an
// atomic exchange. Limits: none. Errors: none. Ownership: the executor outlives the waits that name it.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <utility>

namespace plimsoll {

class PoolExecutor;

namespace detail {

// What a waiting coroutine and its Resumption share: whichever lives longer frees it.
struct ResumptionTicket {
  std::atomic<void*> frame{nullptr};  // null: resumed, or destroyed
  std::atomic<std::uint32_t> references{1};
  PoolExecutor* executor = nullptr;
  ResumptionTicket* next = nullptr;  // of those to be posted

  void drop() noexcept {
    // Acquire and release: the last to drop it has seen what the others did with it.
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
};

}  // namespace detail

class Resumption {
 public:
  // Takes over a reference.
  explicit Resumption(detail::ResumptionTicket* ticket) noexcept : ticket_(ticket) {}
  Resumption(const Resumption& other) noexcept : ticket_(other.ticket_) {
    if (ticket_ != nullptr) ticket_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Resumption(Resumption&& other) noexcept : ticket_(std::exchange(other.ticket_, nullptr)) {}
  Resumption& operator=(Resumption other) noexcept {
    std::swap(ticket_, other.ticket_);
    return *this;
  }
  ~Resumption() {
    if (ticket_ != nullptr) ticket_->drop();
  }

  void operator()() const {
    if (ticket_ == nullptr) return;
    // Acquire: pairs with the store in ObjectCore::enqueue().
    void* frame = ticket_->frame.exchange(nullptr, std::memory_order_acquire);
    if (frame != nullptr) std::coroutine_handle<>::from_address(frame).resume();
  }

 private:
  detail::ResumptionTicket* ticket_;
};

class PoolExecutor {
 public:
  virtual ~PoolExecutor() = default;
  virtual void post(Resumption resume) noexcept = 0;
};

}  // namespace plimsoll
