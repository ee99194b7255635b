#include "plimsoll/alloc/arena.h"

#include <algorithm>

#include "plimsoll/os/pages.h"

namespace plimsoll {

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) noexcept {
  // Room for the worst place that the chunk's begin could have.
  const std::size_t header = sizeof(Chunk) + alignment;
  if (alignment > SizeClasses::kLargestAlignment || size > Bytes::max().count() / 2) return nullptr;
  Chunk* chunk = size + header <= kLargestChunk ? chunk_for(size + header) : pages_for(size + header);
  if (chunk == nullptr) return nullptr;
  chunk->before = last_;
  last_ = chunk;
  ++chunks_;
  held_ += Bytes(chunk->size);
  use(chunk);
  return allocate(size, alignment);
}

Arena::Chunk* Arena::chunk_for(std::size_t bytes) noexcept {
  std::size_t size = next_size_;
  while (size < bytes) size *= 2;
  void* place = options_.slabs.allocate(size);
  if (place == nullptr) return nullptr;
  next_size_ = std::min(size * 2, kLargestChunk);
  return ::new (place) Chunk{.before = nullptr, .size = size, .pages = false, .charge = {}};
}

Arena::Chunk* Arena::pages_for(std::size_t bytes) noexcept {
  const Bytes whole = Bytes(bytes).rounded_up(options_.pages.page_size());
  Charge charge = options_.account.charge(whole);
  if (!charge) return nullptr;
  Result<PageRange> range = options_.pages.map(whole, options_.pages.page_size());
  if (!range) return nullptr;
  return ::new (range->begin)
      Chunk{.before = nullptr, .size = whole.count(), .pages = true, .charge = std::move(charge)};
}

void Arena::use(Chunk* chunk) noexcept {
  at_ = chunk->begin();
  end_ = chunk->end();
  poison(at_, static_cast<std::size_t>(end_ - at_));
}

void Arena::drop_last() noexcept {
  Chunk* chunk = last_;
  last_ = chunk->before;
  --chunks_;
  held_ -= Bytes(chunk->size);
  unpoison(chunk, chunk->size);
  if (!chunk->pages) return options_.slabs.deallocate(chunk, chunk->size);
  const PageRange range{reinterpret_cast<std::byte*>(chunk), Bytes(chunk->size)};
  const Charge charge = std::move(chunk->charge);  // released when the pages are gone
  static_cast<void>(options_.pages.unmap(range));
}

void Arena::rewind(Mark mark) noexcept {
  while (last_ != mark.chunk) drop_last();
  if (last_ == nullptr) {
    at_ = end_ = nullptr;
    next_size_ = kFirstChunk;
    return;
  }
  at_ = mark.at;
  end_ = last_->end();
  poison(at_, static_cast<std::size_t>(end_ - at_));
}

void Arena::reset() noexcept {
  while (last_ != nullptr && last_->before != nullptr) drop_last();
  if (last_ == nullptr) return;
  if (last_->pages) return rewind({});  // too large to be kept
  next_size_ = std::min(last_->size * 2, kLargestChunk);
  use(last_);
}

}  // namespace plimsoll
