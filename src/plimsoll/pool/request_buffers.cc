#include "plimsoll/pool/request_buffers.h"

#include <algorithm>

#include "plimsoll/base/check.h"
#include "plimsoll/pool/internal/page_block.h"

namespace plimsoll {

Result<void> RequestBuffers::Options::Validate() const {
  if (in_flight < kSmall) return fail(ErrorCode::kOutOfRange, "in_flight is at least 4 KiB");
  if (large_idle > 4096) return fail(ErrorCode::kOutOfRange, "large_idle is at most 4096");
  return {};
}

RequestBuffers::Buffer& RequestBuffers::Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    owner_ = std::exchange(other.owner_, nullptr);
    data_ = other.data_;
    size_ = other.size_;
    charge_ = std::move(other.charge_);
  }
  return *this;
}

void RequestBuffers::Buffer::release() noexcept {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->give_back(*this);
}

RequestBuffers::RequestBuffers(const Options& options)
    : buffers_(options.buffers),
      pages_(options.pages),
      account_(options.account),
      idle_account_(options.idle),
      bound_(options.in_flight),
      large_idle_(options.large_idle) {
  const Result<void> valid = options.Validate();
  PLIMSOLL_CHECK(valid, "%s", valid.error().what);
  MutexLock lock(mutex_);
  idle_.reserve(large_idle_);
}

RequestBuffers::~RequestBuffers() {
  PLIMSOLL_CHECK(in_flight().zero(), "%llu bytes still in flight",
                 static_cast<unsigned long long>(in_flight().count()));
  reclaim(Bytes::max());
}

