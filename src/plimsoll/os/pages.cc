#include "plimsoll/os/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace plimsoll {
namespace {

tl::unexpected<Error> system_error(const char* what) { return fail(ErrorCode::kSystem, what, errno); }

void check_pages(PageRange range) {
  std::uint64_t page = system_page_size().count();
  PLIMSOLL_CHECK(reinterpret_cast<std::uintptr_t>(range.begin) % page == 0 && range.size.count() % page == 0,
                 "range at %p of %llu bytes is not of whole pages", static_cast<void*>(range.begin),
                 static_cast<unsigned long long>(range.size.count()));
}

Result<void> advise_with(PageRange range, int advice, const char* what) {
  check_pages(range);
  if (range.empty()) return {};
  // EAGAIN: the kernel could not get memory for the moment; once more, and then it is an answer.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (::madvise(range.begin, range.size.count(), advice) == 0) return {};
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return system_error(what);
}

Result<void> protect(PageRange range, int protection, const char* what) {
  check_pages(range);
  if (range.empty() || ::mprotect(range.begin, range.size.count(), protection) == 0) return {};
  return system_error(what);
}

// Cuts the ends off a mapping that was made larger to find an aligned place in it.
Result<PageRange> cut_to(PageRange mapped, Bytes size, Bytes alignment) {
  std::uint64_t address = reinterpret_cast<std::uintptr_t>(mapped.begin);
  Bytes before = Bytes((alignment.count() - address % alignment.count()) % alignment.count());
  PageRange wanted = mapped.part(before, size);
  Bytes after = mapped.size - before - size;
  // These fail only when the process has no mapping left to split; then all of it goes.
  if ((!before.zero() && ::munmap(mapped.begin, before.count()) != 0) ||
      (!after.zero() && ::munmap(wanted.end(), after.count()) != 0)) {
    Error error{ErrorCode::kSystem, errno, "address space could not be aligned"};
    ::munmap(mapped.begin, mapped.size.count());
    return tl::unexpected(error);
  }
  return wanted;
}

int flag_of(Advice advice) {
  switch (advice) {
    case Advice::kNormal:
      return MADV_NORMAL;
    case Advice::kSequential:
      return MADV_SEQUENTIAL;
    case Advice::kRandom:
      return MADV_RANDOM;
    case Advice::kWillNeed:
      return MADV_WILLNEED;
    case Advice::kCold:
      return MADV_COLD;
    case Advice::kHugePage:
      return MADV_HUGEPAGE;
    case Advice::kNoHugePage:
      return MADV_NOHUGEPAGE;
  }
  return MADV_NORMAL;
}

}  // namespace

Bytes system_page_size() {
  static const Bytes size(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  return size;
}

Result<Bytes> resident_bytes(PageRange range) {
  check_pages(range);
  const Bytes page = system_page_size();
  std::array<unsigned char, 4096> present;
  std::uint64_t resident = 0;
  for (Bytes done; done < range.size;) {
    Bytes step = std::min(range.size - done, page * present.size());
    if (::mincore(range.begin + done.count(), step.count(), present.data()) != 0) {
      return system_error("the kernel does not say which pages are resident");
    }
    resident += static_cast<std::uint64_t>(std::count_if(present.begin(), present.begin() + step / page,
                                                         [](unsigned char flags) { return flags & 1; }));
    done += step;
  }
  return page * resident;
}

Result<PageRange> PageSource::map(Bytes size, Bytes alignment) {
  Result<PageRange> range = reserve(size, alignment);
  if (!range) return range;
  Result<void> usable = make_usable(*range);
  if (usable) return range;
  Result<void> undone = unmap(*range);  // the first failure is the one to report
  static_cast<void>(undone);
  return tl::unexpected(usable.error());
}

Bytes SystemPages::page_size() const { return system_page_size(); }

Result<PageRange> SystemPages::reserve(Bytes size, Bytes alignment) {
  const Bytes page = page_size();
  alignment = std::max(alignment, page);
  PLIMSOLL_CHECK(!size.zero() && std::has_single_bit(alignment.count()));
  if (size > Bytes::max().minus_clamped(alignment).minus_clamped(page)) {
    return fail(ErrorCode::kOutOfRange, "more address space than there is", ENOMEM);
  }
  size = size.rounded_up(page);
  Bytes mapped = size + (alignment - page);
  void* address =
      ::mmap(nullptr, mapped.count(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return system_error("no address space");
  return cut_to({static_cast<std::byte*>(address), mapped}, size, alignment);
}

Result<void> SystemPages::make_usable(PageRange range) {
  return protect(range, PROT_READ | PROT_WRITE, "pages could not be made usable");
}

Result<void> SystemPages::make_unusable(PageRange range) {
  // Both in one call, and the new mapping no longer counts against RLIMIT_DATA and strict overcommit.
  check_pages(range);
  if (range.empty()) return {};
  void* address = ::mmap(range.begin, range.size.count(), PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (address == MAP_FAILED) return system_error("pages could not be made unusable");
  return {};
}

Result<void> SystemPages::give_back(PageRange range) {
  Result<void> given = advise_with(range, MADV_DONTNEED, "pages could not be given back");
  // Locked memory stays; whoever is given the range next counts on zeros all the same.
  if (!given && given.error().errno_value == EINVAL) std::memset(range.begin, 0, range.size.count());
  return given;
}

Result<void> SystemPages::populate(PageRange range) {
  Result<void> done = advise_with(range, MADV_POPULATE_WRITE, "pages could not be backed");
  if (done || done.error().errno_value != EINVAL) return done;
  // Before Linux 5.14: touch them, which changes nothing that is there.
  const Bytes page = page_size();
  for (Bytes at; at < range.size; at += page) {
    __atomic_fetch_or(reinterpret_cast<std::uint8_t*>(range.begin + at.count()), 0, __ATOMIC_RELAXED);
  }
  return {};
}

Result<void> SystemPages::advise(PageRange range, Advice advice) {
  return advise_with(range, flag_of(advice), "the kernel does not take this advice");
}

Result<void> SystemPages::unmap(PageRange range) {
  check_pages(range);
  if (range.empty() || ::munmap(range.begin, range.size.count()) == 0) return {};
  return system_error("address space could not be returned");
}

}  // namespace plimsoll
