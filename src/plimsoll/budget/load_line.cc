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
  MutexLock lock(wait_mutex_);
  PLIMSOLL_CHECK(queue_.empty(), "%zu waiters left", queue_.size());
}

Account& LoadLine::open(AccountOptions options, Account* parent) {
  MutexLock lock(tree_mutex_);
  for (const auto& account : accounts_)
    PLIMSOLL_CHECK(account->name() != options.name, "%s", options.name.c_str());
  Account* above = parent ? parent : root_.get();
  PLIMSOLL_CHECK(&above->line() == this, "the parent is of another line");
  accounts_.emplace_back(new Account(*this, above, std::move(options)));
  Account* account = accounts_.back().get();
  account->next_sibling_ = above->first_child_.load(kRelaxed);
  above->first_child_.store(account, std::memory_order_release);  // pairs with fits()
  return *account;
}

void LoadLine::set_limit(Bytes limit, Bytes worst_overshoot) {
  Bytes line = limit - reserve_for(limit, worst_overshoot);
  limit_.store(limit.signed_count(), kRelaxed);
  headroom_.store(headroom_for(line).signed_count(), kRelaxed);
  root_->set_maximum(line);
  wake_if_tight();
  serve_waiters();
}

Bytes LoadLine::droppable() const {
  MutexLock lock(tree_mutex_);
  Bytes sum;
  for (const auto& account : accounts_) sum += account->droppable();
  return sum;
}

double LoadLine::pressure() const { return ratio(charged().minus_clamped(droppable()), line()); }

void LoadLine::set_listener(PressureListener* listener) {
  listener_.store(listener, std::memory_order_release);
}

void LoadLine::wake() noexcept {
  PressureListener* listener = listener_.load(std::memory_order_acquire);
  if (listener && !wake_pending_.exchange(true, std::memory_order_acq_rel)) listener->look_now();
}

void LoadLine::wake_if_tight() noexcept {
  std::int64_t free = root_->maximum_.load(kRelaxed) - root_->used_.load(kRelaxed);
  if (free < headroom_.load(kRelaxed) / 2 || undroppable_.load(kRelaxed) > wake_level_.load(kRelaxed)) wake();
}

void LoadLine::add(Account& account, std::int64_t bytes) noexcept {
  if (account.kind() != AccountKind::kDroppable) undroppable_.fetch_add(bytes, kRelaxed);
  for (Account* node = &account; node != nullptr; node = node->parent_) {
    // seq_cst, for the pairing of give() with enqueue().
    std::int64_t used = node->used_.fetch_add(bytes, std::memory_order_seq_cst) + bytes;
    if (bytes > 0 && used > node->peak_.load(kRelaxed)) node->peak_.store(used, kRelaxed);
  }
}

bool LoadLine::fits(const Account& child) const noexcept {
  const Account& parent = *child.parent_;
  std::int64_t used = parent.used_.load(kRelaxed);
  std::int64_t maximum = parent.maximum_.load(kRelaxed);
  if (used > maximum) return false;
  if (child.used_.load(kRelaxed) <= child.guarantee_.load(kRelaxed)) return true;
  bool at_root = parent.parent_ == nullptr;
  if (child.kind() == AccountKind::kDroppable) return !at_root || used <= maximum - headroom_.load(kRelaxed);
  // What others are guaranteed and do not use is kept for them; only droppable accounts borrow it.
  for (const Account* other = parent.first_child_.load(std::memory_order_acquire); other != nullptr;
       other = other->next_sibling_) {
    if (other == &child) continue;
    used += std::max<std::int64_t>(0, other->guarantee_.load(kRelaxed) - other->used_.load(kRelaxed));
  }
  return used <= maximum;
}

LoadLine::Verdict LoadLine::take(Account& account, std::int64_t bytes, bool held) noexcept {
  if (held || !enforce_) {
    add(account, bytes);
    wake_if_tight();
    return Verdict::kGranted;
  }
  // Refused without adding where it is plain, so that a huge request does not make small ones of others fail
  // meanwhile.
  std::int64_t line = root_->maximum_.load(kRelaxed);
  if (bytes > line - root_->used_.load(kRelaxed)) return Verdict::kLineFull;
  if (bytes > account.maximum_.load(kRelaxed) - account.used_.load(kRelaxed)) return Verdict::kAccountFull;

  add(account, bytes);
  Verdict verdict = Verdict::kGranted;
  for (const Account* node = &account; node->parent_ != nullptr && verdict == Verdict::kGranted;
       node = node->parent_) {
    if (node->used_.load(kRelaxed) > node->maximum_.load(kRelaxed)) {
      verdict = Verdict::kAccountFull;
    } else if (!fits(*node)) {
      verdict = node->parent_->parent_ == nullptr ? Verdict::kLineFull : Verdict::kAccountFull;
    }
  }
  if (verdict != Verdict::kGranted) add(account, -bytes);
  wake_if_tight();
  return verdict;
}

bool LoadLine::move(Account& from, Account& to, std::int64_t bytes) noexcept {
  add(to, bytes);
  bool fits_in = true;
  for (const Account* node = &to; enforce_ && node->parent_ != nullptr; node = node->parent_) {
    if (node->used_.load(kRelaxed) > node->maximum_.load(kRelaxed)) fits_in = false;
  }
  if (fits_in) {
    give(from, bytes);
  } else {
    add(to, -bytes);
  }
  return fits_in;
}

void LoadLine::give(Account& account, std::int64_t bytes) noexcept {
  add(account, -bytes);
  // seq_cst: pairs with enqueue(). Either this sees the waiter, or the waiter's own attempt sees the bytes.
  if (waiting_.load(std::memory_order_seq_cst) > 0) serve_waiters();
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
  }
  for (const auto& [cause, w] : waits) {
    sink.counter("memory_wait_seconds_total", "Time spent waiting for memory",
                 std::chrono::duration<double>(w.total).count(), {{"cause", cause}});
  }
}

void LoadLine::CheckInvariants() const {
  MutexLock lock(tree_mutex_);
  for (const auto& account : accounts_) {
    Bytes children;
    bool any = false;
    for (const auto& child : accounts_) {
      if (child->parent_ != account.get()) continue;
      children += child->used();
      any = true;
    }
    PLIMSOLL_CHECK(account->used_.load() >= 0, "%s", account->name().c_str());
    PLIMSOLL_CHECK(account->pinned_.load() >= 0, "%s", account->name().c_str());
    PLIMSOLL_CHECK(!any || children <= account->used(), "children of %s", account->name().c_str());
  }
}

}  // namespace plimsoll
