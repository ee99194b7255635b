#include "plimsoll/alloc/monitored.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>

#include "plimsoll/base/check.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/account.h"

namespace plimsoll {

namespace detail {
namespace {
constexpr std::array<MonitorShard*, kMonitorSlots + 1> no_shards() {
  std::array<MonitorShard*, kMonitorSlots + 1> shards{};
  shards.fill(&no_monitor_shard);
  return shards;
}
}  // namespace

constinit MonitorShard no_monitor_shard;
constinit thread_local std::array<MonitorShard*, kMonitorSlots + 1> monitor_shards = no_shards();
}  // namespace detail

namespace {

// Every counter is a statistic: nothing is published through it. Who wants exact counts joins the threads.
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr MonotonicTime kNotTimed = MonotonicTime::min();
constexpr Bytes kShardBytes = Bytes(sizeof(detail::MonitorShard) + 16);  // and malloc's share

// Which monitor has which slot; and, while it is held, no thread or monitor ends.
struct Slots {
  Mutex mutex;
  std::array<AllocationMonitor*, detail::kMonitorSlots> taken PLIMSOLL_GUARDED_BY(mutex){};
};

// Never destroyed: threads may end after the statics have.
Slots& slots() {
  static Slots& all = *new Slots;
  return all;
}

constinit thread_local bool thread_has_ended = false;

std::uint64_t sum(const std::array<std::atomic<std::uint64_t>, detail::kMonitorSizes>& counters) {
  std::uint64_t total = 0;
  for (const auto& counter : counters) total += counter.load(kRelaxed);
  return total;
}

}  // namespace

// At a thread's end what it counted goes to the monitors.
struct MonitorThreadExit {
  bool armed = false;
  ~MonitorThreadExit() {
    thread_has_ended = true;
    MutexLock lock(slots().mutex);
    for (std::size_t slot = 0; slot < detail::kMonitorSlots; ++slot) {
      detail::MonitorShard* shard = detail::monitor_shards[slot];
      if (shard != &detail::no_monitor_shard) slots().taken[slot]->close(*shard);
    }
  }
};

namespace {
thread_local MonitorThreadExit thread_exit;
}

AllocationMonitor::AllocationMonitor(const Options& options)
    : name_(options.name),
      timed_one_in_(options.timed_one_in),
      step_(options.step.signed_count()),
      clock_(options.clock ? *options.clock : system_clock_),
      account_(options.account) {
  MutexLock lock(slots().mutex);
  auto& taken = slots().taken;
  const auto free = std::find(taken.begin(), taken.end(), nullptr);
  if (free != taken.end()) *free = this;
  slot_ = static_cast<std::size_t>(free - taken.begin());
}

AllocationMonitor::~AllocationMonitor() {
  if (slot_ == detail::kMonitorSlots) return;
  MutexLock lock(slots().mutex);
  while (shards_ != nullptr) close(*shards_);
  slots().taken[slot_] = nullptr;
}

AllocationMonitor::Shard* AllocationMonitor::open_shard() noexcept {
  Charge charge;
  if (account_ != nullptr) {
    charge = account_->charge(kShardBytes);
    if (!charge) return nullptr;
  }
  auto* shard = new (std::nothrow) Shard;
  if (shard == nullptr) return nullptr;
  shard->charge = std::move(charge);
  shard->random = reinterpret_cast<std::uintptr_t>(shard) ^ sum(rest_.allocations);
  for (std::size_t bits = 0; bits < kSizes; ++bits) draw_next(*shard, bits);
  shard->publish_above = step_;
  shard->publish_below = -step_;
  thread_exit.armed = true;  // used, so that it is made and ends with the thread
  MutexLock lock(slots().mutex);
  shard->home = &detail::monitor_shards[slot_];
  shard->next = shards_;
  if (shards_ != nullptr) shards_->previous = shard;
  shards_ = shard;
  *shard->home = shard;
  return shard;
}

AllocationMonitor::Shard* AllocationMonitor::shard_of_thread() noexcept {
  if (slot_ == detail::kMonitorSlots || thread_has_ended) return nullptr;
  Shard* shard = detail::monitor_shards[slot_];
  return shard != &detail::no_monitor_shard ? shard : open_shard();
}

// A shard's address is used again, so what is kept is added to with locks, as by those without a shard.
void AllocationMonitor::close(Shard& shard) noexcept {
  publish(shard);
  for (std::size_t bits = 0; bits < kSizes; ++bits)
    rest_.allocations[bits].fetch_add(shard.allocations[bits].load(kRelaxed), kRelaxed);
  rest_.frees.fetch_add(shard.frees.load(kRelaxed), kRelaxed);
  rest_.bytes.fetch_add(shard.bytes.load(kRelaxed), kRelaxed);
  *shard.home = &detail::no_monitor_shard;
  (shard.previous ? shard.previous->next : shards_) = shard.next;
  if (shard.next != nullptr) shard.next->previous = shard.previous;
  delete &shard;
}

void AllocationMonitor::draw_next(Shard& shard, std::size_t bits) noexcept {
  if (timed_one_in_ == 0) {
    shard.next_timed[bits] = std::numeric_limits<std::uint64_t>::max();
    return;
  }
  // At random: a program with a rhythm must not have always the same allocation of it timed.
  const std::uint64_t span = 2 * std::uint64_t{timed_one_in_} - 1;
  shard.next_timed[bits] = shard.allocations[bits].load(kRelaxed) + Random::split_mix(shard.random) % span;
}

void AllocationMonitor::raise_peak(std::int64_t bytes) noexcept {
  std::int64_t seen = peak_.load(kRelaxed);
  while (bytes > seen && !peak_.compare_exchange_weak(seen, bytes, kRelaxed)) {
  }
}

void* AllocationMonitor::publish(Shard& shard, void* object) noexcept {
  const std::int64_t bytes = shard.bytes.load(kRelaxed);
  const std::int64_t published = shard.published.load(kRelaxed);
  const std::int64_t others_and_ours = total_.fetch_add(bytes - published, kRelaxed);
  raise_peak(others_and_ours + shard.highest.load(kRelaxed) - published);
  shard.published.store(bytes, kRelaxed);
  shard.highest.store(bytes, kRelaxed);
  shard.publish_above = bytes + step_;
  shard.publish_below = bytes - step_;
  return object;
}

AllocationMonitor::SlowTurn AllocationMonitor::begin_slow(std::size_t size) noexcept {
  Shard* shard = shard_of_thread();
  const std::size_t bits = bits_of(size);
  const bool due = shard != nullptr && shard->allocations[bits].load(kRelaxed) == shard->next_timed[bits];
  return {shard, due ? clock_.monotonic_now() : kNotTimed};
}

void* AllocationMonitor::refuse() noexcept {
  refused_.fetch_add(1, kRelaxed);
  return nullptr;
}

void* AllocationMonitor::end_slow(const SlowTurn& turn, void* object, std::size_t size) noexcept {
  const auto [shard, begin] = turn;
  if (object == nullptr) return refuse();
  const std::size_t bits = bits_of(size);
  const auto bytes = static_cast<std::int64_t>(size);
  if (shard == nullptr) {
    rest_.allocations[bits].fetch_add(1, kRelaxed);
    rest_.bytes.fetch_add(bytes, kRelaxed);
    raise_peak(total_.fetch_add(bytes, kRelaxed) + bytes);
    return object;
  }
  detail::add_alone(shard->allocations[bits], 1);
  detail::add_alone(shard->bytes, bytes);
  const std::int64_t now = shard->bytes.load(kRelaxed);
  shard->highest.store(std::max(shard->highest.load(kRelaxed), now), kRelaxed);
  if (now > shard->publish_above) publish(*shard);
  if (begin == kNotTimed) return object;
  const auto taken = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.monotonic_now() - begin);
  latency_ns_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(taken.count(), 0)));
  draw_next(*shard, bits);
  return object;
}

