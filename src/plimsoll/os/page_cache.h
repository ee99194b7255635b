// cached_bytes: how much of a file is in the page cache, the hit ratio that a log on the page cache has.
//
// A log without a cache of its own can only ask the kernel what its readers will find. cachestat(2) counts
// without a map (Linux 6.5); before it, mincore(2) over a map of the file does, for files that the process
// may write (the kernel tells nothing of others since 5.2).
//
//   Result<CacheShare> share = cached_bytes(*file, {});
//   sink.gauge("log_page_cache_bytes", "...", share->cached.as_double());
//
// Thread-safety: any thread. Cost: cachestat 1-10 us a GiB of what is cached; mincore a map and 1 us a MiB.
// Limits: in whole pages. Errors: kUnsupported (a kernel without the call, when it was asked for), kSystem.
#pragma once

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

enum class CacheProbe : std::uint8_t { kBest, kCachestat, kMincore };

struct CacheShare {
  Bytes size;    // of the range, to the end of the file
  Bytes cached;  // of that
  Bytes dirty;   // of that, not written yet; cachestat only
};

Result<CacheShare> cached_bytes(const StoredFile& file, FileRange range,
                                CacheProbe probe = CacheProbe::kBest);

}  // namespace plimsoll
