// wait_for_level(): a coroutine's wait for what a level's threads do.
//
// Thread-safety: the coroutine's loop; a level's thread only posts to it. Cost: a timer and two allocations a
// wait. Limits: none. Errors: false when the deadline passed. Ownership: in the coroutine's frame, with a
// shared part for what is posted; the loop must outlive the level's threads' work.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <memory>

#include "plimsoll/base/clock.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

class Loop;

// Says what is waited for.
using StartLevelWait = std::function<void(const std::shared_ptr<LevelWait>&)>;

asio::awaitable<bool> wait_for_level(Loop& loop, const StartLevelWait& start, MonotonicTime deadline);

}  // namespace plimsoll
