#include "plimsoll/server/pace.h"

#include <algorithm>
#include <cmath>

namespace plimsoll {

void Pace::add(bool hit, Duration took) {
  const auto ns = static_cast<std::uint64_t>(std::max<Duration::rep>(took.count(), 0));
  (hit ? hits_ns_ : misses_ns_).add(ns);
}

bool Pace::wants_look(MonotonicTime now) const {
  MutexLock lock(mutex_);
  return taken_ == 0 || now - looks_[(taken_ - 1) % kLooks].at >= kBetween;
}

void Pace::look(MonotonicTime now, const Counts& counts) {
  MutexLock lock(mutex_);
  if (taken_ > 0 && now - looks_[(taken_ - 1) % kLooks].at < kBetween) return;
  looks_[taken_ % kLooks] = {now, counts};
  ++taken_;
}

Pace::Counts Pace::per_second() const {
  MutexLock lock(mutex_);
  if (taken_ < 2) return {};
  const Look& last = looks_[(taken_ - 1) % kLooks];
  const Look& first = looks_[taken_ <= kLooks ? 0 : taken_ % kLooks];
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  // Counters that were set back show nothing.
  auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
    return to > from ? static_cast<std::uint64_t>(std::llround(static_cast<double>(to - from) / seconds)) : 0;
  };
  const Counts& a = first.counts;
  const Counts& b = last.counts;
  return {.commands = rate(a.commands, b.commands),
          .hits = rate(a.hits, b.hits),
          .misses = rate(a.misses, b.misses),
          .evicted = rate(a.evicted, b.evicted),
          .expired = rate(a.expired, b.expired),
          .received = rate(a.received, b.received),
          .sent = rate(a.sent, b.sent)};
}

Pace::Quantiles Pace::quantiles_of(const Histogram& of) {
  return {.timed = of.count(), .p50_ns = of.quantile(0.5), .p99_ns = of.quantile(0.99), .max_ns = of.max()};
}

void Pace::reset() {
  hits_ns_.reset();
  misses_ns_.reset();
}

void Pace::Describe(StatSink& sink) const {
  constexpr const char* kHelp = "Time of a read in the server, of one in 64 (sampled)";
  sink.histogram("cache_read_seconds", kHelp, hits_ns_, 1e-9, {{"result", "hit"}});
  sink.histogram("cache_read_seconds", kHelp, misses_ns_, 1e-9, {{"result", "miss"}});
}

}  // namespace plimsoll
