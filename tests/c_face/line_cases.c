#include "cases.h"

static void a_line_is_found_or_given(void) {
  plimsoll_line* line = line_of(NULL);
  plimsoll_line_usage found;
  OK(plimsoll_line_get_usage(line, &found));
  CHECK(found.limit > found.line && found.line >= 8 * MIB && found.charged == 0);
  OK(plimsoll_line_close(line));

  line = line_of("256MiB");
  plimsoll_line_usage usage;
  OK(plimsoll_line_get_usage(line, &usage));
  CHECK(usage.limit == 256 * MIB && usage.line < usage.limit && usage.free == usage.line);
  CHECK(usage.level == 0 && usage.pressure == 0);
  OK(plimsoll_line_close(line));
}

static void a_bad_limit_is_said(void) {
  plimsoll_line* line = (plimsoll_line*)1;
  SAYS(PLIMSOLL_INVALID, plimsoll_line_open("64 apples", &line));
  CHECK(line == NULL);
  CHECK(strlen(plimsoll_last_error()) > 0);
  CHECK(plimsoll_line_open("150%", &line) != PLIMSOLL_OK && line == NULL);
  SAYS(PLIMSOLL_INVALID, plimsoll_line_open(NULL, NULL));
  CHECK(strstr(plimsoll_last_error(), "NULL") != NULL);
}

static void it_watches_by_itself_or_when_told(void) {
  plimsoll_line* line = line_of("256MiB");
  OK(plimsoll_line_tick(line));
  plimsoll_line_usage usage;
  OK(plimsoll_line_get_usage(line, &usage));
  CHECK(usage.charged > 0);  // what the process holds and nobody charged
  OK(plimsoll_line_start(line));
  SAYS(PLIMSOLL_BUSY, plimsoll_line_start(line));
  SAYS(PLIMSOLL_BUSY, plimsoll_line_tick(line));
  OK(plimsoll_line_stop(line));
  OK(plimsoll_line_stop(line));
  OK(plimsoll_line_start(line));
  OK(plimsoll_line_close(line));  // stops it
  SAYS(PLIMSOLL_INVALID, plimsoll_line_start(NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_line_stop(NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_line_tick(NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_line_close(NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_line_get_usage(NULL, &usage));
}

static void accounts_are_a_tree_of_names(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_line* other = line_of("64MiB");
  plimsoll_account* parent = account_of(line, "parent", PLIMSOLL_PINNED, PLIMSOLL_UNBOUNDED);
  plimsoll_account* cache = account_of(line, "cache", PLIMSOLL_DROPPABLE, PLIMSOLL_UNBOUNDED);
  plimsoll_account* child = NULL;
  OK(plimsoll_account_open(line, parent, "child", PLIMSOLL_WAITABLE, MIB, 2 * MIB, &child));

  static const char* const bad[] = {"", "Upper", "with space", "parent", "line", "idle", "other", "child"};
  plimsoll_account* made;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    made = child;
    SAYS(PLIMSOLL_INVALID, plimsoll_account_open(line, NULL, bad[i], PLIMSOLL_PINNED, 0, MIB, &made));
    CHECK(made == NULL);
  }
  SAYS(PLIMSOLL_INVALID, plimsoll_account_open(line, cache, "x", PLIMSOLL_PINNED, 0, MIB, &made));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_open(other, parent, "x", PLIMSOLL_PINNED, 0, MIB, &made));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_open(line, NULL, "x", (plimsoll_kind)4, 0, MIB, &made));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_open(NULL, NULL, "x", PLIMSOLL_PINNED, 0, MIB, &made));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_open(line, NULL, NULL, PLIMSOLL_PINNED, 0, MIB, &made));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_open(line, NULL, "x", PLIMSOLL_PINNED, 0, MIB, NULL));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_account_open(line, NULL, "x", PLIMSOLL_PINNED, 2, 1, &made));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_account_open(line, NULL, "x", PLIMSOLL_PINNED, 0, UINT64_MAX, &made));

  plimsoll_account_usage usage;
  OK(plimsoll_account_set_maximum(child, 4 * MIB));
  OK(plimsoll_account_get_usage(child, &usage));
  CHECK(usage.maximum == 4 * MIB && usage.guarantee == MIB && usage.used == 0 && usage.refused == 0);
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_account_set_maximum(child, UINT64_MAX));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_account_set_maximum(child, 1));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_set_maximum(NULL, 1));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_get_usage(child, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_account_get_usage(NULL, &usage));
  OK(plimsoll_line_close(line));
  OK(plimsoll_line_close(other));
}

