#include "cases.h"

static plimsoll_line* line;
static plimsoll_account* account;
static plimsoll_cache* cache;

static void open_cache(const plimsoll_cache_options* options) {
  line = line_of("64MiB");
  account = account_of(line, "cache", PLIMSOLL_DROPPABLE, 16 * MIB);
  OK(plimsoll_cache_open(account, options, &cache));
}
static void close_cache(void) {
  OK(plimsoll_cache_close(cache));
  OK(plimsoll_line_close(line));
}
static plimsoll_cache_usage usage_of(void) {
  plimsoll_cache_usage usage;
  OK(plimsoll_cache_get_usage(cache, &usage));
  return usage;
}

static void what_is_put_is_got(void) {
  open_cache(NULL);
  char buffer[64];
  size_t size = 1;
  SAYS(PLIMSOLL_NOT_FOUND, plimsoll_cache_get(cache, "ship", 4, buffer, sizeof buffer, &size));
  CHECK(size == 0);
  OK(plimsoll_cache_put(cache, "ship", 4, "plimsoll", 8, 0));
  OK(plimsoll_cache_get(cache, "ship", 4, buffer, sizeof buffer, &size));
  CHECK(size == 8 && memcmp(buffer, "plimsoll", 8) == 0);
  OK(plimsoll_cache_get(cache, "ship", 4, buffer, 8, &size));
  size = 0;
  SAYS(PLIMSOLL_TOO_SMALL, plimsoll_cache_get(cache, "ship", 4, buffer, 7, &size));
  CHECK(size == 8);
  SAYS(PLIMSOLL_TOO_SMALL, plimsoll_cache_get(cache, "ship", 4, NULL, 0, &size));
  OK(plimsoll_cache_put(cache, "empty", 5, NULL, 0, 0));
  OK(plimsoll_cache_get(cache, "empty", 5, NULL, 0, &size));
  CHECK(size == 0);
  CHECK(usage_of().items == 2 && usage_of().hits >= 3 && usage_of().misses == 1 && usage_of().held > 0);
  OK(plimsoll_cache_erase(cache, "ship", 4));
  SAYS(PLIMSOLL_NOT_FOUND, plimsoll_cache_erase(cache, "ship", 4));
  OK(plimsoll_cache_clear(cache));
  CHECK(usage_of().items == 0 && usage_of().payload == 0);
  close_cache();
}

static void large_values_are_pinned_and_not_copied(void) {
  open_cache(NULL);
  static char large[100000], copy[100000];
  memset(large, 5, sizeof large);
  OK(plimsoll_cache_put(cache, "large", 5, large, sizeof large, 60000));
  plimsoll_value value;
  OK(plimsoll_cache_read(cache, "large", 5, NULL, 0, &value));
  CHECK(value.pin != NULL && value.size == sizeof large && value.expires_at_ms > 0);
  OK(plimsoll_cache_put(cache, "large", 5, "now short", 9, 0));
  CHECK(memcmp(value.data, large, sizeof large) == 0);  // as it was
  SAYS(PLIMSOLL_BUSY, plimsoll_cache_close(cache));
  OK(plimsoll_value_release(cache, &value));
  CHECK(value.data == NULL && value.pin == NULL);
  OK(plimsoll_value_release(cache, &value));  // it is empty

  OK(plimsoll_cache_read(cache, "large", 5, copy, sizeof copy, &value));
  CHECK(value.pin == NULL && value.data == copy && value.size == 9 && value.expires_at_ms == -1);
  SAYS(PLIMSOLL_TOO_SMALL, plimsoll_cache_read(cache, "large", 5, copy, 8, &value));
  CHECK(value.data == NULL && value.size == 9);
  SAYS(PLIMSOLL_NOT_FOUND, plimsoll_cache_read(cache, "none", 4, copy, 8, &value));

  size_t size;
  OK(plimsoll_cache_put(cache, "large", 5, large, sizeof large, 0));
  OK(plimsoll_cache_get(cache, "large", 5, copy, sizeof copy, &size));
  CHECK(size == sizeof large && memcmp(copy, large, size) == 0);
  SAYS(PLIMSOLL_TOO_SMALL, plimsoll_cache_get(cache, "large", 5, copy, 10, &size));
  CHECK(size == sizeof large);
  close_cache();
}

static void a_full_cache_evicts_or_refuses(void) {
  static char value[1000];
  plimsoll_cache_options options = PLIMSOLL_CACHE_OPTIONS_INIT;
  options.policy = "lru";
  options.shards = 1;
  options.max_items = 10;
  open_cache(&options);
  for (int i = 0; i < 100; ++i) OK(plimsoll_cache_put(cache, &i, sizeof i, value, sizeof value, 0));
  CHECK(usage_of().items == 10 && usage_of().evicted == 90);
  OK(plimsoll_cache_set_policy(cache, "fifo"));
  close_cache();

  options.max_items = 0;
  options.keep = 1;
  open_cache(&options);
  plimsoll_status status = PLIMSOLL_OK;
  for (int i = 0; i < 100000 && status == PLIMSOLL_OK; ++i)
    status = plimsoll_cache_put(cache, &i, sizeof i, value, sizeof value, 0);
  CHECK(status == PLIMSOLL_REFUSED && usage_of().evicted == 0 && usage_of().refused > 0);
  CHECK(usage_of().held <= 16 * MIB && usage_of().payload > 8 * MIB);
  close_cache();
}

