#include "plimsoll/governor/internal/watch.h"

#include <algorithm>
#include <cstdlib>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr Duration kShortest = 1ms;  // between two looks, however often it is woken

// The slow readings are a fifth of a look's cost at ten a second, and tell little while nothing presses.
constexpr Duration slow_period(Level level, bool busy) {
  if (level >= Level::kHigh) return 100ms;
  return busy ? 500ms : 1s;
}

// A limit that falls kills until it is seen, but not who holds half of it: reading it is the dearest of all.
constexpr Duration limit_period(Duration at_most, const Sample& last) {
  return last.charged > last.line / 2 ? at_most : std::max<Duration>(at_most, 1s);
}

bool due(const std::optional<MonotonicTime>& last, MonotonicTime now, Duration period) {
  return !last || now - *last >= period;
}

Bytes moved(Bytes now, Bytes before) { return std::max(now, before) - std::min(now, before); }

// Others of our group come and go by pages; the line does not follow each of them.
bool differs(Bytes now, Bytes before) { return moved(now, before) > before / 256; }

const char* cause_of(Response response, const Pressure& pressure, bool above_the_line) {
  if (response == Response::kEmergency) return "emergency";
  if (above_the_line) return "above the line";
  return pressure.wanted.zero() ? "too little was free" : "requests wait for memory";
}

}  // namespace

Watch::Watch(const Governor::Options& options)
    : options_(options),
      clock_(options.clock ? *options.clock : system_clock_),
      line_(options.line),
      other_account_(line_.open({.name = "other", .kind = AccountKind::kPinned})),
      runtime_account_(line_.open({.name = "runtime", .kind = AccountKind::kPinned})),
      collector_(options.events, clock_),
      tracker_(options.levels),
      overshoot_(options.worst_overshoot),
      shortest_(kShortest),
      last_freed_(clock_.monotonic_now()) {}

Watch::~Watch() = default;

void Watch::set_socket_account(const Account& account) {
  MutexLock lock(tick_mutex_);
  socket_account_ = &account;
}

Watch::Next Watch::tick(std::optional<MonotonicTime> woken_at) {
  MutexLock lock(tick_mutex_);
  line_.listened();
  MonotonicTime now = clock_.monotonic_now();
  follow_limit(now);
  read_slow(now);
  measure(now);
  Sample taken = sample(now);
  track_overshoot(taken);
  set_level(taken);
  bool freed = respond(taken, woken_at);
  trim_heap(taken);
  collector_.tick();
  line_.serve_waiters();
  publish(taken);
  tick_ns_.add(static_cast<std::uint64_t>((clock_.monotonic_now() - now).count()));
  Next next_look = next(taken, freed, woken_at.has_value());
  last_ = taken;
  return next_look;
}

void Watch::note_failure(const char* what, const Error& error) {
  options_.events.add({.kind = EventKind::kProbeFailed, .subject = what, .cause = error.what});
  MutexLock lock(published_mutex_);
  ++published_.probe_failures;
}

void Watch::follow_limit(MonotonicTime now) {
  if (!due(limit_read_, now, limit_period(options_.limit_period, last_))) return;
  limit_read_ = now;
  Result<FoundLimit> found = options_.probe.limit();
  if (!found) return note_failure("the limit", found.error());
  Bytes before = line_.limit();
  Bytes limit = limit_to_follow(*found);
  if (differs(limit, before)) {
    line_.set_limit(limit, overshoot_.worst());
    options_.events.add(
        {.kind = EventKind::kLimitChanged, .bytes = limit, .freed = before, .subject = found->words});
  }
  MutexLock lock(published_mutex_);
  published_.limit = *std::move(found);
}

void Watch::read_slow(MonotonicTime now) {
  if (!due(slow_read_, now, slow_period(last_.level, busy_))) return;
  slow_read_ = now;
  untouched_ = collector_.untouched();
  Result<SlowSample> slow = options_.probe.slow();
  if (!slow) return note_failure("the process's memory", slow.error());
  sockets_held_ = slow->held.sockets;
  MutexLock lock(published_mutex_);
  published_.slow = *std::move(slow);
}

void Watch::measure(MonotonicTime now) {
  Bytes before = explained();
  Result<FastSample> fast = options_.probe.fast();
  if (!fast) return note_failure("what is held", fast.error());
  fast_ = *fast;
  // What was charged or released while it was read may or may not be in it: the smaller difference counts.
  HeldAndCharged figures = compare(std::max(before, explained()));
  overcharged_ = figures.overcharged();
  Bytes other = estimate_.update(figures.beyond(), now);
  if (other > other_.size()) {
    other_.merge(other_account_.charge_held(other - other_.size()));
  } else {
    other_.shrink(other_.size() - other);
  }
}

