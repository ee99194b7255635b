#include "plimsoll/report/prometheus.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/base/histogram.h"

namespace plimsoll {
namespace {

using Family = prometheus::MetricFamily;
using Row = prometheus::ClientMetric;
using Type = prometheus::MetricType;

// From what memory takes to what a person notices, finest where the targets are.
constexpr double kSecondBuckets[] = {3e-7, 1e-6, 3e-6, 1e-5, 1e-4, 1e-3, 2e-3, 5e-3,
                                     0.01, 0.02, 0.05, 0.1,  0.5,  1,    10};
constexpr double kByteBuckets[] = {64, 1024, 16384, 262144, 4194304, 67108864};
constexpr double kCountBuckets[] = {1, 10, 100, 1000, 10000, 100000};

std::span<const double> buckets_for(std::string_view name) {
  if (name.ends_with("_seconds")) return kSecondBuckets;
  if (name.ends_with("_bytes")) return kByteBuckets;
  return kCountBuckets;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Colons are for recording rules, and labels that begin with two underscores for Prometheus itself.
bool is_name(std::string_view name) {
  return !name.empty() && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

// The serialiser writes help as it is, and a line end in it would end the comment.
std::string one_line(std::string_view help) {
  std::string escaped;
  for (char c : help) {
    if (c == '\\')
      escaped += "\\\\";
    else if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

}  // namespace

struct PrometheusText::Families {
  std::vector<Family> in_order;
  std::map<std::string, std::size_t, std::less<>> by_name;  // as the owner gave it

  Row& add_row(const Stat& stat, Type type);
  Family& family(const Stat& stat, Type type);
};

Family& PrometheusText::Families::family(const Stat& stat, Type type) {
  int length = static_cast<int>(stat.name.size());
  if (auto found = by_name.find(stat.name); found != by_name.end()) {
    Family& known = in_order[found->second];
    PLIMSOLL_CHECK(known.type == type, "the metric %.*s has two types", length, stat.name.data());
    return known;
  }
  PLIMSOLL_CHECK(is_name(stat.name), "the metric name '%.*s'", length, stat.name.data());
  PLIMSOLL_CHECK(stat.name.ends_with("_total") == (type == Type::Counter),
                 "the metric %.*s: counters, and nothing else, end in _total", length, stat.name.data());
  PLIMSOLL_CHECK(!stat.help.empty(), "the metric %.*s has no help", length, stat.name.data());
  by_name.emplace(stat.name, in_order.size());
  Family& added = in_order.emplace_back();
  added.name = "plimsoll_" + std::string(stat.name);
  added.help = one_line(stat.help);
  added.type = type;
  return added;
}

Row& PrometheusText::Families::add_row(const Stat& stat, Type type) {
  Row row;
  for (const StatLabel& label : stat.labels) {
    PLIMSOLL_CHECK(is_name(label.name) && !label.name.starts_with("__") && label.name != "le",
                   "the label name '%.*s'", static_cast<int>(label.name.size()), label.name.data());
    row.label.push_back({std::string(label.name), std::string(label.value)});
  }
  std::sort(row.label.begin(), row.label.end());
  Family& rows = family(stat, type);
  for (const Row& other : rows.metric) {
    PLIMSOLL_CHECK(!(other.label == row.label), "two rows of %s have the same labels", rows.name.c_str());
  }
  return rows.metric.emplace_back(std::move(row));
}

PrometheusText::PrometheusText() : families_(std::make_unique<Families>()) {}
PrometheusText::~PrometheusText() = default;

void PrometheusText::value(const Stat& stat, double value) {
  if (stat.type == StatType::kCounter) {
    families_->add_row(stat, Type::Counter).counter.value = value;
  } else {
    families_->add_row(stat, Type::Gauge).gauge.value = value;
  }
}

void PrometheusText::distribution(const Stat& stat, const Histogram& histogram, double scale) {
  PLIMSOLL_CHECK(scale > 0);
  Row::Histogram& shown = families_->add_row(stat, Type::Histogram).histogram;
  // Values are added meanwhile: what is read later must not be less, or the scrape contradicts itself.
  std::uint64_t seen = 0;
  for (double bound : buckets_for(stat.name)) {
    seen = std::max(seen, histogram.count_at_most(static_cast<std::uint64_t>(bound / scale + 0.5)));
    shown.bucket.push_back({seen, bound});
  }
  shown.sample_count = std::max(seen, histogram.count());
  shown.sample_sum = static_cast<double>(histogram.sum()) * scale;
}

std::string PrometheusText::text() const {
  return prometheus::TextSerializer().Serialize(families_->in_order);
}

}  // namespace plimsoll
