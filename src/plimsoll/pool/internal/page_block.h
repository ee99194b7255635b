// PageBlock: mapped pages together with the charge that pays for them. Whoever lets a block go says to where:
// to the system with unmap_block(), which gives the pages back before the charge.
//
// Invariant: charge.size() is the range's size. Idle blocks are poisoned for the address sanitizer.
//
// Thread-safety: whoever holds it. Errors: map_block() says which of charge and mapping failed; then nothing
// is held.
#pragma once

#include <utility>

#include "plimsoll/base/poison.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

struct PageBlock {
  PageRange range;
  Charge charge;
};

// `size` is a multiple of the source's pages.
inline Result<PageBlock> map_block(PageSource& pages, Account& account, Bytes size) noexcept {
  Charge charge = account.charge(size);
  if (!charge) return fail(ErrorCode::kRefused, "the account does not grant the pages");
  Result<PageRange> range = pages.map(size, pages.page_size());
  if (!range) return tl::unexpected(range.error());
  return PageBlock{*range, std::move(charge)};
}

// The address sanitizer would remember what was poisoned beyond the mapping.
inline void unmap_range(PageSource& pages, PageRange range) noexcept {
  unpoison(range.begin, range.size.count());
  const Result<void> unmapped = pages.unmap(range);
  PLIMSOLL_CHECK(unmapped, "%p: %s", static_cast<void*>(range.begin), unmapped.error().what);
}

inline void unmap_block(PageSource& pages, PageBlock block) noexcept {
  unmap_range(pages, block.range);
  block.charge.release();
}

// Only the first `size` bytes may be touched.
inline void poison_beyond(PageRange range, Bytes size) noexcept {
  unpoison(range.begin, size.count());
  poison(range.begin + size.count(), (range.size - size).count());
}

}  // namespace plimsoll
