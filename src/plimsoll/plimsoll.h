// The C face: a line, its accounts, pools, arenas and a cache, for programs that are not written in C++.
//
// Why its own: every language calls C. Plain C99, no types but its own and <stdint.h>'s; no exception leaves
// it. Each handle is opaque, made by an `_open` and ended by its `_close`. Every function says a
// plimsoll_status; results come through pointers, which are written only as each function says. The words for
// the last failure of a thread are in plimsoll_last_error(): the texts are static, so that failing allocates
// nothing (SQLite keeps them in the handle, which an `_open` that fails does not have; RocksDB allocates
// them, when memory may be what is short).
//
//   plimsoll_line* line;
//   if (plimsoll_line_open(NULL, &line) != PLIMSOLL_OK) return fail(plimsoll_last_error());
//   plimsoll_account* requests;
//   plimsoll_account_open(line, NULL, "requests", PLIMSOLL_WAITABLE, 0, PLIMSOLL_UNBOUNDED, &requests);
//   plimsoll_charge charge;
//   if (plimsoll_charge_take(requests, 65536, &charge) == PLIMSOLL_REFUSED) return answer_503();
//   ... hold so much memory ...
//   plimsoll_charge_release(&charge);
//
// Thread-safety: all functions from any thread, but for an arena, a charge, a buffer and a value, each of
// which is one thread's at a time, and `_close`, which is the last call on its handle. Cost: what is taken
// and given back allocates nothing by malloc and costs what its C++ part costs (budget/account.h,
// pool/buffer_pool.h, alloc/memory_pool.h, alloc/arena.h, cache/byte_cache.h) and the call. Limits: as those;
// sizes below 2^63. Errors: NULL where a handle or a result belongs is PLIMSOLL_INVALID and never a crash; a
// handle that was closed, memory that is not the pool's, and memory given back twice are not found out
// (builds with checks abort). Ownership: accounts are their line's; pools, arenas and caches are closed
// before their line, what they gave is back before they are, and until then `_close` is PLIMSOLL_BUSY and
// changes nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "plimsoll/base/version.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- what every function says
// --------------------------------------------------------------------------------------

typedef enum plimsoll_status {
  PLIMSOLL_OK = 0,
  PLIMSOLL_INVALID = 1,       // an argument is malformed, or NULL where something must be
  PLIMSOLL_OUT_OF_RANGE = 2,  // well formed, but more or less than is allowed
  PLIMSOLL_NOT_FOUND = 3,     // what was named does not exist
  PLIMSOLL_REFUSED = 4,    // the line, an account or the system does not grant the memory; nothing was taken
  PLIMSOLL_TIMED_OUT = 5,  // the deadline passed
  PLIMSOLL_UNSUPPORTED = 6,         // this kernel or build cannot
  PLIMSOLL_SYSTEM = 7,              // a system call failed; plimsoll_last_error() says which, and why
  PLIMSOLL_TOO_SMALL = 8,           // the caller's buffer is; the size that is needed was told
  PLIMSOLL_BUSY = 9,                // something made from it, or given by it, is still there
  PLIMSOLL_STATUS_ANY = 0x7fffffff  // none: it makes every int a value that C++ may look at
} plimsoll_status;

// "ok", "refused", ...; "unknown" for another number. Never NULL.
const char* plimsoll_status_name(plimsoll_status status);
// What was wrong, and what would be right, in this thread's last call that did not say PLIMSOLL_OK; "" before
// any. Valid until the thread's next call that fails.
const char* plimsoll_last_error(void);
// As linked; PLIMSOLL_VERSION is as compiled.
const char* plimsoll_version(void);

// --- the line (budget/load_line.h, governor/governor.h)
// ------------------------------------------------------------

typedef struct plimsoll_line plimsoll_line;
typedef struct plimsoll_account plimsoll_account;

#define PLIMSOLL_UNBOUNDED INT64_MAX  // as a maximum: only the line and the accounts above bind

