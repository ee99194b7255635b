// LevelLane: what is to be done on a level for one part of the keys, in the order in which it happened above.
//
// Tasks of a key go through one lane, and are appended under the lock of the key's shard: the level hears of
// a key what its memory saw, in that order. Values on their way down are bounded, and are refused when there
// are too many; erasures and look-ups are bounded by those who wait for them. The lane knows what is on its
// way and what may be below, so that most keys cost no trip.
// Invariant: a ticket is done when all tasks up to it are; pending() counts the writes of a hash that are
// not.
//
// Thread-safety: all methods from any thread; next() from one. Lock order: a shard's lock, then a lane's.
// Cost: a lock and a map's entry a task. Limits: Options. Errors: put() and take() say no. Ownership: owns
// its tasks.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/internal/level_filter.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

struct LevelTask {
  enum class Kind : std::uint8_t { kNothing, kPut, kErase, kTake, kClear };
  Kind kind = Kind::kNothing;
  std::uint64_t hash = 0;
  std::uint32_t generation = 0;  // of a put
  std::string key;
  std::string record;  // of a put
  std::int64_t expires_at_ms = -1;
  std::shared_ptr<LevelWait> wait;  // of a look-up

  std::size_t size() const { return kAround + key.size() + record.size(); }
  static constexpr std::size_t kAround = 200;  // itself, its place in the map, the heap's own
};

class LevelLane {
 public:
  using Ticket = std::uint64_t;
  enum class PutResult : std::uint8_t { kDone, kQueueFull, kNoMemory, kClosed };

  LevelLane(Account& account, std::size_t queue) : queue_maximum_(queue), filter_(account), found_(account) {}

  PutResult put(LevelTask task, const std::atomic<int>& closed);
  // An erasure, if the level may hold the key (`all`: it may hold any); 0 when there is nothing to erase.
  Ticket erase(std::uint64_t hash, std::string_view key, bool all);
  bool take(LevelTask task);  // false: too many look up already
  Ticket clear();             // all that is known and on its way is void; the task that empties the level
  // Of the last erasure of that hash that is not done; 0 without one.
  Ticket erasing(std::uint64_t hash) const;
  bool may_hold(std::uint64_t hash) const;
  // Which generations may hold it, the newest first.
  std::vector<std::uint32_t> generations_of(std::uint64_t hash) const;
  // Whether what was read in that generation may go up: nothing was written since.
  bool may_restore(std::uint64_t hash, std::uint32_t generation, const std::atomic<int>& closed) const;
  // Of a key that was found below when the level was opened. False: no memory.
  bool add_found(std::uint64_t hash, std::uint32_t generation);
  void drop_before(std::uint32_t generation);
  // Nothing below counts any longer; puts of generations before `floor` are refused from here on.
  void forget(std::uint32_t floor);

  // Waits for tasks and takes all there are, at most `limit`. False when it was stopped and is empty.
  bool next(std::vector<LevelTask>& tasks, std::size_t limit);
  void done(const std::vector<LevelTask>& tasks, std::size_t begin, std::size_t end);
  void stop();
  // finish() is called when the ticket is done; false: it is.
  bool wait(Ticket ticket, const std::shared_ptr<LevelWait>& wait);
  bool reached(Ticket ticket) const { return done_.load(std::memory_order_acquire) >= ticket; }
  bool quiet() const { return erasures_.load(std::memory_order_relaxed) == 0; }
  Bytes queued() const;

 private:
  struct Pending {
    std::uint32_t writes = 0;
    Ticket erasure = 0;
  };
  static constexpr std::size_t kLookUps = 20'000;

  Ticket push(LevelTask task) PLIMSOLL_REQUIRES(mutex_);

  const std::size_t queue_maximum_;
  mutable Mutex mutex_;
  CondVar work_;
  std::deque<LevelTask> tasks_ PLIMSOLL_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, Pending> pending_ PLIMSOLL_GUARDED_BY(mutex_);
  std::vector<std::pair<Ticket, std::shared_ptr<LevelWait>>> waits_ PLIMSOLL_GUARDED_BY(mutex_);
  LevelFilter filter_ PLIMSOLL_GUARDED_BY(mutex_);
  LevelFilter found_ PLIMSOLL_GUARDED_BY(mutex_);  // of what was below when it was opened
  std::size_t queued_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::size_t looking_up_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint32_t floor_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  Ticket last_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  bool stopping_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  std::atomic<Ticket> done_{0};
  std::atomic<std::uint32_t> erasures_{0};  // that are not done
};

}  // namespace plimsoll