void line_cases(void) {
  a_line_is_found_or_given();
  a_bad_limit_is_said();
  it_watches_by_itself_or_when_told();
  accounts_are_a_tree_of_names();
}

static uint64_t used(const plimsoll_account* account) {
  plimsoll_account_usage usage;
  OK(plimsoll_account_get_usage(account, &usage));
  return usage.used;
}

static void what_is_taken_is_given_back(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_account* requests = account_of(line, "requests", PLIMSOLL_WAITABLE, 2 * MIB);
  plimsoll_charge charge, second;
  OK(plimsoll_charge_take(requests, MIB, &charge));
  CHECK(charge.bytes == MIB && used(requests) == MIB);
  SAYS(PLIMSOLL_REFUSED, plimsoll_charge_take(requests, 2 * MIB, &second));
  CHECK(second.account == NULL && used(requests) == MIB);
  SAYS(PLIMSOLL_REFUSED, plimsoll_charge_resize(&charge, 3 * MIB));
  CHECK(charge.bytes == MIB && used(requests) == MIB);
  OK(plimsoll_charge_resize(&charge, 2 * MIB));
  CHECK(used(requests) == 2 * MIB);
  SAYS(PLIMSOLL_TIMED_OUT, plimsoll_charge_take_before(requests, 1, 5, &second));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_charge_take_before(requests, 3 * MIB, 5, &second));
  OK(plimsoll_charge_take_held(requests, MIB, &second));
  CHECK(used(requests) == 3 * MIB);
  OK(plimsoll_charge_release(&second));
  OK(plimsoll_charge_resize(&charge, 0));
  CHECK(used(requests) == 0);
  OK(plimsoll_charge_take_before(requests, 1, 0, &second));
  OK(plimsoll_charge_release(&charge));
  OK(plimsoll_charge_release(&charge));  // it is none
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_resize(&charge, 1));

  plimsoll_account_usage usage;
  OK(plimsoll_account_get_usage(requests, &usage));
  CHECK(usage.peak == 3 * MIB && usage.refused >= 2);
  SAYS(PLIMSOLL_BUSY, plimsoll_line_close(line));
  CHECK(strstr(plimsoll_last_error(), "charges") != NULL);
  OK(plimsoll_charge_release(&second));
  OK(plimsoll_line_close(line));
}

static void charges_say_what_is_wrong(void) {
  plimsoll_line* line = line_of("64MiB");
  plimsoll_account* requests = account_of(line, "requests", PLIMSOLL_WAITABLE, PLIMSOLL_UNBOUNDED);
  plimsoll_charge charge;
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_take(NULL, 1, &charge));
  CHECK(charge.account == NULL && charge.bytes == 0);
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_take(requests, 1, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_take_before(NULL, 1, 1, &charge));
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_take_before(requests, 1, 1, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_take_held(NULL, 1, &charge));
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_take_held(requests, 1, NULL));
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_resize(NULL, 1));
  SAYS(PLIMSOLL_INVALID, plimsoll_charge_release(NULL));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_charge_take(requests, UINT64_MAX, &charge));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_charge_take_before(requests, UINT64_MAX, 1, &charge));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_charge_take_held(requests, UINT64_MAX, &charge));
  OK(plimsoll_charge_take(requests, 1, &charge));
  SAYS(PLIMSOLL_OUT_OF_RANGE, plimsoll_charge_resize(&charge, UINT64_MAX));
  SAYS(PLIMSOLL_REFUSED, plimsoll_charge_resize(&charge, INT64_MAX));
  OK(plimsoll_charge_release(&charge));
  OK(plimsoll_line_close(line));
}

void charge_cases(void) {
  what_is_taken_is_given_back();
  charges_say_what_is_wrong();
}
