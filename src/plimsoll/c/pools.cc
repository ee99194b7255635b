#include "plimsoll/c/internal/handles.h"

using plimsoll::Arena;
using plimsoll::BufferPool;
using plimsoll::Bytes;
using plimsoll::c::alignment_of;
using plimsoll::c::fail;
using plimsoll::c::fail_null;
using plimsoll::c::fail_size;
using plimsoll::c::guarded;
using plimsoll::c::is_size;

namespace {

constexpr std::size_t kLargestArenaAlignment = 4096;

plimsoll_status fail_alignment() { return fail(PLIMSOLL_INVALID, "an alignment is a power of two, or 0"); }
plimsoll_status fail_refused() {
  return fail(PLIMSOLL_REFUSED, "the account, the pool or the system has no memory for this now");
}

// Out of a pool: what it gave less what came back, and what is larger than it keeps.
bool has_buffers_out(const BufferPool& pool) {
  const BufferPool::Stats stats = pool.stats();
  std::uint64_t out = 0;
  for (const BufferPool::BucketStats& bucket : stats.buckets)
    out += bucket.created + bucket.reused - bucket.returned;
  return out != 0 || !stats.large.zero();
}

// Ended, and no longer counted by its line. release: pairs with plimsoll_line_close().
template <typename Part>
plimsoll_status end(Part* part) {
  plimsoll_line& line = part->line;
  delete part;
  line.parts.fetch_sub(1, std::memory_order_release);
  return PLIMSOLL_OK;
}

}  // namespace

// --- buffers
// -------------------------------------------------------------------------------------------------------

