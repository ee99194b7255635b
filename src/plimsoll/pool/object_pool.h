// ObjectPool<T>: constructed objects that are used again instead of made anew.
//
// Acquiring takes an object from the thread's own stack and returning puts it back there, without a lock and
// without constructing anything; a hook may reset it on its return. The pool may be bounded. When every
// object is out, a caller may go without, wait for one until a deadline, or have its coroutine wait; they are
// served in the order in which they came, outside the fast path. No object idle with one thread leaves
// another waiting: what threads keep is taken from them then (internal/shelf.h).
//
//   ObjectPool<Request> pool({.slabs = slabs, .account = account, .maximum = 100,
//                             .reset = [](Request& request) { request.clear(); }});
//   ObjectPool<Request>::Handle request = pool.try_acquire();           // empty: all are out
//   request = pool.acquire(now + 10ms);                                 // empty: until then
//   request = co_await pool.acquire_async(loop);                        // resumed by that executor
//   request->parse(bytes);                                              // returns by itself
//
// Invariant: at most `maximum` exist, and at most `maximum_idle` of them are idle; idle objects stay
// constructed.
//
// Thread-safety: all methods from any thread; the destructor alone. Cost: acquire and return about 5 ns in
// all from the thread's own stack, a lock beyond that; when all are out, try_acquire() once looks at every
// thread's (some microseconds). Limits: objects up to 32 KiB; one of the 64 slots for what threads keep
// (alloc/thread_fronts.h). Errors: an empty Handle when all are out, or one more is refused by its memory or
// by `make`; after that also for one that waits. Ownership: handles must be gone when it ends, as must those
// that wait; a coroutine that is destroyed while it waits is forgotten. In builds with checks an object that
// is returned twice aborts with its address.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/pool/executor.h"
#include "plimsoll/pool/internal/object_core.h"

namespace plimsoll {

template <typename T>
class ObjectPool final : private ObjectMaker {
 public:
  struct Options {
    SlabAllocator& slabs;                                           // where objects live
    Account& account;                                               // of what the pool itself needs
    std::size_t minimum = 0;                                        // made ready, and kept so
    std::size_t maximum_idle = 1024;                                // 8 bytes each
    std::size_t maximum = std::numeric_limits<std::size_t>::max();  // in existence
    std::function<void(T&)> reset{};                                // run on return, by who returns it
    std::function<T*(void*)> make{};  // constructs at that place, or returns null; else T()
    DemandTracker::Options demand{};  // its minimum and maximum follow from those above
    std::string_view name = "objects";

    Result<void> Validate() const {
      if (minimum > maximum_idle) return fail(ErrorCode::kOutOfRange, "minimum is at most maximum_idle");
      if (maximum == 0 || minimum > maximum)
        return fail(ErrorCode::kOutOfRange, "maximum is 1 and minimum at least");
      if (!std::is_default_constructible_v<T> && !make) return fail(ErrorCode::kInvalid, "it takes a `make`");
      DemandTracker::Options own = demand;
      own.minimum = own.maximum = 0;
      return own.Validate();
    }
  };
  using Stats = ObjectPoolStats;

  class [[nodiscard]] Handle {
   public:
    Handle() = default;
    Handle(Handle&& other) noexcept : pool_(other.pool_), object_(std::exchange(other.object_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
      if (this != &other) {
        release();
        pool_ = other.pool_;
        object_ = std::exchange(other.object_, nullptr);
      }
      return *this;
    }
    ~Handle() { release(); }

    explicit operator bool() const { return object_ != nullptr; }
    T* get() const { return object_; }
    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }
    // Back to the pool now.
    void release() noexcept {
      if (object_ != nullptr) pool_->give_back(std::exchange(object_, nullptr));
    }
    // It is not to be used again: ended, and no longer one of those that exist.
    void discard() noexcept {
      if (object_ != nullptr) pool_->end_of(std::exchange(object_, nullptr));
    }
    // The caller's from now on, for ObjectPool::give_back() later.
    T* disown() noexcept { return std::exchange(object_, nullptr); }