Bytes Watch::explained() const { return line_.charged().minus_clamped(other_.size()); }

HeldAndCharged Watch::compare(Bytes explained) const {
  return {.held = fast_.held,
          .charged = explained,
          .untouched = std::min(untouched_, explained),
          .sockets_held = std::min(sockets_held_, fast_.held),
          .sockets_charged = socket_account_ ? socket_account_->used() : Bytes()};
}

Result<void> Watch::measure_runtime() {
  MutexLock lock(tick_mutex_);
  Result<SlowSample> slow = options_.probe.slow();
  if (!slow) return tl::unexpected(slow.error());
  Result<FastSample> fast = options_.probe.fast();
  if (!fast) return tl::unexpected(fast.error());
  fast_ = *fast;
  sockets_held_ = slow->held.sockets;
  untouched_ = collector_.untouched();
  // Charged anew before the old charges go, so that nobody is granted it meanwhile.
  Bytes beyond = compare(explained().minus_clamped(runtime_.size())).beyond();
  runtime_ = runtime_account_.charge_held(beyond);
  other_.release();
  estimate_.forget();
  return {};
}

Sample Watch::sample(MonotonicTime now) const {
  Sample taken;
  taken.at = now;
  taken.limit = line_.limit();
  taken.line = line_.line();
  taken.charged = line_.charged();
  taken.other = other_.size();
  taken.held = fast_.held;
  taken.overcharged = overcharged_;
  taken.droppable = line_.droppable();
  taken.free = taken.line.minus_clamped(taken.charged);
  taken.wanted = line_.wanted();
  taken.pressure = ratio(taken.undroppable(), taken.line);
  taken.level = tracker_.level();
  return taken;
}

void Watch::track_overshoot(const Sample& sample) {
  if (!overshoot_.update(sample.held, sample.line, sample.limit)) return;
  options_.events.add(
      {.kind = EventKind::kOvershoot, .bytes = overshoot_.worst(), .cause = "the worst so far"});
  // Without enforcement there is no grant that a larger reserve would make safer.
  if (line_.enforcing()) line_.set_limit(sample.limit, overshoot_.worst());
}

void Watch::set_level(Sample& sample) {
  if (auto change = tracker_.update(sample.pressure, sample.at)) {
    options_.events.add({.kind = EventKind::kLevelChanged,
                         .from = change->from,
                         .to = change->to,
                         .bytes = sample.undroppable()});
  }
  sample.level = tracker_.level();
  Level present = options_.levels.level_of(sample.pressure);
  // A level is left late on purpose; connections are refused only as long as there is cause.
  bool over = sample.level == Level::kEmergency && present < Level::kCritical;
  options_.board.publish(over ? Level::kCritical : sample.level, sample.droppable >= 64_KiB,
                         throttle_.update(sample.level, sample.undroppable(), sample.at));
  set_wake_level(sample, present);
}

// The line counts what is not droppable by kind of account, the level what is not droppable at all
// (guarantees are not); the difference moves slowly, and is taken as it is now.
void Watch::set_wake_level(const Sample& sample, Level present) {
  if (present == Level::kEmergency) return line_.set_wake_level(Bytes::max());
  Level above = static_cast<Level>(number_of(present) + 1);
  std::int64_t begin = sample.line.scaled(options_.levels.begin_of(above)).signed_count();
  std::int64_t difference = sample.undroppable().signed_count() - line_.undroppable().signed_count();
  line_.set_wake_level(Bytes::clamped(begin - difference));
}

Pressure Watch::pressure(const Sample& sample) const {
  return {.present = options_.levels.level_of(sample.pressure),
          .headroom = line_.headroom(),
          .wanted = sample.wanted,
          .free = sample.free,
          .over = sample.charged.minus_clamped(sample.line),
          .droppable = sample.droppable};
}

