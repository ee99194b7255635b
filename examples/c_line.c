// A line in a program that is written in C: bodies are charged before they are read, and what is over is
// refused, not killed for; a cache takes what is left and makes room.
#include <stdio.h>
#include <string.h>

#include "plimsoll/plimsoll.h"

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, plimsoll_last_error());
  return 1;
}

// As many bodies as are granted, and how many that was.
static int read_bodies(plimsoll_account* bodies, plimsoll_charge* charges, int count) {
  int granted = 0;
  while (granted < count && plimsoll_charge_take(bodies, 1 << 20, &charges[granted]) == PLIMSOLL_OK)
    ++granted;
  return granted;
}

int main(void) {
  plimsoll_line* line;
  plimsoll_account *bodies, *items;
  plimsoll_cache* cache;
  // NULL instead of a size finds what the kernel would kill this process for.
  if (plimsoll_line_open("64MiB", &line) != PLIMSOLL_OK) return failed("no line");
  if (plimsoll_account_open(line, NULL, "bodies", PLIMSOLL_WAITABLE, 0, 8 << 20, &bodies) != PLIMSOLL_OK ||
      plimsoll_account_open(line, NULL, "items", PLIMSOLL_DROPPABLE, 0, PLIMSOLL_UNBOUNDED, &items) !=
          PLIMSOLL_OK ||
      plimsoll_cache_open(items, NULL, &cache) != PLIMSOLL_OK || plimsoll_line_start(line) != PLIMSOLL_OK)
    return failed("no parts");

  plimsoll_charge charges[16];
  const int granted = read_bodies(bodies, charges, 16);
  printf("%d of 16 bodies of 1 MiB: then %s\n", granted, plimsoll_last_error());
  for (int i = 0; i < granted; ++i) plimsoll_charge_release(&charges[i]);

  char value[32];
  size_t size;
  if (plimsoll_cache_put(cache, "ship", 4, "plimsoll", 8, 60000) != PLIMSOLL_OK) return failed("not put");
  if (plimsoll_cache_get(cache, "ship", 4, value, sizeof value, &size) != PLIMSOLL_OK)
    return failed("not got");
  printf("ship: %.*s\n", (int)size, value);
  printf("boat: %s\n",
         plimsoll_status_name(plimsoll_cache_get(cache, "boat", 4, value, sizeof value, &size)));

  printf("close too early: %s\n", plimsoll_status_name(plimsoll_line_close(line)));
  if (plimsoll_cache_close(cache) != PLIMSOLL_OK || plimsoll_line_close(line) != PLIMSOLL_OK)
    return failed("not closed");
  printf("plimsoll %s from C\n", plimsoll_version());
  return 0;
}
