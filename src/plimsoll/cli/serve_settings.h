// The settings as a command line has them: one way for `serve`, which runs with them, and `config`, which
// shows them.
//
// Why one: what `config show` says is only worth something if it is what `serve` would do.
//
// Thread-safety: one thread. Cost: a file read once. Limits: those of Configuration. Errors: a text with a
// line for each fault. Ownership: none is kept.
#pragma once

#include <string>
#include <vector>

#include "plimsoll/cli/verb.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {

// --config, and a flag for every setting.
std::vector<Flag> setting_flags();

// Where the file is: --config, or PLIMSOLL_CONFIG; empty: there is none.
std::string settings_file(const Call& call);

// What is to be said of a file with a password that everybody can read; empty: nothing.
std::string warning_of_rights(const std::string& file, const Configuration& configuration);

// Every source in its turn; the text of all faults, or empty.
std::string load_settings(const Call& call, Configuration& configuration);

}  // namespace plimsoll
