// MonitoredAllocator: any allocator, watched: allocations, frees, bytes now and at most, sizes, latency.
//
// Counting must not cost what it measures: each thread counts in a shard of its own, which it alone writes,
// with plain loads and stores; readers add the shards up. One allocation in so many, chosen at random, is
// timed. A shard tells the others of its bytes in steps, and remembers its own highest, so that the peak is
// exact for one thread and within a step for each of several.
//
//   MonitoredAllocator watched(slabs, {.name = "rows"});
//   void* row = watched.allocate(200);
//   watched.deallocate(row, 200);
//   watched.stats().peak;
//
// AllocationMonitor is the counting alone, for allocators that count for themselves (memory_pool.h).
//
// Invariant: a shard is one living thread's; what threads that ended counted is kept; once no thread
// allocates, the counts are exact.
//
// Thread-safety: as the allocator's; the destructor, reset() and forget() alone. Cost: less than 2 ns a pair
// (monitored_bench.cc); 1.3 KiB a thread; stats() a lock and 1 us a thread. Limits: 16 monitors at a time
// have shards, further ones count by locked instructions. Errors: the allocator's. Ownership: refers to the
// allocator, the name, the clock and the account.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "plimsoll/alloc/sized_allocator.h"
#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/histogram.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/charge.h"

