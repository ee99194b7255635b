// StatSink: the one door through which every figure of the library leaves it.
//
// An owner describes its figures once, in Describe(StatSink&); metrics, JSON, the page and the command line
// are sinks. Adding a metric is one line in Describe.
//
//   void ByteCache::Describe(StatSink& sink) const {
//     sink.counter("cache_hits_total", "Lookups that found their key", hits);
//     sink.gauge("account_used_bytes", "Bytes charged", used, {{"account", name}});
//   }
//
// Names carry no prefix (a sink adds "plimsoll_") and end in their unit: _bytes, _seconds, _total, _ratio. A
// label's value comes from a bounded set, never from user data. All rows of one name are given one after the
// other.
//
// Thread-safety: a sink is used by one thread at a time. Cost: a virtual call a figure; never on a hot path.
// Limits: none. Errors: none. Ownership: views live for the call only.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

namespace plimsoll {

class Histogram;

enum class StatType { kGauge, kCounter };

struct StatLabel {
  std::string_view name;
  std::string_view value;
};

struct Stat {
  std::string_view name;
  std::string_view help;
  StatType type = StatType::kGauge;
  std::span<const StatLabel> labels;
};

class StatSink {
 public:
  virtual ~StatSink() = default;

  virtual void value(const Stat& stat, double value) = 0;
  // `scale` turns the histogram's integers into the unit of the name (1e-9 for nanoseconds shown as seconds).
  virtual void distribution(const Stat& stat, const Histogram& histogram, double scale) = 0;

  void gauge(std::string_view name, std::string_view help, double v,
             std::initializer_list<StatLabel> labels = {}) {
    value({name, help, StatType::kGauge, {labels.begin(), labels.size()}}, v);
  }
  void counter(std::string_view name, std::string_view help, double v,
               std::initializer_list<StatLabel> labels = {}) {
    value({name, help, StatType::kCounter, {labels.begin(), labels.size()}}, v);
  }
  void histogram(std::string_view name, std::string_view help, const Histogram& h, double scale,
                 std::initializer_list<StatLabel> labels = {}) {
    distribution({name, help, StatType::kGauge, {labels.begin(), labels.size()}}, h, scale);
  }
};

}  // namespace plimsoll
