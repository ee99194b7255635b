// PoolsStatus: every allocator and pool of a server: how much of what it holds is used, and how often it had
// what was asked for.
//
// Taken once, then written for people or for programs. Thread-safety: values. Cost: a walk over all classes:
// some ten microseconds. Limits: none. Errors: none. Ownership: values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/pool/buffer_pool.h"

namespace plimsoll {

class Node;

struct PoolsStatus {
  std::vector<std::pair<std::string, SlabAllocator::Stats>> allocators;
  std::vector<std::pair<std::string, BufferPool::Stats>> pools;
};

PoolsStatus collect_pools(const Node& node);
std::string pools_text(const PoolsStatus& status);
std::string pools_json(const PoolsStatus& status);

}  // namespace plimsoll
