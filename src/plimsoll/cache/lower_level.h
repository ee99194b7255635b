// LowerLevel: a level below a ByteCache: what memory gives up goes down, what is asked for comes up.
//
// The levels are exclusive (Wong & Wilkes, "My Cache or Yours?", USENIX ATC 2002): a key is in memory, or
// below, or on its way, and never at two places. So nothing below can be older than what is in memory: a
// write of a key that is in memory concerns nobody else; one of a key that is not erases what may be below,
// in order, and whoever acknowledges it waits until that has happened (Barrier); coming up is taking out.
//
//   an eviction   -> its shard -> admission -> the lane's bounded queue -> the lane's thread -> the level
//   a missing key -> fetch() -> the lane's thread reads it, erases it below, and puts it in memory
//   a write       -> its shard -> an erasure in the same lane, if the level may hold the key -> Barrier
//
// Until the level has been filled once, all that memory gives up goes down; from then on what was read since
// it came, or was given up before and came back (a ghost hit). A level that fails is void from that moment:
// it is distrusted, memory goes on alone, and it begins anew, empty, when it answers again.
//
// Thread-safety: all methods from any thread; start() and stop() by one. Cost: a lock for a key that is not
// in memory; 2 bytes a key below; a copy of what goes down. Limits: values to 1 MiB; `size` below, about.
// Errors: none reach a client: counted. Ownership: owns the level and its threads; the cache, the account and
// the clock must outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/cache/level.h"

namespace plimsoll {

class ByteCache;
class LevelFilter;
class LevelLane;
struct LevelTask;

// Counts what somebody waits for; `done` is called once, by whoever finishes last.
class LevelWait {
 public:
  explicit LevelWait(std::function<void()> done) : done_(std::move(done)) {}
  void add() { left_.fetch_add(1, std::memory_order_relaxed); }
  // Once by who made it, when all is added, and once for each add(). acq_rel: the last one sees all.
  void finish() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_();
  }

 private:
  std::function<void()> done_;
  std::atomic<int> left_{1};
};

class LowerLevel {
 public:
  static constexpr unsigned kLanes = 4;
  static constexpr std::size_t kLargestValue = 1024 * 1024;
  static constexpr std::uint32_t kGenerations = 8;  // that the level's size is divided into
  static constexpr std::uint32_t kMostGenerations = 32;

  struct Options {
    std::string name;  // "disk"; a label of the metrics
    std::unique_ptr<CacheLevel> level;
    Account& account;
    const Clock& clock;
    Bytes size;                                // below, at most about
    Bytes generation{};                        // of size; zero: an eighth
    Bytes queue = 4_MiB;                       // on its way down, at most; charged at once
    Bytes around{};                            // what the level holds of memory at least; charged at once
    Duration retry = std::chrono::seconds(5);  // of a level that failed
  };
  enum class State : std::uint8_t { kOpening, kOpen, kFailing };
  struct Stats {
    State state = State::kOpening;
    std::uint64_t demoted = 0, promoted = 0, absent = 0, erased = 0;
    std::uint64_t not_admitted = 0, too_large = 0, queue_full = 0, no_memory = 0;  // did not go down
    std::uint64_t overtaken = 0;  // came up too late: the key was written meanwhile, or had no room
    std::uint64_t corrupt = 0, read_failures = 0, failures = 0, late = 0;
    Bytes stored, queued;
    std::string words;  // of the last failure
  };
  // What a thread has to wait for before it says that its writes are done.
  struct Barrier {
    std::array<std::uint64_t, kLanes> tickets{};
    bool empty() const { return tickets == std::array<std::uint64_t, kLanes>{}; }
    void merge(const Barrier& other);
  };
  struct Item {
    std::string_view key;
    std::uint64_t hash;
    std::string_view value;
    std::int64_t expires_at_ms;
    bool used;  // read since it came
  };

  // Errors: kRefused when the account does not grant what the level holds at least.
  static Result<std::unique_ptr<LowerLevel>> open(ByteCache& cache, Options options);
  ~LowerLevel();

  // The threads, and looking what is below already. Errors: kSystem.
  Result<void> start();
  // What is on its way is written first. Nothing goes down or comes up after it.
  void stop();

  // Of a cache's shard, under the lock of the key's shard:
  void evicted(const Item& item);
  void inserted(std::uint64_t hash, std::string_view key);  // it was not in memory, or is to be nowhere
  void changed(std::uint64_t hash);                         // it is in memory
  bool may_hold(std::uint64_t hash) const;
  // Around emptying the cache.
  void begin_clear();
  void end_clear();

