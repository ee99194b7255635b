#include "cases.h"

static void buffers_come_back_to_the_next(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_account* account = account_of(line, "buffers", PLIMSOLL_WAITABLE, 16 * MIB);
  plimsoll_buffers* buffers;
  OK(plimsoll_buffers_open(account, 4 * MIB, &buffers));
  plimsoll_buffer small, large, huge;
  OK(plimsoll_buffers_acquire(buffers, 700, &small));
  OK(plimsoll_buffers_acquire(buffers, 200000, &large));
  OK(plimsoll_buffers_acquire(buffers, 3 * MIB, &huge));
  memset(small.data, 1, small.size);
  memset(large.data, 2, large.size);
  memset(huge.data, 3, huge.size);
  CHECK(small.size == 700 && large.size == 200000 && huge.size == 3 * MIB);
  plimsoll_buffer none;
  SAYS(PLIMSOLL_REFUSED, plimsoll_buffers_acquire(buffers, 64 * MIB, &none));
  CHECK(none.data == NULL && none.size == 0);

  SAYS(PLIMSOLL_BUSY, plimsoll_buffers_close(buffers));
  void* seen = large.data;
  OK(plimsoll_buffers_release(buffers, &large));
  CHECK(large.data == NULL);
  OK(plimsoll_buffers_release(buffers, &large));  // it is empty
  OK(plimsoll_buffers_acquire(buffers, 200001, &large));
  CHECK(large.data == seen);
  OK(plimsoll_buffers_release(buffers, &large));
  OK(plimsoll_buffers_release(buffers, &small));
  SAYS(PLIMSOLL_BUSY, plimsoll_buffers_close(buffers));  // the one that is not kept
  OK(plimsoll_buffers_release(buffers, &huge));
  OK(plimsoll_line_tick(line));

  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_buffers_acquire(buffers, 0, &small));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_buffers_acquire(buffers, SIZE_MAX, &small));
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_acquire(NULL, 1, &small));
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_acquire(buffers, 1, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_release(NULL, &small));
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_release(buffers, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_close(NULL));
  plimsoll_buffers* made;
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_open(NULL, 0, &made));
  SAYS(PLIMSOLL_INVALID, plimsoll_buffers_open(account, 0, NULL));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_buffers_open(account, UINT64_MAX, &made));
  CHECK(made == NULL);
  SAYS(PLIMSOLL_BUSY, plimsoll_line_close(line));
  OK(plimsoll_buffers_close(buffers));
  OK(plimsoll_line_close(line));
}

static void a_pool_has_its_capacity_and_no_more(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_pool* pool;
  OK(plimsoll_pool_open(line, "parser", 4 * MIB, &pool));
  void *small, *large, *aligned, *more;
  OK(plimsoll_pool_allocate(pool, 100, 0, &small));
  OK(plimsoll_pool_allocate(pool, 2 * MIB, 0, &large));
  OK(plimsoll_pool_allocate(pool, 100, 256, &aligned));
  memset(small, 1, 100);
  memset(large, 2, 2 * MIB);
  CHECK((uintptr_t)aligned % 256 == 0);
  SAYS(PLIMSOLL_REFUSED, plimsoll_pool_allocate(pool, 3 * MIB, 0, &more));
  CHECK(more == NULL);
  plimsoll_pool_usage usage;
  OK(plimsoll_pool_get_usage(pool, &usage));
  CHECK(usage.capacity == 4 * MIB && usage.used == 2 * MIB + 200 && usage.held <= 4 * MIB);
  CHECK(usage.allocations == 3 && usage.refused >= 1);

  OK(plimsoll_pool_free(pool, small, 100, 0));
  OK(plimsoll_pool_free(pool, NULL, 100, 0));
  OK(plimsoll_pool_free(pool, large, 2 * MIB, 0));
  SAYS(PLIMSOLL_BUSY, plimsoll_pool_close(pool));
  OK(plimsoll_pool_free(pool, aligned, 100, 256));

  SAYS(PLIMSOLL_INVALID, plimsoll_pool_allocate(pool, 1, 3, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_allocate(NULL, 1, 0, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_allocate(pool, 1, 0, NULL));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_pool_allocate(pool, SIZE_MAX, 0, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_free(pool, small, 1, 3));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_free(NULL, NULL, 1, 0));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_get_usage(pool, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_get_usage(NULL, &usage));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_close(NULL));
  SAYS(PLIMSOLL_BUSY, plimsoll_line_close(line));
  OK(plimsoll_pool_close(pool));

  SAYS(PLIMSOLL_INVALID, plimsoll_pool_open(line, "parser", MIB, &pool));  // the name stays taken
  CHECK(pool == NULL);
  account_of(line, "x_slabs", PLIMSOLL_PINNED, MIB);
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_open(line, "x", MIB, &pool));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_open(line, "X", MIB, &pool));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_open(line, NULL, MIB, &pool));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_open(NULL, "y", MIB, &pool));
  SAYS(PLIMSOLL_INVALID, plimsoll_pool_open(line, "y", MIB, NULL));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_pool_open(line, "y", 0, &pool));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_pool_open(line, "y", UINT64_MAX, &pool));
  // As large as can be said: the line alone binds.
  OK(plimsoll_pool_open(line, "y", PLIMSOLL_UNBOUNDED, &pool));
  OK(plimsoll_pool_allocate(pool, 100, 0, &more));
  OK(plimsoll_pool_free(pool, more, 100, 0));
  SAYS(PLIMSOLL_REFUSED, plimsoll_pool_allocate(pool, (size_t)1 << 40, 0, &more));
  OK(plimsoll_pool_close(pool));
  OK(plimsoll_line_close(line));
}

