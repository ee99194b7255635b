#include "plimsoll/governor/level.h"

#include <algorithm>

#include "plimsoll/base/check.h"

namespace plimsoll {

std::string_view name_of(Level level) {
  static constexpr std::array<std::string_view, kLevels> kNames = {"normal", "moderate", "high", "critical",
                                                                   "emergency"};
  return kNames[static_cast<std::size_t>(level)];
}

std::optional<LevelOptions> LevelOptions::named(std::string_view name) {
  if (name == "default") return LevelOptions();
  if (name == "broker") return broker();
  if (name == "database") return database();
  return std::nullopt;
}

Result<void> LevelOptions::Validate() const {
  double below = 0;
  for (double watermark : watermarks) {
    if (!(watermark > below && watermark <= 1)) {
      return fail(ErrorCode::kOutOfRange, "watermarks must rise, above 0 and up to 1");
    }
    below = watermark;
  }
  if (!(margin >= 0 && margin < watermarks[0])) {
    return fail(ErrorCode::kOutOfRange, "the margin must be from 0 to below the first watermark");
  }
  if (fall_after < Duration::zero() || fall_period < Duration::zero()) {
    return fail(ErrorCode::kOutOfRange, "times of falling must not be negative");
  }
  return {};
}

Level LevelOptions::level_of(double ratio) const {
  auto above = std::upper_bound(watermarks.begin(), watermarks.end(), ratio);
  return static_cast<Level>(above - watermarks.begin());
}

double LevelOptions::begin_of(Level level) const {
  return level == Level::kNormal ? 0.0 : watermarks[static_cast<std::size_t>(level) - 1];
}

LevelTracker::LevelTracker(const LevelOptions& options) : options_(options) {
  PLIMSOLL_CHECK(options_.Validate().has_value(), "%s", options_.Validate().error().what);
}

LevelTracker::Change LevelTracker::move_to(Level level) {
  Change change{level_, level};
  level_ = level;
  calm_since_.reset();
  return change;
}

std::optional<LevelTracker::Change> LevelTracker::update(double ratio, MonotonicTime now) {
  Level present = options_.level_of(ratio);
  if (present > level_) return move_to(present);
  // What the ratio would be at its worst, were it a margin higher.
  if (options_.level_of(ratio + options_.margin) >= level_) {
    calm_since_.reset();
    return std::nullopt;
  }
  if (!calm_since_) {
    calm_since_ = now;
    calm_highest_ = ratio;
  }
  calm_highest_ = std::max(calm_highest_, ratio);
  if (now - *calm_since_ < options_.fall_after) return std::nullopt;
  if (last_fall_ && now - *last_fall_ < options_.fall_period) return std::nullopt;
  last_fall_ = now;
  return move_to(options_.level_of(calm_highest_ + options_.margin));
}

}  // namespace plimsoll
