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

// In slices, so that the first bytes are free soon, and so that what others released meanwhile is not dropped
// as well.
Bytes Collector::ask(const Owner& owner, Bytes wanted, const std::function<Bytes()>& missing,
                     const char* cause, Outcome& outcome) {
  MonotonicTime begin = clock_.monotonic_now();
  Bytes freed;
  Bytes left = wanted;
  while (!left.zero() && freed < wanted) {
    const Bytes asked = std::min({left, wanted - freed, kSlice});
    const Bytes slice = owner.reclaimer->reclaim(asked);
    if (!slice.zero() && outcome.freed.zero()) outcome.first_freed = clock_.monotonic_now();
    outcome.freed += slice;
    freed += slice;
    left = missing();
    if (slice < asked) break;  // it has no more for now
  }
  const Duration took = clock_.monotonic_now() - begin;
  durations_ns_.add(static_cast<std::uint64_t>(took.count()));
  if (!freed.zero()) {
    events_.add({.kind = EventKind::kReclaimed,
                 .bytes = wanted,
                 .freed = freed,
                 .duration = took,
                 .subject = owner.reclaimer->name(),
                 .cause = cause});
  }
  MutexLock lock(tally_mutex_);
  Tally& tally = tallies_.try_emplace(std::string(owner.reclaimer->name())).first->second;
  ++tally.rounds;
  tally.freed += freed;
  return left;
}

Collector::Outcome Collector::collect(const std::function<Bytes()>& missing, const char* cause) {
  MutexLock lock(mutex_);
  Outcome outcome;
  Bytes left = outcome.wanted = missing();
  if (!left.zero()) {
    for (const Owner& owner : in_order()) {
      if (left.zero()) break;
      left = ask(owner, std::min(left, owner.account->droppable()), missing, cause, outcome);
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
    auto above = [&] { return owner.account->used().minus_clamped(owner.account->maximum()); };
    const Bytes wanted = above();
    if (wanted.zero()) continue;
    outcome.wanted += wanted;
    if (!ask(owner, wanted, above, "above its maximum", outcome).zero()) outcome.satisfied = false;
  }
  return outcome;
}

void Collector::tick() {
  MutexLock lock(mutex_);
  for (const Owner& owner : owners_) owner.reclaimer->tick();
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
