#include "plimsoll/pool/producer_memory.h"

#include <algorithm>

#include "plimsoll/base/check.h"
#include "plimsoll/pool/internal/page_block.h"

namespace plimsoll {

// In its caller's frame, while it waits.
struct ProducerMemory::Waiter {
  Bytes room;
  bool granted = false;
  PageBlock block{};  // what it was granted, if that was on the free list
  CondVar changed{};
  Waiter* before = nullptr;
  Waiter* after = nullptr;
};

Result<void> ProducerMemory::Options::Validate() const {
  if (batch.zero() || batch > 1_GiB) return fail(ErrorCode::kOutOfRange, "a batch of 1 byte to 1 GiB");
  if (total > 1024_GiB) return fail(ErrorCode::kOutOfRange, "a total of at most 1 TiB");
  if (batch.rounded_up(pages.page_size()) > total) {
    return fail(ErrorCode::kOutOfRange, "the total holds at least one batch in whole pages");
  }
  return {};
}

ProducerMemory::Buffer& ProducerMemory::Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    memory_ = std::exchange(other.memory_, nullptr);
    range_ = std::exchange(other.range_, {});
    size_ = std::exchange(other.size_, {});
    charge_ = std::move(other.charge_);
  }
  return *this;
}

void ProducerMemory::Buffer::release() noexcept {
  if (memory_ == nullptr) return;
  size_ = {};
  std::exchange(memory_, nullptr)->give_back({std::exchange(range_, {}), std::move(charge_)});
}

ProducerMemory::ProducerMemory(const Options& options)
    : account_(options.account),
      pages_(options.pages),
      total_(options.total.rounded_down(options.pages.page_size())),
      batch_(options.batch.rounded_up(options.pages.page_size())) {
  const Result<void> valid = options.Validate();
  PLIMSOLL_CHECK(valid, "%s", valid.error().what);
  MutexLock lock(mutex_);
  free_.reserve(total_ / batch_);
  overhead_ = account_.charge_held(Bytes(free_.capacity() * sizeof(PageBlock)));
}

ProducerMemory::~ProducerMemory() {
  trim(Bytes::max());
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(first_ == nullptr, "a caller still waits for memory of a producer that ends");
  PLIMSOLL_CHECK(in_use_.zero(), "%llu bytes still out", static_cast<unsigned long long>(in_use_.count()));
}

Bytes ProducerMemory::room_for(Bytes size) const { return size.rounded_up(pages_.page_size()); }

PageBlock ProducerMemory::take(Bytes room) {
  PageBlock block;
  in_use_ += room;
  if (room == batch_ && !free_.empty()) {
    block = std::move(free_.back());
    free_.pop_back();
    ++counts_.reused;
  }
  trim_locked((in_use_ + free_.size() * batch_).minus_clamped(total_));
  return block;
}

Result<ProducerMemory::Buffer> ProducerMemory::allocate(Bytes size, MonotonicTime deadline) {
  if (size.zero() || size > total_) return fail(ErrorCode::kOutOfRange, "nothing, or more than the total");
  const Bytes room = room_for(size);
  PageBlock block;
  {
    MutexLock lock(mutex_);
    if (closed_) return fail(ErrorCode::kRefused, "the producer's memory is closed");
    if (first_ == nullptr && room <= total_ - in_use_) {
      block = take(room);
    } else {
      Result<PageBlock> waited = wait(room, deadline);
      if (!waited) return tl::unexpected(waited.error());
      block = std::move(*waited);
    }
  }
  if (block.range.empty()) {
    Result<PageBlock> mapped = map(room);
    if (!mapped) {
      give_room(room, true);
      return tl::unexpected(mapped.error());
    }
    block = std::move(*mapped);
  }
  poison_beyond(block.range, size);
  Buffer buffer;
  buffer.memory_ = this;
  buffer.range_ = block.range;
  buffer.size_ = size;
  buffer.charge_ = std::move(block.charge);
  return buffer;
}

Result<PageBlock> ProducerMemory::map(Bytes room) {
  Result<PageBlock> mapped = map_block(pages_, account_, room);
  // What is idle goes before anybody is refused.
  if (!mapped && !trim(room).zero()) mapped = map_block(pages_, account_, room);
  if (mapped) {
    MutexLock lock(mutex_);
    ++counts_.created;
  }
  return mapped;
}

