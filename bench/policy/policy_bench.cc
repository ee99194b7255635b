// bench_policy FOLDER [--json]: what the adaptive policy misses on every trace of a folder (.csv, .csv.zst,
// as `plimsoll sim` reads them), beside LRU, LFU and FIFO in the same run and beside the folder's
// baselines.csv.
//
// Capacities are 0.1 %, 1 % and 10 % of a trace's keys and, where sizes differ, of their bytes. Regret is
// what was missed, in points, less what the best online policy of the baselines missed in the cell; its mean
// and its worst are over 1 % and 10 %. LRU, LFU and FIFO run with one shard, so that they are exact and must
// equal their rows of the baselines; adaptive as a server runs it.
//
// Where there are web12 and corda_vault, phases follow: one after the other, then a loop, keys apart. Each
// phase counts from its tenth on, against the best of the three on that phase alone.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "baselines.h"
#include "harness.h"
#include "plimsoll/cache/simulation.h"
#include "plimsoll/os/input_file.h"

namespace plimsoll {
namespace {

constexpr double kFractions[] = {0.001, 0.01, 0.1};
constexpr PolicyKind kFixed[] = {PolicyKind::kLru, PolicyKind::kLfu, PolicyKind::kFifo};
constexpr std::size_t kLoopRequests = 150'000;

struct Bounds {
  double must, aim;
};
constexpr Bounds kMean{0.24, 0.15}, kWorst{1.28, 0.8}, kBytesMean{1, 0.5}, kBytesWorst{2, 1};
constexpr Bounds kBesideFixed{1, 0.5}, kPhase{1, 0.5};

// Points of regret of several cells.
struct Regrets {
  double sum = 0, worst = -100;
  std::size_t cells = 0;
  void add(double points) {
    sum += points;
    worst = std::max(worst, points);
    ++cells;
  }
};

std::string text_of(double number, int decimals) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, number);
  return text;
}
std::string name_of_cell(const PolicyCell& cell) {
  char text[32];
  std::snprintf(text, sizeof text, "%g %% of ", cell.fraction * 100);
  return cell.trace + ", " + text + cell.basis;
}

bool read(const std::filesystem::path& path, Trace& trace) {
  Result<InputFile> file = InputFile::open(path.string());
  if (!file) return false;
  TraceReader reader([&](std::span<char> to) { return file->read(to); });
  Result<Trace> all = read_trace(reader);
  if (!all) {
    std::fprintf(stderr, "bench: %s:%llu: %s\n", path.c_str(), static_cast<unsigned long long>(reader.line()),
                 all.error().message().c_str());
    return false;
  }
  trace = *std::move(all);
  return !trace.requests.empty();
}

SimulationResult run(const Trace& trace, const SimulationOptions& options) {
  Result<SimulationResult> result = simulate(trace, options);
  if (result) return *result;
  std::fprintf(stderr, "bench: %s\n", result.error().message().c_str());
  return {};
}

BenchRow points_row(std::string bench, double points, Bounds bounds, BenchBound bound = BenchBound::kAtMost) {
  return {.bench = std::move(bench),
          .unit = "points",
          .ours = points,
          .must = bounds.must,
          .aim = bounds.aim,
          .bound = bound};
}

class PolicyBench {
 public:
  PolicyBench(std::filesystem::path folder, bool json)
      : folder_(std::move(folder)), baselines_((folder_ / "baselines.csv").string()), printer_(json) {}

