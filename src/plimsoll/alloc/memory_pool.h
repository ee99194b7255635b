// MemoryPool: so many bytes for blocks of mixed sizes, and not one more.
//
// For a part of a program that must not grow into the others: up to 32 KiB a block comes from slabs of the
// pool's own, beyond from pages of its own, and all that the pool holds (blocks, what is lost around them,
// magazines, free slabs) is charged to an account whose maximum is the pool's capacity. When it is full of
// free memory of other sizes, that goes back to the system before a block is refused.
//
//   MemoryPool pool(64_MiB);                             // by itself, or in a program's line: Options
//   Result<MemoryBlock> block = pool.block(200_KiB);
//   if (!block) return block.error();                    // exhausted, and for which reason
//   read_into(block->bytes());                           // returns by itself
//
// Invariant: what is held is at most the capacity (held() may show more for as long as another thread's
// attempt is being refused); the bytes of living blocks are at most what is held.
//
// Thread-safety: all methods from any thread; blocks may be moved to and end on any; the destructor alone.
// Cost: about 5 ns a pair up to 32 KiB, two system calls and 60 us a touched MiB beyond; a refusal looks
// through all slabs, some microseconds. Limits: an object in a thread's magazine keeps its slab: in a pool of
// few MiB, many sizes or threads are refused before all of it is used (4 MiB kept by a thread that freed all
// sizes in any order); 16 slab allocators and 16 monitors at a time are fast (slab.h, monitored.h). Errors:
// kOutOfRange for what never fits, kRefused while it is exhausted; allocate() is null then. Ownership: blocks
// end before the pool, which aborts otherwise; refers to line and pages of its options, or owns both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "plimsoll/alloc/monitored.h"
#include "plimsoll/alloc/sized_allocator.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"

namespace plimsoll {

class Account;
class LoadLine;
class MemoryPool;
class PageBlocks;
class PageSource;

// The right to a block of a pool, which returns when this ends. Empty: none.
class [[nodiscard]] MemoryBlock {
 public:
  MemoryBlock() = default;
  MemoryBlock(MemoryBlock&& other) noexcept { swap(other); }
  MemoryBlock& operator=(MemoryBlock&& other) noexcept {
    MemoryBlock ends(std::move(other));
    swap(ends);
    return *this;
  }
  ~MemoryBlock();

  explicit operator bool() const { return pool_ != nullptr; }
  // As many as were asked for. Not cleared.
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(memory_), size_}; }

 private:
  friend class MemoryPool;
  MemoryBlock(MemoryPool& pool, void* memory, std::size_t size, std::size_t alignment)
      : pool_(&pool), memory_(memory), size_(size), alignment_(alignment) {}
  void swap(MemoryBlock& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    std::swap(alignment_, other.alignment_);
  }

  MemoryPool* pool_ = nullptr;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
  std::size_t alignment_ = 0;
};

class MemoryPool {
 public:
  struct Options {
    LoadLine& line;
    PageSource& pages;
    Bytes capacity;
    std::string_view name = "pool";  // of its account; new to the line, as an account is never closed
    std::uint32_t timed_one_in = 1024;
  };
  struct Stats {
    Bytes capacity;
    Bytes used;  // asked for and not freed
    Bytes peak;  // of used; see monitored.h
    Bytes held;  // charged
    Bytes free;  // of held: slabs and pages that the next block can have at once
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    std::uint64_t refused = 0;
    std::uint64_t misses = 0;       // allocations that needed fresh objects of slabs, or pages
    double mean_allocation_ns = 0;  // of those that were timed
    double efficiency() const { return ratio(used, held); }
    // Of what is held and not free as a whole: lost to rounding, and between objects.
    double fragmentation() const { return ratio((held - free).minus_clamped(used), held - free); }
    double hit_rate() const {
      return allocations == 0 ? 0 : 1 - static_cast<double>(misses) / static_cast<double>(allocations);
    }
  };

  explicit MemoryPool(const Options& options);
  // With a line and pages of its own.
  explicit MemoryPool(Bytes capacity);
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // REQUIRES: alignment is a power of two.
  Result<MemoryBlock> block(Bytes size, std::size_t alignment = kOrdinaryAlignment);
  // Without a block around it. Null when refused.
  void* allocate(std::size_t size, std::size_t alignment = kOrdinaryAlignment) noexcept;
  // REQUIRES: of this pool and in use, with the size and alignment it was allocated with; or null.
  void deallocate(void* memory, std::size_t size, std::size_t alignment = kOrdinaryAlignment) noexcept;

  Bytes capacity() const { return capacity_; }
  Bytes held() const;
  const Histogram& latency_ns() const { return monitor_.latency_ns(); }
  Stats stats() const;
  void Describe(StatSink& sink) const;
  // REQUIRES: no other thread uses it meanwhile.
  void CheckInvariants() const;

  // Objects that nobody asked for since the last call go back to their slabs. Call some times a second.
  void tick() { slabs_.tick(); }
  // Free memory back to the system; says how much.
  Bytes reclaim(Bytes wanted) { return slabs_.reclaim(wanted); }

 private:
  struct Own;
  explicit MemoryPool(std::unique_ptr<Own> own, Bytes capacity);
  void* take(std::size_t size, std::size_t alignment) noexcept;
  void* take_once(std::size_t size, std::size_t alignment) noexcept;

  std::unique_ptr<Own> own_;  // null in another's line
  const Bytes capacity_;
  Account& account_;  // of all; its maximum is the capacity
  Account& idle_;     // of that: free slabs
  SlabAllocator slabs_;
  std::unique_ptr<PageBlocks> large_;
  AllocationMonitor monitor_;
};

}  // namespace plimsoll
