#include "plimsoll/alloc/memory_pool.h"

#include <algorithm>
#include <string>

#include "plimsoll/alloc/internal/page_blocks.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

struct MemoryPool::Own {
  // Twice the capacity and some, as a line is its limit less a reserve.
  explicit Own(Bytes capacity) : line({.limit = capacity.plus_clamped(capacity).plus_clamped(16_MiB)}) {}
  SystemPages pages;
  LoadLine line;
};

namespace {

constexpr std::size_t kLargestAlignment = 4096;  // of slabs; above, pages

bool is_small(std::size_t size, std::size_t alignment) {
  return size <= SlabAllocator::kLargest && alignment <= kLargestAlignment;
}

Account& open_part(LoadLine& line, std::string_view name, const char* part, AccountKind kind,
                   Account& whole) {
  return line.open({.name = std::string(name) + part, .kind = kind}, &whole);
}

}  // namespace

MemoryBlock::~MemoryBlock() {
  if (pool_ != nullptr) pool_->deallocate(memory_, size_, alignment_);
}

MemoryPool::MemoryPool(const Options& options)
    : capacity_(options.capacity),
      account_(options.line.open({.name = std::string(options.name), .maximum = options.capacity})),
      idle_(open_part(options.line, options.name, "_idle", AccountKind::kDroppable, account_)),
      slabs_({.account = open_part(options.line, options.name, "_slabs", AccountKind::kPinned, account_),
              .idle = idle_,
              .pages = options.pages,
              .line = std::min(options.capacity, options.line.line()),  // it never holds more than either
              .name = account_.name()}),
      large_(new PageBlocks(options.pages,
                            open_part(options.line, options.name, "_large", AccountKind::kPinned, account_))),
      monitor_({.name = account_.name(), .timed_one_in = options.timed_one_in, .account = &account_}) {}

MemoryPool::MemoryPool(Bytes capacity) : MemoryPool(std::make_unique<Own>(capacity), capacity) {}

MemoryPool::MemoryPool(std::unique_ptr<Own> own, Bytes capacity)
    : MemoryPool(Options{.line = own->line, .pages = own->pages, .capacity = capacity}) {
  own_ = std::move(own);
}

MemoryPool::~MemoryPool() = default;

void* MemoryPool::take_once(std::size_t size, std::size_t alignment) noexcept {
  if (is_small(size, alignment)) return take_from(slabs_, size, alignment);
  return large_->allocate(size, alignment);
}

void* MemoryPool::take(std::size_t size, std::size_t alignment) noexcept {
  void* memory = take_once(size, alignment);
  if (memory != nullptr || size > capacity_.count()) [[likely]]
    return memory;
  // What is free for other sizes makes room: the pool's own memory, and as much as is asked for.
  const Bytes wanted = std::max(Bytes(size), 64_KiB).rounded_up(64_KiB);
  return slabs_.reclaim(wanted).zero() ? nullptr : take_once(size, alignment);
}

void* MemoryPool::allocate(std::size_t size, std::size_t alignment) noexcept {
  const AllocationMonitor::Turn turn = monitor_.begin(size);
  if (turn.slow) [[unlikely]] {
    const AllocationMonitor::SlowTurn slow = monitor_.begin_slow(size);
    return monitor_.end_slow(slow, take(size, alignment), size);
  }
  return monitor_.end(turn, take(size, alignment), size);
}

void MemoryPool::deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
  if (memory == nullptr) return;
  monitor_.freed(size);
  if (is_small(size, alignment)) return give_back_to(slabs_, memory, size, alignment);
  large_->deallocate(memory, size);
}

Result<MemoryBlock> MemoryPool::block(Bytes size, std::size_t alignment) {
  if (size > capacity_) return fail(ErrorCode::kOutOfRange, "the block is larger than its pool");
  void* memory = allocate(size.count(), alignment);
  if (memory == nullptr)
    return fail(ErrorCode::kRefused, "the pool is exhausted: free blocks, or ask for less");
  return MemoryBlock(*this, memory, size.count(), alignment);
}

Bytes MemoryPool::held() const { return account_.used(); }

MemoryPool::Stats MemoryPool::stats() const {
  const AllocationMonitor::Stats counts = monitor_.stats();
  const SlabAllocator::Stats slabs = slabs_.stats();
  const Bytes held = account_.used();
  return {.capacity = capacity_,
          .used = counts.bytes,
          .peak = counts.peak,
          .held = held,
          .free = std::min(held, slabs.idle + slabs.waiting),
          .allocations = counts.allocations,
          .frees = counts.frees,
          .refused = counts.refused,
          .misses = std::min(counts.allocations, slabs.from_slabs + large_->mapped()),
          .mean_allocation_ns = monitor_.latency_ns().mean()};
}

void MemoryPool::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  const StatLabel pool{"pool", account_.name()};
  sink.gauge("pool_capacity_bytes", "The most it may hold", s.capacity.as_double(), {pool});
  sink.gauge("pool_held_bytes", "Held, blocks and all around them", s.held.as_double(), {pool});
  sink.gauge("pool_used_bytes", "Asked for and not freed", s.used.as_double(), {pool});
  sink.gauge("pool_peak_bytes", "The most that was asked for and not freed", s.peak.as_double(), {pool});
  sink.gauge("pool_efficiency_ratio", "Used of held", s.efficiency(), {pool});
  sink.gauge("pool_fragmentation_ratio", "Lost to rounding and between objects, of what is held and not free",
             s.fragmentation(), {pool});
  sink.gauge("pool_hit_ratio", "Blocks that were there when they were asked for", s.hit_rate(), {pool});
  sink.counter("pool_allocations_total", "Blocks given", number(s.allocations), {pool});
  sink.counter("pool_frees_total", "Blocks returned", number(s.frees), {pool});
  sink.counter("pool_refused_total", "Blocks refused", number(s.refused), {pool});
  sink.histogram("pool_allocation_seconds", "Of allocations that were timed", monitor_.latency_ns(), 1e-9,
                 {pool});
}

void MemoryPool::CheckInvariants() const {
  slabs_.CheckInvariants();
  monitor_.CheckInvariants();
  const Bytes held = account_.used();
  PLIMSOLL_CHECK(held <= capacity_, "%llu bytes of %llu", static_cast<unsigned long long>(held.count()),
                 static_cast<unsigned long long>(capacity_.count()));
  PLIMSOLL_CHECK(monitor_.stats().bytes <= held, "%llu bytes of blocks in %llu",
                 static_cast<unsigned long long>(monitor_.stats().bytes.count()),
                 static_cast<unsigned long long>(held.count()));
}

}  // namespace plimsoll