// Finds what the kernel would kill the process for, and opens a line below it. `limit`: NULL, or a size
// ("512MiB") or share ("50%") that is smaller. Errors: INVALID, OUT_OF_RANGE (a bad limit), SYSTEM (no
// /proc), REFUSED (malloc).
plimsoll_status plimsoll_line_open(const char* limit, plimsoll_line** line);
// Stops its thread. Errors: BUSY while there are pools, arenas or caches of it, or charges.
plimsoll_status plimsoll_line_close(plimsoll_line* line);

// Starts the thread that watches the line: charges what nobody charged, follows the limit, has pools and
// caches give back what is short. Call it when the program is ready. Errors: BUSY (it runs), SYSTEM.
plimsoll_status plimsoll_line_start(plimsoll_line* line);
plimsoll_status plimsoll_line_stop(plimsoll_line* line);  // OK also when it does not run
// One look, for who has an event loop and wants no thread: some ten times a second. Errors: BUSY (the thread
// does it).
plimsoll_status plimsoll_line_tick(plimsoll_line* line);

typedef struct plimsoll_line_usage {
  uint64_t limit;      // what the kernel kills at
  uint64_t line;       // limit less reserve: nothing is granted above
  uint64_t charged;    // of that, now
  uint64_t peak;       // at most so far
  uint64_t free;       // line less charged
  uint64_t droppable;  // of charged, what caches could give up at once
  double pressure;     // (charged - droppable) / line
  int level;           // as of the last look: 0 normal, 1 moderate, 2 high, 3 critical, 4 emergency
} plimsoll_line_usage;
// `*usage` is written whenever OK is said. Cost: some microseconds.
plimsoll_status plimsoll_line_get_usage(plimsoll_line* line, plimsoll_line_usage* usage);

// What it takes to get the memory of an account back.
typedef enum plimsoll_kind {
  PLIMSOLL_DROPPABLE = 0,         // forget it: caches
  PLIMSOLL_FLUSHABLE = 1,         // write it somewhere
  PLIMSOLL_WAITABLE = 2,          // wait until requests under way end
  PLIMSOLL_PINNED = 3,            // not while the process lives as it does
  PLIMSOLL_KIND_ANY = 0x7fffffff  // none, as PLIMSOLL_STATUS_ANY
} plimsoll_kind;

// A named share of the line, for a part of the program and not for each request: accounts end with their
// line. `parent`: NULL for directly under the line. `name`: of a-z, 0-9 and _, at most 64, new to the line.
// Errors: INVALID (the name is bad or taken, the parent is droppable or of another line), OUT_OF_RANGE
// (guarantee above maximum).
plimsoll_status plimsoll_account_open(plimsoll_line* line, plimsoll_account* parent, const char* name,
                                      plimsoll_kind kind, uint64_t guarantee, uint64_t maximum,
                                      plimsoll_account** account);

typedef struct plimsoll_account_usage {
  uint64_t used;
  uint64_t peak;
  uint64_t guarantee;
  uint64_t maximum;
  uint64_t refused;  // how often
} plimsoll_account_usage;
plimsoll_status plimsoll_account_get_usage(const plimsoll_account* account, plimsoll_account_usage* usage);
// Lowered below what is used, nothing more is granted until it is not. Errors: OUT_OF_RANGE.
plimsoll_status plimsoll_account_set_maximum(plimsoll_account* account, uint64_t maximum);

// The right to hold so many bytes. A plain value: copy it and only one of the two is released. Not written by
// hand; all zero is none.
typedef struct plimsoll_charge {
  plimsoll_account* account;
  uint64_t bytes;
} plimsoll_charge;

// Granted in full (OK) or not at all; `*charge` is none then. Errors: REFUSED, OUT_OF_RANGE. Cost: about 25
// ns.
plimsoll_status plimsoll_charge_take(plimsoll_account* account, uint64_t bytes, plimsoll_charge* charge);
// Waits its turn, `timeout_ms` at most. Errors: TIMED_OUT, OUT_OF_RANGE (it could never hold so much).
plimsoll_status plimsoll_charge_take_before(plimsoll_account* account, uint64_t bytes, uint32_t timeout_ms,
                                            plimsoll_charge* charge);
