// run_server: `plimsoll serve` from settings to the exit code; owns all that a running server consists of.
//
// Prints the addresses it listens on and `ready` to standard output, runs until SIGTERM or SIGINT, drains (no
// new connections, requests under way are answered, at most five seconds), and returns 0. A second signal
// ends at once.
//
// Thread-safety: call once a process: it sets malloc's limits and signal handlers. Cost: idle, at most 2 MiB
// of anonymous memory. Limits: none. Errors: told on standard error; exit code 1. Ownership: none left
// behind.
#pragma once

#include "plimsoll/server/settings.h"

namespace plimsoll {

int run_server(const Settings& settings);

}  // namespace plimsoll
