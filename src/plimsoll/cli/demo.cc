#include "plimsoll/cli/demo.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "plimsoll/base/text.h"
#include "plimsoll/report/table.h"

namespace plimsoll {
namespace {

std::string rounded(double value, const char* format) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string column_name(FloodTarget target) {
  return target == FloodTarget::kControl ? "plimsoll, governor off" : std::string(name_of(target));
}

std::string kills_of(const FloodResult& result) {
  if (result.died)
    return format_count(std::max<std::uint64_t>(result.kills, 1)) + ", after " +
           rounded(result.died_after_s, "%.1f s");
  return format_count(result.kills);
}

}  // namespace

ProgressStep demo_progress(std::string_view who, const FloodProgress& progress, Duration duration) {
  const double all = std::chrono::duration<double>(duration).count();
  const double over = std::chrono::duration<double>(progress.elapsed).count();
  return {.what = "flooding " + std::string(who),
          .share = all > 0 ? over / all : 1,
          .detail = format_bytes(progress.held) + " of " + format_bytes(progress.limit) + ", " +
                    format_count(progress.kills) + " kills, " + format_count(progress.served) + " served, " +
                    format_count(progress.refused) + " refused"};
}

std::string demo_summary(std::span<const FloodResult> results) {
  std::vector<Column> columns = {{}};
  for (const FloodResult& result : results) columns.push_back({column_name(result.target), Align::kRight});
  Table table(columns);
  auto row = [&](const char* name, const std::function<std::string(const FloodResult&)>& cell) {
    std::vector<std::string> cells = {name};
    for (const FloodResult& result : results) cells.push_back(cell(result));
    table.row(std::move(cells));
  };
  row("kills", &kills_of);
  row("refused", [](const FloodResult& r) { return format_count(r.refused); });
  row("served", [](const FloodResult& r) { return format_count(r.served); });
  row("highest use", [](const FloodResult& r) { return format_bytes(r.highest); });
  row("limit", [](const FloodResult& r) { return format_bytes(r.limit); });
  row("wrong values read", [](const FloodResult& r) { return format_count(r.wrong); });
  row("a calm client waited, p99", [](const FloodResult& r) { return rounded(r.calm_ms_p99, "%.2f ms"); });
  row("at most", [](const FloodResult& r) { return rounded(r.calm_ms_max, "%.1f ms"); });
  return table.text(2);
}

}  // namespace plimsoll
