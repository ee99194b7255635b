// The line's queue: one list in order of arrival, scanned from the front at each release.
#include "plimsoll/budget/waiter.h"

#include <algorithm>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {

void LoadLine::enqueue(Waiter& waiter, Account& account, Bytes bytes, MonotonicTime deadline,
                       std::string_view cause) {
  {
    MutexLock lock(wait_mutex_);
    PLIMSOLL_CHECK(!waiter.queued_, "a waiter can wait once at a time");
    waiter.account_ = &account;
    waiter.bytes_ = bytes;
    waiter.since_ = clock_.monotonic_now();
    waiter.deadline_ = deadline;
    waiter.cause_ = cause;
    waiter.queued_ = true;
    queue_.push_back(&waiter);
    account.waiting_.fetch_add(1, std::memory_order_seq_cst);
    wanted_.fetch_add(bytes.signed_count(), std::memory_order_relaxed);
    waiting_.fetch_add(1, std::memory_order_seq_cst);  // pairs with give()
  }
  serve_waiters();
  wake();
}

void LoadLine::finish(Waiter& waiter, bool granted) {
  waiter.queued_ = false;
  waiter.account_->waiting_.fetch_sub(1, std::memory_order_seq_cst);
  wanted_.fetch_sub(waiter.bytes_.signed_count(), std::memory_order_relaxed);
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
  auto [stats, added] = wait_stats_.try_emplace(std::string(waiter.cause_));
  static_cast<void>(added);
  ++(granted ? stats->second.granted : stats->second.timed_out);
  stats->second.total += clock_.monotonic_now() - waiter.since_;
}

bool LoadLine::cancel(Waiter& waiter) {
  MutexLock lock(wait_mutex_);
  if (!waiter.queued_) return false;
  queue_.erase(std::find(queue_.begin(), queue_.end(), &waiter));
  finish(waiter, false);
  return true;
}

std::size_t LoadLine::serve_waiters() {
  MutexLock lock(wait_mutex_);
  if (queue_.empty()) return 0;
  const MonotonicTime now = clock_.monotonic_now();
  std::vector<const Account*> full;  // accounts whose first waiter did not fit: those behind it stay behind
  bool line_full = false;
  std::deque<Waiter*> rest;
  for (Waiter* waiter : queue_) {
    Account& account = *waiter->account_;
    bool behind = line_full || std::find(full.begin(), full.end(), &account) != full.end();
    Verdict verdict = behind ? Verdict::kAccountFull : take(account, waiter->bytes_.signed_count(), false);
    if (verdict == Verdict::kGranted) {
      waiter->charge_ = Charge(&account, waiter->bytes_);
    } else {
      line_full |= verdict == Verdict::kLineFull;
      full.push_back(&account);
      if (now < waiter->deadline_) {
        rest.push_back(waiter);
        continue;
      }
    }
    finish(*waiter, verdict == Verdict::kGranted);
    waiter->finished();
  }
  queue_ = std::move(rest);
  return queue_.size();
}

}  // namespace plimsoll
