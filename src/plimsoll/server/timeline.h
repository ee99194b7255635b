// Timeline: what the memory was, second by second, for the last fifteen minutes, and what was done about it.
//
// For the live page: who opens it wants to know what led here. The governor's own history is for forecasts,
// shorter, and keeps more of each second.
// Invariant: points are in order of time, one a second at most.
//
// Thread-safety: any thread. Cost: add() a lock; 56 bytes a point, 49 KiB in all. Limits: 900 points. Errors:
// none. Ownership: copies what it is given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/ring.h"
#include "plimsoll/governor/sample.h"

namespace plimsoll {

class Timeline {
 public:
  static constexpr std::size_t kPoints = 900;
  static constexpr std::chrono::seconds kPeriod{1};

  // How often, and how much, since the start of the server.
  struct Deeds {
    std::uint64_t reclaims = 0;   // memory was given back
    std::uint64_t throttles = 0;  // a client was made to wait
    std::uint64_t rejects = 0;    // a request or a connection was refused
    std::uint64_t charged = 0;    // bytes
    std::uint64_t released = 0;   // bytes
  };
  struct Point {
    std::int64_t wall_ms = 0;
    Bytes line, used, droppable, held;
    Level level = Level::kNormal;
    Deeds deeds;  // in this second
  };

  // Whether a second has passed since the last point.
  bool due(MonotonicTime now) const;
  void add(const Sample& sample, const Deeds& since_start, MonotonicTime now, std::int64_t wall_ms);
  // Those after `wall_ms`, oldest first; all of them where the clock was set back behind that.
  std::vector<Point> after(std::int64_t wall_ms) const;

 private:
  struct Kept {
    std::int64_t wall_ms;
    Bytes line, used, droppable, held;
    Level level;
    std::uint8_t reclaims, throttles;
    std::uint16_t rejects;
    std::uint32_t charged_kib, released_kib;
  };

  mutable Mutex mutex_;
  Ring<Kept> ring_ PLIMSOLL_GUARDED_BY(mutex_){kPoints};
  Deeds before_ PLIMSOLL_GUARDED_BY(mutex_);
  std::optional<MonotonicTime> last_ PLIMSOLL_GUARDED_BY(mutex_);
};

// {"columns": [...], "points": [[...], ...]}
std::string timeline_json(const std::vector<Timeline::Point>& points);

}  // namespace plimsoll
