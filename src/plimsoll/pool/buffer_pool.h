// BufferPool: buffers of 1, 4, 16, 64, 256 KiB and 1 MiB, kept for the next who needs one.
//
// A request gets the smallest size that holds it. Idle buffers are with the thread that gave them back, a few
// of each size, and beyond that on a pile; how many may be idle follows the demand that was seen (demand.h).
// The three small sizes are cut from slabs, the larger ones are mapped; what is larger still is mapped for
// each request and not kept.
//
//   BufferPool buffers({.slabs = slabs, .pages = pages, .account = account, .idle = idle});
//   BufferPool::Buffer buffer = buffers.acquire(20_KiB);   // of 64 KiB
//   if (!buffer) return refuse();
//
// Invariant: a buffer is never smaller than what was asked for; at most Options::maximum_idle of each size is
// idle. Idle mapped buffers on the pile are charged to the idle account, all others to the account. Idle
// memory is poisoned for the address sanitizer.
//
// Thread-safety: all methods from any thread; the destructor alone. Cost: acquire and release about 6 ns from
// the thread's own, a lock beyond that; a thread keeps at most 32, 16, 8, 4, 2 and 1 of the sizes, and
// reclaim(), tick() and whoever is refused take them. Limits: 1 TiB for one; six of the 64 slots for what
// threads keep (alloc/thread_fronts.h). Errors: an empty Buffer when the account or the system refuses even
// after the pool's own idle memory was given back, and for nothing. Ownership: buffers return by themselves,
// must be gone when it ends, and a buffer disowned must be given back.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/budget/reclaimer.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/demand.h"

namespace plimsoll {

class BufferBucket;
class SlabAllocator;

class BufferPool final : public Reclaimer {
 public:
  static constexpr unsigned kBuckets = 6;
  static constexpr Bytes kLargest = 1_MiB;
  static constexpr Bytes size_of(unsigned bucket) { return Bytes(std::uint64_t{1024} << (2 * bucket)); }
  // REQUIRES: size <= kLargest.
  static constexpr unsigned bucket_of(Bytes size) {
    return size <= 1_KiB ? 0 : (static_cast<unsigned>(std::bit_width((size.count() - 1) >> 10)) + 1) / 2;
  }

  struct Options {
    SlabAllocator& slabs;             // of 1, 4 and 16 KiB
    PageSource& pages;                // of the larger ones
    Account& account;                 // of mapped buffers, and of what the pool needs itself
    Account& idle;                    // of mapped buffers that nobody uses; droppable
    Bytes minimum_idle{};             // of each size, kept except from reclaim()
    Bytes maximum_idle = 16_MiB;      // of each size
    DemandTracker::Options demand{};  // its minimum and maximum follow from these two
    std::string_view name = "buffers";

    Result<void> Validate() const;
  };
  struct BucketStats {
    Bytes size;
    std::uint64_t created = 0;
    std::uint64_t reused = 0;
    std::uint64_t returned = 0;
    std::uint64_t discarded = 0;  // given back to where they came from
    std::uint64_t existing = 0;
    std::uint64_t limit = 0;  // that may be idle now

    double reuse_rate() const {
      const std::uint64_t all = created + reused;
      return all == 0 ? 0 : static_cast<double>(reused) / static_cast<double>(all);
    }
  };
  struct Stats {
    std::array<BucketStats, kBuckets> buckets;
    Bytes idle;   // on the idle account
    Bytes large;  // larger than the largest size, in use
    std::uint64_t large_created = 0;
    std::uint64_t refused = 0;
  };

  class [[nodiscard]] Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), data_(other.data_), size_(other.size_) {}
    Buffer& operator=(Buffer&& other) noexcept {
      if (this != &other) {
        release();
        pool_ = std::exchange(other.pool_, nullptr);
        data_ = other.data_;
        size_ = other.size_;
      }
      return *this;
    }
    ~Buffer() { release(); }

    explicit operator bool() const { return pool_ != nullptr; }
    std::byte* data() const { return data_; }
    Bytes size() const { return size_; }  // as asked for; only that much may be touched
    std::span<std::byte> span() const { return {data_, size_.count()}; }
    void release() noexcept {
      if (pool_ != nullptr) std::exchange(pool_, nullptr)->give_back(data_, size_);
    }
    // The caller's from now on, for BufferPool::give_back() later.
    std::byte* disown() {
      pool_ = nullptr;
      return data_;
    }

   private:
    friend class BufferPool;
    BufferPool* pool_ = nullptr;
    std::byte* data_ = nullptr;
    Bytes size_;
  };

  explicit BufferPool(const Options& options);
  ~BufferPool() override;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  Buffer acquire(Bytes size) noexcept;
  // REQUIRES: what a buffer disowned, of that size of this pool.
  void give_back(std::byte* data, Bytes size) noexcept;
  // What a request of that size gets.
  Bytes capacity_for(Bytes size) const {
    return size <= kLargest ? size_of(bucket_of(size)) : size.rounded_up(pages_.page_size());
  }

  // Idle limits follow the demand since the last tick; call some times a second.
  void tick() override;

  std::string_view name() const override { return name_; }
  ReclaimOffer offer() const override;
  // All that is idle, the largest first. What comes from slabs goes back to them, and does not count here.
  Bytes reclaim(Bytes wanted) override;

  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  Bytes idle() const;
  std::byte* acquire_again(BufferBucket& bucket, Bytes size) noexcept;
  std::byte* map_large(Bytes size) noexcept;
  void unmap_large(std::byte* data, Bytes size) noexcept;

  const std::string_view name_;
  PageSource& pages_;
  Account& account_;
  std::array<std::unique_ptr<BufferBucket>, kBuckets> buckets_;
  std::atomic<std::uint64_t> refused_{0};
  mutable Mutex mutex_;
  Charge large_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint64_t large_created_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