  // Brings the key up, and finishes `wait` when it is there or is not to be had.
  void fetch(std::string_view key, std::uint64_t hash, const std::shared_ptr<LevelWait>& wait);
  // Of what this thread has written since it asked last.
  static Barrier take_barrier();
  bool reached(const Barrier& barrier) const;
  void wait_for(const Barrier& barrier, const std::shared_ptr<LevelWait>& wait);
  // Whoever waited has waited enough. `wrote`: for a barrier, so that the level can be trusted no longer.
  void gave_up(bool wrote);

  // What the threads do now and then: fills, drops, retries. True: there is more to do at once. For tests.
  bool look_after();
  const std::string& name() const { return options_.name; }
  Account& account() const { return options_.account; }
  Bytes size() const { return options_.size; }
  Stats stats() const;
  CacheLevel::Figures figures() const;  // when it was looked after last
  void Describe(StatSink& sink) const;

 private:
  using Counter = std::atomic<std::uint64_t>;
  struct Threads;
  struct Taken;
  static constexpr unsigned kLateInARow = 16;  // and it is not waited for any longer

  LowerLevel(ByteCache& cache, Options options);
  LevelLane& lane_of(std::uint64_t hash) const { return *lanes_[hash >> 20 & (kLanes - 1)]; }
  static void note(unsigned lane, std::uint64_t ticket);
  unsigned lane_number(std::uint64_t hash) const { return hash >> 20 & (kLanes - 1); }
  State state() const { return state_.load(std::memory_order_acquire); }
  bool admits(const Item& item);
  void note_clear();

  void run_lane(unsigned number);
  void run_writes(LevelLane& lane, const std::vector<LevelTask>& tasks, std::size_t begin, std::size_t end);
  void run_takes(LevelLane& lane, const std::vector<LevelTask>& tasks, std::size_t begin, std::size_t end);
  void run_clear();
  void read(const std::vector<std::uint32_t>& generations, Taken& taken);
  void bring_up(LevelLane& lane, const Taken& taken);
  std::vector<std::uint32_t> generations_for(const LevelLane& lane, std::uint64_t hash);
  void break_off();
  void fail_if_void();
  void forget_all();
  void rotate(Bytes stored);
  void forget_before(std::uint32_t first) PLIMSOLL_REQUIRES(generations_mutex_);
  void retry();
  void find_what_is_below();

  ByteCache& cache_;
  const Options options_;
  CacheLevel& level_;
  std::vector<std::unique_ptr<LevelLane>> lanes_;
  std::atomic<State> state_{State::kOpening};
  std::atomic<std::uint32_t> generation_{0};  // that is written to
  std::atomic<std::uint64_t> written_{0};     // bytes, into that generation
  std::atomic<bool> filled_{false};           // the level has been full once
  std::atomic<int> closed_{0};                // nothing goes down or comes up: the cache is being emptied
  std::atomic<std::uint64_t> clear_ticket_{0};
  std::atomic<bool> void_{false};  // somebody waited in vain: it has to be distrusted
  std::atomic<unsigned> late_in_a_row_{0};
  mutable Mutex figures_mutex_;
  CacheLevel::Figures figures_ PLIMSOLL_GUARDED_BY(figures_mutex_);
  Mutex generations_mutex_;  // of who begins and drops them; before a lane's
  std::uint32_t first_ PLIMSOLL_GUARDED_BY(generations_mutex_) = 0;  // what is below it is known to be gone
  Mutex ghosts_mutex_;
  std::unique_ptr<LevelFilter> ghosts_ PLIMSOLL_GUARDED_BY(ghosts_mutex_);
  std::uint32_t ghost_generation_ PLIMSOLL_GUARDED_BY(ghosts_mutex_) = 1;
  std::size_t ghosts_in_generation_ PLIMSOLL_GUARDED_BY(ghosts_mutex_) = 0;
  MonotonicTime retry_at_{};  // the keeper's
  Charge charge_;             // of queues and level
  std::unique_ptr<Threads> threads_;

  Counter demoted_{0}, promoted_{0}, absent_{0}, erased_{0}, not_admitted_{0}, too_large_{0}, queue_full_{0},
      no_memory_{0}, overtaken_{0}, corrupt_{0}, read_failures_{0}, failures_{0}, late_{0};
};

std::string_view name_of(LowerLevel::State state);

}  // namespace plimsoll
