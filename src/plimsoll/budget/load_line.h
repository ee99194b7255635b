// LoadLine: the one bound on all memory of the process, and the tree of accounts under it.
//
// limit - reserve = line. The limit is what the kernel kills at, the reserve is kept free below it, and
// nobody is granted a byte above the line. Below the line a small headroom is kept from droppable accounts,
// so that a request which needs memory now finds it without waiting for the governor.
//
//   LoadLine line({.limit = 256_MiB});
//   Account& index = line.open({.name = "index", .kind = AccountKind::kPinned, .guarantee = 16_MiB});
//   Charge charge = index.charge(64_KiB);
//
// Invariant: while enforcing, the sum of granted charges is at most the line; only charge_held() goes above
// it.
//
// Thread-safety: all methods from any thread. Cost: see Account; Describe and totals take the tree's lock.
// Limits: a limit of at least 8 MiB is sensible; an account is never closed, so open them for parts of the
// program and not for its requests. Errors: see Account. Ownership: owns its accounts; charges and waiters
// must be gone when it ends.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/budget/waiter.h"

namespace plimsoll {

// The largest of 4 % of the limit, 4 MiB, and twice the worst overshoot seen; never more than half the limit.
Bytes reserve_for(Bytes limit, Bytes worst_overshoot);
// What is kept free below the line for those who cannot wait: 1/64 of it, between 512 KiB and 64 MiB.
Bytes headroom_for(Bytes line);

// Who wants to know that the governor should look now rather than at its next tick. Called from any thread,
// possibly with the queue of waiters locked: it must not touch the line.
class PressureListener {
 public:
  virtual ~PressureListener() = default;
  virtual void look_now() noexcept = 0;
};

class LoadLine {
 public:
  struct Options {
    Bytes limit{};
    Bytes worst_overshoot{};
    bool enforce = true;           // false: everything is granted and only counted (control runs)
    const Clock* clock = nullptr;  // the system's when null
  };
  struct WaitStats {
    std::uint64_t granted = 0;
    std::uint64_t timed_out = 0;  // or could never have been granted
    std::uint64_t cancelled = 0;
    Duration total{};
    Duration longest{};
  };

  explicit LoadLine(const Options& options);
  ~LoadLine();
  LoadLine(const LoadLine&) = delete;
  LoadLine& operator=(const LoadLine&) = delete;

  // REQUIRES: the name is new; the guarantee is at most the maximum; the parent is of this line (null:
  // directly under the line) and not droppable: what can be dropped is said by its children.
  Account& open(AccountOptions options, Account* parent = nullptr);

  // Follows a limit that changed while running.
  void set_limit(Bytes limit, Bytes worst_overshoot);

  Bytes limit() const { return Bytes::clamped(limit_.load(std::memory_order_relaxed)); }
  Bytes line() const { return root_->maximum(); }
  Bytes reserve() const { return limit().minus_clamped(line()); }
  Bytes headroom() const { return Bytes::clamped(headroom_.load(std::memory_order_relaxed)); }
  bool enforcing() const { return enforce_; }

  Bytes charged() const { return root_->used(); }
  Bytes peak() const { return root_->peak(); }                            // the most that was charged
  std::uint64_t charged_total() const { return root_->charged_total(); }  // ever, by all accounts
  std::uint64_t released_total() const { return root_->released_total(); }
  Bytes free() const { return line().minus_clamped(charged()); }
  Bytes droppable() const;  // the sum over the droppable accounts
  // (charged - droppable) / line: what the pressure level is made of. A full cache is not pressure.
  double pressure() const;
  // Used by accounts that are not droppable, and pinned in the others; what set_wake_level() is compared
  // with.
  Bytes undroppable() const;
  // What waiters ask for in all, as far as their accounts could have it, so that the governor can free it.
  Bytes wanted() const { return Bytes::clamped(wanted_.load(std::memory_order_relaxed)); }

  // One listener at a time; null takes it away, and it is not called any more when this returns. A charge
  // that takes undroppable() above `level_bytes`, one that leaves less than half the headroom free, a refusal
  // (but of who can drop its own, and has its guarantee) and a wait all wake it, once until listened().
  void set_listener(PressureListener* listener);
  void set_wake_level(Bytes level_bytes) {
    wake_level_.store(level_bytes.signed_count(), std::memory_order_relaxed);
  }
  // To be called before looking. An exchange, not a store: it sees what was charged before the wake-up it
  // takes back, and whatever is charged later wakes again.
  void listened() { wake_pending_.exchange(false, std::memory_order_acq_rel); }

