#include "plimsoll/base/stat_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plimsoll/base/histogram.h"

namespace plimsoll {
namespace {

// Keeps one line of text for each row it is given.
class Lines final : public StatSink {
 public:
  void value(const Stat& stat, double value) override { add(stat, std::to_string(value)); }
  void distribution(const Stat& stat, const Histogram& histogram, double scale) override {
    add(stat, std::to_string(histogram.count()) + " values of " + std::to_string(scale));
  }

  std::vector<std::string> lines;

 private:
  void add(const Stat& stat, const std::string& what) {
    std::string line(stat.name);
    line += stat.type == StatType::kCounter ? " counter" : " gauge";
    for (const StatLabel& label : stat.labels) {
      line += ' ';
      line += label.name;
      line += '=';
      line += label.value;
    }
    lines.push_back(line + ": " + what);
  }
};

TEST(StatSink, EachFormReachesTheSinkWithItsTypeAndLabels) {
  Lines sink;
  Histogram histogram;
  histogram.add(1);
  sink.gauge("used_bytes", "Bytes", 2, {{"account", "cache"}, {"kind", "droppable"}});
  sink.counter("hits_total", "Hits", 3);
  sink.histogram("wait_seconds", "Waits", histogram, 0.5, {{"cause", "line"}});
  EXPECT_THAT(sink.lines, testing::ElementsAre("used_bytes gauge account=cache kind=droppable: 2.000000",
                                               "hits_total counter: 3.000000",
                                               "wait_seconds gauge cause=line: 1 values of 0.500000"));
}

}  // namespace
}  // namespace plimsoll