plimsoll_status plimsoll_buffers_open(plimsoll_account* account, uint64_t maximum_idle,
                                      plimsoll_buffers** buffers) {
  if (buffers != nullptr) *buffers = nullptr;
  if (account == nullptr || buffers == nullptr) return fail_null();
  if (!is_size(maximum_idle)) return fail_size();
  return guarded([&] {
    plimsoll_line& line = account->line;
    BufferPool::Options options{.slabs = line.slabs_of(*account),
                                .pages = line.pages,
                                .account = account->account,
                                .idle = line.idle,
                                .name = account->account.name()};
    if (maximum_idle != 0) options.maximum_idle = Bytes(maximum_idle);
    if (plimsoll::Result<void> valid = options.Validate(); !valid) return fail(valid.error());
    std::unique_ptr<plimsoll_buffers> made(new plimsoll_buffers{line, BufferPool(options)});
    line.governor.add(made->pool, line.idle);
    line.parts.fetch_add(1, std::memory_order_relaxed);
    *buffers = made.release();
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_buffers_close(plimsoll_buffers* buffers) {
  if (buffers == nullptr) return fail_null();
  return guarded([&] {
    if (has_buffers_out(buffers->pool)) return fail(PLIMSOLL_BUSY, "release the buffers of the pool first");
    buffers->line.governor.remove(buffers->pool);
    return end(buffers);
  });
}

plimsoll_status plimsoll_buffers_acquire(plimsoll_buffers* buffers, size_t size, plimsoll_buffer* buffer) {
  if (buffer != nullptr) *buffer = {};
  if (buffers == nullptr || buffer == nullptr) return fail_null();
  if (size == 0 || size > std::uint64_t{1} << 40)
    return fail(PLIMSOLL_OUT_OF_RANGE, "a buffer has 1 byte to 1 TiB");
  BufferPool::Buffer acquired = buffers->pool.acquire(Bytes(size));
  if (!acquired) return fail_refused();
  *buffer = {.data = acquired.disown(), .size = size};
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_buffers_release(plimsoll_buffers* buffers, plimsoll_buffer* buffer) {
  if (buffers == nullptr || buffer == nullptr) return fail_null();
  if (buffer->data != nullptr)
    buffers->pool.give_back(static_cast<std::byte*>(buffer->data), Bytes(buffer->size));
  *buffer = {};
  return PLIMSOLL_OK;
}

// --- a pool of mixed blocks
// ----------------------------------------------------------------------------------------

plimsoll_status plimsoll_pool_open(plimsoll_line* line, const char* name, uint64_t capacity,
                                   plimsoll_pool** pool) {
  if (pool != nullptr) *pool = nullptr;
  if (line == nullptr || name == nullptr || pool == nullptr) return fail_null();
  if (!plimsoll::c::is_name(name))
    return fail(PLIMSOLL_INVALID, "a pool's name is 1 to 64 of a-z, 0-9 and _");
  if (capacity == 0 || !is_size(capacity))
    return fail(PLIMSOLL_OUT_OF_RANGE, "a pool's capacity is 1 byte to 2^63");
  return guarded([&] {
    plimsoll::MutexLock lock(line->mutex);
    for (const char* part : {"", "_idle", "_slabs", "_large"})
      if (line->has_account(std::string(name) + part))
        return fail(PLIMSOLL_INVALID, "the line has an account of this name, or had a pool of it");
    *pool = new plimsoll_pool{
        *line, plimsoll::MemoryPool(plimsoll::MemoryPool::Options{
                   .line = line->line, .pages = line->pages, .capacity = Bytes(capacity), .name = name})};
    line->parts.fetch_add(1, std::memory_order_relaxed);
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_pool_close(plimsoll_pool* pool) {
  if (pool == nullptr) return fail_null();
  return guarded([&] {
    const plimsoll::MemoryPool::Stats stats = pool->pool.stats();
    if (stats.allocations != stats.frees) return fail(PLIMSOLL_BUSY, "free the blocks of the pool first");
    return end(pool);
  });
}

plimsoll_status plimsoll_pool_allocate(plimsoll_pool* pool, size_t size, size_t alignment, void** memory) {
  if (memory != nullptr) *memory = nullptr;
  if (pool == nullptr || memory == nullptr) return fail_null();
  if (size > Bytes::kMax / 4) return fail_size();
  const std::size_t aligned = alignment_of(alignment);
  if (aligned == 0) return fail_alignment();
  *memory = pool->pool.allocate(size, aligned);
  return *memory != nullptr ? PLIMSOLL_OK : fail_refused();
}

plimsoll_status plimsoll_pool_free(plimsoll_pool* pool, void* memory, size_t size, size_t alignment) {
  if (pool == nullptr) return fail_null();
  const std::size_t aligned = alignment_of(alignment);
  if (aligned == 0) return fail_alignment();
  pool->pool.deallocate(memory, size, aligned);
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_pool_get_usage(const plimsoll_pool* pool, plimsoll_pool_usage* usage) {
  if (pool == nullptr || usage == nullptr) return fail_null();
  return guarded([&] {
    const plimsoll::MemoryPool::Stats stats = pool->pool.stats();
    *usage = {.capacity = stats.capacity.count(),
              .used = stats.used.count(),
              .held = stats.held.count(),
              .allocations = stats.allocations,
              .refused = stats.refused};
    return PLIMSOLL_OK;
  });
}

// --- arenas
// --------------------------------------------------------------------------------------------------------

plimsoll_status plimsoll_arena_open(plimsoll_account* account, plimsoll_arena** arena) {
  if (arena != nullptr) *arena = nullptr;
  if (account == nullptr || arena == nullptr) return fail_null();
  return guarded([&] {
    plimsoll_line& line = account->line;
    *arena = new plimsoll_arena{
        line, Arena(Arena::Options{
                  .slabs = line.slabs_of(*account), .pages = line.pages, .account = account->account})};
    line.parts.fetch_add(1, std::memory_order_relaxed);
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_arena_close(plimsoll_arena* arena) {
  return arena != nullptr ? end(arena) : fail_null();
}

plimsoll_status plimsoll_arena_allocate(plimsoll_arena* arena, size_t size, size_t alignment, void** memory) {
  if (memory != nullptr) *memory = nullptr;
  if (arena == nullptr || memory == nullptr) return fail_null();
  const std::size_t aligned = alignment_of(alignment);
  if (aligned == 0) return fail_alignment();
  if (aligned > kLargestArenaAlignment)
    return fail(PLIMSOLL_INVALID, "an arena aligns to 4096 at most; a pool aligns to more");
  *memory = arena->arena.allocate(size, aligned);
  return *memory != nullptr ? PLIMSOLL_OK : fail_refused();
}

plimsoll_status plimsoll_arena_mark(const plimsoll_arena* arena, plimsoll_mark* mark) {
  if (arena == nullptr || mark == nullptr) return fail_null();
  const Arena::Mark made = arena->arena.mark();
  *mark = {.chunk = made.chunk, .at = made.at};
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_arena_rewind(plimsoll_arena* arena, plimsoll_mark mark) {
  if (arena == nullptr) return fail_null();
  arena->arena.rewind({.chunk = mark.chunk, .at = static_cast<char*>(mark.at)});
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_arena_reset(plimsoll_arena* arena) {
  if (arena == nullptr) return fail_null();
  arena->arena.reset();
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_arena_get_held(const plimsoll_arena* arena, uint64_t* bytes) {
  if (arena == nullptr || bytes == nullptr) return fail_null();
  *bytes = arena->arena.held().count();
  return PLIMSOLL_OK;
}
