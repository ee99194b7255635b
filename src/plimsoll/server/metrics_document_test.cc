// docs/metrics.md says exactly what a server measures.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

#include "plimsoll/report/prometheus.h"
#include "plimsoll/server/node.h"

namespace plimsoll {
namespace {

using Types = std::map<std::string, std::string>;  // name -> type

Types matches(const std::string& text, const char* pattern) {
  Types found;
  std::regex row(pattern, std::regex::multiline);
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it)
    found[(*it)[1]] = (*it)[2];
  return found;
}

std::string document() {
  std::ifstream file(PLIMSOLL_SOURCE_DIR "/docs/metrics.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Of a server in which something has waited for memory, with a level below it (that nobody answers for).
std::string metrics() {
  Settings settings;
  settings.line = "64MiB";
  settings.data_dir = ::testing::TempDir() + "/metrics-" + std::to_string(::getpid());
  settings.remote_level = "redis://127.0.0.1:1";
  auto node = Node::open(settings);
  EXPECT_TRUE(node);
  if (!node) return {};
  (*node)->governor.tick();
  Charge all = (*node)->bodies.charge_held((*node)->bodies.maximum());
  EXPECT_FALSE((*node)->bodies.charge_before(1_MiB, std::chrono::steady_clock::now()));
  PrometheusText text;
  (*node)->Describe(text);
  return text.text();
}

TEST(MetricsDocument, NamesEveryMetricOfAServerWithItsType) {
  Types documented = matches(document(), "^\\| `(plimsoll_[a-z_]+)` \\| ([a-z]+) \\|");
  Types live = matches(metrics(), "^# TYPE (plimsoll_[a-z_]+) ([a-z]+)$");
  ASSERT_GT(live.size(), 40U);
  for (const auto& [name, type] : live) {
    EXPECT_EQ(documented.count(name), 1U) << name << " is not in docs/metrics.md";
    EXPECT_EQ(documented[name], type) << name;
  }
}

TEST(MetricsDocument, NamesNoMetricThatAServerDoesNotHave) {
  Types documented = matches(document(), "^\\| `(plimsoll_[a-z_]+)` \\| ([a-z]+) \\|(?!.*seen in a cgroup)");
  Types live = matches(metrics(), "^# TYPE (plimsoll_[a-z_]+) ([a-z]+)$");
  ASSERT_GT(documented.size(), 40U);
  for (const auto& [name, type] : documented) EXPECT_EQ(live.count(name), 1U) << name << " is in no server";
}

TEST(MetricsDocument, StaysWithinTheSeriesThatTheProjectAllowsItself) {
  std::string text = metrics();
  std::size_t series = 0;
  for (std::size_t at = 0; (at = text.find("\nplimsoll_", at)) != std::string::npos; ++at) ++series;
  EXPECT_GT(series, 100U);
  EXPECT_LE(series, 500U);
}

}  // namespace
}  // namespace plimsoll
