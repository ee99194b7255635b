// PageBlocks: memory that is too large for slabs, as pages of its own, charged to an account.
//
// Each block is a mapping that goes back to the system when it is freed. There is no header: who frees it
// knows its size. Invariant: the account is charged for every block, rounded up to pages.
//
// Thread-safety: all methods from any thread. Cost: two system calls and a charge; about 60 us a MiB touched
// to give it back. Limits: those of the page source. Errors: null when the account, the line or the system
// refuses. Ownership: refers to pages and account; aborts when it ends before its blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

class PageBlocks {
 public:
  PageBlocks(PageSource& pages, Account& account) : pages_(pages), account_(account) {}
  ~PageBlocks();
  PageBlocks(const PageBlocks&) = delete;
  PageBlocks& operator=(const PageBlocks&) = delete;

  // REQUIRES: alignment is a power of two. A request for nothing gets a page.
  void* allocate(std::size_t size, std::size_t alignment) noexcept PLIMSOLL_EXCLUDES(mutex_);
  // REQUIRES: of these blocks and in use, with its size.
  void deallocate(void* block, std::size_t size) noexcept PLIMSOLL_EXCLUDES(mutex_);

  Bytes held() const PLIMSOLL_EXCLUDES(mutex_);
  std::uint64_t mapped() const PLIMSOLL_EXCLUDES(mutex_);  // blocks, in all

 private:
  Bytes whole(std::size_t size) const { return Bytes(size > 0 ? size : 1).rounded_up(pages_.page_size()); }

  PageSource& pages_;
  Account& account_;
  mutable Mutex mutex_;
  Charge charge_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint64_t mapped_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
