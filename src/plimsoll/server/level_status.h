// LevelStatus: what is known of the level below the cache's memory at one time, and how it is said.
//
// One place for its words and its JSON, as four faces say them: /status.txt, /api/v1/status, `plimsoll cache`
// and INFO.
//
// Thread-safety: a value; level_status() from any thread. Cost: some locks held briefly. Limits: how many
// items are below is not known: the filters that say where to look count none. Errors: none. Ownership:
// copies what it shows.
#pragma once

#include <optional>
#include <string>

#include "plimsoll/cache/lower_level.h"
#include "plimsoll/report/json_writer.h"

namespace plimsoll {

struct LevelStatus {
  std::string name;
  Bytes size;     // below, at most about
  Bytes charged;  // of the line, for what it holds of memory
  LowerLevel::Stats stats;

  std::uint64_t dropped() const { return stats.queue_full + stats.no_memory + stats.too_large; }
  std::uint64_t look_ups() const { return stats.promoted + stats.absent + stats.overtaken; }
  // Of what was looked for below, what came up; 0 before the first.
  double hit_rate() const {
    return look_ups() == 0 ? 0 : static_cast<double>(stats.promoted) / static_cast<double>(look_ups());
  }
};

// Nothing: there is none.
std::optional<LevelStatus> level_status(const LowerLevel* level);

// "open: 3 GiB of 20 GiB; ...", in two lines, the second of which begins with `indent` spaces.
std::string level_words(const LevelStatus& level, std::size_t indent);
// "state=open,size=...": a field of INFO.
std::string level_info(const LevelStatus& level);
// An object, or null.
void write_level(JsonWriter& json, const std::optional<LevelStatus>& level);

}  // namespace plimsoll