void AllocationMonitor::freed_slow(std::size_t size) noexcept {
  const auto bytes = static_cast<std::int64_t>(size);
  if (Shard* shard = shard_of_thread()) {
    detail::add_alone(shard->frees, 1);
    detail::add_alone(shard->bytes, -bytes);
    if (shard->bytes.load(kRelaxed) < shard->publish_below) publish(*shard);
    return;
  }
  rest_.frees.fetch_add(1, kRelaxed);
  rest_.bytes.fetch_sub(bytes, kRelaxed);
  total_.fetch_sub(bytes, kRelaxed);
}

void AllocationMonitor::forget() {
  MutexLock lock(slots().mutex);
  std::uint64_t alive = sum(rest_.allocations) - rest_.frees.load(kRelaxed);
  for (Shard* shard = shards_; shard != nullptr; shard = shard->next) {
    publish(*shard);
    alive += sum(shard->allocations) - shard->frees.load(kRelaxed);
  }
  for (Shard* shard = shards_; shard != nullptr; shard = shard->next) {
    shard->bytes.store(0, kRelaxed);
    publish(*shard);
  }
  rest_.frees.fetch_add(alive, kRelaxed);
  rest_.bytes.store(0, kRelaxed);
  total_.store(0, kRelaxed);
}

AllocationMonitor::Stats AllocationMonitor::stats() const {
  Stats stats{.refused = refused_.load(kRelaxed)};
  std::int64_t bytes = 0;
  std::int64_t peak = peak_.load(kRelaxed);
  const std::int64_t total = total_.load(kRelaxed);
  auto add = [&](const Shard& shard) {
    for (std::size_t bits = 0; bits < kSizes; ++bits)
      stats.by_size[bits] += shard.allocations[bits].load(kRelaxed);
    stats.frees += shard.frees.load(kRelaxed);
    bytes += shard.bytes.load(kRelaxed);
    // What it knows of its highest and has not published.
    peak = std::max(peak, total + shard.highest.load(kRelaxed) - shard.published.load(kRelaxed));
  };
  {
    MutexLock lock(slots().mutex);
    add(rest_);
    for (const Shard* shard = shards_; shard != nullptr; shard = shard->next) add(*shard);
  }
  for (std::uint64_t count : stats.by_size) stats.allocations += count;
  stats.bytes = Bytes::clamped(bytes);
  stats.peak = Bytes::clamped(std::max(peak, bytes));
  return stats;
}

