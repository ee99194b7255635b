// Depot: the full and the empty magazines of one kind of object that no thread holds.
//
// A thread whose pair of magazines has run dry gets a full one for an empty one, and one whose pair is full
// the other way round: a lock for as many objects as a magazine holds, and no object is touched. What nobody
// asked for since the last tick is not needed (the working set of Bonwick and Adams, USENIX 2001) and goes
// back to where objects come from. How many objects a magazine takes follows how often the depot is asked:
// twice as many while it is asked often, fewer when it is not. Invariant: magazines in it are full enough to
// be of use or empty; at most kMostFull are full.
//
//   depot.open({.account = account, .capacity = 64});
//   if (!depot.load(pair)) refill(*pair.loaded);      // it was empty, and so was the depot
//   if (!depot.unload(pair)) drain(*pair.loaded);     // it was full, and so was the depot
//
// Thread-safety: all methods from any thread; the pair is the caller's. Cost: a lock. Limits: 256 full
// magazines. Errors: false when it cannot. Ownership: owns its magazines, none of their objects; the account
// is charged for each magazine, with a thread or here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plimsoll/alloc/magazine.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"

namespace plimsoll {

class Depot {
 public:
  static constexpr std::size_t kMostFull = 256;

  struct Options {
    Account& account;
    std::uint32_t capacity = Magazine::kSlots;  // of a magazine, to begin with
    std::uint32_t largest = Magazine::kSlots;   // that it may grow to
    bool each_looked_at = false;                // magazines have no limit of their own (magazine.h)
  };
  struct Stats {
    std::size_t objects = 0;      // in its magazines
    std::uint32_t capacity = 0;   // of a magazine, now
    std::uint64_t exchanges = 0;  // of magazines
    std::uint64_t missed = 0;     // times that it had no full one, or no room for one
  };

  Depot() = default;
  ~Depot();  // REQUIRES: no object is left in it
  Depot(const Depot&) = delete;
  Depot& operator=(const Depot&) = delete;
  // REQUIRES: called once, before all else.
  void open(const Options& options);

  // Afterwards an object can be popped from pair.loaded; false: there is none, and loaded is empty.
  bool load(MagazinePair& pair) PLIMSOLL_EXCLUDES(mutex_);
  // Afterwards an object can be pushed to pair.loaded; false: both are full.
  bool unload(MagazinePair& pair) PLIMSOLL_EXCLUDES(mutex_);

  // Two magazines for a thread that has none of this kind; false when they are refused.
  bool equip(MagazinePair& pair) PLIMSOLL_EXCLUDES(mutex_);
  // REQUIRES: the magazine is empty, and from here.
  void take_back(Magazine& magazine) PLIMSOLL_EXCLUDES(mutex_);
  // A full magazine that was not needed since the last tick(), `all`: any; null when there is none. The
  // caller empties it and gives it to take_back().
  Magazine* unneeded(bool all) PLIMSOLL_EXCLUDES(mutex_);
  // Some times a second: what is needed, and how much a magazine takes, is worked out again. Empty magazines
  // that were not needed are freed.
  void tick() PLIMSOLL_EXCLUDES(mutex_);

  Stats stats() const PLIMSOLL_EXCLUDES(mutex_);
  void CheckInvariants() const PLIMSOLL_EXCLUDES(mutex_);

  // Around a fork, so that the child finds the lock free.
  void lock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void unlock() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
  struct Pile {
    Magazine* top = nullptr;
    std::size_t count = 0;
    std::size_t fewest = 0;  // since the last tick

    void push(Magazine& magazine);
    Magazine* pop();
  };

  Magazine* empty_one() PLIMSOLL_REQUIRES(mutex_);
  void adapt() PLIMSOLL_REQUIRES(mutex_);

  Account* account_ = nullptr;
  std::uint32_t smallest_ = 0;
  std::uint32_t largest_ = 0;
  bool each_looked_at_ = false;

  mutable Mutex mutex_;
  std::uint32_t capacity_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  Pile full_ PLIMSOLL_GUARDED_BY(mutex_);
  Pile empty_ PLIMSOLL_GUARDED_BY(mutex_);
  Charge charge_ PLIMSOLL_GUARDED_BY(mutex_);  // of all that were made
  std::uint64_t exchanges_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t missed_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t asked_before_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // at the last tick
};

}  // namespace plimsoll
