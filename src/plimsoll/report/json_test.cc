#include "plimsoll/report/json.h"

#include <gtest/gtest.h>

#include "plimsoll/base/histogram.h"

namespace plimsoll {
namespace {

TEST(JsonStats, GivesEveryFigureWithItsLabels) {
  JsonWriter json;
  JsonStats stats(json);
  stats.counter("cache_hits_total", "Hits", 3);
  stats.gauge("account_used_bytes", "Used", 4096, {{"account", "cache"}, {"kind", "droppable"}});
  stats.finish();
  EXPECT_EQ(json.take(),
            "[{\"name\":\"cache_hits_total\",\"type\":\"counter\",\"labels\":{},\"value\":3},"
            "{\"name\":\"account_used_bytes\",\"type\":\"gauge\","
            "\"labels\":{\"account\":\"cache\",\"kind\":\"droppable\"},\"value\":4096}]");
}

TEST(JsonStats, GivesADistributionByItsQuantiles) {
  Histogram sizes;
  for (std::uint64_t size : {1, 2, 3, 4}) sizes.add(size);
  JsonWriter json;
  json.begin_object().key("metrics");
  JsonStats stats(json);
  stats.histogram("size_bytes", "Sizes", sizes, 0.5);
  stats.finish();
  EXPECT_EQ(
      json.end().take(),
      "{\"metrics\":[{\"name\":\"size_bytes\",\"type\":\"histogram\",\"labels\":{},\"count\":4,\"sum\":5,"
      "\"max\":2,\"p50\":1,\"p99\":2}]}");
}

}  // namespace
}  // namespace plimsoll
