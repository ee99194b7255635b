// PrometheusText: a StatSink that becomes the text which Prometheus scrapes.
//
// Rows of one name become one family, whenever they come; names get the prefix "plimsoll_"; a distribution
// becomes a histogram with a few fixed buckets chosen by the name's unit. Written out by prometheus-cpp
// (version 0.0.4 of the text format, which every scraper reads). Invariant: no two rows of a family have the
// same labels, so that a scrape is never rejected as a whole.
//
//   PrometheusText metrics;
//   cache.Describe(metrics);
//   respond(PrometheusText::kContentType, metrics.text());
//
// Thread-safety: one thread. Cost: about 1.2 us a row, and some 400 bytes a row while it lives; make one for
// each scrape. Limits: none; 500 rows is what the project allows itself. Errors: a name that Prometheus would
// reject, a counter that does not end in _total, anything else that does, and a row given twice abort: they
// are mistakes in a Describe, and every test that scrapes finds them. Ownership: copies all it is given.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "plimsoll/base/stat_sink.h"

namespace plimsoll {

class PrometheusText final : public StatSink {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  PrometheusText();
  ~PrometheusText() override;

  void value(const Stat& stat, double value) override;
  void distribution(const Stat& stat, const Histogram& histogram, double scale) override;

  // All rows so far, families in the order in which they first came.
  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace plimsoll
