#include "plimsoll/budget/account.h"

#include <algorithm>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {

std::string_view name_of(AccountKind kind) {
  switch (kind) {
    case AccountKind::kDroppable:
      return "droppable";
    case AccountKind::kFlushable:
      return "flushable";
    case AccountKind::kWaitable:
      return "waitable";
    case AccountKind::kPinned:
      return "pinned";
  }
  return "unknown";
}

Account::Account(LoadLine& line, Account* parent, AccountOptions options)
    : line_(line),
      parent_(parent),
      name_(std::move(options.name)),
      kind_(options.kind),
      guarantee_(options.guarantee.signed_count()),
      maximum_(options.maximum.signed_count()) {}

Charge Account::charge(Bytes bytes) noexcept {
  // seq_cst, with LoadLine::enqueue: whoever comes after a waiter's enqueue stays behind it.
  bool behind = line_.enforcing() && waiting_.load(std::memory_order_seq_cst) > 0;
  if (!behind && line_.take(*this, bytes.signed_count(), false) == LoadLine::Verdict::kGranted) {
    return Charge(this, bytes);
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  // The attempt may have stood in a waiter's way before it was undone.
  if (!behind) line_.serve_if_awaited();
  // Who can drop what it has makes room itself, unless others have what it is guaranteed.
  if (kind() != AccountKind::kDroppable || used() < guarantee()) line_.wake();
  return {};
}

Charge Account::charge_held(Bytes bytes) noexcept {
  line_.take(*this, bytes.signed_count(), true);
  return Charge(this, bytes);
}

namespace {

class BlockingWaiter final : public Waiter {
 public:
  void finished() noexcept override {
    MutexLock lock(mutex_);
    done_ = true;
    // Notified under the lock: the waiting thread destroys this object as soon as it sees done_.
    changed_.notify_one();
  }
  // The governor ends a wait at its deadline; this thread does it itself when there is none.
  void wait(LoadLine& line, MonotonicTime deadline) {
    {
      MutexLock lock(mutex_);
      while (!done_ && std::chrono::steady_clock::now() < deadline) changed_.wait_until(mutex_, deadline);
      if (done_) return;
    }
    if (line.cancel(*this)) return;
    MutexLock lock(mutex_);
    while (!done_) changed_.wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool done_ PLIMSOLL_GUARDED_BY(mutex_) = false;
};

}  // namespace

Result<Charge> Account::charge_before(Bytes bytes, MonotonicTime deadline) {
  if (!line_.could_hold(*this, bytes)) {
    return fail(ErrorCode::kOutOfRange, "more than the account or the line could ever hold");
  }
  if (Charge now = charge(bytes)) return now;
  BlockingWaiter waiter;
  line_.enqueue(waiter, *this, bytes, deadline, "thread");
  waiter.wait(line_, deadline);
  Charge granted = waiter.take_charge();
  if (!granted) return fail(ErrorCode::kTimedOut, "the memory did not become free before the deadline");
  return granted;
}

void Account::pin(Bytes bytes) noexcept {
  pinned_.fetch_add(bytes.signed_count(), std::memory_order_relaxed);
  line_.wake_if_tight();
}

void Account::unpin(Bytes bytes) noexcept {
  std::int64_t before = pinned_.fetch_sub(bytes.signed_count(), std::memory_order_relaxed);
  PLIMSOLL_DCHECK(before >= bytes.signed_count(), "account %s", name_.c_str());
  static_cast<void>(before);
}

Bytes Account::droppable() const {
  if (kind() != AccountKind::kDroppable) return {};
  return used().minus_clamped(std::max(pinned(), guarantee()));
}

void Account::set_maximum(Bytes maximum) noexcept {
  maximum_.store(maximum.signed_count(), std::memory_order_seq_cst);
  if (maximum < used()) line_.wake();
  line_.wake_if_tight();
  line_.serve_if_awaited();
}

void Account::set_guarantee(Bytes guarantee) noexcept {
  guarantee_.store(guarantee.signed_count(), std::memory_order_seq_cst);
  line_.serve_if_awaited();
}

void Account::set_kind(AccountKind kind) noexcept {
  kind_.store(kind, std::memory_order_seq_cst);
  if (kind == AccountKind::kDroppable) line_.list_droppable(*this);
  line_.wake_if_tight();
  line_.serve_if_awaited();
}

}  // namespace plimsoll
