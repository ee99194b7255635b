// keys_below(): which keys a command needs that are not in memory and may be on a level below.
//
// Thread-safety: the connection's loop. Cost: a look in memory for each key of a command. Limits: none.
// Errors: none. Ownership: none.
#pragma once

#include <string>
#include <vector>

#include "plimsoll/server/command.h"

namespace plimsoll {

// As the cache stores them. Of EXEC: all keys that its commands name, and the watched ones.
void keys_below(CommandContext& context, std::vector<std::string>& keys);

}  // namespace plimsoll
