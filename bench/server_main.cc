// bench_server [PART...] [--json] [--quick] [--all] [--program PATH]: the server beside its peers.
//
// Parts: speed, redis-benchmark, items, idle, pressure, floods; all of them without a word. Peers come from
// the folder that PLIMSOLL_PEERS names (`./dev peers` fills build/peers/bin). Servers run on core 0, clients
// on core 1.
#include "server_bench.h"

#include <poll.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

namespace plimsoll {

namespace {

MonotonicTime in(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::unique_ptr<FloodServer> start(ServerCommand command) {
  command.core = kServerCore;
  std::string output;
  auto server = FloodServer::start(command, in(20), &output);
  if (server) return std::move(*server);
  std::fprintf(stderr, "bench: %s does not start: %s\n%s", command.arguments[0].c_str(),
               server.error().message().c_str(), output.c_str());
  return nullptr;
}

}  // namespace

std::unique_ptr<FloodServer> start_plimsoll(const ServerBench& bench, const std::string& line) {
  ServerCommand command = plimsoll_command(bench.program, true);
  if (!line.empty()) command.arguments.insert(command.arguments.end(), {"--line", line});
  return start(command);
}

std::unique_ptr<FloodServer> start_redis(const ServerBench& bench) {
  return start(redis_command(bench.peer("redis-server"), free_port()));
}

std::unique_ptr<FloodServer> start_nothing(const ServerBench& bench) {
  ServerCommand command;
  command.resp_port = free_port();
  command.arguments = {bench.nothing, std::to_string(command.resp_port)};
  return start(command);
}

std::unique_ptr<FloodServer> start_memcached(const ServerBench& bench) {
  ServerCommand command;
  command.resp_port = free_port();
  command.ready_reply = 'E';  // it does not know PING, and says ERROR
  command.arguments = {bench.peer("memcached"),
                       "-p",
                       std::to_string(command.resp_port),
                       "-l",
                       "127.0.0.1",
                       "-U",
                       "0",
                       "-m",
                       "2048",
                       "-t",
                       "1",
                       "-u",
                       "root"};
  return start(command);
}

bool still_alive(FloodServer& server) {
  if (server.alive()) return true;
  std::fprintf(stderr, "bench: the server %s\n", server.how_it_ended().c_str());
  for (const std::string& line : server.output()) std::fprintf(stderr, "bench: | %s\n", line.c_str());
  return false;
}

bool store(const FloodServer& server, std::uint64_t keys, std::size_t key_width, std::size_t value_size) {
  ValueSource values;
  LoadOptions load;
  load.port = server.resp_port();
  load.connections = 4;
  load.pipeline = 64;
  load.order = KeyOrder::kInOrder;
  load.keys = load.requests = keys;
  load.key_prefix = key_width >= 16 ? "key:" : "k";
  load.key_width = key_width;
  load.value_size = value_size;
  load.core = kClientCore;
  LoadClient client(load, values);
  return client.start() && client.wait_until_finished(in(120)) && client.stats().stored == keys;
}

namespace {

std::vector<double> try_round(const FloodServer& server, const ValueSource& values, LoadOptions load,
                              double seconds) {
  load.port = server.resp_port();
  load.core = kClientCore;
  LoadClient client(load, values);
  if (!client.start()) return {};
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::uint64_t cpu = process_cpu_ns(server.pid());
  std::uint64_t answered = client.stats().answered;
  auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  answered = client.stats().answered - answered;
  cpu = process_cpu_ns(server.pid()) - cpu;
  std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - begin;
  if (answered == 0) return {};
  auto count = static_cast<double>(answered);
  return {static_cast<double>(cpu) / 1000 / count, wall.count() / count};
}

}  // namespace

// A neighbour can starve a short round; a server that answers nothing three times is no figure.
std::vector<double> round_of(const FloodServer& server, const ValueSource& values, const LoadOptions& load,
                             double seconds) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (auto costs = try_round(server, values, load, seconds); !costs.empty()) return costs;
  }
  return {NAN, NAN};
}

}  // namespace plimsoll

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
  plimsoll::ServerBench bench;
  std::filesystem::path here = std::filesystem::path(argv[0]).parent_path();
  bench.program = here / "plimsoll";
  bench.nothing = here / "nothing_server";
  if (const char* peers = std::getenv("PLIMSOLL_PEERS"); peers != nullptr) bench.peers = peers;
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
  if (!bench.has_peers()) std::fprintf(stderr, "bench: no PLIMSOLL_PEERS: ours alone is measured\n");
  std::set<std::string> unknown = wanted;
  for (const Part& part : kParts) unknown.erase(part.name);
  if (!unknown.empty()) return usage();
  plimsoll::RowPrinter printer(bench.json);
  for (const Part& part : kParts) {
    if (wanted.empty() || wanted.contains(part.name)) part.run(bench, printer);
  }
  return 0;
}
