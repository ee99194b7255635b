// The backends that are ours: an arena behind a lock, and slabs with pages for what is larger.
//
// Thread-safety: as Backend. Cost: the arena a lock. Limits: alignment to a page. Errors: null when refused.
// Ownership: see Backend; the options outlive what is opened.
#pragma once

#include <memory>

#include "plimsoll/alloc/backend.h"

namespace plimsoll {

// REQUIRES: the options are complete.
std::unique_ptr<Backend> open_arena_backend(const BackendOptions& options);
std::unique_ptr<Backend> open_slab_backend(const BackendOptions& options);

}  // namespace plimsoll
