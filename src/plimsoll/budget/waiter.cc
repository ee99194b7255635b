// The line's queue: one list of waiters an account, the accounts' first waiters served in order of arrival.
// Waiting and ending a wait allocate nothing (but for the first wait of a cause): memory is short then.
#include "plimsoll/budget/waiter.h"

#include <algorithm>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {

bool LoadLine::could_hold(const Account& account, Bytes bytes) const noexcept {
  if (!enforce_) return true;
  for (const Account* node = &account; node != nullptr; node = node->parent_) {
    if (bytes > node->maximum()) return false;
  }
  bool kept_off = account.kind() == AccountKind::kDroppable && bytes > account.guarantee();
  return !kept_off || bytes.plus_clamped(headroom()) <= line();
}

void LoadLine::enqueue(Waiter& waiter, Account& account, Bytes bytes, MonotonicTime deadline,
                       std::string_view cause) {
  PLIMSOLL_CHECK(&account.line() == this, "%s is of another line", account.name().c_str());
  {
    MutexLock lock(wait_mutex_);
    PLIMSOLL_CHECK(!waiter.queued_, "a waiter can wait once at a time");
    waiter.account_ = &account;
    waiter.bytes_ = bytes;
    waiter.since_ = clock_.monotonic_now();
    waiter.deadline_ = deadline;
    waiter.cause_ = cause;
    waiter.number_ = next_number_++;
    waiter.queued_ = true;
    waiter.before_ = account.last_waiter_;
    waiter.after_ = nullptr;
    if (account.last_waiter_) {
      account.last_waiter_->after_ = &waiter;
    } else {
      account.first_waiter_ = &waiter;
      queues_.push_back(&account);
    }
    account.last_waiter_ = &waiter;
    account.waiting_bytes_ += bytes.count();
    next_deadline_ = std::min(next_deadline_, deadline);
    account.waiting_.fetch_add(1, std::memory_order_seq_cst);
    waiting_.fetch_add(1, std::memory_order_seq_cst);  // pairs with serve_if_awaited()
  }
  if (serve_waiters() > 0) wake();
}

// Takes the waiter out and counts how it ended.
void LoadLine::end(Waiter& waiter, End end) {
  Account& account = *waiter.account_;
  (waiter.before_ ? waiter.before_->after_ : account.first_waiter_) = waiter.after_;
  (waiter.after_ ? waiter.after_->before_ : account.last_waiter_) = waiter.before_;
  if (!account.first_waiter_) queues_.erase(std::find(queues_.begin(), queues_.end(), &account));
  account.waiting_bytes_ -= waiter.bytes_.count();
  waiter.queued_ = false;
  account.waiting_.fetch_sub(1, std::memory_order_seq_cst);
  waiting_.fetch_sub(1, std::memory_order_seq_cst);

  auto stats = wait_stats_.find(waiter.cause_);
  if (stats == wait_stats_.end()) stats = wait_stats_.try_emplace(std::string(waiter.cause_)).first;
  WaitStats& counts = stats->second;
  MonotonicTime now = clock_.monotonic_now();
  bool late = end == End::kTimedOut || (end == End::kCancelled && now >= waiter.deadline_);
  ++(end == End::kGranted ? counts.granted : late ? counts.timed_out : counts.cancelled);
  Duration waited = now - waiter.since_;
  counts.total += waited;
  counts.longest = std::max(counts.longest, waited);
  if (end == End::kCancelled) return;
  waiter.after_ = ended_;
  ended_ = &waiter;
}

// Last of all, when wanted() and what is kept for waiters are right again: whoever is told may run at once on
// another core, while this thread is put aside with the lock held.
void LoadLine::tell_ended() {
  Waiter* first = nullptr;  // in order again
  while (Waiter* waiter = ended_) {
    ended_ = waiter->after_;
    waiter->after_ = first;
    first = waiter;
  }
  while (Waiter* waiter = first) {
    first = waiter->after_;
    waiter->finished();
  }
}

bool LoadLine::cancel(Waiter& waiter) {
  {
    MutexLock lock(wait_mutex_);
    if (!waiter.queued_) return false;
    end(waiter, End::kCancelled);
  }
  serve_waiters();  // those behind it may fit where it did not
  return true;
}

Waiter* LoadLine::next_to_serve() {
  Waiter* next = nullptr;
  for (const Account* account : queues_) {
    if (account->stuck_) continue;
    if (!next || account->first_waiter_->number_ < next->number_) next = account->first_waiter_;
  }
  return next;
}