// For memory that is held already: always granted, even above the line.
plimsoll_status plimsoll_charge_take_held(plimsoll_account* account, uint64_t bytes, plimsoll_charge* charge);
// To `bytes` in all. Errors: INVALID (none), REFUSED (unchanged).
plimsoll_status plimsoll_charge_resize(plimsoll_charge* charge, uint64_t bytes);
// Gives it back and makes it none; releasing none is OK.
plimsoll_status plimsoll_charge_release(plimsoll_charge* charge);

// --- pools (pool/buffer_pool.h, alloc/memory_pool.h)
// ---------------------------------------------------------------

// Buffers of 1, 4, 16, 64, 256 KiB and 1 MiB, kept for the next who needs one, and larger ones that are not
// kept.
typedef struct plimsoll_buffers plimsoll_buffers;
typedef struct plimsoll_buffer {
  void* data;
  size_t size;  // as asked for; only so much may be touched
} plimsoll_buffer;

// `maximum_idle`: bytes of each size that wait for their next use; 0: 16 MiB.
plimsoll_status plimsoll_buffers_open(plimsoll_account* account, uint64_t maximum_idle,
                                      plimsoll_buffers** buffers);
plimsoll_status plimsoll_buffers_close(plimsoll_buffers* buffers);  // BUSY while a buffer is out
// Not cleared. Errors: REFUSED (`*buffer` is empty then), OUT_OF_RANGE (0, or above 1 TiB). Cost: about 6 ns.
plimsoll_status plimsoll_buffers_acquire(plimsoll_buffers* buffers, size_t size, plimsoll_buffer* buffer);
// Makes it empty; an empty one is OK.
plimsoll_status plimsoll_buffers_release(plimsoll_buffers* buffers, plimsoll_buffer* buffer);

// So many bytes for blocks of mixed sizes, and not one more.
typedef struct plimsoll_pool plimsoll_pool;
typedef struct plimsoll_pool_usage {
  uint64_t capacity;
  uint64_t used;  // asked for and not freed
  uint64_t held;  // charged
  uint64_t allocations;
  uint64_t refused;
} plimsoll_pool_usage;

// `name`: as of an account; with _idle, _slabs and _large behind it, four names that stay taken after the
// pool ends.
plimsoll_status plimsoll_pool_open(plimsoll_line* line, const char* name, uint64_t capacity,
                                   plimsoll_pool** pool);
plimsoll_status plimsoll_pool_close(plimsoll_pool* pool);  // BUSY while a block is out
// Not cleared. `alignment`: 0, or a power of two. Errors: REFUSED (`*memory` is NULL then), INVALID. Cost: 5
// ns to 32 KiB.
plimsoll_status plimsoll_pool_allocate(plimsoll_pool* pool, size_t size, size_t alignment, void** memory);
// With the size and alignment it was allocated with; NULL is OK. Errors: INVALID (the alignment).
plimsoll_status plimsoll_pool_free(plimsoll_pool* pool, void* memory, size_t size, size_t alignment);
plimsoll_status plimsoll_pool_get_usage(const plimsoll_pool* pool, plimsoll_pool_usage* usage);

// --- arenas (alloc/arena.h)
// ----------------------------------------------------------------------------------------

// Memory that is allocated by moving a pointer and freed all at once, or back to a mark. One thread's.
typedef struct plimsoll_arena plimsoll_arena;
typedef struct plimsoll_mark {
  void* chunk;
  void* at;
} plimsoll_mark;

plimsoll_status plimsoll_arena_open(plimsoll_account* account, plimsoll_arena** arena);
plimsoll_status plimsoll_arena_close(plimsoll_arena* arena);  // frees all that it gave
// Not cleared. `alignment`: 0, or a power of two to 4096. Errors: REFUSED (`*memory` is NULL, what was
// allocated stays), INVALID. Cost: 1 ns, and the call.
plimsoll_status plimsoll_arena_allocate(plimsoll_arena* arena, size_t size, size_t alignment, void** memory);
plimsoll_status plimsoll_arena_mark(const plimsoll_arena* arena, plimsoll_mark* mark);
// Frees what was allocated since the mark, which is of this arena and was not rewound past.
plimsoll_status plimsoll_arena_rewind(plimsoll_arena* arena, plimsoll_mark mark);
plimsoll_status plimsoll_arena_reset(plimsoll_arena* arena);  // frees all; keeps a chunk for the next
plimsoll_status plimsoll_arena_get_held(const plimsoll_arena* arena, uint64_t* bytes);

