#include "plimsoll/pool/buffer_pool.h"

#include <algorithm>
#include <string>

#include "plimsoll/base/check.h"
#include "plimsoll/pool/internal/buffer_bucket.h"
#include "plimsoll/pool/internal/page_block.h"

namespace plimsoll {
namespace {

constexpr Bytes kMostAtOnce = 1024_GiB;
constexpr std::array<std::string_view, BufferPool::kBuckets> kNames = {"1024",  "4096",   "16384",
                                                                       "65536", "262144", "1048576"};

}  // namespace

Result<void> BufferPool::Options::Validate() const {
  if (minimum_idle > maximum_idle)
    return fail(ErrorCode::kOutOfRange, "minimum_idle is at most maximum_idle");
  DemandTracker::Options own = demand;
  own.minimum = own.maximum = 0;
  return own.Validate();
}

BufferPool::BufferPool(const Options& options)
    : name_(options.name), pages_(options.pages), account_(options.account) {
  const Result<void> valid = options.Validate();
  PLIMSOLL_CHECK(valid, "%s", valid.error().what);
  for (unsigned b = 0; b < kBuckets; ++b) buckets_[b] = std::make_unique<BufferBucket>(options, b);
}

BufferPool::~BufferPool() {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(large_.size().zero(), "%llu bytes of large buffers still out",
                 static_cast<unsigned long long>(large_.size().count()));
}

BufferPool::Buffer BufferPool::acquire(Bytes size) noexcept {
  Buffer buffer;
  std::byte* data = nullptr;
  if (size <= kLargest && !size.zero()) [[likely]] {
    BufferBucket& bucket = *buckets_[bucket_of(size)];
    data = bucket.acquire(size);
    if (data == nullptr) [[unlikely]]
      data = acquire_again(bucket, size);
  } else if (!size.zero() && size <= kMostAtOnce) {
    data = map_large(size);
  }
  if (data == nullptr) [[unlikely]] {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return buffer;
  }
  buffer.pool_ = this;
  buffer.data_ = data;
  buffer.size_ = size;
  return buffer;
}

// What is idle, of this size with other threads or of any size, goes before anybody is refused.
std::byte* BufferPool::acquire_again(BufferBucket& bucket, Bytes size) noexcept {
  void* block = bucket.acquire_after_refusal();
  if (block == nullptr && !reclaim(capacity_for(size)).zero()) block = bucket.acquire_after_refusal();
  return block == nullptr ? nullptr : bucket.hand_out(block, size);
}

void BufferPool::give_back(std::byte* data, Bytes size) noexcept {
  if (size <= kLargest) [[likely]] {
    buckets_[bucket_of(size)]->give_back(data);
  } else {
    unmap_large(data, size);
  }
}

std::byte* BufferPool::map_large(Bytes size) noexcept {
  const Bytes room = capacity_for(size);
  Result<PageBlock> mapped = map_block(pages_, account_, room);
  if (!mapped && !reclaim(room).zero()) mapped = map_block(pages_, account_, room);
  if (!mapped) return nullptr;
  poison_beyond(mapped->range, size);
  MutexLock lock(mutex_);
  large_.merge(std::move(mapped->charge));
  ++large_created_;
  return mapped->range.begin;
}

void BufferPool::unmap_large(std::byte* data, Bytes size) noexcept {
  const Bytes room = capacity_for(size);
  unmap_range(pages_, {data, room});
  MutexLock lock(mutex_);
  large_.shrink(room);
}

void BufferPool::tick() {
  for (auto& bucket : buckets_) bucket->tick();
}

Bytes BufferPool::idle() const {
  Bytes sum;
  for (const auto& bucket : buckets_) sum += bucket->idle();
  return sum;
}

ReclaimOffer BufferPool::offer() const { return {.droppable = idle()}; }

Bytes BufferPool::reclaim(Bytes wanted) {
  Bytes freed;
  for (unsigned b = kBuckets; b-- > 0 && freed < wanted;) freed += buckets_[b]->reclaim(wanted - freed);
  return freed;
}

BufferPool::Stats BufferPool::stats() const {
  Stats stats{.idle = idle(), .refused = refused_.load(std::memory_order_relaxed)};
  for (unsigned b = 0; b < kBuckets; ++b) stats.buckets[b] = buckets_[b]->stats();
  MutexLock lock(mutex_);
  stats.large = large_.size();
  stats.large_created = large_created_;
  return stats;
}

void BufferPool::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto each = [&](std::string_view metric, std::string_view help, StatType type, auto value) {
    for (unsigned b = 0; b < kBuckets; ++b) {
      const StatLabel labels[] = {{"pool", name_}, {"bucket_size", kNames[b]}};
      sink.value({metric, help, type, labels}, static_cast<double>(value(s.buckets[b])));
    }
  };
  // Three figures have two names: that by which dashboards for buffer pools ask, and that of the conventions.
  auto existing = [](const BucketStats& b) { return b.existing; };
  auto created = [](const BucketStats& b) { return b.created; };
  auto reused = [](const BucketStats& b) { return b.reused; };
  auto reuse_rate = [](const BucketStats& b) { return b.reuse_rate(); };
  each("buffer_pool_size", "Buffers in use or idle", StatType::kGauge, existing);
  each("buffer_pool_total_created", "Buffers made", StatType::kGauge, created);
  each("buffer_pool_total_reused", "Buffers that were idle", StatType::kGauge, reused);
  each("buffer_pool_reuse_rate", "Buffers reused of all acquired", StatType::kGauge, reuse_rate);
  each("buffer_pool_created_total", "Buffers made", StatType::kCounter, created);
  each("buffer_pool_reused_total", "Buffers that were idle", StatType::kCounter, reused);
  each("buffer_pool_reuse_ratio", "Buffers reused of all acquired", StatType::kGauge, reuse_rate);
  std::uint64_t discarded = 0;
  for (const BucketStats& bucket : s.buckets) discarded += bucket.discarded;
  sink.counter("buffer_pool_discarded_total", "Buffers not kept", static_cast<double>(discarded),
               {{"pool", name_}});
  sink.gauge("buffer_pool_large_bytes", "Larger than the largest size", s.large.as_double(),
             {{"pool", name_}});
  sink.counter("buffer_pool_refused_total", "Requests refused", static_cast<double>(s.refused),
               {{"pool", name_}});
}

void BufferPool::CheckInvariants() const {
  for (const auto& bucket : buckets_) bucket->CheckInvariants();
}

}  // namespace plimsoll
