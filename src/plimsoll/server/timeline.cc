#include "plimsoll/server/timeline.h"

#include <algorithm>
#include <limits>

#include "plimsoll/report/json_writer.h"

namespace plimsoll {
namespace {

// At most what the field holds: a mark says whether, and about how often.
template <typename Field>
Field grown(std::uint64_t now, std::uint64_t before) {
  constexpr std::uint64_t kMost = std::numeric_limits<Field>::max();
  return static_cast<Field>(std::min(now - std::min(now, before), kMost));
}

}  // namespace

bool Timeline::due(MonotonicTime now) const {
  MutexLock lock(mutex_);
  return !last_ || now - *last_ >= kPeriod;
}

void Timeline::add(const Sample& sample, const Deeds& since_start, MonotonicTime now, std::int64_t wall_ms) {
  MutexLock lock(mutex_);
  // A clock that was set back takes what was before along: it stays in order, and before.
  if (!ring_.empty() && wall_ms <= ring_.newest().wall_ms) {
    const std::int64_t back = ring_.newest().wall_ms - wall_ms + std::chrono::milliseconds(kPeriod).count();
    for (std::size_t i = 0; i < ring_.size(); ++i) ring_[i].wall_ms -= back;
  }
  ring_.push({.wall_ms = wall_ms,
              .line = sample.line,
              .used = sample.charged,
              .droppable = sample.droppable,
              .held = sample.held,
              .level = sample.level,
              .reclaims = grown<std::uint8_t>(since_start.reclaims, before_.reclaims),
              .throttles = grown<std::uint8_t>(since_start.throttles, before_.throttles),
              .rejects = grown<std::uint16_t>(since_start.rejects, before_.rejects),
              .charged_kib = 0,
              .released_kib = 0});
  // How much was charged before the first point is not what was charged in its second.
  if (last_) {
    Kept& kept = ring_[ring_.size() - 1];
    kept.charged_kib = grown<std::uint32_t>(since_start.charged / 1024, before_.charged / 1024);
    kept.released_kib = grown<std::uint32_t>(since_start.released / 1024, before_.released / 1024);
  }
  before_ = since_start;
  last_ = now;
}

std::vector<Timeline::Point> Timeline::after(std::int64_t wall_ms) const {
  MutexLock lock(mutex_);
  std::vector<Point> points;
  const bool set_back = !ring_.empty() && ring_.newest().wall_ms < wall_ms;
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const Kept& kept = ring_[i];
    if (kept.wall_ms <= wall_ms && !set_back) continue;
    points.push_back({kept.wall_ms,
                      kept.line,
                      kept.used,
                      kept.droppable,
                      kept.held,
                      kept.level,
                      {kept.reclaims, kept.throttles, kept.rejects, std::uint64_t{kept.charged_kib} * 1024,
                       std::uint64_t{kept.released_kib} * 1024}});
  }
  return points;
}

std::string timeline_json(const std::vector<Timeline::Point>& points) {
  JsonWriter json;
  json.begin_object().begin_array("columns");
  for (const char* name : {"time_ms", "line", "used", "droppable", "held", "level", "reclaims", "throttles",
                           "rejects", "charged", "released"})
    json.value(name);
  json.end().begin_array("points");
  for (const Timeline::Point& p : points) {
    json.begin_array()
        .value(p.wall_ms)
        .value(p.line)
        .value(p.used)
        .value(p.droppable)
        .value(p.held)
        .value(number_of(p.level))
        .value(p.deeds.reclaims)
        .value(p.deeds.throttles)
        .value(p.deeds.rejects)
        .value(p.deeds.charged)
        .value(p.deeds.released)
        .end();
  }
  return json.end().end().take();
}

}  // namespace plimsoll
