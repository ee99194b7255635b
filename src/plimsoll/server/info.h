// info_text: what INFO answers, in Redis 7.0's format and names, as far as they have a meaning here.
//
// Clients, exporters and consoles read these names; a figure that Plimsoll does not have is left out rather
// than invented, but for those without which common tools stop (role, loading, redis_mode).
//
// Thread-safety: pure functions. Cost: some 100 short strings. Limits: none. Errors: a section that is not
// known is empty, as Redis has it. Ownership: none.
#pragma once

#include <string>
#include <string_view>

#include "plimsoll/server/status.h"

namespace plimsoll {

// `section` in lower case: "server", "clients", ...; "default", "all", "everything" are all there are.
std::string info_text(const Status& status, std::string_view section);

}  // namespace plimsoll
