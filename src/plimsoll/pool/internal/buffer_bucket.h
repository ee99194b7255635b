// BufferBucket: the buffers of one size of a BufferPool: where they come from, and the shelf of idle ones.
//
// Invariant: with mapped buffers, the bucket's charges are of all that exist: idle on the pile with the idle
// account, the rest with the account. Existing == in use + idle.
//
// Thread-safety: all methods from any thread. Ownership: of all buffers of this size.
#pragma once

#include <atomic>
#include <cstdint>

#include "plimsoll/base/poison.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/pool/internal/out_set.h"
#include "plimsoll/pool/internal/shelf.h"

namespace plimsoll {

class BufferBucket final : private ShelfKeeper {
 public:
  BufferBucket(const BufferPool::Options& options, unsigned bucket);
  ~BufferBucket();

  // From what is idle, or made; null when it is refused.
  std::byte* acquire(Bytes asked) noexcept {
    void* block = shelf_.try_take();
    if (block == nullptr) [[unlikely]]
      block = acquire_slow();
    return block == nullptr ? nullptr : hand_out(block, asked);
  }
  std::byte* hand_out(void* block, Bytes asked) noexcept {
    out_.leaves(block);
    unpoison(block, asked.count());
    return static_cast<std::byte*>(block);
  }
  void give_back(std::byte* block) noexcept {
    out_.returns(block);
    poison(block, size_.count());
    if (!shelf_.try_put(block)) [[unlikely]]
      give_back_slow(block);
  }
  // One that threads keep, or that can be made now; null when it is still refused. Not handed out yet.
  void* acquire_after_refusal() noexcept;

  void tick();
  // Down to nothing idle, or until so much was given back; returns how much was.
  Bytes reclaim(Bytes wanted) noexcept;

  BufferPool::BucketStats stats() const;
  Bytes idle() const;  // on the idle account
  void CheckInvariants() const;

 private:
  bool mapped() const { return size_ > 16_KiB; }
  void* acquire_slow() noexcept;
  void give_back_slow(void* block) noexcept;
  void* make() noexcept;
  void give_to_source(void* block) noexcept;
  std::size_t end_excess(std::size_t keep, Bytes wanted) noexcept;
  void note_demand() noexcept PLIMSOLL_REQUIRES(shelf_.mutex);

  bool leaving(std::size_t blocks) noexcept override PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS;
  void arriving(std::size_t blocks) noexcept override PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS;

  SlabAllocator& slabs_;
  PageSource& pages_;
  Account& account_;
  Account& idle_;
  const Bytes size_;
  OutSet out_;
  DemandTracker demand_;
  Shelf shelf_;
  Charge in_use_charge_ PLIMSOLL_GUARDED_BY(shelf_.mutex);
  Charge idle_charge_ PLIMSOLL_GUARDED_BY(shelf_.mutex);
  std::uint64_t existing_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;
  std::uint64_t created_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;
  std::uint64_t turned_away_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;  // returned, and not kept
  std::uint64_t trimmed_ PLIMSOLL_GUARDED_BY(shelf_.mutex) = 0;      // idle, and not kept longer
};

}  // namespace plimsoll
