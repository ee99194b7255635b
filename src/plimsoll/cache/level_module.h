// open_level_module(): a CacheLevel from a module that is loaded when it is asked for.
//
// RocksDB costs an idle process about 9 MiB, so nothing of it is linked: the module lies beside the program,
// or in plimsoll/ of the folder of libraries that the program was installed with.
//
// Thread-safety: any thread. Cost: tens of milliseconds, and what the library takes. Limits: the module stays
// loaded. Errors: a text that says what is missing and what to install. Ownership: the caller's.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "plimsoll/cache/level.h"

namespace plimsoll {

// `module`: "plimsoll_rocksdb".
tl::expected<std::unique_ptr<CacheLevel>, std::string> open_level_module(const std::string& module,
                                                                         const LevelModuleOptions& options);

}  // namespace plimsoll