  int run_all() {
    std::map<std::string, std::filesystem::path> traces;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      std::string name = entry.path().filename().string();
      if (name == "baselines.csv" || name.find(".csv") == std::string::npos) continue;
      traces[name.substr(0, name.find(".csv"))] = entry.path();
    }
    printer_.title("missed by adaptive, beside the best of the baselines, and of LRU, LFU and FIFO here");
    for (const auto& [name, path] : traces) {
      Trace trace;
      if (!read(path, trace)) return 1;
      for (double fraction : kFractions) {
        objects_cell({name, "objects", fraction, false}, trace);
        if (trace.unique_bytes != trace.unique_keys) bytes_cell({name, "bytes", fraction, false}, trace);
      }
    }
    print_sums();
    if (traces.contains("web12") && traces.contains("corda_vault")) phases(traces);
    return 0;
  }

 private:
  void objects_cell(const PolicyCell& cell, const Trace& trace) {
    const std::uint64_t capacity = share_of(trace.unique_keys, cell.fraction);
    if (capacity > 0) cell_of(cell, trace, {.basis = Basis::kObjects, .capacity = capacity}, by_objects_);
  }
  // By bytes there are two objectives; misses of requests are what most want few of.
  void bytes_cell(PolicyCell cell, const Trace& trace) {
    const std::uint64_t capacity = share_of(trace.unique_bytes, cell.fraction);
    if (capacity == 0) return;
    cell_of(cell, trace, {.basis = Basis::kBytes, .capacity = capacity}, by_bytes_);
    cell.byte_misses = true;
    cell_of(cell, trace, {.basis = Basis::kBytes, .objective = Objective::kBytes, .capacity = capacity},
            of_bytes_);
  }

  static std::uint64_t share_of(std::uint64_t whole, double fraction) {
    return static_cast<std::uint64_t>(std::floor(fraction * static_cast<double>(whole) + 1e-9));
  }

  void cell_of(const PolicyCell& cell, const Trace& trace, SimulationOptions options, Regrets& regrets) {
    auto missed = [&](PolicyKind policy, std::size_t shards) {
      options.policy = policy;
      options.shards = shards;
      const SimulationResult result = run(trace, options);
      return cell.byte_misses ? result.byte_miss_ratio() : result.object_miss_ratio();
    };
    const double ours = missed(PolicyKind::kAdaptive, 0);
    double fixed = 1;
    for (PolicyKind policy : kFixed) {
      const double exact = missed(policy, 1);
      fixed = std::min(fixed, exact);
      if (const auto known = baselines_.missed(cell, std::string(name_of(policy)))) {
        ++known_;
        if (text_of(*known, 4) != text_of(exact, 4)) ++unlike_;
      }
    }
    const double beside = 100 * (ours - fixed);
    (cell.byte_misses ? bytes_beside_ : beside_).add(beside);
    BenchRow row{.bench = (cell.byte_misses ? "bytes missed, " : "missed, ") + name_of_cell(cell),
                 .unit = "%",
                 .ours = 100 * ours};
    row.note = "to LRU, LFU, FIFO " + text_of(beside, 2);
    if (const std::optional<BestPolicy> best = baselines_.best(cell)) {
      row.peer = best->name;
      row.peer_value = 100 * best->missed;
      const double regret = 100 * (ours - best->missed);
      row.note += ", regret " + text_of(regret, 2);
      if (cell.fraction >= 0.01) regrets.add(regret);
    }
    printer_.add(row);
  }

  void print_sums() {
    printer_.title("regret: points missed more than the best there is, 1 % and 10 %");
    auto add = [&](const char* what, const Regrets& regrets, Bounds mean, Bounds worst) {
      if (regrets.cells == 0) return;
      const std::string of = std::string(what) + ", " + std::to_string(regrets.cells) + " cells";
      printer_.add(points_row("mean regret, " + of, regrets.sum / static_cast<double>(regrets.cells), mean));
      printer_.add(points_row("worst regret, " + of, regrets.worst, worst));
    };
    add("objects", by_objects_, kMean, kWorst);
    add("object misses of a capacity in bytes", by_bytes_, kBytesMean, kBytesWorst);
    add("byte misses of a capacity in bytes", of_bytes_, kBytesMean, kBytesWorst);
    for (const auto& [what, beside] : {std::pair("", &beside_), std::pair("byte misses, ", &bytes_beside_)}) {
      if (beside->cells == 0) continue;
      printer_.add(points_row(std::string(what) + "worse than the best of LRU, LFU and FIFO, worst of " +
                                  std::to_string(beside->cells) + " cells",
                              beside->worst, kBesideFixed));
    }
    if (known_ > 0) {
      printer_.add({.bench = "LRU, LFU and FIFO unlike the baselines, of " + std::to_string(known_),
                    .unit = "cells",
                    .ours = static_cast<double>(unlike_),
                    .must = 0,
                    .bound = BenchBound::kAtMost});
    }
  }

  struct Phase {
    std::string name;
    Trace trace;
  };

  void phases(const std::map<std::string, std::filesystem::path>& traces) {
    Phase web{"web12", {}}, vault{"corda_vault", {}};
    if (!read(traces.at("web12"), web.trace) || !read(traces.at("corda_vault"), vault.trace)) return;
    printer_.title(
        "phases with keys apart: missed after a phase's first tenth, less the best fixed policy there");
    for (double fraction : {0.01, 0.1}) {
      const std::uint64_t capacity = share_of(web.trace.unique_keys + vault.trace.unique_keys, fraction);
      for (double length : {1.2, 2.0}) {
        const Phase loop{"loop of " + text_of(length, 1),
                         loop_of(static_cast<std::uint64_t>(length * static_cast<double>(capacity)))};
        run_phases({&web, &vault, &loop}, capacity, fraction);
      }
      run_phases({&vault, &web}, capacity, fraction);
    }
  }

  static Trace loop_of(std::uint64_t keys) {
    Trace loop;
    for (std::size_t i = 0; i < kLoopRequests; ++i) loop.requests.push_back({.key = i % keys});
    loop.unique_keys = keys;
    return loop;
  }

  void run_phases(const std::vector<const Phase*>& sequence, std::uint64_t capacity, double fraction) {
    Trace joined;
    std::string names;
    for (const Phase* phase : sequence) {
      const std::size_t from = joined.requests.size();
      const std::uint64_t warm_up = phase->trace.requests.size() / 10;
      // Within a phase they stay as different as they were.
      const std::uint64_t apart = names.size() << 48;
      for (TraceRequest request : phase->trace.requests) {
        joined.requests.push_back({.key = request.key ^ apart});
      }
      names += (names.empty() ? "" : " > ") + phase->name;
      const double ours = run(joined, {.capacity = capacity, .warm_up = from + warm_up}).object_miss_ratio();
      double fixed = 1;
      Trace alone = phase->trace;
      for (TraceRequest& request : alone.requests) request.size = 1;
      for (PolicyKind policy : kFixed) {
        fixed = std::min(fixed,
                         run(alone, {.policy = policy, .capacity = capacity, .shards = 1, .warm_up = warm_up})
                             .object_miss_ratio());
      }
      BenchRow row = points_row(text_of(100 * fraction, 0) + " %: " + names, 100 * (ours - fixed), kPhase);
      row.note = "missed " + text_of(100 * ours, 2) + " %";
      printer_.add(row);
    }
  }

  const std::filesystem::path folder_;
  const Baselines baselines_;
  RowPrinter printer_;
  Regrets by_objects_, by_bytes_, of_bytes_, beside_, bytes_beside_;
  std::size_t known_ = 0, unlike_ = 0;
};

}  // namespace
}  // namespace plimsoll

int main(int argc, char** argv) {
  std::string folder;
  bool json = false, wrong = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--machine") {
      std::printf("%s\n", plimsoll::machine_line().c_str());
      return 0;
    }
    if (word == "--json") {
      json = true;
    } else if (folder.empty() && !word.starts_with("-")) {
      folder = word;
    } else {
      wrong = true;
    }
  }
  if (wrong || !std::filesystem::is_directory(folder)) {
    std::fprintf(stderr,
                 "bench_policy FOLDER [--json]: a folder of traces, and of baselines.csv if there is one\n");
    return 2;
  }
  return plimsoll::PolicyBench(folder, json).run_all();
}
