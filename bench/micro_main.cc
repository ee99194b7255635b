// main() of every room's Google Benchmark program: the same rounds, rows and JSON as the other benchmarks.
//
// Benchmarks that belong together carry their part in the name: "charge/ours", "charge/peer:malloc",
// "charge/again" (ours once more, the A/A pair; without it a row with peers does not count). What carries
// none is a row by itself. Parts (parts.h) come after them; words that are no options choose among the parts,
// and "micro" is what is described here. Bounds are counters of ours: state.counters["must"] = 0.6 (with a
// peer: of the ratio; without: of the nanoseconds); "must_ns" is of the nanoseconds even beside peers.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "harness.h"
#include "parts.h"

namespace plimsoll {
namespace {

struct Series {
  std::vector<double> cpu_ns;
  std::vector<double> wall_ns;
};

struct Group {
  Series ours, again;
  std::vector<std::string> names;
  std::vector<Series> peers;
  std::optional<double> must, aim;
  bool absolute = false;  // they are nanoseconds, whatever peers there are
};

// "a/ours/64" is the part "ours" of the row "a/64".
std::string take_part(std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    std::size_t end = std::min(name.find('/', begin), name.size());
    std::string part = name.substr(begin, end - begin);
    if (part == "ours" || part == "again" || part.starts_with("peer:")) {
      name.erase(begin == 0 ? 0 : begin - 1, end - begin + 1);
      return part;
    }
    begin = end + 1;
  }
  return "ours";
}

class Reporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      std::string name = run.benchmark_name();
      if (std::size_t tail = name.find("/repeats:"); tail != std::string::npos) name.resize(tail);
      std::string part = take_part(name);
      if (!groups_.contains(name)) order_.push_back(name);
      add(groups_[name], part, run);
    }
  }

  void print(RowPrinter& printer) const {
    for (const std::string& name : order_) {
      const Group& group = groups_.at(name);
      BenchRow row{.bench = name, .unit = "ns", .must = group.must, .aim = group.aim};
      row.note = "wall " + std::to_string(median(group.ours.wall_ns)).substr(0, 6) + ", ";
      printer.add(row_of(name, group, std::move(row)));
    }
  }

 private:
  static void add(Group& group, const std::string& part, const Run& run) {
    Series* series = &group.ours;
    if (part == "again") series = &group.again;
    if (part.starts_with("peer:")) {
      std::string peer = part.substr(std::strlen("peer:"));
      auto found = std::ranges::find(group.names, peer);
      if (found == group.names.end()) {
        group.peers.emplace_back();
        group.names.push_back(peer);
        found = group.names.end() - 1;
      }
      series = &group.peers[static_cast<std::size_t>(found - group.names.begin())];
    }
    auto count = static_cast<double>(run.iterations);
    series->cpu_ns.push_back(run.cpu_accumulated_time * 1e9 / count);
    series->wall_ns.push_back(run.real_accumulated_time * 1e9 / count);
    for (const char* name : {"must_ns", "must"}) {
      auto must = run.counters.find(name);
      if (must == run.counters.end()) continue;
      group.must = must->second.value;
      group.absolute = std::strcmp(name, "must_ns") == 0;
    }
    if (auto aim = run.counters.find("aim"); aim != run.counters.end()) group.aim = aim->second.value;
  }

  static BenchRow row_of(const std::string& name, const Group& group, BenchRow row) {
    std::vector<std::vector<double>> peers;
    for (const Series& peer : group.peers) {
      if (peer.cpu_ns.size() != group.ours.cpu_ns.size()) {
        row.note += "rounds of " + name + " do not pair";
        row.counts = false;
        return row;
      }
      peers.push_back(peer.cpu_ns);
    }
    bool paired = group.again.cpu_ns.size() == group.ours.cpu_ns.size();
    PairedResult result =
        paired_result(group.ours.cpu_ns, paired ? group.again.cpu_ns : group.ours.cpu_ns, group.names, peers);
    row = plimsoll::row_of(result, std::move(row));
    if (!paired) {
      row.note.replace(row.note.find("A/A"), std::string::npos, "no A/A");
      row.counts = group.peers.empty();
    }
    if (group.peers.empty() || group.absolute) row.bound = BenchBound::kAtMost;
    return row;
  }

  std::vector<std::string> order_;
  std::map<std::string, Group> groups_;
};

void run_micro(std::vector<std::string> words, RowPrinter& printer) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) std::exit(2);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  printer.title("thread-CPU time an operation");
  reporter.print(printer);
}

int run_as_child(const std::string& name, const std::string& argument) {
  auto found = bench_children().find(name);
  if (found == bench_children().end()) return 2;
  for (double number : found->second(argument)) std::printf("%.9g\n", number);
  return 0;
}

}  // namespace

std::vector<double> run_child(const std::string& name, const std::string& argument) {
  std::vector<double> numbers;
  const std::string command = "/proc/" + std::to_string(::getpid()) + "/exe --child " + name + " " + argument;
  FILE* out = ::popen(command.c_str(), "r");  // NOLINT: the benchmark's own program
  if (out == nullptr) return numbers;
  double number = 0;
  while (std::fscanf(out, "%lf", &number) == 1) numbers.push_back(number);  // NOLINT
  if (::pclose(out) != 0) numbers.clear();
  return numbers;
}

}  // namespace plimsoll

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--child") == 0) return plimsoll::run_as_child(argv[2], argv[3]);
  bool json = false;
  std::vector<std::string> chosen;
  // Before what the user gives, so that the user's come last and win.
  std::vector<std::string> words{argv[0], "--benchmark_repetitions=9",
                                 "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.05"};
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--machine") == 0) {
      std::printf("%s\n", plimsoll::machine_line().c_str());
      return 0;
    } else if (argv[i][0] != '-') {
      chosen.emplace_back(argv[i]);
    } else {
      words.emplace_back(argv[i]);
    }
  }
  auto wanted = [&](const std::string& part) {
    return chosen.empty() || std::ranges::find(chosen, part) != chosen.end();
  };
  plimsoll::RowPrinter printer(json);
  if (wanted("micro")) plimsoll::run_micro(std::move(words), printer);
  for (const auto& [name, run] : plimsoll::bench_parts()) {
    if (wanted(name)) run(printer);
  }
  return 0;
}
