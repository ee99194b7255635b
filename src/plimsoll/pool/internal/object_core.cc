#include "plimsoll/pool/internal/object_core.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

DemandTracker::Options demand_of(const ObjectCore::Options& options) {
  DemandTracker::Options demand = options.demand;
  demand.minimum = options.minimum;
  demand.maximum = options.maximum_idle;
  return demand;
}

}  // namespace

ObjectCore::ObjectCore(const Options& options)
    : maker_(options.maker),
      minimum_(options.minimum),
      maximum_(options.maximum),
      demand_(demand_of(options)),
      shelf_({.keeper = *this, .account = options.account, .most = options.maximum_idle}) {}

ObjectCore::~ObjectCore() {
  MutexLock lock(shelf_.mutex);
  PLIMSOLL_CHECK(first_ == nullptr, "%zu still wait for objects of a pool that ends", counts_.waiting);
  PLIMSOLL_CHECK(existing_ == 0, "%llu objects still out", static_cast<unsigned long long>(existing_));
}

void ObjectCore::drain() noexcept {
  shelf_.drain();
  end_excess(0);
}

// One more exists already.
void* ObjectCore::make_counted() noexcept {
  void* object = maker_.make();
  MutexLock lock(shelf_.mutex);
  if (object != nullptr) {
    ++counts_.created;
    note_demand();
  } else {
    --existing_;
    ++counts_.refused;
  }
  return object;
}

void* ObjectCore::take_slow() noexcept {
  shelf_.equip();
  bool may_make = false;
  {
    MutexLock lock(shelf_.mutex);
    if (first_ != nullptr) return nullptr;  // nobody overtakes
    if (void* object = shelf_.take()) {
      note_demand();
      return object;
    }
    may_make = existing_ < maximum_;
    if (may_make) {
      ++existing_;
    } else if (shelf_.bare()) {
      return nullptr;
    } else {
      shelf_.set_hungry(true);
    }
  }
  if (may_make) {
    if (void* object = make_counted()) return object;
  }
  return look_everywhere();
}

// What other threads keep; and what has come back, or may be made, since.
void* ObjectCore::look_everywhere() noexcept {
  shelf_.gather();
  {
    MutexLock lock(shelf_.mutex);
    if (first_ != nullptr) return nullptr;
    if (void* object = shelf_.take()) {
      shelf_.set_hungry(false);
      note_demand();
      return object;
    }
    if (existing_ >= maximum_) return nullptr;
    ++existing_;
  }
  return make_counted();
}

void ObjectCore::put_slow(void* object) noexcept {
  shelf_.equip();
  Tickets tickets = nullptr;
  bool kept = true;
  {
    MutexLock lock(shelf_.mutex);
    if (first_ != nullptr) {
      ++handed_over_;
      grant(object, tickets);
      if (first_ == nullptr) shelf_.set_hungry(false);
    } else {
      shelf_.set_hungry(false);
      kept = shelf_.put(object);
    }
  }
  post(tickets);
  if (kept) return;
  maker_.end(object);
  {
    MutexLock lock(shelf_.mutex);
    ++turned_away_;
  }
  forget();
}

void ObjectCore::forget() noexcept {
  Tickets tickets = nullptr;
  {
    MutexLock lock(shelf_.mutex);
    --existing_;
    ++counts_.discarded;
    serve(tickets);
  }
  post(tickets);
}

void ObjectCore::link(ObjectWaiter& waiter) noexcept {
  waiter.queued = true;
  waiter.before = last_;
  (last_ != nullptr ? last_->after : first_) = &waiter;
  last_ = &waiter;
  ++counts_.waiting;
  ++counts_.waited;
  shelf_.set_hungry(true);
}

void ObjectCore::unlink(ObjectWaiter& waiter) noexcept {
  (waiter.before != nullptr ? waiter.before->after : first_) = waiter.after;
  (waiter.after != nullptr ? waiter.after->before : last_) = waiter.before;
  waiter.queued = false;
  --counts_.waiting;
}

void ObjectCore::grant(void* object, Tickets& tickets) noexcept {
  ObjectWaiter& waiter = *first_;
  unlink(waiter);
  waiter.granted = true;
  waiter.object = object;
  if (waiter.ready != nullptr) return waiter.ready->notify_one();  // its frame ends once the lock is free
  waiter.ticket->next = tickets;
  tickets = waiter.ticket;
  tickets->references.fetch_add(1, std::memory_order_relaxed);
}