Result<PageBlock> ProducerMemory::wait(Bytes room, MonotonicTime deadline) {
  const MonotonicTime since = std::chrono::steady_clock::now();
  if (deadline <= since) {
    ++counts_.timed_out;
    return fail(ErrorCode::kTimedOut, "the producer's memory is in use");
  }
  Waiter waiter{.room = room};
  waiter.before = last_;
  (last_ != nullptr ? last_->after : first_) = &waiter;
  last_ = &waiter;
  ++counts_.waited;
  ++counts_.waiting;
  MonotonicTime now = since;
  while (!waiter.granted && !closed_ && now < deadline) {
    waiter.changed.wait_until(mutex_, deadline);
    now = std::chrono::steady_clock::now();
  }
  const Duration waited = now - since;
  counts_.wait_total += waited;
  counts_.wait_longest = std::max(counts_.wait_longest, waited);
  if (waiter.granted) return std::move(waiter.block);
  unlink(waiter);
  if (closed_) return fail(ErrorCode::kRefused, "the producer's memory is closed");
  ++counts_.timed_out;
  serve();  // those behind it may fit where it did not
  return fail(ErrorCode::kTimedOut, "the producer's memory was in use until the deadline");
}

void ProducerMemory::unlink(Waiter& waiter) {
  (waiter.before != nullptr ? waiter.before->after : first_) = waiter.after;
  (waiter.after != nullptr ? waiter.after->before : last_) = waiter.before;
  --counts_.waiting;
}

// In order, and only as far as the first that does not fit.
void ProducerMemory::serve() {
  while (first_ != nullptr && !closed_ && first_->room <= total_ - in_use_) {
    Waiter& waiter = *first_;
    unlink(waiter);
    waiter.block = take(waiter.room);
    waiter.granted = true;
    waiter.changed.notify_one();
  }
}

void ProducerMemory::give_back(PageBlock block) noexcept {
  const Bytes room = block.range.size;
  if (room != batch_) {
    // The pages are gone before another may have their room.
    unmap_block(pages_, std::move(block));
    return give_room(room, false);
  }
  poison(block.range.begin, block.range.size.count());
  MutexLock lock(mutex_);
  in_use_ -= room;
  free_.push_back(std::move(block));
  serve();
}

void ProducerMemory::give_room(Bytes room, bool was_refused) noexcept {
  MutexLock lock(mutex_);
  in_use_ -= room;
  if (was_refused) ++counts_.refused;
  serve();
}

void ProducerMemory::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  for (Waiter* waiter = first_; waiter != nullptr; waiter = waiter->after) waiter->changed.notify_one();
}

Bytes ProducerMemory::trim(Bytes wanted) {
  MutexLock lock(mutex_);
  return trim_locked(wanted);
}

Bytes ProducerMemory::trim_locked(Bytes wanted) {
  Bytes freed;
  while (freed < wanted && !free_.empty()) {
    unmap_block(pages_, std::move(free_.back()));
    free_.pop_back();
    freed += batch_;
  }
  return freed;
}

Bytes ProducerMemory::available() const {
  MutexLock lock(mutex_);
  return total_ - in_use_;
}

ProducerMemory::Stats ProducerMemory::stats() const {
  MutexLock lock(mutex_);
  Stats stats = counts_;
  stats.total = total_;
  stats.available = total_ - in_use_;
  stats.free_list = free_.size() * batch_;
  return stats;
}

void ProducerMemory::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("producer_memory_total_bytes", "What a producer may hold", s.total.as_double());
  sink.gauge("producer_memory_available_bytes", "Not in use", s.available.as_double());
  sink.gauge("producer_memory_free_list_bytes", "Idle buffers of the batch size", s.free_list.as_double());
  sink.gauge("producer_memory_waiting", "Callers that wait", number(s.waiting));
  sink.counter("producer_memory_created_total", "Buffers mapped", number(s.created));
  sink.counter("producer_memory_reused_total", "Buffers from the free list", number(s.reused));
  sink.counter("producer_memory_waits_total", "Callers that had to wait", number(s.waited));
  sink.counter("producer_memory_timed_out_total", "Callers whose deadline passed", number(s.timed_out));
  sink.counter("producer_memory_refused_total", "Refused by the account or the system", number(s.refused));
  sink.counter("producer_memory_wait_seconds_total", "Time spent waiting",
               std::chrono::duration<double>(s.wait_total).count());
}

void ProducerMemory::CheckInvariants() const {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(in_use_ <= total_, "%llu bytes in use", static_cast<unsigned long long>(in_use_.count()));
  PLIMSOLL_CHECK(in_use_ + free_.size() * batch_ <= total_, "%zu idle", free_.size());
  std::size_t waiting = 0;
  const Waiter* before = nullptr;
  for (const Waiter* waiter = first_; waiter != nullptr; waiter = waiter->after) {
    PLIMSOLL_CHECK(waiter->before == before && !waiter->granted);
    before = waiter;
    ++waiting;
  }
  PLIMSOLL_CHECK(last_ == before && waiting == counts_.waiting, "%zu wait", waiting);
  PLIMSOLL_CHECK(first_ == nullptr || closed_ || first_->room > total_ - in_use_,
                 "the first could be served");
}

}  // namespace plimsoll
