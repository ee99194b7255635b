#include "plimsoll/os/page_cache.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

// Debian 12's headers are older than the call.
constexpr long kCachestat = 451;

struct CachestatRange {
  std::uint64_t offset;
  std::uint64_t length;
};
struct CachestatCounts {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

Bytes pages(std::uint64_t count, Bytes most) { return std::min(system_page_size() * count, most); }

Result<CacheShare> by_cachestat(int descriptor, FileRange range) {
  CachestatRange asked{range.position, range.size};
  CachestatCounts counts{};
  if (::syscall(kCachestat, descriptor, &asked, &counts, 0) != 0) {
    const bool missing = errno == ENOSYS || errno == EPERM || errno == EOPNOTSUPP;
    return fail(missing ? ErrorCode::kUnsupported : ErrorCode::kSystem,
                "this kernel cannot count what is cached of a file", errno);
  }
  const Bytes size(range.size);
  return CacheShare{.size = size, .cached = pages(counts.cached, size), .dirty = pages(counts.dirty, size)};
}

Result<CacheShare> by_mincore(int descriptor, FileRange range) {
  const std::uint64_t page = system_page_size().count();
  const std::uint64_t begin = range.position / page * page;
  const std::uint64_t length = range.position + range.size - begin;
  void* address = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(begin));
  if (address == MAP_FAILED) return fail(ErrorCode::kSystem, "a file cannot be mapped", errno);
  std::array<unsigned char, 4096> resident{};
  std::uint64_t count = 0;
  int error = 0;
  for (std::uint64_t at = 0; at < length && error == 0; at += resident.size() * page) {
    const std::uint64_t part = std::min<std::uint64_t>(length - at, resident.size() * page);
    if (::mincore(static_cast<char*>(address) + at, part, resident.data()) != 0) {
      error = errno;
      break;
    }
    const auto end = resident.begin() + static_cast<std::ptrdiff_t>((part + page - 1) / page);
    count += static_cast<std::uint64_t>(
        std::count_if(resident.begin(), end, [](unsigned char flags) { return (flags & 1) != 0; }));
  }
  ::munmap(address, length);
  if (error != 0) return fail(ErrorCode::kSystem, "what is cached of a file cannot be read", error);
  const Bytes size(range.size);
  return CacheShare{.size = size, .cached = pages(count, size), .dirty = Bytes()};
}

}  // namespace

Result<CacheShare> cached_bytes(const StoredFile& file, FileRange range, CacheProbe probe) {
  Result<std::uint64_t> size = file.size();
  if (!size) return tl::unexpected(size.error());
  if (range.position >= *size) return CacheShare{};
  if (range.size == 0 || range.size > *size - range.position) range.size = *size - range.position;
  if (probe != CacheProbe::kMincore) {
    Result<CacheShare> share = by_cachestat(file.descriptor(), range);
    if (share || probe == CacheProbe::kCachestat || share.error().code != ErrorCode::kUnsupported) {
      return share;
    }
  }
  return by_mincore(file.descriptor(), range);
}

}  // namespace plimsoll