void ObjectCore::serve(Tickets& tickets) noexcept {
  while (first_ != nullptr) {
    void* object = shelf_.take();
    if (object == nullptr) {
      if (existing_ >= maximum_) return;
      ++existing_;  // for it to make
    }
    grant(object, tickets);
  }
  shelf_.set_hungry(false);
}

// In the order in which they were granted.
void ObjectCore::post(Tickets tickets) noexcept {
  Tickets first = nullptr;
  while (tickets != nullptr) {
    Tickets ticket = tickets;
    tickets = std::exchange(ticket->next, first);
    first = ticket;
  }
  while (first != nullptr) {
    Tickets ticket = first;
    first = std::exchange(ticket->next, nullptr);
    ticket->executor->post(Resumption(ticket));
  }
}

void* ObjectCore::take_before(MonotonicTime deadline) noexcept {
  if (void* object = take()) return object;
  MonotonicTime now = std::chrono::steady_clock::now();
  if (deadline <= now) return nullptr;
  CondVar ready;
  ObjectWaiter waiter{.ready = &ready};
  Tickets tickets = nullptr;
  bool look = false;
  {
    MutexLock lock(shelf_.mutex);
    link(waiter);
    serve(tickets);
    look = !waiter.granted && !shelf_.bare();
  }
  if (look) shelf_.gather();
  {
    MutexLock lock(shelf_.mutex);
    serve(tickets);
  }
  post(std::exchange(tickets, nullptr));
  {
    MutexLock lock(shelf_.mutex);
    while (!waiter.granted && now < deadline) {
      ready.wait_until(shelf_.mutex, deadline);
      now = std::chrono::steady_clock::now();
    }
    if (!waiter.granted) {
      unlink(waiter);
      ++counts_.timed_out;
      return nullptr;
    }
  }
  return collect(waiter);
}

bool ObjectCore::enqueue(ObjectWaiter& waiter, std::coroutine_handle<> frame,
                         PoolExecutor& executor) noexcept {
  auto* ticket = new (std::nothrow) detail::ResumptionTicket;
  if (ticket == nullptr) return false;
  ticket->executor = &executor;
  waiter.ticket = ticket;
  // Release: pairs with the exchange that resumes it.
  ticket->frame.store(frame.address(), std::memory_order_release);
  Tickets tickets = nullptr;
  bool look = false;
  {
    MutexLock lock(shelf_.mutex);
    link(waiter);
    serve(tickets);
    look = first_ != nullptr && !shelf_.bare();
  }
  // From here on it may be resumed, and gone, at any time.
  if (look) {
    shelf_.gather();
    MutexLock lock(shelf_.mutex);
    serve(tickets);
  }
  post(tickets);
  return true;
}

void* ObjectCore::collect(ObjectWaiter& waiter) noexcept {
  void* object = nullptr;
  {
    MutexLock lock(shelf_.mutex);
    if (!waiter.granted) return nullptr;
    waiter.granted = false;
    object = std::exchange(waiter.object, nullptr);
  }
  if (object != nullptr) return object;
  object = make_counted();
  if (object != nullptr) return object;
  // Nobody would come back to serve those behind it: they find out for themselves.
  Tickets tickets = nullptr;
  {
    MutexLock lock(shelf_.mutex);
    if (existing_ > 0) return nullptr;
    serve(tickets);
  }
  post(tickets);
  return nullptr;
}

void ObjectCore::cancel(ObjectWaiter& waiter) noexcept {
  if (waiter.ticket == nullptr) return;
  bool granted = false;
  void* object = nullptr;
  {
    MutexLock lock(shelf_.mutex);
    if (waiter.queued) unlink(waiter);
    granted = std::exchange(waiter.granted, false);
    object = std::exchange(waiter.object, nullptr);
  }
  // Whoever calls its resumption from now on finds nobody.
  waiter.ticket->frame.store(nullptr, std::memory_order_release);
  std::exchange(waiter.ticket, nullptr)->drop();
  if (!granted) return;
  if (object != nullptr) return put_slow(object);
  Tickets tickets = nullptr;
  {
    MutexLock lock(shelf_.mutex);
    --existing_;  // what it might have made
    serve(tickets);
  }
  post(tickets);
}