static void it_makes_room_for_who_was_refused(void) {
  static char value[1000];
  line = line_of("32MiB");
  account = account_of(line, "cache", PLIMSOLL_DROPPABLE, PLIMSOLL_UNBOUNDED);
  plimsoll_account* requests = account_of(line, "requests", PLIMSOLL_WAITABLE, 8 * MIB);
  OK(plimsoll_cache_open(account, NULL, &cache));
  for (int i = 0; i < 50000; ++i) OK(plimsoll_cache_put(cache, &i, sizeof i, value, sizeof value, 0));
  CHECK(usage_of().evicted > 0);
  plimsoll_charge charge;
  SAYS(PLIMSOLL_REFUSED, plimsoll_charge_take(requests, 4 * MIB, &charge));
  OK(plimsoll_cache_make_room(cache, requests, 4 * MIB));
  OK(plimsoll_charge_take(requests, 4 * MIB, &charge));
  SAYS(PLIMSOLL_REFUSED, plimsoll_cache_make_room(cache, requests, 8 * MIB));  // full by its own maximum
  OK(plimsoll_charge_release(&charge));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_make_room(NULL, requests, 1));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_make_room(cache, NULL, 1));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_make_room(cache, requests, UINT64_MAX));
  plimsoll_line* other = line_of("32MiB");
  SAYS(PLIMSOLL_INVALID,
       plimsoll_cache_make_room(cache, account_of(other, "x", PLIMSOLL_PINNED, PLIMSOLL_UNBOUNDED), 1));
  OK(plimsoll_line_close(other));
  close_cache();
}

// A wait for what cannot come.
static void let_pass(plimsoll_account* full, uint32_t ms) {
  plimsoll_charge charge, never;
  OK(plimsoll_charge_take(full, 1, &charge));
  SAYS(PLIMSOLL_TIMED_OUT, plimsoll_charge_take_before(full, 1, ms, &never));
  OK(plimsoll_charge_release(&charge));
}

static void what_has_expired_is_absent_and_dropped_at_a_look(void) {
  open_cache(NULL);
  plimsoll_account* full = account_of(line, "full", PLIMSOLL_WAITABLE, 1);
  size_t size;
  char buffer[1];
  OK(plimsoll_cache_put(cache, "brief", 5, "x", 1, 1));
  let_pass(full, 5);
  SAYS(PLIMSOLL_NOT_FOUND, plimsoll_cache_get(cache, "brief", 5, buffer, 1, &size));
  OK(plimsoll_cache_put(cache, "unread", 6, "x", 1, 1));
  for (int look = 0; usage_of().items != 0; ++look) {  // by the second, as the cache looks
    CHECK(look < 500);
    let_pass(full, 10);
    OK(plimsoll_line_tick(line));
  }
  CHECK(usage_of().expired >= 1);
  close_cache();
}

static void a_cache_says_what_is_wrong(void) {
  open_cache(NULL);
  static char long_key[32 * 1024 + 1];
  plimsoll_value value;
  size_t size;
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_put(cache, long_key, sizeof long_key, "x", 1, 0));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_get(cache, long_key, sizeof long_key, NULL, 0, &size));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_erase(cache, long_key, sizeof long_key));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_put(cache, "k", 1, long_key, (size_t)1 << 40, 0));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_put(cache, "k", 1, "x", 1, UINT64_MAX));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_put(NULL, "k", 1, "x", 1, 0));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_put(cache, NULL, 1, "x", 1, 0));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_put(cache, "k", 1, NULL, 1, 0));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_get(NULL, "k", 1, NULL, 0, &size));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_get(cache, NULL, 1, NULL, 0, &size));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_get(cache, "k", 1, NULL, 1, &size));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_get(cache, "k", 1, NULL, 0, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_read(NULL, "k", 1, NULL, 0, &value));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_read(cache, "k", 1, NULL, 0, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_value_release(NULL, &value));
  SAYS(PLIMSOLL_INVALID, plimsoll_value_release(cache, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_erase(NULL, "k", 1));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_clear(NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_set_policy(cache, "mru"));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_set_policy(cache, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_set_policy(NULL, "lru"));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_get_usage(cache, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_close(NULL));
  close_cache();
}

static void a_cache_opens_as_it_is_told(void) {
  line = line_of("64MiB");
  account = account_of(line, "cache", PLIMSOLL_DROPPABLE, 16 * MIB);
  plimsoll_account* pinned = account_of(line, "pinned", PLIMSOLL_PINNED, 16 * MIB);
  plimsoll_cache_options options = PLIMSOLL_CACHE_OPTIONS_INIT;
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_open(pinned, NULL, &cache));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_open(NULL, NULL, &cache));
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_open(account, NULL, NULL));
  options.policy = "mru";
  SAYS(PLIMSOLL_INVALID, plimsoll_cache_open(account, &options, &cache));
  CHECK(strstr(plimsoll_last_error(), "adaptive") != NULL);
  options.policy = "lfu";
  options.shards = 3;
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_open(account, &options, &cache));
  options.shards = 128;
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_open(account, &options, &cache));
  options.shards = 2;
  options.max_bytes = UINT64_MAX;
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_cache_open(account, &options, &cache));
  CHECK(cache == NULL);
  options.max_bytes = MIB;
  OK(plimsoll_cache_open(account, &options, &cache));
  SAYS(PLIMSOLL_BUSY, plimsoll_line_close(line));
  close_cache();
}

void cache_cases(void) {
  what_is_put_is_got();
  large_values_are_pinned_and_not_copied();
  a_full_cache_evicts_or_refuses();
  it_makes_room_for_who_was_refused();
  what_has_expired_is_absent_and_dropped_at_a_look();
  a_cache_says_what_is_wrong();
  a_cache_opens_as_it_is_told();
}
