#include "plimsoll/cli/flood.h"

#include <cstdio>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/flood_stage.h"

namespace plimsoll {

std::string_view name_of(FloodTarget target) {
  switch (target) {
    case FloodTarget::kPlimsoll:
      return "plimsoll";
    case FloodTarget::kControl:
      return "control";
    case FloodTarget::kRedis:
      return "redis";
  }
  return "?";
}

Result<FloodResult> run_flood(const FloodOptions& options) {
  FloodPlay play = flood_play(options.scenario);
  if (play == nullptr) return fail(ErrorCode::kNotFound, "there is no such flood");
  auto stage = FloodStage::open(options);
  if (!stage) return tl::unexpected(stage.error());
  play(**stage);
  return (*stage)->finish();
}

double FloodResult::served_a_second() const {
  return duration_s > 0 ? static_cast<double>(served) / duration_s : 0;
}

namespace {

template <typename... Values>
std::string text(const char* format, Values... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

std::string number(double value) { return text("%.6g", value); }
std::string number(std::uint64_t value) { return std::to_string(value); }

std::string quoted(std::string_view raw) {
  std::string out = "\"";
  for (char c : raw) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

class JsonLine {
 public:
  void add(std::string_view name, double value) { add_raw(name, number(value)); }
  void add(std::string_view name, std::uint64_t value) { add_raw(name, number(value)); }
  void add(std::string_view name, std::string_view value) { add_raw(name, quoted(value)); }
  void add(std::string_view name, Bytes value) { add_raw(name, number(value.count())); }
  void add_raw(std::string_view name, std::string_view value) {
    out_ += (out_.empty() ? "{" : ",") + quoted(name) + ":" + std::string(value);
  }
  std::string take() { return out_ + "}"; }

 private:
  std::string out_;
};

}  // namespace

std::string FloodResult::summary() const {
  std::string out = text("%s, %s, limit %s: ", scenario.c_str(), std::string(name_of(target)).c_str(),
                         format_bytes(limit).c_str());
  out += died ? text("%s after %.1f s", how.c_str(), died_after_s) : text("alive after %.1f s", duration_s);
  out += text(" (%llu kills)\n", static_cast<unsigned long long>(kills));
  out +=
      text("  served   %s (%s/s), refused %s, other errors %s, wrong %s, lost with their connection %s\n",
           format_count(served).c_str(), format_count(static_cast<std::uint64_t>(served_a_second())).c_str(),
           format_count(refused).c_str(), format_count(errors).c_str(), format_count(wrong).c_str(),
           format_count(lost).c_str());
  out += text("  calm     p50 %.2f ms, p99 %.2f ms, max %.2f ms; %s answered, %s not, %s over a second\n",
              calm_ms_p50, calm_ms_p99, calm_ms_max, format_count(calm_answered).c_str(),
              format_count(calm_errors).c_str(), format_count(calm_stalls).c_str());
  out += text("  memory   highest %s (%+.1f %% of the line at %s), sockets %s, %.1f %% of the line in use\n",
              format_bytes(highest).c_str(), (ratio(highest, line) - 1) * 100, format_bytes(line).c_str(),
              format_bytes(highest_sockets).c_str(), line_used * 100);
  if (explained_worst) {
    out += text("  accounts explain %.1f %% of it (worst %.1f %%)\n", (1 + *explained_median) * 100,
                (1 + *explained_worst) * 100);
  }
  for (const FloodFigure& f : figures) out += "  " + f.name + " " + number(f.value) + "\n";
  if (!first_error.empty()) out += "  first error: " + first_error + "\n";
  for (const std::string& failure : failures) out += "  FAILED: " + failure + "\n";
  for (const std::string& words : log) out += "  | " + words + "\n";
  return out;
}

std::string FloodResult::json() const {
  JsonLine out;
  out.add("scenario", scenario);
  out.add("target", name_of(target));
  out.add("limit_bytes", limit);
  out.add("line_bytes", line);
  out.add_raw("died", died ? "true" : "false");
  out.add("died_after_s", died_after_s);
  out.add("kills", kills);
  out.add("duration_s", duration_s);
  out.add("served", served);
  out.add("served_a_second", served_a_second());
  out.add("refused", refused);
  out.add("errors", errors);
  out.add("wrong", wrong);
  out.add("lost", lost);
  out.add("hits", hits);
  out.add("misses", misses);
  out.add("calm_ms_p50", calm_ms_p50);
  out.add("calm_ms_p99", calm_ms_p99);
  out.add("calm_ms_max", calm_ms_max);
  out.add("calm_answered", calm_answered);
  out.add("calm_errors", calm_errors);
  out.add("calm_stalls", calm_stalls);
  out.add("highest_bytes", highest);
  out.add("highest_sockets_bytes", highest_sockets);
  out.add("line_used_ratio", line_used);
  if (explained_worst) out.add("explained_worst_ratio", 1 + *explained_worst);
  if (explained_median) out.add("explained_median_ratio", 1 + *explained_median);
  for (const FloodFigure& f : figures) out.add(f.name, f.value);
  std::string all;
  for (const std::string& failure : failures) all += (all.empty() ? "" : ",") + quoted(failure);
  out.add_raw("failures", "[" + all + "]");
  return out.take();
}

}  // namespace plimsoll
