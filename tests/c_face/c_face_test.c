#include "cases.h"

plimsoll_line* line_of(const char* limit) {
  plimsoll_line* line = NULL;
  OK(plimsoll_line_open(limit, &line));
  CHECK(line != NULL);
  return line;
}

plimsoll_account* account_of(plimsoll_line* line, const char* name, plimsoll_kind kind, uint64_t maximum) {
  plimsoll_account* account = NULL;
  OK(plimsoll_account_open(line, NULL, name, kind, 0, maximum, &account));
  CHECK(account != NULL);
  return account;
}

static void every_status_has_a_name(void) {
  static const char* const names[] = {"ok",        "invalid",     "out of range", "not found", "refused",
                                      "timed out", "unsupported", "system",       "too small", "busy"};
  for (int status = 0; status <= PLIMSOLL_BUSY; ++status)
    CHECK(strcmp(plimsoll_status_name((plimsoll_status)status), names[status]) == 0);
  CHECK(strcmp(plimsoll_status_name((plimsoll_status)(PLIMSOLL_BUSY + 1)), "unknown") == 0);
  CHECK(strcmp(plimsoll_status_name((plimsoll_status)1000), "unknown") == 0);
}

int main(int count, char** arguments) {
  CHECK(strcmp(plimsoll_last_error(), "") == 0);
  CHECK(strcmp(plimsoll_version(), PLIMSOLL_VERSION) == 0);
  CHECK(count == 2 && strcmp(arguments[1], PLIMSOLL_VERSION) == 0);
  every_status_has_a_name();
  line_cases();
  charge_cases();
  pool_cases();
  cache_cases();
  puts("all cases of the C face passed");
  return 0;
}
