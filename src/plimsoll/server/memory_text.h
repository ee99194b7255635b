// Memory in words, for MEMORY DOCTOR and MEMORY MALLOC-STATS: pure functions of a status.
//
// Thread-safety: pure functions. Cost: microseconds. Limits: none. Errors: none. Ownership: none.
#pragma once

#include <string>

#include "plimsoll/server/status.h"

namespace plimsoll {

// What is tight and what can be done about it, a line each; one line when nothing is.
std::string advice_text(const Status& status);
// What each account holds, as a table.
std::string accounts_text(const Status& status);

}  // namespace plimsoll
