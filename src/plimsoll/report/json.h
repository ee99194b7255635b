// JsonStats: a StatSink that becomes a JSON array, one object a figure, for programs that want all figures at
// once.
//
//   [{"name":"account_used_bytes","type":"gauge","labels":{"account":"cache"},"value":4096},
//    {"name":"wait_seconds","type":"histogram","labels":{},"count":2,"sum":0.5,"max":0.4,"p50":0.1,"p99":0.4}]
//
// Names carry no prefix, as in Describe.
//
// Thread-safety: one thread. Cost: an append a figure. Limits: none. Errors: none; what is no number is null.
// Ownership: writes into the caller's JsonWriter, where a value may stand, until finish().
#pragma once

#include "plimsoll/base/stat_sink.h"
#include "plimsoll/report/json_writer.h"

namespace plimsoll {

class JsonStats final : public StatSink {
 public:
  explicit JsonStats(JsonWriter& json) : json_(json) { json_.begin_array(); }

  void value(const Stat& stat, double value) override;
  void distribution(const Stat& stat, const Histogram& histogram, double scale) override;
  void finish() { json_.end(); }

 private:
  void begin_row(const Stat& stat, std::string_view type);

  JsonWriter& json_;
};

}  // namespace plimsoll
