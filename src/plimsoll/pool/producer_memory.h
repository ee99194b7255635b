// ProducerMemory: the memory of a producer's batches: a fixed total, waited for in order, up to a deadline.
//
// What Kafka's producer calls its buffer pool (buffer.memory, batch.size, max.block.ms). Buffers of the batch
// size are kept on a free list; what is on it counts as available, and is given back to make room for other
// sizes. When the total is spent, callers wait, first come first served: while anybody waits nobody
// overtakes, so a large request is not starved by the small ones behind it. A waiter takes nothing until it
// can have all, so a time-out has nothing to return.
//
//   ProducerMemory memory({.account = producer, .pages = pages});
//   Result<ProducerMemory::Buffer> batch = memory.allocate(16_KiB, now + max_block);
//   if (!batch) return batch.error();        // timed out, closed, refused by the account or the system
//
// Invariant: in use + available() == total; in use + on the free list <= total; what is held is charged.
//
// Thread-safety: all methods from any thread; allocate() blocks it. Cost: a lock for a buffer of the batch
// size; other sizes are mapped (some microseconds, under the lock the unmapping of what makes room).
// Limits: the total; sizes count in whole pages. Errors: kOutOfRange for nothing or more than the total,
// kTimedOut, kRefused when it was closed or the account refuses, kSystem. Ownership: buffers return by
// themselves and must be gone when it ends, and so must waiters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

struct PageBlock;

class ProducerMemory {
 public:
  struct Options {
    Account& account;
    PageSource& pages;
    Bytes total = 32_MiB;
    Bytes batch = 16_KiB;  // rounded up to pages

    Result<void> Validate() const;
  };
  struct Stats {
    Bytes total;
    Bytes available;  // not in use, on the free list or not held
    Bytes free_list;
    std::size_t waiting = 0;
    std::uint64_t created = 0;  // mapped
    std::uint64_t reused = 0;   // from the free list
    std::uint64_t waited = 0;   // had to wait, however it ended
    std::uint64_t timed_out = 0;
    std::uint64_t refused = 0;  // by the account or the system
    Duration wait_total{};
    Duration wait_longest{};
  };

  // So many bytes of the producer's, until it ends or release() is called.
  class [[nodiscard]] Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)),
          range_(std::exchange(other.range_, {})),
          size_(std::exchange(other.size_, {})),
          charge_(std::move(other.charge_)) {}
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { release(); }

    explicit operator bool() const { return memory_ != nullptr; }
    std::byte* data() const { return range_.begin; }
    Bytes size() const { return size_; }  // as asked for
    std::span<std::byte> span() const { return {range_.begin, size_.count()}; }
    void release() noexcept;

   private:
    friend class ProducerMemory;
    ProducerMemory* memory_ = nullptr;
    PageRange range_;
    Bytes size_;
    Charge charge_;
  };

  explicit ProducerMemory(const Options& options);
  ~ProducerMemory();
  ProducerMemory(const ProducerMemory&) = delete;
  ProducerMemory& operator=(const ProducerMemory&) = delete;

  // Waits until `deadline` (of the system's clock) at most; a deadline that has passed asks without waiting.
  Result<Buffer> allocate(Bytes size, MonotonicTime deadline);
  // Waiters and all later calls get an error. Buffers in use stay valid.
  void close();
  // Gives so much of the free list back to the system, if there is; returns how much it was.
  Bytes trim(Bytes wanted);

  Bytes total() const { return total_; }
  Bytes batch() const { return batch_; }
  Bytes available() const;
  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  struct Waiter;

  Bytes room_for(Bytes size) const;
  // The room is in use from now on. Empty: nothing was on the free list, and it has to be mapped.
  PageBlock take(Bytes room) PLIMSOLL_REQUIRES(mutex_);
  Result<PageBlock> wait(Bytes room, MonotonicTime deadline) PLIMSOLL_REQUIRES(mutex_);
  void unlink(Waiter& waiter) PLIMSOLL_REQUIRES(mutex_);
  void serve() PLIMSOLL_REQUIRES(mutex_);
  Bytes trim_locked(Bytes wanted) PLIMSOLL_REQUIRES(mutex_);
  Result<PageBlock> map(Bytes room);
  void give_back(PageBlock block) noexcept;
  void give_room(Bytes room, bool was_refused) noexcept;

  Account& account_;
  PageSource& pages_;
  const Bytes total_;
  const Bytes batch_;
  Charge overhead_;  // of the free list itself

  mutable Mutex mutex_;
  std::vector<PageBlock> free_ PLIMSOLL_GUARDED_BY(mutex_);  // never grows beyond its first capacity
  Bytes in_use_ PLIMSOLL_GUARDED_BY(mutex_);                 // granted, mapped or about to be
  Waiter* first_ PLIMSOLL_GUARDED_BY(mutex_) = nullptr;
  Waiter* last_ PLIMSOLL_GUARDED_BY(mutex_) = nullptr;
  bool closed_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  Stats counts_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
