// RequestBuffers: a buffer for each request that is read, with a bound on all that are in flight.
//
// Requests of a broker come in three kinds: metadata (up to 4 KiB), produce and fetch (up to 64 KiB), and few
// large ones, which get at least 1 MiB, rounded up to a power of two so that they can be used again. The
// small ones are a BufferPool's; of the large ones at most Options::large_idle are kept.
//
//   RequestBuffers requests({.buffers = buffers, .pages = pages, .account = account, .idle = idle});
//   RequestBuffers::Buffer buffer = requests.acquire(size);
//   if (!buffer) return answer_later();
//
// Invariant: a buffer is never smaller than what was asked for; in_flight() <= Options::in_flight.
//
// Thread-safety: all methods from any thread; the destructor alone. Cost: a BufferPool's and two atomic
// additions; large ones a lock, and a mapping when none of that size is idle. Limits: 1 GiB for one.
// Errors: an empty Buffer when the bound, the account or the system refuses, and for nothing. Ownership:
// buffers return by themselves and must be gone when it ends.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/budget/reclaimer.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/buffer_pool.h"

namespace plimsoll {

struct PageBlock;

class RequestBuffers final : public Reclaimer {
 public:
  static constexpr Bytes kSmall = 4_KiB;
  static constexpr Bytes kMedium = 64_KiB;
  static constexpr Bytes kLarge = 1_MiB;  // the smallest of the large ones
  static constexpr Bytes kMost = 1_GiB;

  struct Options {
    BufferPool& buffers;  // of the small and medium ones
    PageSource& pages;    // of the large ones
    Account& account;
    Account& idle;  // of large ones that nobody uses; droppable
    Bytes in_flight = 64_MiB;
    std::size_t large_idle = 64;

    Result<void> Validate() const;
  };
  struct Stats {
    Bytes in_flight;
    Bytes most_in_flight;
    std::uint64_t small = 0, medium = 0, large = 0;  // handed out
    std::uint64_t large_created = 0;
    std::uint64_t large_reused = 0;
    std::size_t large_idle = 0;
    Bytes large_idle_bytes;
    std::uint64_t over_bound = 0;  // refused by the bound
    std::uint64_t refused = 0;     // by the account or the system
  };

  class [[nodiscard]] Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          data_(other.data_),
          size_(other.size_),
          charge_(std::move(other.charge_)) {}
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { release(); }

    explicit operator bool() const { return owner_ != nullptr; }
    std::byte* data() const { return data_; }
    Bytes size() const { return size_; }                    // as asked for; only that much may be touched
    Bytes capacity() const { return capacity_for(size_); }  // what counts as in flight
    std::span<std::byte> span() const { return {data_, size_.count()}; }
    void release() noexcept;

   private:
    friend class RequestBuffers;
    RequestBuffers* owner_ = nullptr;
    std::byte* data_ = nullptr;
    Bytes size_;
    Charge charge_;  // of a large one
  };

  explicit RequestBuffers(const Options& options);
  ~RequestBuffers() override;
  RequestBuffers(const RequestBuffers&) = delete;
  RequestBuffers& operator=(const RequestBuffers&) = delete;

  Buffer acquire(Bytes size) noexcept;

  // What a request of that size gets. REQUIRES: size <= kMost.
  static constexpr Bytes capacity_for(Bytes size) {
    if (size <= kMedium) return size <= kSmall ? kSmall : kMedium;
    return size <= kLarge ? kLarge : Bytes(std::bit_ceil(size.count()));
  }
  Bytes in_flight() const { return Bytes::clamped(in_flight_.load(std::memory_order_relaxed)); }

  std::string_view name() const override { return "request_buffers"; }
  ReclaimOffer offer() const override;
  Bytes reclaim(Bytes wanted) override;  // idle large ones

  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  bool count_in(Bytes capacity) noexcept;
  void count_out(Bytes capacity) noexcept;
  std::byte* acquire_large(Bytes size, Charge& charge) noexcept;
  void give_back(Buffer& buffer) noexcept;
  void keep_or_unmap(PageBlock block) noexcept;

  BufferPool& buffers_;
  PageSource& pages_;
  Account& account_;
  Account& idle_account_;
  const Bytes bound_;
  const std::size_t large_idle_;
  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<std::int64_t> most_in_flight_{0};
  std::atomic<std::uint64_t> small_{0}, medium_{0}, over_bound_{0}, refused_{0};

  mutable Mutex mutex_;
  std::vector<PageBlock> idle_ PLIMSOLL_GUARDED_BY(mutex_);  // the coldest first; never more than large_idle_
  std::uint64_t large_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t large_created_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