static void an_arena_goes_back_to_its_mark(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_account* account = account_of(line, "requests", PLIMSOLL_WAITABLE, 8 * MIB);
  plimsoll_arena* arena;
  OK(plimsoll_arena_open(account, &arena));
  uint64_t held = 1;
  OK(plimsoll_arena_get_held(arena, &held));
  CHECK(held == 0);
  void *key, *first, *again, *more;
  OK(plimsoll_arena_allocate(arena, 40, 1, &key));
  memset(key, 7, 40);
  plimsoll_mark mark;
  OK(plimsoll_arena_mark(arena, &mark));
  OK(plimsoll_arena_allocate(arena, 1000, 64, &first));
  CHECK((uintptr_t)first % 64 == 0);
  memset(first, 8, 1000);
  OK(plimsoll_arena_rewind(arena, mark));
  OK(plimsoll_arena_allocate(arena, 1000, 64, &again));
  CHECK(again == first && ((char*)key)[39] == 7);
  SAYS(PLIMSOLL_REFUSED, plimsoll_arena_allocate(arena, 16 * MIB, 0, &more));
  CHECK(more == NULL);
  SAYS(PLIMSOLL_REFUSED, plimsoll_arena_allocate(arena, SIZE_MAX, 0, &more));
  OK(plimsoll_arena_get_held(arena, &held));
  CHECK(held >= 1040);
  OK(plimsoll_arena_reset(arena));

  SAYS(PLIMSOLL_INVALID, plimsoll_arena_allocate(arena, 1, 3, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_allocate(arena, 1, 8192, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_allocate(arena, 1, SIZE_MAX / 2 + 1, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_allocate(NULL, 1, 0, &more));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_allocate(arena, 1, 0, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_mark(NULL, &mark));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_mark(arena, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_rewind(NULL, mark));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_reset(NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_get_held(NULL, &held));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_get_held(arena, NULL));
  plimsoll_arena* made = arena;
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_open(NULL, &made));
  CHECK(made == NULL);
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_open(account, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_arena_close(NULL));
  OK(plimsoll_arena_close(arena));
  OK(plimsoll_line_close(line));
}

static void an_arena_keeps_its_line_open(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_account* account = account_of(line, "requests", PLIMSOLL_WAITABLE, 8 * MIB);
  plimsoll_arena* arena;
  void* memory;
  OK(plimsoll_arena_open(account, &arena));
  OK(plimsoll_arena_allocate(arena, 100000, 0, &memory));
  SAYS(PLIMSOLL_BUSY, plimsoll_line_close(line));
  OK(plimsoll_arena_close(arena));  // with what it gave
  plimsoll_charge charge;
  OK(plimsoll_charge_take(account, 1, &charge));
  SAYS(PLIMSOLL_BUSY, plimsoll_line_close(line));
  OK(plimsoll_arena_open(account, &arena));  // the line goes on as it was
  OK(plimsoll_arena_allocate(arena, 100000, 0, &memory));
  OK(plimsoll_arena_close(arena));
  OK(plimsoll_charge_release(&charge));
  OK(plimsoll_line_close(line));
}

void pool_cases(void) {
  buffers_come_back_to_the_next();
  a_pool_has_its_capacity_and_no_more();
  an_arena_goes_back_to_its_mark();
  an_arena_keeps_its_line_open();
}
