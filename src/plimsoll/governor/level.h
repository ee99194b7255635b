// Level: how hard memory presses, from normal to emergency, and the tracker that turns a ratio into it.
//
// The ratio is what cannot be dropped at once over the line, so a full cache is level normal. A rise is
// followed at once, because memory does not wait; a fall is believed only after the ratio has stayed clearly
// below the watermark for a while, and a second fall only a minute after the one before: a load that swings
// around a watermark would otherwise flip every decision that hangs on it.
// Invariant: level() is at least the level of the last ratio given; between two falls lies
// `fall_period` or more, so that a steady overload changes the level at most twice in it.
//
// Thread-safety: one thread. Cost: a few comparisons. Limits: none. Errors: Validate() says what is wrong
// with options; a tracker made of wrong ones aborts. Time is passed in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

enum class Level : std::uint8_t { kNormal, kModerate, kHigh, kCritical, kEmergency };
inline constexpr std::size_t kLevels = 5;

std::string_view name_of(Level level);
constexpr int number_of(Level level) { return static_cast<int>(level); }

struct LevelOptions {
  // Where moderate, high, critical and emergency begin, as shares of the line.
  std::array<double, kLevels - 1> watermarks = {0.60, 0.75, 0.90, 0.95};
  double margin = 0.03;                             // how far below its watermark a level is left
  Duration fall_after = std::chrono::seconds(5);    // for how long it must have been there
  Duration fall_period = std::chrono::seconds(60);  // between two falls

  static constexpr LevelOptions broker() { return {.watermarks = {0.70, 0.85, 0.95, 0.98}}; }
  static constexpr LevelOptions database() { return {.watermarks = {0.70, 0.80, 0.90, 0.95}}; }
  // "default", "broker" or "database".
  static std::optional<LevelOptions> named(std::string_view name);

  // Errors: kOutOfRange: watermarks that do not rise within (0, 1], a margin that reaches the one below.
  Result<void> Validate() const;
  // Without memory of what was before.
  Level level_of(double ratio) const;
  // Where `level` begins; 0 for normal.
  double begin_of(Level level) const;
};

class LevelTracker {
 public:
  // REQUIRES: options.Validate().
  explicit LevelTracker(const LevelOptions& options = {});

  // The change, if this ratio made one. REQUIRES: `now` does not go back.
  struct Change {
    Level from;
    Level to;
  };
  std::optional<Change> update(double ratio, MonotonicTime now);

  Level level() const { return level_; }
  const LevelOptions& options() const { return options_; }

 private:
  Change move_to(Level level);

  const LevelOptions options_;
  Level level_ = Level::kNormal;
  // Since when the ratio has been low enough to fall, and the highest it was since.
  std::optional<MonotonicTime> calm_since_;
  double calm_highest_ = 0;
  std::optional<MonotonicTime> last_fall_;
};

}  // namespace plimsoll