void AllocationMonitor::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  const StatLabel allocator{"allocator", name_};
  sink.gauge("allocated_bytes", "Asked for and not freed", s.bytes.as_double(), {allocator});
  sink.gauge("allocated_peak_bytes", "The most that was asked for and not freed", s.peak.as_double(),
             {allocator});
  for (std::size_t bits = 0; bits < kSizes; ++bits) {
    if (s.by_size[bits] == 0) continue;
    const std::string up_to = std::to_string(std::uint64_t{1} << std::min<std::size_t>(bits, 63));
    sink.counter("allocations_total", "Allocations, by the power of two that their size goes up to",
                 number(s.by_size[bits]), {allocator, {"size_up_to", up_to}});
  }
  sink.counter("frees_total", "Objects freed", number(s.frees), {allocator});
  sink.counter("allocations_refused_total", "Allocations that got nothing", number(s.refused), {allocator});
  sink.histogram("allocation_seconds", "Of allocations that were timed, a clock's reading included",
                 latency_ns_, 1e-9, {allocator});
}

void AllocationMonitor::CheckInvariants() const {
  MutexLock lock(slots().mutex);
  std::uint64_t allocations = sum(rest_.allocations);
  std::uint64_t frees = rest_.frees.load(kRelaxed);
  std::int64_t bytes = rest_.bytes.load(kRelaxed);
  std::int64_t published = bytes;
  for (const Shard* shard = shards_; shard != nullptr; shard = shard->next) {
    const std::int64_t own = shard->bytes.load(kRelaxed);
    PLIMSOLL_CHECK(own >= shard->publish_below && own <= shard->publish_above, "%lld bytes are not published",
                   static_cast<long long>(own));
    PLIMSOLL_CHECK(*shard->home == shard);
    allocations += sum(shard->allocations);
    frees += shard->frees.load(kRelaxed);
    bytes += own;
    published += shard->published.load(kRelaxed);
  }
  PLIMSOLL_CHECK(frees <= allocations, "%llu freed of %llu", static_cast<unsigned long long>(frees),
                 static_cast<unsigned long long>(allocations));
  PLIMSOLL_CHECK(bytes >= 0 && (frees < allocations || bytes == 0), "%lld bytes in use",
                 static_cast<long long>(bytes));
  PLIMSOLL_CHECK(published == total_.load(kRelaxed), "%lld bytes published of %lld",
                 static_cast<long long>(published), static_cast<long long>(total_.load(kRelaxed)));
}

}  // namespace plimsoll