   private:
    friend class ObjectPool;
    Handle(ObjectPool& pool, T* object) : pool_(&pool), object_(object) {}
    ObjectPool* pool_ = nullptr;
    T* object_ = nullptr;
  };

  // What co_await waits for; lives in the coroutine, and its end is the end of the wait.
  class [[nodiscard]] Acquire {
   public:
    ~Acquire() { pool_.core_.cancel(waiter_); }
    Acquire(const Acquire&) = delete;
    Acquire& operator=(const Acquire&) = delete;

    bool await_ready() {
      ready_ = pool_.try_acquire();
      return static_cast<bool>(ready_);
    }
    bool await_suspend(std::coroutine_handle<> frame) noexcept {
      return pool_.core_.enqueue(waiter_, frame, executor_);
    }
    Handle await_resume() noexcept {
      return ready_ ? std::move(ready_) : pool_.handle_of(pool_.core_.collect(waiter_));
    }

   private:
    friend class ObjectPool;
    Acquire(ObjectPool& pool, PoolExecutor& executor) : pool_(pool), executor_(executor) {}
    ObjectPool& pool_;
    PoolExecutor& executor_;
    Handle ready_;
    ObjectWaiter waiter_;
  };

  // The minimum is made ready as far as memory is granted; tick() tries again.
  explicit ObjectPool(const Options& options) : options_(checked(options)), core_(core_options()) {
    core_.fill();
  }
  ~ObjectPool() { core_.drain(); }
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  Handle try_acquire() noexcept { return handle_of(core_.take()); }
  // Waits until `deadline` (of the system's clock) at most.
  Handle acquire(MonotonicTime deadline) noexcept { return handle_of(core_.take_before(deadline)); }
  // Goes on in `executor` if it had to wait.
  Acquire acquire_async(PoolExecutor& executor) noexcept { return Acquire(*this, executor); }
  // REQUIRES: what a handle of this pool disowned.
  void give_back(T* object) noexcept {
    core_.out().returns(object);
    if (options_.reset) options_.reset(*object);
    core_.put(object);
  }

  // The idle limit follows the demand since the last tick, and the minimum is made ready; call once a second.
  void tick() { core_.tick(); }
  // Memory is short: ends what is idle above the minimum, and says how many those were.
  std::size_t drop_idle() { return core_.drop_idle(); }

  Stats stats() const { return core_.stats(); }
  void Describe(StatSink& sink) const { describe(sink, options_.name, stats()); }
  void CheckInvariants() const { core_.CheckInvariants(); }

 private:
  static Options checked(Options options) {
    const Result<void> valid = options.Validate();
    PLIMSOLL_CHECK(valid, "%s", valid.error().what);
    return options;
  }
  ObjectCore::Options core_options() {
    return {.maker = *this,
            .account = options_.account,
            .minimum = options_.minimum,
            .maximum_idle = options_.maximum_idle,
            .maximum = options_.maximum,
            .demand = options_.demand};
  }
  Handle handle_of(void* object) noexcept {
    if (object != nullptr) core_.out().leaves(object);
    return Handle(*this, static_cast<T*>(object));
  }
  void end_of(T* object) noexcept {
    core_.out().returns(object);
    end(object);
    core_.forget();
  }

  void* make() noexcept override {
    static_assert(sizeof(T) <= SlabAllocator::kLargest, "objects of up to 32 KiB");
    void* place = options_.slabs.allocate(sizeof(T), alignof(T));
    if (place == nullptr) return nullptr;
    if (options_.make) {
      T* object = options_.make(place);
      if (object == nullptr) options_.slabs.deallocate(place);
      return object;
    }
    if constexpr (std::is_default_constructible_v<T>) return ::new (place) T();
    return nullptr;
  }
  void end(void* object) noexcept override {
    static_cast<T*>(object)->~T();
    options_.slabs.deallocate(object);
  }

  const Options options_;
  ObjectCore core_;
};

}  // namespace plimsoll