// --- the cache (cache/byte_cache.h)
// --------------------------------------------------------------------------------

// Keys to 32 KiB, values to 512 MiB. It evicts to make room for what is put, and charges all it holds to its
// account.
typedef struct plimsoll_cache plimsoll_cache;

typedef struct plimsoll_cache_options {
  const char* policy;  // "lru", "lfu", "fifo" or "adaptive"; NULL: adaptive
  uint64_t max_items;  // 0: no bound but the account's
  uint64_t max_bytes;  // 0: no bound but the account's
  unsigned shards;     // a power of two to 64, for concurrent writers; 0: 8; fewer where a bound is less
  int keep;            // not 0: a full cache refuses instead of evicting
} plimsoll_cache_options;
#define PLIMSOLL_CACHE_OPTIONS_INIT {NULL, 0, 0, 0, 0}

// `account`: a droppable one, with a maximum or the whole line. `options`: NULL for the usual. Errors:
// INVALID (no such policy, not droppable), OUT_OF_RANGE, REFUSED.
plimsoll_status plimsoll_cache_open(plimsoll_account* account, const plimsoll_cache_options* options,
                                    plimsoll_cache** cache);
plimsoll_status plimsoll_cache_close(plimsoll_cache* cache);  // BUSY while a value is pinned
// Inserts or replaces, by a copy. `ttl_ms`: 0 for ever. Errors: REFUSED, OUT_OF_RANGE (key or value too
// long).
plimsoll_status plimsoll_cache_put(plimsoll_cache* cache, const void* key, size_t key_size, const void* value,
                                   size_t value_size, uint64_t ttl_ms);
// Copies the value into `buffer`. `*size` is its size, also when TOO_SMALL; 0 when NOT_FOUND. Takes no lock.
plimsoll_status plimsoll_cache_get(plimsoll_cache* cache, const void* key, size_t key_size, void* buffer,
                                   size_t capacity, size_t* size);

typedef struct plimsoll_value {
  const void* data;  // in the caller's buffer, or in the cache's own pages
  size_t size;
  int64_t expires_at_ms;  // Unix time; -1: never
  void* pin;              // not NULL: to be released
} plimsoll_value;
// From this size on a value lies in pages of its own and is read without a copy.
#define PLIMSOLL_CACHE_LARGE 16384
// As get, but a value of PLIMSOLL_CACHE_LARGE and more is not copied: it is pinned, and stays as it is until
// plimsoll_value_release(), whatever happens to its key. TOO_SMALL needs a buffer of `value->size`.
plimsoll_status plimsoll_cache_read(plimsoll_cache* cache, const void* key, size_t key_size, void* buffer,
                                    size_t capacity, plimsoll_value* value);
// Makes it empty; an empty one is OK. The cache it came from.
plimsoll_status plimsoll_value_release(plimsoll_cache* cache, plimsoll_value* value);

// After `account` was refused `bytes`: evicts so much. OK: ask again. REFUSED: the account is full by its own
// maximum, or nothing is left to evict.
plimsoll_status plimsoll_cache_make_room(plimsoll_cache* cache, const plimsoll_account* account,
                                         uint64_t bytes);
plimsoll_status plimsoll_cache_erase(plimsoll_cache* cache, const void* key,
                                     size_t key_size);  // or NOT_FOUND
plimsoll_status plimsoll_cache_clear(plimsoll_cache* cache);
plimsoll_status plimsoll_cache_set_policy(plimsoll_cache* cache,
                                          const char* policy);  // keeps what was learned

typedef struct plimsoll_cache_usage {
  uint64_t items;
  uint64_t hits;
  uint64_t misses;
  uint64_t evicted;
  uint64_t expired;
  uint64_t refused;
  uint64_t payload;  // bytes of keys and values
  uint64_t held;     // bytes charged
} plimsoll_cache_usage;
plimsoll_status plimsoll_cache_get_usage(const plimsoll_cache* cache, plimsoll_cache_usage* usage);

#ifdef __cplusplus
}
#endif
