// What the cases of the C face share: checks that say where, and a line to work in.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/plimsoll.h"

#define CHECK(what)                                                                                     \
  do {                                                                                                  \
    if (!(what)) {                                                                                      \
      fprintf(stderr, "%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #what, plimsoll_last_error()); \
      exit(1);                                                                                          \
    }                                                                                                   \
  } while (0)
#define SAYS(status, call) CHECK((call) == (status))
#define OK(call) SAYS(PLIMSOLL_OK, call)

#define MIB ((uint64_t)1 << 20)

plimsoll_line* line_of(const char* limit);
plimsoll_account* account_of(plimsoll_line* line, const char* name, plimsoll_kind kind, uint64_t maximum);

void line_cases(void);
void charge_cases(void);
void pool_cases(void);
void cache_cases(void);
