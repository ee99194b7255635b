// OutSet: which blocks of a pool are out, in builds with checks; nothing in the others.
//
// Thread-safety: any thread. Cost: a lock and a set, or nothing. Errors: a block that comes back twice, or is
// of another pool, aborts with its address.
#pragma once

#include <memory>
#include <unordered_set>

#include "plimsoll/base/check.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

class OutSet {
 public:
  OutSet() {
#ifndef NDEBUG
    out_ = std::make_unique<Out>();
#endif
  }

  void leaves([[maybe_unused]] const void* block) {
#ifndef NDEBUG
    MutexLock lock(out_->mutex);
    PLIMSOLL_CHECK(out_->blocks.insert(block).second, "block %p was handed out twice", block);
#endif
  }
  void returns([[maybe_unused]] const void* block) {
#ifndef NDEBUG
    MutexLock lock(out_->mutex);
    PLIMSOLL_CHECK(out_->blocks.erase(block) == 1, "block %p is returned twice, or was not from here", block);
#endif
  }

 private:
  struct Out {
    Mutex mutex;
    std::unordered_set<const void*> blocks PLIMSOLL_GUARDED_BY(mutex);
  };
  std::unique_ptr<Out> out_;  // of the same size in all builds
};

}  // namespace plimsoll
