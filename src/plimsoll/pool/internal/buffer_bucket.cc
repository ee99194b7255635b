#include "plimsoll/pool/internal/buffer_bucket.h"

#include <algorithm>
#include <array>
#include <utility>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/pool/internal/page_block.h"

namespace plimsoll {
namespace {

// Of each size: a thread keeps at most 64 KiB of a small one and 1 MiB of the largest.
constexpr std::array<std::uint32_t, BufferPool::kBuckets> kEach = {32, 16, 8, 4, 2, 1};
constexpr std::uint64_t kMostIdle = 4096;

DemandTracker::Options demand_of(const BufferPool::Options& options, Bytes size) {
  DemandTracker::Options demand = options.demand;
  demand.maximum = std::min(options.maximum_idle / size, kMostIdle);
  demand.minimum = std::min(options.minimum_idle / size, demand.maximum);
  return demand;
}

}  // namespace

BufferBucket::BufferBucket(const BufferPool::Options& options, unsigned bucket)
    : slabs_(options.slabs),
      pages_(options.pages),
      account_(options.account),
      idle_(options.idle),
      size_(BufferPool::size_of(bucket)),
      demand_(demand_of(options, size_)),
      // Until the first tick knows better, as many as may ever be.
      shelf_({.keeper = *this,
              .account = options.account,
              .most = std::min(options.maximum_idle / size_, kMostIdle),
              .each = kEach[bucket]}) {}

BufferBucket::~BufferBucket() {
  shelf_.drain();
  end_excess(0, Bytes::max());
  MutexLock lock(shelf_.mutex);
  PLIMSOLL_CHECK(existing_ == 0, "%llu buffers of %llu bytes still out",
                 static_cast<unsigned long long>(existing_), static_cast<unsigned long long>(size_.count()));
}

bool BufferBucket::leaving(std::size_t blocks) noexcept {
  if (!mapped()) return true;
  Charge charge = idle_charge_.split(blocks * size_);
  const bool granted = charge.transfer(account_);
  (granted ? in_use_charge_ : idle_charge_).merge(std::move(charge));
  return granted;
}

void BufferBucket::arriving(std::size_t blocks) noexcept {
  if (!mapped()) return;
  Charge charge = in_use_charge_.split(blocks * size_);
  // Held in any case: the idle account cannot say no.
  if (!charge.transfer(idle_)) charge = idle_.charge_held(blocks * size_);
  idle_charge_.merge(std::move(charge));
}

// What threads keep counts as in use between ticks: at most a few for each.
void BufferBucket::note_demand() noexcept { demand_.note(existing_ - shelf_.pile()); }

void* BufferBucket::acquire_slow() noexcept {
  shelf_.equip();
  {
    MutexLock lock(shelf_.mutex);
    if (void* block = shelf_.take()) {
      note_demand();
      return block;
    }
  }
  return make();
}

void* BufferBucket::acquire_after_refusal() noexcept {
  shelf_.gather();
  {
    MutexLock lock(shelf_.mutex);
    if (void* block = shelf_.take()) return block;
  }
  return make();
}

void* BufferBucket::make() noexcept {
  void* block = nullptr;
  Charge charge;
  if (mapped()) {
    Result<PageBlock> mapped = map_block(pages_, account_, size_);
    if (!mapped) return nullptr;
    block = mapped->range.begin;
    charge = std::move(mapped->charge);
    poison(block, size_.count());
  } else {
    block = slabs_.allocate(size_.count(), std::min<std::size_t>(size_.count(), 4096));
    if (block == nullptr) return nullptr;
    poison(block, size_.count());
  }
  MutexLock lock(shelf_.mutex);
  in_use_charge_.merge(std::move(charge));
  ++existing_;
  ++created_;
  note_demand();
  return block;
}

void BufferBucket::give_back_slow(void* block) noexcept {
  shelf_.equip();
  Charge charge;
  {
    MutexLock lock(shelf_.mutex);
    if (shelf_.put(block)) return;
    if (mapped()) charge = in_use_charge_.split(size_);
    --existing_;
    ++turned_away_;
  }
  give_to_source(block);  // before its charge
}

void BufferBucket::give_to_source(void* block) noexcept {
  if (mapped()) {
    unmap_range(pages_, {static_cast<std::byte*>(block), size_});
  } else {
    slabs_.deallocate(block);
  }
}

std::size_t BufferBucket::end_excess(std::size_t keep, Bytes wanted) noexcept {
  std::size_t ended = 0;
  while (ended * size_ < wanted) {
    std::array<void*, 32> blocks;
    const Bytes rest = wanted - ended * size_;
    const std::size_t most = std::min<std::size_t>(blocks.size(), (rest.minus_clamped(1_B)) / size_ + 1);
    std::size_t count = 0;
    Charge charge;
    {
      MutexLock lock(shelf_.mutex);
      count = shelf_.take_excess(keep, {blocks.data(), most});
      if (mapped()) charge = idle_charge_.split(count * size_);
      existing_ -= count;
      trimmed_ += count;
    }
    if (count == 0) break;
    for (std::size_t i = 0; i < count; ++i) give_to_source(blocks[i]);
    ended += count;
  }
  return ended;
}

void BufferBucket::tick() {
  {
    MutexLock lock(shelf_.mutex);
    if (existing_ == 0) return shelf_.set_limit(demand_.tick(0));  // nothing to gather
  }
  shelf_.gather();
  std::uint64_t limit = 0;
  {
    MutexLock lock(shelf_.mutex);
    limit = demand_.tick(existing_ - shelf_.pile());
    shelf_.set_limit(limit);
  }
  end_excess(limit, Bytes::max());
}

Bytes BufferBucket::reclaim(Bytes wanted) noexcept {
  demand_.press();
  shelf_.gather();
  const std::size_t ended = end_excess(0, mapped() ? wanted : Bytes::max());
  MutexLock lock(shelf_.mutex);
  shelf_.set_limit(demand_.limit());
  return mapped() ? ended * size_ : 0_B;
}

Bytes BufferBucket::idle() const {
  MutexLock lock(shelf_.mutex);
  return idle_charge_.size();
}

BufferPool::BucketStats BufferBucket::stats() const {
  const Shelf::Counts counts = shelf_.counts();
  MutexLock lock(shelf_.mutex);
  return {.size = size_,
          .created = created_,
          .reused = counts.taken,
          .returned = counts.put + turned_away_,
          .discarded = turned_away_ + trimmed_,
          .existing = existing_,
          .limit = shelf_.limit()};
}

void BufferBucket::CheckInvariants() const {
  demand_.CheckInvariants();
  MutexLock lock(shelf_.mutex);
  shelf_.CheckInvariants();
  PLIMSOLL_CHECK(shelf_.pile() <= existing_);
  if (!mapped()) return;
  PLIMSOLL_CHECK(idle_charge_.size() == shelf_.pile() * size_, "%zu on the pile", shelf_.pile());
  PLIMSOLL_CHECK(in_use_charge_.size() + idle_charge_.size() == existing_ * size_);
}

}  // namespace plimsoll