namespace plimsoll {

class Account;
class AllocationMonitor;

namespace detail {

constexpr std::size_t kMonitorSlots = 16;
constexpr std::size_t kMonitorSizes = 65;

// What one thread counted. Written by it alone; counters that are atomic are read by all.
struct alignas(64) MonitorShard {
  std::atomic<std::int64_t> bytes{0};    // less what was freed of other threads': may be negative
  std::atomic<std::int64_t> highest{0};  // of bytes, since they were published
  // Below this they are published. That of the shard that stands for none: always.
  std::int64_t publish_below = std::numeric_limits<std::int64_t>::max();
  std::int64_t publish_above = 0;
  std::atomic<std::uint64_t> frees{0};
  std::atomic<std::int64_t> published{0};  // as much of bytes as the monitor knows of
  std::array<std::atomic<std::uint64_t>, kMonitorSizes> allocations{};
  // The allocation of the size that is timed next. That of the shard that stands for none: the first.
  std::array<std::uint64_t, kMonitorSizes> next_timed{};
  std::uint64_t random = 0;
  Charge charge;
  MonitorShard** home = nullptr;  // where its thread looks for it
  MonitorShard* next = nullptr;   // of the same monitor
  MonitorShard* previous = nullptr;
};
extern MonitorShard no_monitor_shard;  // never written: whoever looks at it takes the slow way

// By 16 bytes: the power of two that a size goes up to. A table, as counting bits takes 1 ns on some, and the
// slabs have computed its index anyway.
constexpr std::size_t kMonitorTable = std::size_t{32} * 1024;
constexpr std::array<std::uint8_t, kMonitorTable / 16 + 1> make_monitor_bits() {
  std::array<std::uint8_t, kMonitorTable / 16 + 1> bits{};
  for (std::size_t i = 0; i < bits.size(); ++i)
    bits[i] = static_cast<std::uint8_t>(std::bit_width((i == 0 ? 16 : i * 16) - 1));
  return bits;
}
inline constexpr auto kMonitorBits = make_monitor_bits();

// By the monitor's slot; the last is for those that got none, and stays as it is.
extern constinit thread_local std::array<MonitorShard*, kMonitorSlots + 1> monitor_shards;

// A counter with one writer: no locked instruction. Relaxed: nothing is published through it.
template <typename T, typename U>
void add_alone(std::atomic<T>& counter, U more) {
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace detail

class AllocationMonitor {
 public:
  using Shard = detail::MonitorShard;
  static constexpr std::size_t kSizes = detail::kMonitorSizes;

  struct Options {
    std::string_view name = "monitored";
    std::uint32_t timed_one_in = 1024;  // on average, of each size; 0: none
    Bytes step = 512_KiB;               // of bytes that a thread keeps to itself
    const Clock* clock = nullptr;       // the system's when null
    Account* account = nullptr;         // of its shards; null: not charged
  };
  struct Stats {
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    std::uint64_t refused = 0;
    Bytes bytes;  // asked for and not freed
    Bytes peak;   // of bytes; exact for one thread, within a step for each of several
    // [k]: allocations of at most 2^k bytes and more than half of that; 16 bytes and less are in [4].
    std::array<std::uint64_t, kSizes> by_size{};
  };

  explicit AllocationMonitor(const Options& options);
  ~AllocationMonitor();
  AllocationMonitor(const AllocationMonitor&) = delete;
  AllocationMonitor& operator=(const AllocationMonitor&) = delete;

  // An allocation is counted by begin() before it and end() after it; where begin() says `slow`, by
  // begin_slow() and end_slow(), out of line. See MonitoredAllocator::allocate.
  struct Turn {
    Shard& shard;
    std::size_t bits;
    std::uint64_t before;
    bool slow;
  };
  [[gnu::always_inline]] Turn begin(std::size_t size) const noexcept {
    Shard& shard = *detail::monitor_shards[slot_];
    const std::size_t bits = bits_of(size);
    const std::uint64_t before = shard.allocations[bits].load(std::memory_order_relaxed);
    return {shard, bits, before, before == shard.next_timed[bits]};
  }
  // `object`: what was got, null included; returned. REQUIRES: not slow.
  [[gnu::always_inline]] void* end(const Turn& turn, void* object, std::size_t size) noexcept {
    Shard& shard = turn.shard;
    if (object == nullptr) [[unlikely]]
      return refuse();
    shard.allocations[turn.bits].store(turn.before + 1, std::memory_order_relaxed);
    const std::int64_t bytes = shard.bytes.load(std::memory_order_relaxed) + static_cast<std::int64_t>(size);
    shard.bytes.store(bytes, std::memory_order_relaxed);
    if (bytes > shard.highest.load(std::memory_order_relaxed)) {
      shard.highest.store(bytes, std::memory_order_relaxed);
      if (bytes > shard.publish_above) [[unlikely]]
        return publish(shard, object);
    }
    return object;
  }
  // Of a thread that has no shard, at first or at all (then it stays null), or of what is to be timed.
  struct SlowTurn {
    Shard* shard;
    MonotonicTime begin;
  };
  SlowTurn begin_slow(std::size_t size) noexcept;
  void* end_slow(const SlowTurn& turn, void* object, std::size_t size) noexcept;
  // Of `size` bytes.
  [[gnu::always_inline]] void freed(std::size_t size) noexcept {
    Shard& shard = *detail::monitor_shards[slot_];
    const std::int64_t bytes = shard.bytes.load(std::memory_order_relaxed) - static_cast<std::int64_t>(size);
    if (bytes < shard.publish_below) [[unlikely]]
      return freed_slow(size);
    shard.bytes.store(bytes, std::memory_order_relaxed);
    detail::add_alone(shard.frees, 1);
  }
  // All that was allocated was freed at once. REQUIRES: no other thread uses it meanwhile.
  void forget();

  std::string_view name() const { return name_; }
  const Histogram& latency_ns() const { return latency_ns_; }  // of allocations that were timed
  Stats stats() const;
  void Describe(StatSink& sink) const;
  // REQUIRES: no other thread uses it meanwhile.
  void CheckInvariants() const;

 private:
  friend struct MonitorThreadExit;
  static std::size_t bits_of(std::size_t size) {
    if (size <= detail::kMonitorTable) return detail::kMonitorBits[(size + 15) / 16];
    return static_cast<std::size_t>(std::bit_width(size - 1));
  }
  void* refuse() noexcept;
  void freed_slow(std::size_t size) noexcept;
  Shard* shard_of_thread() noexcept;
  Shard* open_shard() noexcept;
  void draw_next(Shard& shard, std::size_t bits) noexcept;
  void* publish(Shard& shard,
                void* object = nullptr) noexcept;  // returns the object, for the fast path's end
  void raise_peak(std::int64_t bytes) noexcept;
  // Its counts are kept, and its thread has none. REQUIRES: the lock for slots.
  void close(Shard& shard) noexcept;

  const std::string_view name_;
  const std::uint32_t timed_one_in_;
  const std::int64_t step_;
  const SystemClock system_clock_;
  const Clock& clock_;
  Account* const account_;
  std::size_t slot_ = detail::kMonitorSlots;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::int64_t> total_{0};  // bytes, as far as they are published
  std::atomic<std::int64_t> peak_{0};   // of total_
  Histogram latency_ns_;
  Shard* shards_ = nullptr;  // of all threads, under the lock for slots
  Shard rest_;  // of threads that ended, under that lock, and of those without a shard, who add with locks
};

template <SizedAllocator A>
class MonitoredAllocator {
 public:
  using Options = AllocationMonitor::Options;
  using Stats = AllocationMonitor::Stats;

  explicit MonitoredAllocator(A& allocator, const Options& options = {})
      : allocator_(allocator), monitor_(options) {}

  // Null when refused. REQUIRES: alignment is a power of two.
  [[gnu::always_inline]] void* allocate(std::size_t size,
                                        std::size_t alignment = kOrdinaryAlignment) noexcept {
    const AllocationMonitor::Turn turn = monitor_.begin(size);
    if (turn.slow) [[unlikely]]
      return allocate_slow(size, alignment);
    return monitor_.end(turn, take_from(allocator_, size, alignment), size);
  }
  // REQUIRES: of this allocator and in use, with the size and alignment it was allocated with; or null.
  [[gnu::always_inline]] void deallocate(void* object, std::size_t size,
                                         std::size_t alignment = kOrdinaryAlignment) noexcept {
    if (object == nullptr) return;
    monitor_.freed(size);
    give_back_to(allocator_, object, size, alignment);
  }
  bool owns(const void* object) const noexcept
    requires KnowsItsOwn<A>
  {
    return allocator_.owns(object);
  }
  // Of an arena: frees all at once. REQUIRES: no other thread uses it meanwhile.
  void reset() noexcept
    requires requires(A& arena) { arena.reset(); }
  {
    allocator_.reset();
    monitor_.forget();
  }

  A& allocator() { return allocator_; }
  const AllocationMonitor& monitor() const { return monitor_; }
  const Histogram& latency_ns() const { return monitor_.latency_ns(); }
  Stats stats() const { return monitor_.stats(); }
  void Describe(StatSink& sink) const { monitor_.Describe(sink); }
  void CheckInvariants() const { monitor_.CheckInvariants(); }

 private:
  [[gnu::noinline]] void* allocate_slow(std::size_t size, std::size_t alignment) noexcept {
    const AllocationMonitor::SlowTurn turn = monitor_.begin_slow(size);
    return monitor_.end_slow(turn, take_from(allocator_, size, alignment), size);
  }

  A& allocator_;
  AllocationMonitor monitor_;
};

}  // namespace plimsoll
