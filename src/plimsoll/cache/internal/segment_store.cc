#include "plimsoll/cache/internal/segment_store.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "plimsoll/base/poison.h"

namespace plimsoll {

SegmentStore::SegmentStore(const Options& options)
    : pages_(options.pages), account_(options.account), huge_from_(options.huge_from) {
  PLIMSOLL_CHECK(std::has_single_bit(options.block.count()) && options.block >= pages_.page_size());
  block_shift_ = static_cast<unsigned>(std::countr_zero(options.block.count()));
  Bytes space = options.address_space.rounded_up(options.block);
  for (; space >= options.block; space = (space / 2).rounded_down(options.block)) {
    Result<PageRange> range = pages_.reserve(space, options.block);
    if (!range) continue;
    range_ = *range;
    break;
  }
  while ((range_.size.count() >> unit_shift_) + 1 >= kFirstUnused) ++unit_shift_;
  capacity_ = static_cast<std::size_t>(range_.size.count() >> block_shift_);
  base_ = reinterpret_cast<char*>(range_.begin);
  origin_ = base_ - unit();
  if (range_.empty()) return;
  // One touched byte must not back 2 MiB. Not every kernel has the advice.
  static_cast<void>(pages_.advise(range_, Advice::kNoHugePage));
}

SegmentStore::~SegmentStore() {
  if (range_.empty()) return;
  unpoison(range_.begin, next_ << block_shift_);
  static_cast<void>(pages_.unmap(range_));
}

std::optional<std::uint32_t> SegmentStore::take() {
  const Bytes block(block_size());
  MutexLock lock(mutex_);
  if (free_.empty() && next_ == capacity_) return std::nullopt;
  Charge charge = account_.charge(block);
  if (!charge) return std::nullopt;
  std::uint32_t taken = 0;
  if (!free_.empty()) {
    std::pop_heap(free_.begin(), free_.end(), std::greater<>());
    taken = free_.back();
    free_.pop_back();
  } else {
    taken = static_cast<std::uint32_t>(next_);
    if (!pages_.make_usable({range_.begin + (next_ << block_shift_), block})) return std::nullopt;
    ++next_;
  }
  advise(taken, charge_.size() >= huge_from_);
  charge_.merge(std::move(charge));
  unpoison(begin_of(taken), block_size());
  return taken;
}

void SegmentStore::give(std::uint32_t block) {
  PageRange range{reinterpret_cast<std::byte*>(begin_of(block)), Bytes(block_size())};
  Result<void> given = pages_.give_back(range);
  poison(range.begin, block_size());
  MutexLock lock(mutex_);
  free_.push_back(block);
  std::push_heap(free_.begin(), free_.end(), std::greater<>());
  // Pages that did not go back are still held, and the governor will find them unexplained: say so by
  // releasing all the same.
  static_cast<void>(given);
  charge_.shrink(Bytes(block_size()));
}

void SegmentStore::filled(std::uint32_t block) { advise(block, true); }

// A hit in memory needs no walk of the page tables where a page is huge.
void SegmentStore::advise(std::uint32_t block, bool huge) {
  if (Bytes(block_size()) < 2_MiB) return;
  const PageRange range{reinterpret_cast<std::byte*>(begin_of(block)), Bytes(block_size())};
  static_cast<void>(pages_.advise(range, huge ? Advice::kHugePage : Advice::kNoHugePage));
}

Bytes SegmentStore::held() const {
  MutexLock lock(mutex_);
  return charge_.size();
}

}  // namespace plimsoll
