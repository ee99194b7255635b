// Event and EventLog: every decision about memory, kept as a structure and printable as a sentence.
//
// A server that closes a reader or drops a cache must say so, and why, where the user looks: the log is shown
// by the status pages. What repeats (a reclaim every few milliseconds under a flood) is counted in one event,
// so that it does not push the rare ones out.
// Invariant: events are kept in order of their number, the newest kEvents of them; total() counts all.
//
//   log.add({.kind = EventKind::kConnectionClosed, .bytes = 1.2_MiB, .duration = 3s,
//            .subject = "reader 127.0.0.1:5555", .cause = "did not read its replies"});
//
// Thread-safety: any thread. Cost: a lock and a copy of 160 bytes. Limits: 256 events, subjects of 47 bytes
// (longer ones are cut). Errors: none. Ownership: `cause` must be static text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/ring.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/governor/level.h"

namespace plimsoll {

enum class EventKind : std::uint8_t {
  kLevelChanged,      // from, to; bytes: what cannot be dropped
  kReclaimed,         // subject gave back `freed` of `bytes` wanted
  kHeapTrimmed,       // the allocator gave back `freed`
  kLimitChanged,      // from `freed` to `bytes`; subject: what binds
  kOvershoot,         // the process held `bytes` above the line
  kConnectionClosed,  // subject held `bytes` for `duration`
  kRejected,          // a request for `bytes` was refused
  kWaited,            // a request waited `duration` for `bytes`
  kProbeFailed,       // a reading failed, the last one is kept; subject: which
  kNote,              // subject and cause say it all
};
inline constexpr std::size_t kEventKinds = 10;
std::string_view name_of(EventKind kind);  // "level_changed": as in metrics and JSON

// A short text by value, cut at its capacity.
class ShortText {
 public:
  static constexpr std::size_t kCapacity = 47;

  ShortText() = default;
  ShortText(std::string_view text);  // NOLINT(google-explicit-constructor): for `.subject = "cache"`
  ShortText(const char* text) : ShortText(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  ShortText(const std::string& text) : ShortText(std::string_view(text)) {}  // NOLINT
  std::string_view view() const { return {text_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::array<char, kCapacity> text_{};
  std::uint8_t size_ = 0;
};

struct Event {
  EventKind kind = EventKind::kNote;
  Level from = Level::kNormal;
  Level to = Level::kNormal;
  Bytes bytes{};
  Bytes freed{};
  Duration duration{};
  ShortText subject{};
  const char* cause = "";  // static text

  // Filled by the log.
  std::uint64_t number = 0;  // from 1
  std::int64_t wall_ms = 0;  // of the last time, where `times` > 1
  std::uint64_t times = 1;   // how often, in a row; bytes, freed and duration are sums then

  std::string sentence() const;  // "cache gave back 512 KiB of 512 KiB wanted in 1.2 ms (headroom)"
};

class EventLog {
 public:
  static constexpr std::size_t kEvents = 256;
  // The same thing again within this time is counted in the event of before.
  static constexpr std::chrono::seconds kTogether{1};

  explicit EventLog(const Clock* clock = nullptr) : clock_(clock ? *clock : system_clock_) {}
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void add(Event event);
  // The newest `count`, oldest first.
  std::vector<Event> last(std::size_t count) const;
  std::uint64_t total(EventKind kind) const;
  void Describe(StatSink& sink) const;

 private:
  struct Kept {
    Event event;
    MonotonicTime began;
  };
  bool merge_into_kept(const Event& event, MonotonicTime now) PLIMSOLL_REQUIRES(mutex_);

  const SystemClock system_clock_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Ring<Kept> ring_ PLIMSOLL_GUARDED_BY(mutex_){kEvents};
  std::array<std::uint64_t, kEventKinds> totals_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::uint64_t next_number_ PLIMSOLL_GUARDED_BY(mutex_) = 1;
};

}  // namespace plimsoll