bool Watch::respond(const Sample& sample, std::optional<MonotonicTime> woken_at) {
  more_to_free_ = false;
  response_ = options_.reclaim ? response_for(pressure(sample)) : Response::kMonitor;
  if (!options_.reclaim) return false;
  Collector::Outcome above = collector_.collect_above_maxima();
  note_freed(above);
  if (response_ == Response::kMonitor) {
    short_since_.reset();
    said_stuck_ = false;
    return !above.freed.zero();
  }
  // Not woken: it may have begun right after the look before. When idle that is long ago, but what is charged
  // since then and did not wake it has left half the headroom at least: nothing that was urgent.
  if (!short_since_) short_since_ = woken_at.value_or(std::max(last_.at, sample.at - options_.busy_period));
  Collector::Outcome outcome = collect(sample);
  note_freed(outcome);
  more_to_free_ = !outcome.satisfied && !outcome.freed.zero();
  bool stuck = !outcome.satisfied && outcome.freed.zero();
  // While nothing can be dropped nobody is slow to drop it: the time counts from when something can.
  if (outcome.satisfied || stuck) short_since_.reset();
  if (stuck && !said_stuck_) {
    options_.events.add({.kind = EventKind::kNote,
                         .bytes = outcome.wanted,
                         .subject = "nothing is left to drop",
                         .cause = "what is charged has to be released"});
  }
  said_stuck_ = stuck;
  return !outcome.freed.zero() || !above.freed.zero();
}

Collector::Outcome Watch::collect(const Sample& taken) {
  auto missing = [this]() PLIMSOLL_REQUIRES(tick_mutex_) {
    MonotonicTime now = clock_.monotonic_now();
    measure(now);
    return missing_for(response_, pressure(sample(now)));
  };
  return collector_.collect(missing, cause_of(response_, pressure(taken), taken.charged > taken.line));
}

void Watch::note_freed(const Collector::Outcome& outcome) {
  if (outcome.freed.zero()) return;
  if (short_since_) {
    Duration took = std::max(Duration::zero(), outcome.first_freed - *short_since_);
    first_freed_ns_.add(static_cast<std::uint64_t>(took.count()));
    short_since_.reset();
  }
  MutexLock lock(published_mutex_);
  last_freed_ = clock_.monotonic_now();
}

void Watch::trim_heap(const Sample& sample) {
  // What nobody charged is, for the most part, what malloc keeps: worth a look when there is much more of it.
  other_at_trim_ = std::min(other_at_trim_, sample.other);
  const bool grown = sample.other > other_at_trim_ + sample.line / 8;
  if (!options_.reclaim || (sample.level < Level::kHigh && !grown)) return;
  if (!due(trimmed_, sample.at, options_.trim_cooldown)) return;
  trimmed_ = sample.at;
  other_at_trim_ = sample.other;
  Bytes before = fast_.held;
  MonotonicTime begin = clock_.monotonic_now();
  if (!options_.trim || !options_.trim()) return;
  MonotonicTime end = clock_.monotonic_now();
  measure(end);
  options_.events.add({.kind = EventKind::kHeapTrimmed,
                       .freed = before.minus_clamped(fast_.held),
                       .duration = end - begin,
                       .cause = name_of(sample.level).data()});
}

Watch::Next Watch::next(const Sample& sample, bool freed, bool woken) {
  const bool pressed =
      sample.level != Level::kNormal || !sample.wanted.zero() || response_ != Response::kMonitor;
  const bool moves =
      std::abs(sample.unexplained() - last_.unexplained()) > (sample.line / 256).signed_count();
  busy_ = pressed || moves || sample.charged != last_.charged ||
          moved(sample.held, last_.held) > sample.line / 1024;
  // A wake-up that led to something is followed closely; one for nothing (a full account that refuses again
  // and again) ever less so.
  if (freed || !woken) {
    shortest_ = kShortest;
  } else {
    shortest_ = std::min(shortest_ * 2, options_.busy_period);
  }
  if (more_to_free_) return {kShortest, kShortest};
  if (pressed || moves) return {options_.busy_period, shortest_};
  // Charges that near the line wake it: only what nobody charges has to be looked for.
  return {busy_ ? std::min(options_.busy_period * 5 / 2, options_.idle_period) : options_.idle_period,
          shortest_};
}

void Watch::publish(const Sample& taken) {
  history_.add(taken);  // as it was before anything was given back: the peak
  Sample after = sample(taken.at);
  Bytes reclaimed = collector_.freed_in_all();
  MutexLock lock(published_mutex_);
  published_.sample = after;
  published_.response = response_;
  published_.reclaimed = reclaimed;
  published_.worst_overshoot = overshoot_.worst();
  ++published_.ticks;
}

Governor::Snapshot Watch::snapshot(Duration thread_cpu) const {
  MutexLock lock(published_mutex_);
  Governor::Snapshot copy = published_;
  copy.thread_cpu = thread_cpu;
  return copy;
}

void Watch::CheckInvariants() const {
  MutexLock lock(tick_mutex_);
  PLIMSOLL_CHECK(other_account_.used() == other_.size());
  PLIMSOLL_CHECK(runtime_account_.used() == runtime_.size());
}

}  // namespace plimsoll
