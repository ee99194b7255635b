// SegmentStore: equal blocks of one reserved range, charged when they are taken and given back to the kernel
// when freed.
//
// The lowest free block is taken first, so that what is held stays together and page tables stay few.
// Any byte of the range that begins a unit has a 32-bit locator; 0 is none.
// Thread-safety: take() and give() from any thread; a block belongs to who took it. Cost: take() a lock and a
// charge; give() a madvise call. Without address space every take() is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/cache/internal/item.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

class SegmentStore {
 public:
  struct Options {
    PageSource& pages;
    Account& account;
    Bytes block;          // a power of two, at least a page
    Bytes address_space;  // halved until the system grants it
    // With so much held, blocks of 2 MiB or more are huge pages from their first byte on.
    Bytes huge_from{Bytes::kMax};
  };

  explicit SegmentStore(const Options& options);
  ~SegmentStore();
  SegmentStore(const SegmentStore&) = delete;
  SegmentStore& operator=(const SegmentStore&) = delete;

  // A block of zeros, charged; or nothing when the account, the line or the system refuses.
  std::optional<std::uint32_t> take();
  void give(std::uint32_t block);
  // It was written to its end: the system may make it a huge page in its own time.
  void filled(std::uint32_t block);

  char* at(Locator locator) const { return origin_ + (std::uint64_t{locator} << unit_shift_); }
  Locator locator_of(const void* address) const {
    return static_cast<Locator>(static_cast<std::uint64_t>(static_cast<const char*>(address) - origin_) >>
                                unit_shift_);
  }
  char* begin_of(std::uint32_t block) const { return base_ + (std::uint64_t{block} << block_shift_); }
  std::uint32_t block_of(const void* address) const {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(static_cast<const char*>(address) - base_) >>
                                      block_shift_);
  }
  // From the address to the end of its block.
  std::size_t rest_of_block(const void* address) const {
    const auto offset = static_cast<std::size_t>(static_cast<const char*>(address) - base_);
    return block_size() - (offset & (block_size() - 1));
  }
  std::size_t block_size() const { return std::size_t{1} << block_shift_; }
  std::size_t unit() const { return std::size_t{1} << unit_shift_; }
  std::size_t capacity() const { return capacity_; }  // blocks that the address space has room for
  Bytes held() const;

 private:
  void advise(std::uint32_t block, bool huge);

  PageSource& pages_;
  Account& account_;
  const Bytes huge_from_;
  unsigned block_shift_ = 0;
  unsigned unit_shift_ = 3;
  std::size_t capacity_ = 0;
  PageRange range_;
  char* base_ = nullptr;
  char* origin_ = nullptr;  // one unit before base_, so that no locator is 0

  mutable Mutex mutex_;
  Charge charge_ PLIMSOLL_GUARDED_BY(mutex_);
  std::size_t next_ PLIMSOLL_GUARDED_BY(mutex_) =
      0;  // the lowest block never used: made usable when first taken
  std::vector<std::uint32_t> free_ PLIMSOLL_GUARDED_BY(mutex_);  // a heap, lowest first
};

}  // namespace plimsoll
