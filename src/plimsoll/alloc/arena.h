// Arena: memory that is allocated by moving a pointer, and freed all at once or back to a mark.
//
// For all that lives as long as a request, a connection's turn or a transaction. Chunks come from a slab
// allocator, so that a thread's magazines are the cache of chunks, each twice as large as the one before up
// to 32 KiB; what does not fit in one gets pages of its own. The pointer moves down: that aligns with one
// mask and asks one question (Fitzgerald, "Always Bump Downwards", 2019). After reset() a chunk is kept, as
// large as what was lately used between two resets.
//
//   Arena arena({.slabs = slabs, .pages = pages, .account = requests});
//   char* key = static_cast<char*>(arena.allocate(40, 1));      // null: refused
//   Arena::Mark before = arena.mark();
//   ... parse, and fail ...
//   arena.rewind(before);                                        // what came after the mark is gone
//   arena.reset();
//
// Destructors are not run. Freed memory is poisoned for the address sanitizer. Invariant: used() <= held(); a
// mark is in the chunks that are there.
//
// Thread-safety: one thread. Cost: 1 ns; a chunk more each 4 to 32 KiB; nothing held before the first
// allocation. Limits: alignment to a page. Errors: null when the slabs, the account or the system refuses;
// what was allocated before stays. Ownership: owns its chunks; refers to slabs, pages and account.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/bytes.h"
#include "plimsoll/base/poison.h"
#include "plimsoll/budget/account.h"

namespace plimsoll {

class Arena {
 public:
  static constexpr std::size_t kFirstChunk = 4096;
  static constexpr std::size_t kLargestChunk = SlabAllocator::kLargest;

  struct Options {
    SlabAllocator& slabs;  // of the chunks
    PageSource& pages;     // of what is larger than a chunk
    Account& account;      // of those pages
  };
  struct Mark {
    void* chunk = nullptr;
    char* at = nullptr;
  };

  explicit Arena(const Options& options) : options_(options) {}
  ~Arena() { rewind({}); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Not cleared. REQUIRES: alignment is a power of two. A request for nothing gets an address that is not
  // null.
  void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    const auto room = static_cast<std::size_t>(at_ - begin_);
    if (room < kRedZone || size > room - kRedZone || alignment > kLargestAlignment) [[unlikely]]
      return allocate_slow(size, alignment);
    // Chunks begin on the largest alignment, so that rounding down stays inside.
    at_ -= size + kRedZone;
    at_ -= reinterpret_cast<std::uintptr_t>(at_) & (alignment - 1);
    unpoison(at_, size);
    return at_;
  }
  // Null when refused. What needs a destructor has no place here.
  template <typename T, typename... Arguments>
  T* create(Arguments&&... arguments) {
    static_assert(std::is_trivially_destructible_v<T>, "its destructor would never run");
    void* place = allocate(sizeof(T), alignof(T));
    return place ? ::new (place) T(std::forward<Arguments>(arguments)...) : nullptr;
  }

  Mark mark() const { return {.chunk = last_, .at = at_}; }
  // Frees what was allocated since. REQUIRES: the mark is of this arena, and nothing before it was freed.
  void rewind(Mark mark) noexcept;
  // Frees all but one chunk.
  void reset() noexcept;

  Bytes held() const { return held_; }  // in chunks and pages
  std::size_t chunks() const { return chunks_; }

 private:
  static constexpr std::size_t kLargestAlignment = SizeClasses::kLargestAlignment;

  // At the end of every chunk.
  struct Chunk {
    Chunk* before;
    std::size_t size;  // of the whole
    bool pages;        // of its own, and no slab's object
    Charge charge;     // of those pages
    char* begin() { return reinterpret_cast<char*>(this + 1) - size; }
  };
  // Of an arena without chunks: nothing fits, and nothing gets an address that is not null.
  static char* nowhere() {
    return reinterpret_cast<char*>(kLargestAlignment);  // NOLINT(performance-no-int-to-ptr): never read
  }

  void* allocate_slow(std::size_t size, std::size_t alignment) noexcept;
  Chunk* chunk_for(std::size_t bytes) noexcept;
  Chunk* pages_for(std::size_t bytes) noexcept;
  void use(Chunk* chunk, char* from) noexcept;
  void drop_last() noexcept;

  Options options_;
  char* begin_ = nowhere();
  char* at_ = nowhere();
  Chunk* last_ = nullptr;
  std::size_t first_size_ = kFirstChunk;  // of the next first chunk
  std::size_t next_size_ = kFirstChunk;
  std::size_t chunks_ = 0;
  Bytes held_;
  Bytes lately_;  // used before a reset, of late
};

}  // namespace plimsoll
