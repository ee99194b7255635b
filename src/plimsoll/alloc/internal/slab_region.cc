#include "plimsoll/alloc/internal/slab_region.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "plimsoll/base/poison.h"

namespace plimsoll {
namespace {

constexpr Bytes kSlabBytes = Bytes(SlabRegion::kSlabSize);
constexpr Bytes kCharged = kSlabBytes + SlabRegion::kRecord;
constexpr Bytes kChunk = 2_MiB;

void push_lowest_first(std::vector<SlabIndex>& heap, SlabIndex slab) {
  heap.push_back(slab);
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

SlabIndex pop_lowest(std::vector<SlabIndex>& heap) {
  std::pop_heap(heap.begin(), heap.end(), std::greater<>());
  const SlabIndex lowest = heap.back();
  heap.pop_back();
  return lowest;
}

}  // namespace

SlabRegion::SlabRegion(const Options& options)
    : pages_(options.pages), account_(options.account), idle_(options.idle) {
  for (Bytes space = options.address_space.rounded_up(kChunk); space >= kChunk;
       space = (space / 2).rounded_down(kChunk)) {
    if (reserve(space)) return;
  }
}

// All ranges or none.
bool SlabRegion::reserve(Bytes space) {
  const std::uint64_t slabs = space / kSlabBytes;
  const Bytes records(slabs * sizeof(SlabRecord));
  const Bytes bits(slabs * kBitmapWords * sizeof(std::uint64_t));
  Result<PageRange> memory = pages_.reserve(space, kChunk);
  if (!memory) return false;
  memory_ = *memory;
  auto map = [this](Bytes size, PageRange& range) {
    Result<PageRange> mapped = pages_.map(size, kSlabBytes);
    if (mapped) range = *mapped;
    return mapped.has_value();
  };
  if (!map(records, record_pages_) || !map(bits, bitmap_pages_) || !map(bits, busy_pages_)) {
    unmap();
    return false;
  }
  base_ = reinterpret_cast<char*>(memory_.begin);
  size_ = space.count();
  records_ = reinterpret_cast<SlabRecord*>(record_pages_.begin);
  bitmaps_ = reinterpret_cast<std::uint64_t*>(bitmap_pages_.begin);
  busy_ = reinterpret_cast<std::uint64_t*>(busy_pages_.begin);
  // What is touched is what is charged: a huge page behind one slab would be 31 that nobody has.
  for (const PageRange& range : {memory_, record_pages_, bitmap_pages_, busy_pages_})
    static_cast<void>(pages_.advise(range, Advice::kNoHugePage));
  return true;
}

void SlabRegion::unmap() {
  for (PageRange* range : {&memory_, &record_pages_, &bitmap_pages_, &busy_pages_})
    static_cast<void>(pages_.unmap(std::exchange(*range, PageRange{})));
}

SlabRegion::~SlabRegion() {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(in_use_ == 0, "objects are left in %zu slabs", in_use_);
  unpoison(memory_.begin, next_ << kShift);  // or whoever is given the same address next is accused
  unmap();
}

bool SlabRegion::make_usable(SlabIndex slab) {
  return pages_.make_usable({memory_.begin + (std::uint64_t{slab} << kShift), kSlabBytes}).has_value();
}

std::optional<SlabIndex> SlabRegion::take() {
  MutexLock lock(mutex_);
  Charge charge;
  SlabIndex slab = kNoSlab;
  if (!kept_.empty()) {
    // Its pages are charged already: the charge moves, and cannot be refused but for the account's maximum.
    charge = idle_charge_.split(kCharged);
    if (!charge.transfer(account_)) {
      idle_charge_.merge(std::move(charge));
      return std::nullopt;
    }
    slab = pop_lowest(kept_);
  } else {
    if (without_.empty() && next_ == capacity()) return std::nullopt;
    charge = account_.charge(kCharged);
    if (!charge) return std::nullopt;
    if (!without_.empty()) {
      slab = pop_lowest(without_);
    } else {
      slab = static_cast<SlabIndex>(next_);
      if (!make_usable(slab)) return std::nullopt;
      ++next_;
    }
  }
  used_charge_.merge(std::move(charge));
  ++in_use_;
  poison(begin_of(slab), kSlabSize);  // until its objects are handed out
  record(slab) = SlabRecord{.in_use = true};
  std::memset(bitmap(slab), 0, kBitmapWords * sizeof(std::uint64_t));
  return slab;
}

void SlabRegion::give(SlabIndex slab) {
  MutexLock lock(mutex_);
  record(slab) = SlabRecord{};
  push_lowest_first(kept_, slab);
  --in_use_;
  Charge charge = used_charge_.split(kCharged);
  // The idle account has no maximum of its own; should it have one, the pages go at once.
  if (charge.transfer(idle_)) {
    idle_charge_.merge(std::move(charge));
    return;
  }
  kept_.erase(std::find(kept_.begin(), kept_.end(), slab));
  std::make_heap(kept_.begin(), kept_.end(), std::greater<>());
  static_cast<void>(pages_.give_back({memory_.begin + (std::uint64_t{slab} << kShift), kSlabBytes}));
  push_lowest_first(without_, slab);
}

Bytes SlabRegion::trim(Bytes wanted) {
  Bytes freed;
  while (freed < wanted) {
    SlabIndex slab = kNoSlab;
    {
      MutexLock lock(mutex_);
      if (kept_.empty()) break;
      // The highest go, so that the lowest are used again.
      auto highest = std::max_element(kept_.begin(), kept_.end());
      slab = *highest;
      kept_.erase(highest);
      std::make_heap(kept_.begin(), kept_.end(), std::greater<>());
    }
    static_cast<void>(pages_.give_back({memory_.begin + (std::uint64_t{slab} << kShift), kSlabBytes}));
    MutexLock lock(mutex_);
    idle_charge_.shrink(kCharged);
    push_lowest_first(without_, slab);
    freed += kSlabBytes;
  }
  return freed;
}

std::size_t SlabRegion::in_use() const {
  MutexLock lock(mutex_);
  return in_use_;
}

}  // namespace plimsoll
