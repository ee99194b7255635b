// What users wait, and how much of the line is used, while the server is flooded in a cgroup with nothing
// configured.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/flood.h"
#include "server_bench.h"

namespace plimsoll {

namespace {

constexpr double kMustP99 = 50;
constexpr double kMustMax = 500;
constexpr double kMustUsed = 90;
constexpr double kMustAbove = 1;
constexpr double kMustExplained = 3;
constexpr double kMustFirstByte = 20;

std::optional<double> figure(const FloodResult& result, std::string_view name) {
  for (const FloodFigure& f : result.figures) {
    if (f.name == name) return f.value;
  }
  return std::nullopt;
}

// False: there is no cgroup to be had here.
bool bench_flood(const ServerBench& bench, RowPrinter& printer, const FloodScenario& scenario, Bytes limit,
                 std::optional<double>& first_byte) {
  FloodOptions options{.scenario = std::string(scenario.name), .limit = limit, .program = bench.program};
  auto result = run_flood(options);
  if (!result) {
    std::fprintf(stderr, "bench: no flood: %s\n", result.error().message().c_str());
    return false;
  }
  const std::string what = "flood " + options.scenario + ", " + format_bytes(limit);
  for (const std::string& failure : result->failures) {
    std::fprintf(stderr, "bench: %s: %s\n", what.c_str(), failure.c_str());
  }
  auto add = [&](const char* name, const char* unit, double ours, double must, BenchBound bound) {
    printer.add({.bench = what + ": " + name,
                 .unit = unit,
                 .ours = ours,
                 .must = must,
                 .bound = bound,
                 .failed = result->died,
                 .note = result->died ? "KILLED" : ""});
  };
  add("calm p99", "ms", result->calm_ms_p99, kMustP99, BenchBound::kAtMost);
  add("calm max", "ms", result->calm_ms_max, kMustMax, BenchBound::kAtMost);
  const double line = result->line.as_double();
  add("above the line", "%", std::max(0.0, result->highest.as_double() / line - 1) * 100, kMustAbove,
      BenchBound::kAtMost);
  if (result->explained_worst) {
    add("explained, off by at most", "%", std::abs(*result->explained_worst) * 100, kMustExplained,
        BenchBound::kAtMost);
  }
  if (options.scenario != "limit_halved") {
    add("line in use", "%", result->line_used * 100, kMustUsed, BenchBound::kAtLeast);
  } else {
    add("followed after", "s", figure(*result, "slowest_follow_s").value_or(1e9), 1, BenchBound::kAtMost);
    add("used again after", "s", figure(*result, "used_again_s").value_or(1e9), 10, BenchBound::kAtMost);
  }
  if (auto found = figure(*result, "first_byte_freed_ms_p99"))
    first_byte = std::max(first_byte.value_or(0), *found);
  return true;
}

// Microseconds a served request under sets_1k.
double flood_cost(const FloodOptions& options) {
  auto result = run_flood(options);
  return result && result->served > 0 ? 1e6 / result->served_a_second() : 0;
}

void bench_against_redis(const ServerBench& bench, RowPrinter& printer) {
  FloodOptions ours{.scenario = "sets_1k", .program = bench.program, .duration = std::chrono::seconds(4)};
  FloodOptions redis = ours;
  redis.target = FloodTarget::kRedis;
  redis.program = bench.peer("redis-server");
  // As much as a person who knows would give it: more was killed.
  redis.further = {"--maxmemory", "200mb", "--maxmemory-policy", "allkeys-lru"};
  PairedRounds rounds(std::min(bench.rounds, 3U));
  auto result =
      rounds.run([&] { return flood_cost(ours); }, {{"redis LRU 200mb", [&] { return flood_cost(redis); }}});
  printer.add(rate_row_of(
      result, 1e6, {.bench = "flood sets_1k, 256 MiB: served", .unit = "1/s", .must = kMustUsefulWork}));
}

}  // namespace

void bench_floods(const ServerBench& bench, RowPrinter& printer) {
  printer.title("floods in a memory cgroup, nothing configured");
  std::vector<Bytes> limits{256_MiB};
  if (bench.all) limits.insert(limits.end(), {96_MiB, 64_MiB});
  std::optional<double> first_byte;
  for (Bytes limit : limits) {
    for (const FloodScenario& scenario : flood_scenarios()) {
      if (!bench_flood(bench, printer, scenario, limit, first_byte)) return;
    }
  }
  if (first_byte) {
    printer.add({.bench = "first byte freed after a level is crossed, p99",
                 .unit = "ms",
                 .ours = *first_byte,
                 .must = kMustFirstByte,
                 .bound = BenchBound::kAtMost,
                 .note = "worst of all floods"});
  }
  if (bench.has_peers()) bench_against_redis(bench, printer);
}

}  // namespace plimsoll