void LoadLine::grant_in_order() {
  bool line_full = false;
  for (Account* account : queues_) account->stuck_ = false;
  while (Waiter* waiter = next_to_serve()) {
    Account& account = *waiter->account_;
    if (!could_hold(account, waiter->bytes_)) {
      end(*waiter, End::kTimedOut);
      continue;
    }
    // What an account is guaranteed was kept for it, so taking it takes nothing from those ahead.
    const Account* top = &account;
    while (top->parent_ != root_.get()) top = top->parent_;
    bool behind = line_full && top->used().plus_clamped(waiter->bytes_) > top->guarantee();
    Verdict verdict = behind ? Verdict::kLineFull : take(account, waiter->bytes_.signed_count(), false);
    if (verdict != Verdict::kGranted) {
      line_full |= verdict == Verdict::kLineFull;
      account.stuck_ = true;
      continue;
    }
    waiter->charge_ = Charge(&account, waiter->bytes_);
    end(*waiter, End::kGranted);
  }
}

bool LoadLine::end_overdue(MonotonicTime now) {
  if (now < next_deadline_) return false;
  bool ended = false;
  next_deadline_ = MonotonicTime::max();
  for (std::size_t i = queues_.size(); i-- > 0;) {  // backwards: an account that has none left is erased
    for (Waiter* waiter = queues_[i]->first_waiter_; waiter != nullptr;) {
      Waiter* after = waiter->after_;
      if (now < waiter->deadline_) {
        next_deadline_ = std::min(next_deadline_, waiter->deadline_);
      } else {
        end(*waiter, End::kTimedOut);
        ended = true;
      }
      waiter = after;
    }
  }
  return ended;
}

void LoadLine::count_wanted() {
  std::int64_t wanted = 0;
  std::int64_t kept = 0;
  for (const Account* account : queues_) {
    Bytes room(std::min(account->waiting_bytes_, Bytes::kMax));
    for (const Account* node = account; node != root_.get(); node = node->parent_) {
      room = std::min(room, node->maximum().minus_clamped(node->used()));
    }
    // Less than the first one's would free memory that nobody takes: it waits for its own account.
    if (room < account->first_waiter_->bytes_) continue;
    wanted = Bytes::clamped(wanted).plus_clamped(room).signed_count();
    if (account->kind() != AccountKind::kDroppable)
      kept = Bytes::clamped(kept).plus_clamped(room).signed_count();
  }
  wanted_.store(wanted, std::memory_order_relaxed);
  kept_for_waiters_.store(std::min(kept, line().signed_count()), std::memory_order_relaxed);
}

std::size_t LoadLine::serve_waiters() {
  MutexLock lock(wait_mutex_);
  if (queues_.empty()) {
    wanted_.store(0, std::memory_order_relaxed);
    kept_for_waiters_.store(0, std::memory_order_relaxed);
    return 0;
  }
  // Served first, ended then: who can be granted at its deadline is. One that ends may clear the way.
  do {
    grant_in_order();
  } while (end_overdue(clock_.monotonic_now()));
  count_wanted();
  tell_ended();
  return waiting_.load(std::memory_order_relaxed);
}

std::map<std::string, LoadLine::WaitStats, std::less<>> LoadLine::wait_stats() const {
  MutexLock lock(wait_mutex_);
  return wait_stats_;
}

void LoadLine::check_queue() const {
  MutexLock lock(wait_mutex_);
  std::size_t waiting = 0;
  for (const Account* account : queues_) {
    std::size_t here = 0;
    std::uint64_t bytes = 0;
    const Waiter* before = nullptr;
    for (const Waiter* waiter = account->first_waiter_; waiter != nullptr; waiter = waiter->after_) {
      PLIMSOLL_CHECK(waiter->queued_ && waiter->account_ == account && waiter->before_ == before);
      PLIMSOLL_CHECK(!before || before->number_ < waiter->number_, "out of order");
      PLIMSOLL_CHECK(next_deadline_ <= waiter->deadline_, "its deadline would pass unseen");
      bytes += waiter->bytes_.count();
      before = waiter;
      ++here;
    }
    PLIMSOLL_CHECK(here > 0 && account->last_waiter_ == before, "%s", account->name().c_str());
    PLIMSOLL_CHECK(here == account->waiting_.load(), "%s", account->name().c_str());
    PLIMSOLL_CHECK(bytes == account->waiting_bytes_, "%s", account->name().c_str());
    waiting += here;
  }
  PLIMSOLL_CHECK(waiting == waiting_.load(), "%zu and %zu", waiting, waiting_.load());
}

}  // namespace plimsoll