  // REQUIRES: the waiter is not queued; the account is of this line. May finish before this returns.
  void enqueue(Waiter& waiter, Account& account, Bytes bytes, MonotonicTime deadline, std::string_view cause);
  // True: taken out of the queue, finished() was not and will not be called. False: it had been called.
  bool cancel(Waiter& waiter);
  // Grants what can be granted and ends waits whose deadline has passed; returns how many still wait.
  // Releases and new maxima call it by themselves; the governor calls it at each tick for the deadlines.
  std::size_t serve_waiters();

  std::vector<const Account*> accounts() const;
  std::map<std::string, WaitStats, std::less<>> wait_stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const;

 private:
  friend class Account;
  friend class Charge;
  enum class Verdict { kGranted, kAccountFull, kLineFull };

  enum class End { kGranted, kTimedOut, kCancelled };

  // load_line.cc: charging. `below`: the account above which nothing changes, null for all the way up.
  Verdict take(Account& account, std::int64_t bytes, bool held) noexcept;
  Verdict plain_refusal(const Account& account, std::int64_t bytes) const noexcept;
  Verdict verdict_on(const Account& account) const noexcept;
  bool fits(const Account& child, bool droppable) const noexcept;
  void add(Account& account, std::int64_t bytes, const Account* below = nullptr) noexcept;
  void note_granted(Account& account, std::int64_t bytes, const Account* below = nullptr) noexcept;
  void give(Account& account, std::int64_t bytes) noexcept;
  void list_droppable(Account& account) noexcept PLIMSOLL_EXCLUDES(tree_mutex_);
  void list(Account& account) noexcept PLIMSOLL_REQUIRES(tree_mutex_);
  bool move(Account& from, Account& to, std::int64_t bytes) noexcept;
  void serve_if_awaited() noexcept;
  void wake_if_tight() noexcept;
  void wake() noexcept;

  // waiter.cc: the queue.
  bool could_hold(const Account& account, Bytes bytes) const noexcept;
  Waiter* next_to_serve() PLIMSOLL_REQUIRES(wait_mutex_);
  void grant_in_order() PLIMSOLL_REQUIRES(wait_mutex_);
  bool end_overdue(MonotonicTime now) PLIMSOLL_REQUIRES(wait_mutex_);
  void tell_ended() PLIMSOLL_REQUIRES(wait_mutex_);
  void count_wanted() PLIMSOLL_REQUIRES(wait_mutex_);
  void end(Waiter& waiter, End end) PLIMSOLL_REQUIRES(wait_mutex_);
  void check_queue() const PLIMSOLL_EXCLUDES(wait_mutex_);

  const bool enforce_;
  const SystemClock system_clock_;
  const Clock& clock_;
  std::atomic<std::int64_t> limit_{0};
  std::atomic<std::int64_t> headroom_{0};
  std::atomic<std::int64_t> wake_level_;
  std::atomic<bool> wake_pending_{false};
  mutable Mutex listener_mutex_;
  PressureListener* listener_ PLIMSOLL_GUARDED_BY(listener_mutex_) = nullptr;

  mutable Mutex tree_mutex_;
  std::unique_ptr<Account> root_;
  // Those that are or were droppable, newest first; links are written before they are published, as
  // siblings'.
  std::atomic<Account*> first_droppable_{nullptr};
  std::vector<std::unique_ptr<Account>> accounts_ PLIMSOLL_GUARDED_BY(tree_mutex_);

  mutable Mutex wait_mutex_;
  std::vector<Account*> queues_ PLIMSOLL_GUARDED_BY(wait_mutex_);  // the accounts that have waiters
  Waiter* ended_ PLIMSOLL_GUARDED_BY(wait_mutex_) = nullptr;       // to be told so, newest first
  std::uint64_t next_number_ PLIMSOLL_GUARDED_BY(wait_mutex_) = 0;
  MonotonicTime next_deadline_ PLIMSOLL_GUARDED_BY(wait_mutex_) = MonotonicTime::max();  // or earlier
  std::map<std::string, WaitStats, std::less<>> wait_stats_ PLIMSOLL_GUARDED_BY(wait_mutex_);
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::int64_t> wanted_{0};
  std::atomic<std::int64_t> kept_for_waiters_{0};  // wanted_ without droppable accounts
};

}  // namespace plimsoll
