#include "plimsoll/server/level_status.h"

#include "plimsoll/base/text.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

std::string state_words(const LowerLevel::Stats& stats) {
  std::string text(name_of(stats.state));
  if (stats.state == LowerLevel::State::kFailing) text += ": memory goes on alone until it works again";
  if (stats.state == LowerLevel::State::kOpening) text += ": what it has kept is being looked at";
  return text;
}

}  // namespace

std::optional<LevelStatus> level_status(const LowerLevel* level) {
  if (level == nullptr) return std::nullopt;
  return LevelStatus{level->name(), level->size(), level->account().used(), level->stats()};
}

std::string level_words(const LevelStatus& level, std::size_t indent) {
  const LowerLevel::Stats& l = level.stats;
  const std::string stored = l.stored.zero() ? "at most " : format_bytes(l.stored) + " of ";
  std::string text = state_words(l) + "; " + stored + format_bytes(level.size) + " below, " +
                     format_bytes(level.charged) + " of memory for it; " + format_count(l.demoted) +
                     " items went down, " + format_count(l.promoted) + " came back\n";
  text += std::string(indent, ' ') + format_count(l.absent) + " look-ups found nothing there (" +
          per_cent(level.hit_rate()) + " did); " + format_count(l.not_admitted) +
          " items were not admitted, " + format_count(level.dropped()) + " had no room; " +
          format_count(l.late) + " requests waited in vain, " + format_count(l.corrupt) +
          " records were damaged, " + format_count(l.failures) + " failures";
  return text + (l.words.empty() ? "" : ", the last: " + l.words);
}

std::string level_info(const LevelStatus& level) {
  const LowerLevel::Stats& l = level.stats;
  std::string text = "state=" + std::string(name_of(l.state));
  auto add = [&text](std::string_view name, std::uint64_t value) {
    text.append(",").append(name).append("=").append(std::to_string(value));
  };
  add("size", level.size.count());
  add("stored", l.stored.count());
  add("charged", level.charged.count());
  add("demoted", l.demoted);
  add("promoted", l.promoted);
  add("absent", l.absent);
  add("dropped", level.dropped());
  add("corrupt", l.corrupt);
  add("failures", l.failures);
  add("late", l.late);
  return text;
}

void write_level(JsonWriter& json, const std::optional<LevelStatus>& level) {
  json.key("level");
  if (!level) {
    json.value(nullptr);
    return;
  }
  const LowerLevel::Stats& l = level->stats;
  json.begin_object()
      .field("name", level->name)
      .field("state", name_of(l.state))
      .field("size_bytes", level->size)
      .field("stored_bytes", l.stored)
      .field("queued_bytes", l.queued)
      .field("charged_bytes", level->charged)
      .field("demoted", l.demoted)
      .field("promoted", l.promoted)
      .field("absent", l.absent)
      .field("overtaken", l.overtaken)
      .field("hit_ratio", level->hit_rate())
      .field("erased", l.erased)
      .field("not_admitted", l.not_admitted)
      .field("dropped", level->dropped())
      .field("corrupt", l.corrupt)
      .field("read_failures", l.read_failures)
      .field("failures", l.failures)
      .field("late", l.late)
      .field("last_failure", l.words)
      .end();
}

}  // namespace plimsoll
