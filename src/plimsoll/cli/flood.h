// Floods: a server in a memory cgroup, clients outside it that ask for more than it has, and what became of
// it.
//
//   auto result = run_flood({.scenario = "sets_1k", .limit = 256_MiB, .program = "/usr/bin/plimsoll"});
//   if (!result) skip(result.error());          // no cgroup here
//   puts(result->summary().c_str());
//   for (const std::string& failure : result->failures) ...
//
// In every flood a calm client asks a little, at a steady pace, for small values: what it waits is what a
// user would wait. Every value read by anyone is checked. The same floods run against Redis, and against
// ourselves with the governor off, which must die where memory is what is flooded: a flood that sinks nobody
// proves nothing.
//
// Thread-safety: one flood at a time, from one thread that lives as long. Cost: two cores for `duration` and
// some seconds more; up to 200 MiB in the clients. Limits: loopback. Errors: kUnsupported (no cgroup can be
// made here; the text says why), kNotFound (no such scenario), and those of FloodServer. A server that dies
// is a result, not an error.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

enum class FloodTarget : std::uint8_t {
  kPlimsoll,  // nothing configured
  kControl,   // the same with --governor off
  kRedis,
};
std::string_view name_of(FloodTarget target);

struct FloodProgress {
  Duration elapsed{};
  Bytes held;  // by the server, seen from outside
  Bytes line;
  Bytes limit;
  std::uint64_t served = 0;
  std::uint64_t refused = 0;
  std::uint64_t kills = 0;
};

struct FloodOptions {
  std::string scenario;
  Bytes limit = 256_MiB;
  FloodTarget target = FloodTarget::kPlimsoll;
  std::string program;               // of the server
  std::vector<std::string> further;  // arguments for it
  Duration duration = std::chrono::seconds(8);
  bool without_cgroup =
      false;  // where none can be made: the limit is told to our server, and nobody is killed
  std::function<void(const FloodProgress&)> progress;  // some times a second, from the flood's thread
};

struct FloodFigure {
  std::string name;  // carries its unit
  double value = 0;
};

struct FloodResult {
  std::string scenario;
  FloodTarget target = FloodTarget::kPlimsoll;
  Bytes limit;
  Bytes line;  // limit less reserve

  bool died = false;
  std::string how;  // it died
  double died_after_s = 0;
  std::uint64_t kills = 0;  // counted by the cgroup

  std::uint64_t served = 0;   // replies that are not errors
  std::uint64_t refused = 0;  // -OOM
  std::uint64_t errors = 0;   // other errors
  std::uint64_t wrong = 0;    // reads that gave another value
  std::uint64_t lost = 0;     // requests on connections that ended
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::string first_error;
  std::string first_wrong;

  std::uint64_t calm_answered = 0;
  std::uint64_t calm_errors = 0;
  std::uint64_t calm_stalls = 0;  // over a second, or never
  double calm_ms_p50 = 0;
  double calm_ms_p99 = 0;
  double calm_ms_max = 0;

  Bytes highest;          // held, of all samples
  Bytes highest_sockets;  // kernel memory of its sockets
  double line_used = 0;   // held / line, median of the second half
  // Explained / held - 1: the sum of all accounts but `other` beside what was held at that time. Worst of all
  // readings after the first two seconds; nothing where the server keeps no accounts.
  std::optional<double> explained_worst;
  std::optional<double> explained_median;

  std::vector<FloodFigure> figures;   // the scenario's own, and the server's own
  std::vector<std::string> failures;  // what should have been otherwise; empty is well
  std::vector<std::string> log;       // the server's last words, when there are failures

  double served_a_second() const;
  double duration_s = 0;
  std::string summary() const;  // for people, a few lines
  std::string json() const;     // one line
};

struct FloodScenario {
  std::string_view name;
  std::string_view about;
  bool kills_control;  // what memory is not bounded by anything else sinks
};
std::span<const FloodScenario> flood_scenarios();

Result<FloodResult> run_flood(const FloodOptions& options);

}  // namespace plimsoll
