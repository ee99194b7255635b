/* The C face as its user gets it. */
#include <plimsoll/plimsoll.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  plimsoll_line* line;
  plimsoll_account* account;
  plimsoll_cache* cache;
  char value[16];
  size_t size;
  if (plimsoll_line_open("64MiB", &line) != PLIMSOLL_OK) return 1;
  if (plimsoll_account_open(line, NULL, "cache", PLIMSOLL_DROPPABLE, 0, PLIMSOLL_UNBOUNDED, &account) !=
      PLIMSOLL_OK)
    return 2;
  if (plimsoll_cache_open(account, NULL, &cache) != PLIMSOLL_OK) return 3;
  if (plimsoll_cache_put(cache, "ship", 4, "plimsoll", 8, 0) != PLIMSOLL_OK) return 4;
  if (plimsoll_cache_get(cache, "ship", 4, value, sizeof value, &size) != PLIMSOLL_OK || size != 8) return 5;
  if (plimsoll_cache_close(cache) != PLIMSOLL_OK || plimsoll_line_close(line) != PLIMSOLL_OK) return 6;
  if (strcmp(plimsoll_version(), PLIMSOLL_VERSION) != 0) return 7;
  printf("%s\n", plimsoll_version());
  return 0;
}
