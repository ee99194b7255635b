// What the handles of the C face are made of, and how a failure becomes a status with words.
//
// A line is the parts that its governor needs; an account has slabs of its own from the first arena or pool
// of buffers on, so that their memory is charged where the caller says. Invariant: `parts` counts what refers
// to the line and is open. Everything that may allocate runs in guarded(), so that no exception reaches C.
//
// Thread-safety: as <plimsoll/plimsoll.h> says. Cost: none of its own. Limits: none. Errors: statuses.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/memory_pool.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/governor/governor.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/plimsoll.h"
#include "plimsoll/pool/buffer_pool.h"

struct plimsoll_account {
  plimsoll_account(plimsoll_line& its_line, plimsoll::Account& its_account)
      : line(its_line), account(its_account) {}
  plimsoll_line& line;
  plimsoll::Account& account;
  std::optional<plimsoll::SlabAllocator> slabs;  // under the line's mutex until it is there
};

struct plimsoll_line {
  plimsoll_line(std::unique_ptr<plimsoll::SystemProbe> found_by, const plimsoll::FoundLimit& found);
  ~plimsoll_line();

  bool has_account(std::string_view name) const;
  plimsoll::SlabAllocator& slabs_of(plimsoll_account& account);

  const std::unique_ptr<plimsoll::SystemProbe> probe;
  plimsoll::LoadLine line;
  plimsoll::Account& idle;
  plimsoll::SystemPages pages;
  plimsoll::AdmissionBoard board;
  plimsoll::EventLog events;
  plimsoll::Governor governor;
  std::atomic<int> parts{0};
  plimsoll::Mutex mutex;
  std::deque<plimsoll_account> accounts PLIMSOLL_GUARDED_BY(mutex);
  bool running PLIMSOLL_GUARDED_BY(mutex) = false;
};

struct plimsoll_buffers {
  plimsoll_line& line;
  plimsoll::BufferPool pool;
};

struct plimsoll_pool {
  plimsoll_line& line;
  plimsoll::MemoryPool pool;
};

struct plimsoll_arena {
  plimsoll_line& line;
  plimsoll::Arena arena;
};

namespace plimsoll::c {

plimsoll_status fail(plimsoll_status status, const char* what, int errno_value = 0) noexcept;
plimsoll_status fail(const Error& error) noexcept;
inline plimsoll_status fail_null() noexcept {
  return fail(PLIMSOLL_INVALID, "NULL where a handle, a name or a place for the result must be");
}
inline plimsoll_status fail_size() noexcept {
  return fail(PLIMSOLL_OUT_OF_RANGE, "a size must be below 2^63");
}
inline bool is_size(std::uint64_t bytes) noexcept { return bytes <= Bytes::kMax; }
// [a-z0-9_]+, as the metrics take it.
bool is_name(const char* name) noexcept;
// 0 is the usual one; 0 comes back for what is no power of two.
inline std::size_t alignment_of(std::size_t asked) noexcept {
  if (asked == 0) return alignof(std::max_align_t);
  return (asked & (asked - 1)) == 0 ? asked : 0;
}

// Runs `body`, which says a status. The only exception there is malloc's, when it has no memory.
template <typename Body>
plimsoll_status guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    return fail(PLIMSOLL_REFUSED, "malloc has no memory for this");
  }
}

}  // namespace plimsoll::c
