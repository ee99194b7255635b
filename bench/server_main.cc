// bench_server [PART...] [--json] [--quick] [--all] [--program PATH]: the server beside its peers.
//
// Parts: speed, redis-benchmark, items, idle, pressure, floods; all of them without a word. Peers come from
// the folder that PLIMSOLL_PEERS names (`./dev peers` fills build/peers/bin). Servers run on core 0, clients
// on core 1.
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "server_bench.h"

namespace {

struct Part {
  const char* name;
  void (*run)(const plimsoll::ServerBench&, plimsoll::RowPrinter&);
};
constexpr Part kParts[] = {
    {"speed", plimsoll::bench_speed},       {"redis-benchmark", plimsoll::bench_redis_benchmark},
    {"items", plimsoll::bench_item_bytes},  {"idle", plimsoll::bench_idle},
    {"pressure", plimsoll::bench_pressure}, {"floods", plimsoll::bench_floods}};

int usage() {
  std::printf(
      "bench_server [speed|redis-benchmark|items|idle|pressure|floods ...] [--json] [--quick] [--all]\n"
      "             [--program PATH] [--seconds S] [--machine]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  plimsoll::ServerBench bench = plimsoll::server_bench_beside(argv[0]);
  std::set<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    bool more = i + 1 < argc;
    if (word == "--json") {
      bench.json = true;
    } else if (word == "--quick") {
      bench.rounds = 3;
      bench.seconds = 0.3;
    } else if (word == "--all") {
      bench.all = true;
    } else if (word == "--machine") {
      std::printf("%s\n", plimsoll::machine_line().c_str());
      return 0;
    } else if (word == "--program" && more) {
      bench.program = argv[++i];
    } else if (word == "--seconds" && more) {
      bench.seconds = std::strtod(argv[++i], nullptr);
    } else if (word.starts_with("-")) {
      return usage();
    } else {
      wanted.insert(word);
    }
  }
  std::set<std::string> unknown = wanted;
  for (const Part& part : kParts) unknown.erase(part.name);
  if (!unknown.empty()) return usage();
  plimsoll::RowPrinter printer(bench.json);
  for (const Part& part : kParts) {
    if (wanted.empty() || wanted.contains(part.name)) part.run(bench, printer);
  }
  return 0;
}
