// PageSource: where pages of memory come from and go back to; the one place that maps memory.
//
// Everything that holds memory for data (segments, slabs, indexes) takes it from here and not from malloc, so
// that giving it back lowers the process's resident memory at once, and so that a test can make the nth
// mapping fail (failing_pages.h). Address space is reserved apart from memory: reserve() costs no memory and
// no charge, make_usable() lets pages be touched, give_back() drops what was behind them.
//
//   Result<PageRange> range = pages.reserve(1_GiB, 2_MiB);
//   if (range && pages.make_usable(range->part(0_B, 64_KiB))) use(range->begin);
//
// MADV_DONTNEED gives back, not MADV_FREE: the latter is 8 times cheaper, but resident memory does not fall
// until the kernel needs it, and a line that still counts the bytes has gained nothing.
//
// Invariant: a range handed to any call was returned by reserve() of the same source, or is part of one, and
// begins and ends on a page. Kernel names for what is done: mmap(2), mprotect(2), madvise(2), munmap(2).
//
// Thread-safety: any thread; two threads must not work on overlapping ranges. Cost: a system call each
// (0.3-1 us); give_back() about 60 us a resident MiB, first touch of a 4 KiB page about 2 us; slices of 2 MiB
// stall nobody. Limits: a mapping each time usable and unusable pages alternate (vm.max_map_count is 65,530).
// Errors: kSystem with errno; a range not on page bounds aborts. Ownership: the caller owns ranges and unmaps
// them; nothing is freed by ending the source.
#pragma once

#include <cstddef>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/check.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

struct PageRange {
  std::byte* begin = nullptr;
  Bytes size;

  bool empty() const { return size.zero(); }
  std::byte* end() const { return begin + size.count(); }
  bool contains(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= begin && at < end();
  }
  // REQUIRES: offset + length <= size.
  PageRange part(Bytes offset, Bytes length) const {
    PLIMSOLL_CHECK(offset.plus_clamped(length) <= size);
    return {begin + offset.count(), length};
  }
  friend bool operator==(const PageRange&, const PageRange&) = default;
};

enum class Advice {
  kNormal,      // take back kSequential and kRandom
  kSequential,  // read ahead, drop behind
  kRandom,      // do not read ahead
  kWillNeed,    // read ahead now
  kCold,        // first to be reclaimed or swapped; stays resident until then
  kHugePage,    // 2 MiB pages where they fit: fewer faults, but one touched byte backs 2 MiB
  kNoHugePage,  // never: what is touched is what is held
};

class PageSource {
 public:
  virtual ~PageSource() = default;

  virtual Bytes page_size() const = 0;

  // Address space with no memory behind it; touching it faults. The size is rounded up to pages. Whoever can
  // do with less halves and asks again.
  // REQUIRES: size > 0; alignment is a power of two (below a page: a page).
  [[nodiscard]] virtual Result<PageRange> reserve(Bytes size, Bytes alignment) = 0;
  // From now on readable and writable, zero at first touch. Fails when RLIMIT_DATA, strict overcommit or the
  // number of mappings does not allow it. Usable pages may be made usable again: nothing changes.
  [[nodiscard]] virtual Result<void> make_usable(PageRange range) = 0;
  // Back to address space only: no memory behind it, touching it faults (a use after free is found).
  [[nodiscard]] virtual Result<void> make_unusable(PageRange range) = 0;
  // The memory goes back now; the range stays usable, and reads as zero even where that failed.
  [[nodiscard]] virtual Result<void> give_back(PageRange range) = 0;
  // Backs the range now instead of at first touch, all or as much as there is. REQUIRES: it is usable.
  [[nodiscard]] virtual Result<void> populate(PageRange range) = 0;
  [[nodiscard]] virtual Result<void> advise(PageRange range, Advice advice) = 0;
  // The address space goes too. REQUIRES: nobody uses it. An empty range is let pass.
  [[nodiscard]] virtual Result<void> unmap(PageRange range) = 0;

  // reserve() and make_usable() in one, with nothing kept when the second fails.
  [[nodiscard]] Result<PageRange> map(Bytes size, Bytes alignment);
};

class SystemPages final : public PageSource {
 public:
  Bytes page_size() const override;
  [[nodiscard]] Result<PageRange> reserve(Bytes size, Bytes alignment) override;
  [[nodiscard]] Result<void> make_usable(PageRange range) override;
  [[nodiscard]] Result<void> make_unusable(PageRange range) override;
  [[nodiscard]] Result<void> give_back(PageRange range) override;
  [[nodiscard]] Result<void> populate(PageRange range) override;
  [[nodiscard]] Result<void> advise(PageRange range, Advice advice) override;
  [[nodiscard]] Result<void> unmap(PageRange range) override;
};

// The kernel's page size, 4 KiB on most machines.
Bytes system_page_size();
// How much of the range has memory behind it (mincore). For tests and reports: 1 us a MiB or more.
Result<Bytes> resident_bytes(PageRange range);

}  // namespace plimsoll
