#include "plimsoll/alloc/arena.h"

#include <algorithm>
#include <bit>

#include "plimsoll/os/pages.h"

namespace plimsoll {

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) noexcept {
  if (alignment > kLargestAlignment || size > Bytes::max().count() / 2) return nullptr;
  const std::size_t whole = size + kRedZone + sizeof(Chunk);
  Chunk* chunk = whole <= kLargestChunk ? chunk_for(whole) : pages_for(whole);
  if (chunk == nullptr) return nullptr;
  chunk->before = last_;
  last_ = chunk;
  ++chunks_;
  held_ += Bytes(chunk->size);
  use(chunk, reinterpret_cast<char*>(chunk));
  return allocate(size, alignment);
}

Arena::Chunk* Arena::chunk_for(std::size_t bytes) noexcept {
  std::size_t size = next_size_;
  while (size < bytes) size *= 2;
  auto* begin = static_cast<char*>(options_.slabs.allocate(size, kLargestAlignment));
  if (begin == nullptr) return nullptr;
  next_size_ = std::min(size * 2, kLargestChunk);
  return ::new (begin + size - sizeof(Chunk))
      Chunk{.before = nullptr, .size = size, .pages = false, .charge = {}};
}

Arena::Chunk* Arena::pages_for(std::size_t bytes) noexcept {
  const Bytes whole = Bytes(bytes).rounded_up(options_.pages.page_size());
  Charge charge = options_.account.charge(whole);
  if (!charge) return nullptr;
  Result<PageRange> range = options_.pages.map(whole, Bytes(kLargestAlignment));
  if (!range) return nullptr;
  return ::new (range->end() - sizeof(Chunk))
      Chunk{.before = nullptr, .size = whole.count(), .pages = true, .charge = std::move(charge)};
}

void Arena::use(Chunk* chunk, char* from) noexcept {
  begin_ = chunk->begin();
  at_ = from;
  poison(begin_, static_cast<std::size_t>(at_ - begin_));
}

void Arena::drop_last() noexcept {
  Chunk* chunk = last_;
  last_ = chunk->before;
  --chunks_;
  held_ -= Bytes(chunk->size);
  unpoison(chunk->begin(), chunk->size);
  if (!chunk->pages) return options_.slabs.deallocate(chunk->begin());
  const PageRange range{reinterpret_cast<std::byte*>(chunk->begin()), Bytes(chunk->size)};
  const Charge charge = std::move(chunk->charge);  // released when the pages are gone
  static_cast<void>(options_.pages.unmap(range));
}

void Arena::rewind(Mark mark) noexcept {
  while (last_ != mark.chunk) drop_last();
  if (last_ != nullptr) return use(last_, mark.at);
  begin_ = at_ = nowhere();
  next_size_ = first_size_;
}

// What was used goes into the size of the first chunk: at once when it was more, an eighth at a time when it
// was less. A chunk of that size is kept.
void Arena::reset() noexcept {
  const Bytes used = held_ - Bytes(static_cast<std::uint64_t>(at_ - begin_));
  lately_ = std::max(used, lately_ - lately_ / 8);
  first_size_ = std::clamp<std::size_t>(std::bit_ceil(lately_.count()), kFirstChunk, kLargestChunk);
  Chunk* kept = nullptr;
  while (last_ != nullptr) {
    if (kept != nullptr || last_->pages || last_->size != first_size_) {
      drop_last();
    } else {
      kept = last_;
      last_ = kept->before;
    }
  }
  if (kept == nullptr) return rewind({});
  kept->before = nullptr;
  last_ = kept;
  chunks_ = 1;
  held_ = Bytes(kept->size);
  next_size_ = std::min(first_size_ * 2, kLargestChunk);
  use(kept, reinterpret_cast<char*>(kept));
}

}  // namespace plimsoll
