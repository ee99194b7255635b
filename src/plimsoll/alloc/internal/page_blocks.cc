#include "plimsoll/alloc/internal/page_blocks.h"

#include <algorithm>
#include <utility>

namespace plimsoll {

PageBlocks::~PageBlocks() {
  PLIMSOLL_CHECK(held().zero(), "%llu bytes in blocks are left",
                 static_cast<unsigned long long>(held().count()));
}

void* PageBlocks::allocate(std::size_t size, std::size_t alignment) noexcept {
  if (size > Bytes::kMax / 4 || alignment > Bytes::kMax / 4) return nullptr;
  const Bytes bytes = whole(size);
  Charge charge = account_.charge(bytes);
  if (!charge) return nullptr;
  Result<PageRange> range = pages_.map(bytes, std::max(Bytes(alignment), pages_.page_size()));
  if (!range) return nullptr;
  MutexLock lock(mutex_);
  charge_.merge(std::move(charge));
  ++mapped_;
  return range->begin;
}

void PageBlocks::deallocate(void* block, std::size_t size) noexcept {
  const Bytes bytes = whole(size);
  static_cast<void>(pages_.unmap({static_cast<std::byte*>(block), bytes}));
  Charge freed;  // released when the pages are gone and the lock is
  MutexLock lock(mutex_);
  freed = charge_.split(bytes);
}

Bytes PageBlocks::held() const {
  MutexLock lock(mutex_);
  return charge_.size();
}

std::uint64_t PageBlocks::mapped() const {
  MutexLock lock(mutex_);
  return mapped_;
}

}  // namespace plimsoll
