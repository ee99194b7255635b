#include "plimsoll/governor/collector.h"

#include <algorithm>

#include "plimsoll/base/check.h"

namespace plimsoll {

void Collector::add(Reclaimer& reclaimer, const Account& account) {
  {
    MutexLock lock(mutex_);
    for (const Owner& owner : owners_) PLIMSOLL_CHECK(owner.reclaimer != &reclaimer, "added twice");
    owners_.push_back({&reclaimer, &account});
  }
  MutexLock lock(tally_mutex_);
  tallies_.try_emplace(std::string(reclaimer.name()));
}

void Collector::remove(Reclaimer& reclaimer) {
  MutexLock lock(mutex_);
  std::erase_if(owners_, [&](const Owner& owner) { return owner.reclaimer == &reclaimer; });
}

std::vector<Collector::Owner> Collector::in_order() const {
  struct Ranked {
    Owner owner;
    double benefit;
  };
  std::vector<Ranked> ranked;
  for (const Owner& owner : owners_) {
    ReclaimOffer offer = owner.reclaimer->offer();
    // What the account is guaranteed stays, whatever its owner could give.
    Bytes bytes = std::min(offer.droppable, owner.account->droppable());
    if (bytes.zero()) continue;
    double age = std::chrono::duration<double>(offer.coldest_age).count();
    ranked.push_back({owner, bytes.as_double() * (1 + age)});
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const Ranked& a, const Ranked& b) { return a.benefit > b.benefit; });
  std::vector<Owner> order;
  for (const Ranked& r : ranked) order.push_back(r.owner);
  return order;
}

void Collector::ask(const Owner& owner, Bytes wanted, const char* cause, Outcome& outcome) {
  MonotonicTime begin = clock_.monotonic_now();
  Bytes freed = owner.reclaimer->reclaim(wanted);
  MonotonicTime end = clock_.monotonic_now();
  durations_ns_.add(static_cast<std::uint64_t>((end - begin).count()));
  if (!freed.zero()) {
    if (outcome.freed.zero()) outcome.first_freed = end;
    outcome.freed += freed;
    events_.add({.kind = EventKind::kReclaimed,
                 .bytes = wanted,
                 .freed = freed,
                 .duration = end - begin,
                 .subject = owner.reclaimer->name(),
                 .cause = cause});
  }
  MutexLock lock(tally_mutex_);
  Tally& tally = tallies_.try_emplace(std::string(owner.reclaimer->name())).first->second;
  ++tally.rounds;
  tally.freed += freed;
}

Collector::Outcome Collector::collect(const std::function<Bytes()>& missing, const char* cause) {
  MutexLock lock(mutex_);
  Outcome outcome;
  Bytes left = outcome.wanted = missing();
  if (!left.zero()) {
    for (const Owner& owner : in_order()) {
      ask(owner, std::min(left, owner.account->droppable()), cause, outcome);
      left = missing();
      if (left.zero()) break;
    }
  }
  outcome.satisfied = left.zero();
  return outcome;
}

Collector::Outcome Collector::collect_above_maxima() {
  MutexLock lock(mutex_);
  Outcome outcome;
  outcome.satisfied = true;
  for (const Owner& owner : owners_) {
    Bytes above = owner.account->used().minus_clamped(owner.account->maximum());
    if (above.zero()) continue;
    outcome.wanted += above;
    ask(owner, above, "above its maximum", outcome);
    if (owner.account->used() > owner.account->maximum()) outcome.satisfied = false;
  }
  return outcome;
}

Bytes Collector::above_maxima() const {
  MutexLock lock(mutex_);
  Bytes sum;
  for (const Owner& owner : owners_) sum += owner.account->used().minus_clamped(owner.account->maximum());
  return sum;
}

Bytes Collector::untouched() const {
  MutexLock lock(mutex_);
  Bytes sum;
  for (const Owner& owner : owners_) sum += owner.reclaimer->offer().untouched;
  return sum;
}

Bytes Collector::freed_in_all() const {
  MutexLock lock(tally_mutex_);
  Bytes sum;
  for (const auto& [name, tally] : tallies_) sum += tally.freed;
  return sum;
}

void Collector::Describe(StatSink& sink) const {
  MutexLock lock(tally_mutex_);
  for (const auto& [name, tally] : tallies_) {
    sink.counter("memory_reclaims_total", "How often an owner was asked for memory",
                 static_cast<double>(tally.rounds), {{"reclaimer", name}});
  }
  for (const auto& [name, tally] : tallies_) {
    sink.counter("memory_reclaimed_bytes_total", "What owners gave back", tally.freed.as_double(),
                 {{"reclaimer", name}});
  }
  sink.histogram("memory_reclaim_seconds", "How long an owner took to give memory back", durations_ns_, 1e-9);
}

}  // namespace plimsoll
