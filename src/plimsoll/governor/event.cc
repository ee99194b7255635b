#include "plimsoll/governor/event.h"

#include <algorithm>
#include <cstring>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::array<std::string_view, kEventKinds> kNames = {
    "level_changed",     "reclaimed", "heap_trimmed", "limit_changed", "overshoot",
    "connection_closed", "rejected",  "waited",       "probe_failed",  "note"};

// What may come every few milliseconds.
bool repeats(EventKind kind) {
  switch (kind) {
    case EventKind::kReclaimed:
    case EventKind::kOvershoot:
    case EventKind::kRejected:
    case EventKind::kWaited:
    case EventKind::kProbeFailed:
      return true;
    case EventKind::kLevelChanged:
    case EventKind::kHeapTrimmed:
    case EventKind::kLimitChanged:
    case EventKind::kConnectionClosed:
    case EventKind::kNote:
      return false;
  }
  return false;
}

bool same(const Event& a, const Event& b) {
  return a.kind == b.kind && a.from == b.from && a.to == b.to && a.subject.view() == b.subject.view() &&
         std::strcmp(a.cause, b.cause) == 0;
}

void append(std::string& text, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts) text += part;
}

}  // namespace

std::string_view name_of(EventKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

ShortText::ShortText(std::string_view text) {
  size_ = static_cast<std::uint8_t>(std::min(text.size(), kCapacity));
  std::copy_n(text.begin(), size_, text_.begin());
}

std::string Event::sentence() const {
  std::string size = format_bytes(bytes);
  std::string back = format_bytes(freed);
  std::string time = format_duration(duration);
  std::string_view who = subject.view();
  std::string_view why = cause;
  std::string text;
  switch (kind) {
    case EventKind::kLevelChanged:
      append(text, {"the level ", to > from ? "rose" : "fell", " from ", name_of(from), " to ", name_of(to),
                    ": ", size, " cannot be dropped"});
      break;
    case EventKind::kReclaimed:
      append(text, {who, " gave back ", back, " of ", size, " wanted in ", time});
      break;
    case EventKind::kHeapTrimmed:
      append(text, {"malloc gave back ", back, " that was free in it, in ", time});
      break;
    case EventKind::kLimitChanged:
      append(text, {"the limit ", bytes < freed ? "fell" : "rose", " from ", back, " to ", size, ": ", who});
      break;
    case EventKind::kOvershoot:
      append(text, {"the process held ", size, " above the line"});
      break;
    case EventKind::kConnectionClosed:
      append(text, {"closed ", who, ": held ", size, " for ", time});
      break;
    case EventKind::kRejected:
      append(text, {"rejected ", who, ", which asked for ", size});
      break;
    case EventKind::kWaited:
      append(text, {who, " waited ", time, " for ", size});
      break;
    case EventKind::kProbeFailed:
      append(text, {"could not read ", who, ", the last value is kept"});
      break;
    case EventKind::kNote:
      append(text, {who});
      break;
  }
  if (times > 1) append(text, {", ", format_count(times), " times"});
  if (!why.empty()) append(text, {" (", why, ")"});
  return text;
}

bool EventLog::merge_into_kept(const Event& event, MonotonicTime now) {
  constexpr std::size_t kLookedAt = 8;
  if (!repeats(event.kind)) return false;
  for (std::size_t back = 1; back <= std::min(kLookedAt, ring_.size()); ++back) {
    Kept& kept = ring_[ring_.size() - back];
    if (now - kept.began >= kTogether || !same(kept.event, event)) continue;
    kept.event.bytes = kept.event.bytes.plus_clamped(event.bytes);
    kept.event.freed = kept.event.freed.plus_clamped(event.freed);
    kept.event.duration += event.duration;
    kept.event.wall_ms = clock_.wall_ms();
    ++kept.event.times;
    return true;
  }
  return false;
}

void EventLog::add(Event event) {
  MutexLock lock(mutex_);
  ++totals_[static_cast<std::size_t>(event.kind)];
  MonotonicTime now = clock_.monotonic_now();
  if (merge_into_kept(event, now)) return;
  event.number = next_number_++;
  event.wall_ms = clock_.wall_ms();
  event.times = 1;
  ring_.push({event, now});
}

std::vector<Event> EventLog::last(std::size_t count) const {
  MutexLock lock(mutex_);
  std::vector<Event> events;
  for (std::size_t i = ring_.size() - std::min(count, ring_.size()); i < ring_.size(); ++i) {
    events.push_back(ring_[i].event);
  }
  return events;
}

std::uint64_t EventLog::total(EventKind kind) const {
  MutexLock lock(mutex_);
  return totals_[static_cast<std::size_t>(kind)];
}

void EventLog::Describe(StatSink& sink) const {
  for (std::size_t kind = 0; kind < kEventKinds; ++kind) {
    sink.counter("memory_events_total", "Decisions about memory, and what led to them",
                 static_cast<double>(total(static_cast<EventKind>(kind))), {{"kind", kNames[kind]}});
  }
}

}  // namespace plimsoll