bool RequestBuffers::count_in(Bytes capacity) noexcept {
  // Relaxed: the counter is a bound and orders nothing. An addition that fails is seen by others until it is
  // undone, so one near the bound may be refused because of another that was.
  const std::int64_t now =
      in_flight_.fetch_add(capacity.signed_count(), std::memory_order_relaxed) + capacity.signed_count();
  if (now > bound_.signed_count()) {
    count_out(capacity);
    return false;
  }
  std::int64_t most = most_in_flight_.load(std::memory_order_relaxed);
  while (now > most && !most_in_flight_.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
  return true;
}

void RequestBuffers::count_out(Bytes capacity) noexcept {
  in_flight_.fetch_sub(capacity.signed_count(), std::memory_order_relaxed);
}

RequestBuffers::Buffer RequestBuffers::acquire(Bytes size) noexcept {
  Buffer buffer;
  if (size.zero()) return buffer;
  if (size > kMost || !count_in(capacity_for(size))) {
    over_bound_.fetch_add(1, std::memory_order_relaxed);
    return buffer;
  }
  std::byte* data = nullptr;
  if (size > kMedium) {
    data = acquire_large(size, buffer.charge_);
  } else if (BufferPool::Buffer small = buffers_.acquire(capacity_for(size))) {
    data = small.disown();
    (size <= kSmall ? small_ : medium_).fetch_add(1, std::memory_order_relaxed);
  }
  if (data == nullptr) {
    count_out(capacity_for(size));
    refused_.fetch_add(1, std::memory_order_relaxed);
    return buffer;
  }
  // All of it: the pool knows it by its capacity.
  poison_beyond({data, capacity_for(size)}, size);
  buffer.owner_ = this;
  buffer.data_ = data;
  buffer.size_ = size;
  return buffer;
}

std::byte* RequestBuffers::acquire_large(Bytes size, Charge& charge) noexcept {
  const Bytes capacity = capacity_for(size);
  PageBlock block;
  {
    MutexLock lock(mutex_);
    ++large_;
    auto fits = std::find_if(idle_.rbegin(), idle_.rend(),
                             [&](const PageBlock& idle) { return idle.range.size == capacity; });
    if (fits != idle_.rend() && fits->charge.transfer(account_)) {
      block = std::move(*fits);
      idle_.erase(std::next(fits).base());
    }
  }
  if (block.range.empty()) {
    Result<PageBlock> mapped = map_block(pages_, account_, capacity);
    // What is idle goes before anybody is refused.
    if (!mapped && !reclaim(capacity).zero()) mapped = map_block(pages_, account_, capacity);
    MutexLock lock(mutex_);
    if (!mapped) {
      --large_;
      return nullptr;
    }
    ++large_created_;
    block = std::move(*mapped);
  }
  charge = std::move(block.charge);
  return block.range.begin;
}

void RequestBuffers::give_back(Buffer& buffer) noexcept {
  const Bytes capacity = capacity_for(buffer.size_);
  if (capacity >= kLarge) {
    keep_or_unmap({{buffer.data_, capacity}, std::move(buffer.charge_)});
  } else {
    buffers_.give_back(buffer.data_, capacity);
  }
  count_out(capacity);
}

void RequestBuffers::keep_or_unmap(PageBlock block) noexcept {
  poison(block.range.begin, block.range.size.count());
  {
    MutexLock lock(mutex_);
    if (idle_.size() < large_idle_ && block.charge.transfer(idle_account_)) {
      idle_.push_back(std::move(block));
      return;
    }
  }
  unmap_block(pages_, std::move(block));
}

ReclaimOffer RequestBuffers::offer() const { return {.droppable = stats().large_idle_bytes}; }

Bytes RequestBuffers::reclaim(Bytes wanted) {
  Bytes freed;
  while (freed < wanted) {
    PageBlock coldest;
    {
      MutexLock lock(mutex_);
      if (idle_.empty()) break;
      coldest = std::move(idle_.front());
      idle_.erase(idle_.begin());
    }
    freed += coldest.range.size;
    unmap_block(pages_, std::move(coldest));
  }
  return freed;
}

RequestBuffers::Stats RequestBuffers::stats() const {
  Stats stats{.in_flight = in_flight(),
              .most_in_flight = Bytes::clamped(most_in_flight_.load(std::memory_order_relaxed)),
              .small = small_.load(std::memory_order_relaxed),
              .medium = medium_.load(std::memory_order_relaxed),
              .over_bound = over_bound_.load(std::memory_order_relaxed),
              .refused = refused_.load(std::memory_order_relaxed)};
  MutexLock lock(mutex_);
  stats.large = large_;
  stats.large_created = large_created_;
  stats.large_reused = large_ - std::min(large_, large_created_);
  stats.large_idle = idle_.size();
  for (const PageBlock& block : idle_) stats.large_idle_bytes += block.range.size;
  return stats;
}

void RequestBuffers::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("requests_in_flight_bytes", "Buffers of requests in flight", s.in_flight.as_double());
  sink.gauge("requests_large_idle", "Large buffers kept", number(s.large_idle));
  sink.gauge("requests_large_idle_bytes", "Large buffers kept", s.large_idle_bytes.as_double());
  sink.counter("requests_buffers_total", "Buffers handed out", number(s.small), {{"size", "small"}});
  sink.counter("requests_buffers_total", "Buffers handed out", number(s.medium), {{"size", "medium"}});
  sink.counter("requests_buffers_total", "Buffers handed out", number(s.large), {{"size", "large"}});
  sink.counter("requests_large_created_total", "Large buffers mapped", number(s.large_created));
  sink.counter("requests_over_bound_total", "Refused by the bound", number(s.over_bound));
  sink.counter("requests_refused_total", "Refused by the account or the system", number(s.refused));
}

void RequestBuffers::CheckInvariants() const {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(idle_.size() <= large_idle_, "%zu idle", idle_.size());
  for (const PageBlock& block : idle_) {
    PLIMSOLL_CHECK(block.range.size >= kLarge && std::has_single_bit(block.range.size.count()));
    PLIMSOLL_CHECK(block.charge.size() == block.range.size && block.charge.account() == &idle_account_);
  }
}

}  // namespace plimsoll