void ObjectCore::fill() {
  while (true) {
    {
      MutexLock lock(shelf_.mutex);
      if (shelf_.pile() >= std::min(minimum_, shelf_.limit()) || existing_ >= maximum_) return;
      ++existing_;
    }
    void* object = make_counted();
    if (object == nullptr) return;
    bool kept = false;
    {
      MutexLock lock(shelf_.mutex);
      kept = first_ == nullptr && shelf_.put_on_pile(object);
    }
    if (!kept) return put_slow(object);
  }
}

void ObjectCore::tick() {
  shelf_.gather();
  std::uint64_t limit = 0;
  Tickets tickets = nullptr;
  {
    MutexLock lock(shelf_.mutex);
    serve(tickets);
    limit = demand_.tick(existing_ - shelf_.pile());
    shelf_.set_limit(limit);
  }
  post(tickets);
  end_excess(limit);
  fill();
}

std::size_t ObjectCore::drop_idle() {
  demand_.press();
  shelf_.gather();
  {
    MutexLock lock(shelf_.mutex);
    shelf_.set_limit(demand_.limit());
  }
  return end_excess(minimum_);
}

std::size_t ObjectCore::end_excess(std::size_t keep) noexcept {
  std::size_t ended = 0;
  while (true) {
    std::array<void*, 64> objects;
    std::size_t count = 0;
    {
      MutexLock lock(shelf_.mutex);
      count = shelf_.take_excess(keep, objects);
    }
    if (count == 0) return ended;
    for (std::size_t i = 0; i < count; ++i) {
      maker_.end(objects[i]);
      forget();
    }
    ended += count;
  }
}

ObjectPoolStats ObjectCore::stats() const {
  const Shelf::Counts shelf = shelf_.counts();
  MutexLock lock(shelf_.mutex);
  ObjectPoolStats stats = counts_;
  stats.reused = shelf.taken + handed_over_;
  stats.returned = shelf.put + handed_over_ + turned_away_;
  stats.existing = existing_;
  stats.limit = shelf_.limit();
  return stats;
}

void describe(StatSink& sink, std::string_view pool, const ObjectPoolStats& s) {
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("objects_existing", "Objects in use or idle", number(s.existing), {{"pool", pool}});
  sink.gauge("objects_idle_limit", "Objects that may be idle", number(s.limit), {{"pool", pool}});
  sink.gauge("objects_waiting", "Callers that wait", number(s.waiting), {{"pool", pool}});
  sink.gauge("objects_reuse_ratio", "Objects reused of all acquired", s.reuse_rate(), {{"pool", pool}});
  sink.counter("objects_created_total", "Objects made", number(s.created), {{"pool", pool}});
  sink.counter("objects_reused_total", "Objects that were idle", number(s.reused), {{"pool", pool}});
  sink.counter("objects_returned_total", "Objects given back", number(s.returned), {{"pool", pool}});
  sink.counter("objects_discarded_total", "Objects not kept", number(s.discarded), {{"pool", pool}});
  sink.counter("objects_waits_total", "Callers that had to wait", number(s.waited), {{"pool", pool}});
  sink.counter("objects_timed_out_total", "Callers whose deadline passed", number(s.timed_out),
               {{"pool", pool}});
  sink.counter("objects_refused_total", "Refused by their memory", number(s.refused), {{"pool", pool}});
}

void ObjectCore::CheckInvariants() const {
  demand_.CheckInvariants();
  MutexLock lock(shelf_.mutex);
  shelf_.CheckInvariants();
  PLIMSOLL_CHECK(existing_ <= maximum_, "%llu exist", static_cast<unsigned long long>(existing_));
  PLIMSOLL_CHECK(shelf_.pile() <= existing_);
  std::size_t waiting = 0;
  const ObjectWaiter* before = nullptr;
  for (const ObjectWaiter* waiter = first_; waiter != nullptr; waiter = waiter->after) {
    PLIMSOLL_CHECK(waiter->queued && !waiter->granted && waiter->before == before);
    before = waiter;
    ++waiting;
  }
  PLIMSOLL_CHECK(last_ == before && waiting == counts_.waiting, "%zu wait", waiting);
  PLIMSOLL_CHECK(first_ == nullptr || shelf_.hungry(), "somebody waits and the gate is open");
}

}  // namespace plimsoll
