// FloodScrape: reads the figures a server says of itself, over HTTP, in Prometheus' text.
//
// What is watched from outside is compared with it: a server whose accounts do not explain its memory is
// cheating.
//
// Thread-safety: values. Cost: a connection a scrape. Limits: 4 MiB of text. Errors: kSystem, kTimedOut;
// kInvalid when the answer is not 200. Absent figures read as nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

// The body of http://127.0.0.1:port/path.
Result<std::string> http_get(std::uint16_t port, std::string_view path, MonotonicTime deadline);

class FloodScrape {
 public:
  static Result<FloodScrape> fetch(std::uint16_t http_port, MonotonicTime deadline);
  explicit FloodScrape(std::string text) : text_(std::move(text)) {}

  // The first sample of this name whose labels hold `label` (as in account="cache").
  std::optional<double> value(std::string_view name, std::string_view label = {}) const;
  // The sum over all samples of this name but those with this label; nothing when there are none.
  std::optional<double> sum(std::string_view name, std::string_view but_label = {}) const;
  // A quantile of the histogram `name`: the upper bound of the bucket it falls into. For a summary, its own
  // sample.
  std::optional<double> quantile(std::string_view name, double quantile, std::string_view label = {}) const;

 private:
  struct Sample {
    std::string_view labels;
    double value = 0;
  };
  std::vector<Sample> samples(std::string_view name) const;

  std::string text_;
};

}  // namespace plimsoll
