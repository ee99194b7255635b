// open_lower_level(): the level below the cache that the settings ask for, a disk, another cache, or a disk
// over another cache, ready to be started.
//
// Thread-safety: before any other thread. Cost: what the level takes, charged to the account disk_level or
// remote_level (of both: disk_level). Limits: a line of 256 MiB at least for a disk. Errors: a text for a
// person. Ownership: the caller's; what it is given must outlive it.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/lower_level.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {

struct LowerLevelSources {
  const Settings& settings;
  ByteCache& cache;
  LoadLine& line;
  const Clock& clock;
};

// Null when the settings ask for none.
tl::expected<std::unique_ptr<LowerLevel>, std::string> open_lower_level(const LowerLevelSources& from);

}  // namespace plimsoll
