#include "plimsoll/report/json.h"

#include "plimsoll/base/histogram.h"

namespace plimsoll {

void JsonStats::begin_row(const Stat& stat, std::string_view type) {
  json_.begin_object().field("name", stat.name).field("type", type).begin_object("labels");
  for (const StatLabel& label : stat.labels) json_.field(label.name, label.value);
  json_.end();
}

void JsonStats::value(const Stat& stat, double value) {
  begin_row(stat, stat.type == StatType::kCounter ? "counter" : "gauge");
  json_.field("value", value).end();
}

void JsonStats::distribution(const Stat& stat, const Histogram& histogram, double scale) {
  auto scaled = [scale](std::uint64_t value) { return static_cast<double>(value) * scale; };
  begin_row(stat, "histogram");
  json_.field("count", histogram.count())
      .field("sum", scaled(histogram.sum()))
      .field("max", scaled(histogram.max()))
      .field("p50", scaled(histogram.quantile(0.5)))
      .field("p99", scaled(histogram.quantile(0.99)))
      .end();
}

}  // namespace plimsoll
