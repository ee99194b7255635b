#include "plimsoll/cli/demo.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "plimsoll/base/text.h"
#include "plimsoll/report/table.h"

namespace plimsoll {
namespace {

constexpr std::size_t kBarWidth = 20;

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

std::string demo_progress(std::string_view who, const FloodProgress& progress) {
  double filled = std::min(1.0, ratio(progress.held, progress.limit));
  auto marks = static_cast<std::size_t>(filled * kBarWidth + 0.5);
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(progress.elapsed).count();
  return std::string(who) + rounded(static_cast<double>(seconds), " %3.0f s  [") + std::string(marks, '#') +
         std::string(kBarWidth - marks, '-') + "]  " + format_bytes(progress.held) + " of " +
         format_bytes(progress.limit) + "  " + format_count(progress.served) + " served  " +
         format_count(progress.refused) + " refused  " + format_count(progress.kills) + " kills";
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
