#include "plimsoll/budget/load_line.h"

#include <algorithm>

namespace plimsoll {

// Counters are relaxed: each is exact by itself, and no other memory is published through them. The one
// pairing is between a release and a waiter (give() and enqueue(), both seq_cst): one of the two sees the
// other.
constexpr auto kRelaxed = std::memory_order_relaxed;

Bytes reserve_for(Bytes limit, Bytes worst_overshoot) {
  Bytes wanted = std::max({limit.scaled(0.04), 4_MiB, worst_overshoot.plus_clamped(worst_overshoot)});
  return std::min(wanted, limit / 2);
}

Bytes headroom_for(Bytes line) { return std::min(std::clamp(line / 64, 512_KiB, 64_MiB), line / 4); }

LoadLine::LoadLine(const Options& options)
    : enforce_(options.enforce),
      clock_(options.clock ? *options.clock : system_clock_),
      wake_level_(Bytes::max().signed_count()),
      root_(new Account(*this, nullptr, {.name = "line", .kind = AccountKind::kPinned})) {
  set_limit(options.limit, options.worst_overshoot);
}

LoadLine::~LoadLine() {
  {
    MutexLock lock(wait_mutex_);
    PLIMSOLL_CHECK(queues_.empty(), "%zu waiters left", waiting_.load());
  }
  MutexLock lock(tree_mutex_);
  for (const auto& account : accounts_) {
    PLIMSOLL_CHECK(account->used_.load() == 0, "account %s still has %lld bytes", account->name().c_str(),
                   static_cast<long long>(account->used_.load()));
  }
}

Account& LoadLine::open(AccountOptions options, Account* parent) {
  MutexLock lock(tree_mutex_);
  for (const auto& account : accounts_) {
    PLIMSOLL_CHECK(account->name() != options.name, "%s", options.name.c_str());
  }
  PLIMSOLL_CHECK(options.guarantee <= options.maximum, "%s", options.name.c_str());
  Account* above = parent ? parent : root_.get();
  PLIMSOLL_CHECK(&above->line() == this, "the parent is of another line");
  PLIMSOLL_CHECK(above->kind() != AccountKind::kDroppable, "%s is droppable", above->name().c_str());
  accounts_.emplace_back(new Account(*this, above, std::move(options)));
  Account* account = accounts_.back().get();
  account->next_sibling_ = above->first_child_.load(kRelaxed);
  above->first_child_.store(account, std::memory_order_release);  // pairs with fits()
  {
    MutexLock wait_lock(wait_mutex_);
    queues_.reserve(accounts_.size());  // waiting allocates nothing
  }
  if (account->kind() == AccountKind::kDroppable) list(*account);
  return *account;
}

void LoadLine::set_limit(Bytes limit, Bytes worst_overshoot) {
  Bytes line = limit - reserve_for(limit, worst_overshoot);
  limit_.store(limit.signed_count(), kRelaxed);
  headroom_.store(headroom_for(line).signed_count(), kRelaxed);
  root_->set_maximum(line);
}

void LoadLine::list_droppable(Account& account) noexcept {
  MutexLock lock(tree_mutex_);
  PLIMSOLL_CHECK(account.first_child_.load() == nullptr, "%s has accounts below it", account.name().c_str());
  list(account);
}

void LoadLine::list(Account& account) noexcept {
  if (std::exchange(account.listed_droppable_, true)) return;
  account.next_droppable_ = first_droppable_.load(kRelaxed);
  first_droppable_.store(&account, std::memory_order_release);  // pairs with droppable() and undroppable()
}

Bytes LoadLine::droppable() const {
  Bytes sum;
  for (const Account* account = first_droppable_.load(std::memory_order_acquire); account != nullptr;
       account = account->next_droppable_) {
    sum = sum.plus_clamped(account->droppable());
  }
  return sum;
}

// Summed when asked: a counter kept at each charge would cost an atomic addition, and be wrong after
// set_kind().
Bytes LoadLine::undroppable() const {
  std::int64_t sum = root_->used_.load(kRelaxed);
  for (const Account* account = first_droppable_.load(std::memory_order_acquire); account != nullptr;
       account = account->next_droppable_) {
    if (account->kind() != AccountKind::kDroppable) continue;
    sum -= std::max<std::int64_t>(0, account->used_.load(kRelaxed) - account->pinned_.load(kRelaxed));
  }
  return Bytes::clamped(sum);
}

double LoadLine::pressure() const { return ratio(charged().minus_clamped(droppable()), line()); }

void LoadLine::set_listener(PressureListener* listener) {
  MutexLock lock(listener_mutex_);
  listener_ = listener;
  wake_pending_.exchange(false, std::memory_order_acq_rel);
}

void LoadLine::wake() noexcept {
  // Loaded first, so that refusals in a row do not fight for the cache line.
  if (wake_pending_.load(kRelaxed) || wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  MutexLock lock(listener_mutex_);
  if (listener_) listener_->look_now();
}

void LoadLine::wake_if_tight() noexcept {
  std::int64_t used = root_->used_.load(kRelaxed);
  std::int64_t level = wake_level_.load(kRelaxed);
  bool tight = root_->maximum_.load(kRelaxed) - used < headroom_.load(kRelaxed) / 2;
  if (tight || (used > level && undroppable().signed_count() > level)) wake();
}

void LoadLine::serve_if_awaited() noexcept {
  // seq_cst: pairs with enqueue(). Either this sees the waiter, or the waiter's own attempt sees the bytes.
  if (waiting_.load(std::memory_order_seq_cst) > 0) serve_waiters();
}

void LoadLine::add(Account& account, std::int64_t bytes, const Account* below) noexcept {
  for (Account* node = &account; node != below; node = node->parent_) {
    node->used_.fetch_add(bytes, std::memory_order_seq_cst);  // for the pairing of give() with enqueue()
  }
}

// Totals and peaks are of what was granted: an attempt that is refused leaves no trace in them.
void LoadLine::note_granted(Account& account, std::int64_t bytes, const Account* below) noexcept {
  for (Account* node = &account; node != below; node = node->parent_) {
    node->charged_total_.add(static_cast<std::uint64_t>(bytes));
    std::int64_t used = node->used_.load(kRelaxed);
    std::int64_t peak = node->peak_.load(kRelaxed);
    while (used > peak && !node->peak_.compare_exchange_weak(peak, used, kRelaxed)) {
    }
  }
}

bool LoadLine::fits(const Account& child, bool droppable) const noexcept {
  const Account& parent = *child.parent_;
  std::int64_t used = parent.used_.load(kRelaxed);
  std::int64_t maximum = parent.maximum_.load(kRelaxed);
  if (used > maximum) return false;
  if (child.used_.load(kRelaxed) <= child.guarantee_.load(kRelaxed)) return true;
  if (droppable) {
    bool at_root = parent.parent_ == nullptr;
    return !at_root || used <= maximum - headroom_.load(kRelaxed) - kept_for_waiters_.load(kRelaxed);
  }
  // What others are guaranteed and do not use is kept for them; only droppable accounts borrow it. What those
  // could give back stands in nobody's way beyond the bound above: else whoever borrowed a guarantee would
  // keep everybody else out with it. (One that grows meanwhile hides at most what it grew by, and that can be
  // called back as well.)
  for (const Account* other = parent.first_child_.load(std::memory_order_acquire); other != nullptr;
       other = other->next_sibling_) {
    if (other == &child) continue;
    used += std::max<std::int64_t>(0, other->guarantee_.load(kRelaxed) - other->used_.load(kRelaxed));
    used -= other->droppable().signed_count();
  }
  return used <= maximum;
}

// What can be refused without adding first, so that a huge request does not make small ones of others fail
// meanwhile. The account's own bounds come first: who lacks those has no claim on the line.
LoadLine::Verdict LoadLine::plain_refusal(const Account& account, std::int64_t bytes) const noexcept {
  for (const Account* node = &account; node != root_.get(); node = node->parent_) {
    if (bytes > node->maximum_.load(kRelaxed) - node->used_.load(kRelaxed)) return Verdict::kAccountFull;
  }
  if (bytes > root_->maximum_.load(kRelaxed) - root_->used_.load(kRelaxed)) return Verdict::kLineFull;
  return Verdict::kGranted;
}

// REQUIRES: the bytes were added. Each attempt sees its own bytes at least, so of two that do not fit
// together at most one passes.
LoadLine::Verdict LoadLine::verdict_on(const Account& account) const noexcept {
  const bool droppable = account.kind() == AccountKind::kDroppable;
  for (const Account* node = &account; node != root_.get(); node = node->parent_) {
    if (node->used_.load(kRelaxed) > node->maximum_.load(kRelaxed)) return Verdict::kAccountFull;
    if (!fits(*node, droppable)) {
      return node->parent_ == root_.get() ? Verdict::kLineFull : Verdict::kAccountFull;
    }
  }
  return Verdict::kGranted;
}

LoadLine::Verdict LoadLine::take(Account& account, std::int64_t bytes, bool held) noexcept {
  const bool bounded = enforce_ && !held;
  Verdict verdict = bounded ? plain_refusal(account, bytes) : Verdict::kGranted;
  if (verdict == Verdict::kGranted) {
    add(account, bytes);
    if (bounded) verdict = verdict_on(account);
    if (verdict == Verdict::kGranted) {
      note_granted(account, bytes);
    } else {
      add(account, -bytes);
    }
    wake_if_tight();
  }
  // A droppable account has to keep away from what others need, so it holds nobody up.
  if (verdict == Verdict::kLineFull && account.kind() == AccountKind::kDroppable)
    return Verdict::kAccountFull;
  return verdict;
}

bool LoadLine::move(Account& from, Account& to, std::int64_t bytes) noexcept {
  // Above the first account that both are part of nothing changes.
  const Account* common = nullptr;
  for (const Account* above = &from; above != nullptr && common == nullptr; above = above->parent_) {
    for (const Account* node = &to; node != nullptr && common == nullptr; node = node->parent_) {
      if (node == above) common = node;
    }
  }
  if (enforce_) {
    for (const Account* node = &to; node != common; node = node->parent_) {
      if (bytes > node->maximum_.load(kRelaxed) - node->used_.load(kRelaxed)) return false;
    }
  }
  add(to, bytes, common);
  for (const Account* node = &to; enforce_ && node != common; node = node->parent_) {
    if (node->used_.load(kRelaxed) > node->maximum_.load(kRelaxed)) {
      add(to, -bytes, common);
      serve_if_awaited();
      return false;
    }
  }
  note_granted(to, bytes, common);
  add(from, -bytes, common);
  wake_if_tight();
  serve_if_awaited();
  return true;
}

void LoadLine::give(Account& account, std::int64_t bytes) noexcept {
  add(account, -bytes);
  serve_if_awaited();
}

std::vector<const Account*> LoadLine::accounts() const {
  MutexLock lock(tree_mutex_);
  std::vector<const Account*> all;
  for (const auto& account : accounts_) all.push_back(account.get());
  return all;
}

void LoadLine::Describe(StatSink& sink) const {
  sink.gauge("memory_limit_bytes", "What the kernel kills at", limit().as_double());
  sink.gauge("memory_line_bytes", "What may be granted: the limit without the reserve", line().as_double());
  sink.gauge("memory_reserve_bytes", "Kept free between the line and the limit", reserve().as_double());
  sink.gauge("memory_headroom_bytes", "Kept free below the line by droppable accounts",
             headroom().as_double());
  sink.gauge("memory_charged_bytes", "Charged by all accounts", charged().as_double());
  sink.gauge("memory_droppable_bytes", "Could be dropped at once", droppable().as_double());
  sink.gauge("memory_usage_ratio", "(charged - droppable) / line", pressure());
  sink.gauge("memory_wanted_bytes", "Waited for, by requests that could have it", wanted().as_double());
  sink.gauge("memory_waiting", "Requests waiting for memory", static_cast<double>(waiting_.load(kRelaxed)));
  const auto all = accounts();
  auto each = [&](const char* name, const char* help, auto figure) {
    for (const Account* a : all) sink.gauge(name, help, figure(*a), {{"account", a->name()}});
  };
  each("account_used_bytes", "Charged to the account", [](const Account& a) { return a.used().as_double(); });
  each("account_peak_bytes", "The most that was charged",
       [](const Account& a) { return a.peak().as_double(); });
  each("account_pinned_bytes", "In use, so not droppable",
       [](const Account& a) { return a.pinned().as_double(); });
  each("account_guarantee_bytes", "Kept for the account",
       [](const Account& a) { return a.guarantee().as_double(); });
  each("account_maximum_bytes", "What the account may reach: the line where it has no maximum",
       [this](const Account& a) { return std::min(a.maximum(), line()).as_double(); });
  for (const Account* a : all) {
    sink.counter("account_refused_total", "Charges refused", static_cast<double>(a->refused()),
                 {{"account", a->name()}});
  }
  const auto waits = wait_stats();
  for (const auto& [cause, w] : waits) {
    sink.counter("memory_waits_total", "Waits for memory that ended", static_cast<double>(w.granted),
                 {{"cause", cause}, {"end", "granted"}});
    sink.counter("memory_waits_total", "Waits for memory that ended", static_cast<double>(w.timed_out),
                 {{"cause", cause}, {"end", "timed_out"}});
    sink.counter("memory_waits_total", "Waits for memory that ended", static_cast<double>(w.cancelled),
                 {{"cause", cause}, {"end", "cancelled"}});
  }
  for (const auto& [cause, w] : waits) {
    sink.counter("memory_wait_seconds_total", "Time spent waiting for memory",
                 std::chrono::duration<double>(w.total).count(), {{"cause", cause}});
  }
}

void LoadLine::CheckInvariants() const {
  MutexLock lock(tree_mutex_);
  std::int64_t undroppable = 0;
  std::int64_t all_own = 0;
  auto own = [this](const Account& account) PLIMSOLL_REQUIRES(tree_mutex_) {
    std::int64_t bytes = account.used_.load();
    for (const auto& child : accounts_) {
      if (child->parent_ == &account) bytes -= child->used_.load();
    }
    PLIMSOLL_CHECK(bytes >= 0, "the children of %s use %lld more", account.name().c_str(),
                   static_cast<long long>(-bytes));
    return bytes;
  };
  for (const auto& account : accounts_) {
    PLIMSOLL_CHECK(account->pinned_.load() >= 0, "%s", account->name().c_str());
    PLIMSOLL_CHECK(account->peak_.load() >= account->used_.load(), "%s", account->name().c_str());
    std::int64_t bytes = own(*account);
    all_own += bytes;
    undroppable +=
        account->kind() == AccountKind::kDroppable ? std::min(account->pinned_.load(), bytes) : bytes;
  }
  PLIMSOLL_CHECK(own(*root_) == 0, "charged to the root");
  PLIMSOLL_CHECK(all_own == root_->used_.load());
  PLIMSOLL_CHECK(undroppable == this->undroppable().signed_count(), "%lld and %lld",
                 static_cast<long long>(undroppable),
                 static_cast<long long>(this->undroppable().signed_count()));
  check_queue();
}

}  // namespace plimsoll
