#include "plimsoll/report/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/base/histogram.h"

namespace plimsoll {
namespace {

using ::testing::HasSubstr;

TEST(PrometheusText, IsEmptyWithoutFigures) { EXPECT_EQ(PrometheusText().text(), ""); }

TEST(PrometheusText, WritesTheFormatThatScrapersRead) {
  PrometheusText metrics;
  metrics.counter("cache_hits_total", "Lookups that found their key", 12);
  metrics.gauge("account_used_bytes", "Bytes charged", 4096, {{"account", "cache"}, {"kind", "droppable"}});
  metrics.gauge("account_used_bytes", "Bytes charged", 100, {{"account", "bodies"}, {"kind", "waitable"}});
  EXPECT_EQ(metrics.text(),
            "# HELP plimsoll_cache_hits_total Lookups that found their key\n"
            "# TYPE plimsoll_cache_hits_total counter\n"
            "plimsoll_cache_hits_total 12\n"
            "# HELP plimsoll_account_used_bytes Bytes charged\n"
            "# TYPE plimsoll_account_used_bytes gauge\n"
            "plimsoll_account_used_bytes{account=\"cache\",kind=\"droppable\"} 4096\n"
            "plimsoll_account_used_bytes{account=\"bodies\",kind=\"waitable\"} 100\n");
}

TEST(PrometheusText, MergesAFamilyWhoseRowsComeApart) {
  PrometheusText metrics;
  metrics.gauge("a_bytes", "A", 1, {{"of", "x"}});
  metrics.gauge("b_bytes", "B", 2);
  metrics.gauge("a_bytes", "A", 3, {{"of", "y"}});
  EXPECT_EQ(metrics.text(),
            "# HELP plimsoll_a_bytes A\n"
            "# TYPE plimsoll_a_bytes gauge\n"
            "plimsoll_a_bytes{of=\"x\"} 1\n"
            "plimsoll_a_bytes{of=\"y\"} 3\n"
            "# HELP plimsoll_b_bytes B\n"
            "# TYPE plimsoll_b_bytes gauge\n"
            "plimsoll_b_bytes 2\n");
}

TEST(PrometheusText, KeepsLargeNumbersExact) {
  PrometheusText metrics;
  metrics.counter("bytes_total", "B", 9007199254740991.0);
  EXPECT_THAT(metrics.text(), HasSubstr("plimsoll_bytes_total 9007199254740991\n"));
}

TEST(PrometheusText, EscapesHelpAndLabelValues) {
  PrometheusText metrics;
  metrics.gauge("a", "one\ntwo \\ three", 1, {{"path", "C:\\x \"y\"\nz"}});
  EXPECT_EQ(metrics.text(),
            "# HELP plimsoll_a one\\ntwo \\\\ three\n"
            "# TYPE plimsoll_a gauge\n"
            "plimsoll_a{path=\"C:\\\\x \\\"y\\\"\\nz\"} 1\n");
}

TEST(PrometheusText, ShowsADistributionInTheUnitOfItsName) {
  Histogram waits;
  waits.add(500'000);         // 0.5 ms
  waits.add(3'000'000);       // 3 ms
  waits.add(30'000'000'000);  // 30 s: above the last bucket
  PrometheusText metrics;
  metrics.histogram("wait_seconds", "Waits", waits, 1e-9, {{"cause", "body"}});
  std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE plimsoll_wait_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_bucket{cause=\"body\",le=\"0.0001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_bucket{cause=\"body\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_bucket{cause=\"body\",le=\"0.005\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_bucket{cause=\"body\",le=\"10\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_bucket{cause=\"body\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_count{cause=\"body\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("plimsoll_wait_seconds_sum{cause=\"body\"} 30.0035"));
}

TEST(PrometheusText, ShowsSizesInBucketsOfBytes) {
  Histogram sizes;
  sizes.add(1000);
  PrometheusText metrics;
  metrics.histogram("value_size_bytes", "Sizes", sizes, 1);
  EXPECT_THAT(metrics.text(), HasSubstr("plimsoll_value_size_bytes_bucket{le=\"64\"} 0\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("plimsoll_value_size_bytes_bucket{le=\"1024\"} 1\n"));
}

TEST(PrometheusTextDeathTest, AbortsOnADescribeThatPrometheusWouldReject) {
  EXPECT_DEATH(PrometheusText().gauge("a-b", "A", 1), "the metric name 'a-b'");
  EXPECT_DEATH(PrometheusText().gauge("0a", "A", 1), "the metric name");
  EXPECT_DEATH(PrometheusText().gauge("a", "A", 1, {{"__x", "y"}}), "the label name '__x'");
  EXPECT_DEATH(PrometheusText().counter("hits", "A", 1), "end in _total");
  EXPECT_DEATH(PrometheusText().gauge("hits_total", "A", 1), "end in _total");
  EXPECT_DEATH(PrometheusText().gauge("a", "", 1), "no help");
}

TEST(PrometheusTextDeathTest, AbortsOnARowGivenTwiceWhateverTheOrderOfItsLabels) {
  PrometheusText metrics;
  metrics.gauge("a", "A", 1, {{"x", "1"}, {"y", "2"}});
  EXPECT_DEATH(metrics.gauge("a", "A", 1, {{"y", "2"}, {"x", "1"}}), "two rows of plimsoll_a");
  EXPECT_DEATH(metrics.histogram("a", "A", Histogram(), 1), "two types");
}

}  // namespace
}  // namespace plimsoll
