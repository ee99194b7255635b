// CPU a request and rate, GET and SET of 100 bytes over a filled keyspace, beside Redis and a server that
// does nothing.
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "server_bench.h"

namespace plimsoll {

namespace {

constexpr std::uint64_t kKeys = 1'000'000;
constexpr std::size_t kKeyWidth = 16;  // "key:000000000000", as redis-benchmark writes them
constexpr std::size_t kValue = 100;
constexpr unsigned kConnections = 50;  // as redis-benchmark

struct Cell {
  const char* verb;
  unsigned pipeline;
  double aim_cpu;
};
// At -P 1 a server that does nothing costs 0.7 of Redis already.
constexpr Cell kCells[] = {{"GET", 1, 0.85}, {"SET", 1, 0.85}, {"GET", 16, 0.5}, {"SET", 16, 0.5}};
constexpr double kMustCpu = 1.0;
constexpr double kMustRate = 1.0;
constexpr double kAimRate = 1 / 1.5;

struct Servers {
  std::unique_ptr<FloodServer> ours, redis, nothing;

  bool ready(const ServerBench& bench) {
    ours = start_plimsoll(bench, "1GiB");
    nothing = start_nothing(bench);
    if (ours == nullptr || nothing == nullptr || !store(*ours, kKeys, kKeyWidth, kValue)) return false;
    if (!bench.has_peers()) return true;
    redis = start_redis(bench);
    return redis != nullptr && store(*redis, kKeys, kKeyWidth, kValue);
  }
};

LoadOptions load_of(const Cell& cell) {
  LoadOptions load;
  load.connections = kConnections;
  load.pipeline = cell.pipeline;
  load.get_share = cell.verb[0] == 'G' ? 1 : 0;
  load.keys = kKeys;
  load.key_width = kKeyWidth;
  load.value_size = kValue;
  load.verify = false;  // the floor has one value for all; rightness is the tests' matter
  return load;
}

// The same by redis-benchmark; what it costs to start is in it, for everybody alike.
std::vector<double> round_of_redis_benchmark(const ServerBench& bench, const FloodServer& server,
                                             const Cell& cell) {
  unsigned long requests =
      static_cast<unsigned long>(bench.seconds * (cell.pipeline == 1 ? 60'000 : 400'000));
  char command[512];
  std::snprintf(command, sizeof command,
                "taskset -c %d %s -p %u -t %s -n %lu -r %llu -d %zu -c %u -P %u -q >/dev/null 2>&1",
                kClientCore, bench.peer("redis-benchmark").c_str(), server.resp_port(),
                cell.verb[0] == 'G' ? "get" : "set", requests, static_cast<unsigned long long>(kKeys), kValue,
                kConnections, cell.pipeline);
  std::uint64_t cpu = process_cpu_ns(server.pid());
  auto begin = std::chrono::steady_clock::now();
  if (std::system(command) != 0) return {NAN, NAN};
  std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - begin;
  cpu = process_cpu_ns(server.pid()) - cpu;
  auto count = static_cast<double>(requests);
  return {static_cast<double>(cpu) / 1000 / count, wall.count() / count};
}

using Round = std::function<std::vector<double>(const FloodServer&, const Cell&)>;

void print_cells(const ServerBench& bench, RowPrinter& printer, const Servers& servers, const char* by,
                 const Round& round) {
  for (const Cell& cell : kCells) {
    std::vector<std::string> names{kFloor};
    std::vector<std::function<std::vector<double>()>> peers{[&] { return round(*servers.nothing, cell); }};
    if (servers.redis != nullptr) {
      names.emplace_back("redis 7.0.15");
      peers.emplace_back([&] { return round(*servers.redis, cell); });
    }
    auto ours = [&] { return round(*servers.ours, cell); };
    auto results = PairedRounds(bench.rounds).run_many(ours, names, peers);
    if (!still_alive(*servers.ours)) return;
    std::string what = std::string(cell.verb) + " 100 B, -P " + std::to_string(cell.pipeline) + by;
    printer.add(row_of(
        results[0],
        {.bench = "server CPU a request, " + what, .unit = "us", .must = kMustCpu, .aim = cell.aim_cpu}));
    BenchRow rate{.bench = "rate, " + what, .unit = "1/s"};
    if (cell.pipeline > 1) {  // with one request at a time the client fills its core, and not the server
      rate.must = kMustRate;
      rate.aim = kAimRate;
    }
    printer.add(rate_row_of(results[1], 1e6, rate));
  }
}

}  // namespace

void bench_speed(const ServerBench& bench, RowPrinter& printer) {
  Servers servers;
  if (!servers.ready(bench)) return;
  ValueSource values;
  printer.title("server CPU and rate, 1,000,000 keys, 50 connections");
  print_cells(bench, printer, servers, "", [&](const FloodServer& server, const Cell& cell) {
    return round_of(server, values, load_of(cell), bench.seconds);
  });
}

void bench_redis_benchmark(const ServerBench& bench, RowPrinter& printer) {
  if (!bench.has_peers()) return;
  Servers servers;
  if (!servers.ready(bench)) return;
  printer.title("the same, loaded by redis-benchmark");
  print_cells(bench, printer, servers, ", redis-benchmark", [&](const FloodServer& server, const Cell& cell) {
    return round_of_redis_benchmark(bench, server, cell);
  });
}

// The same writes with an eighth of the memory that they would fill, and with all of it.
void bench_pressure(const ServerBench& bench, RowPrinter& printer) {
  LoadOptions writes = load_of({.verb = "SET", .pipeline = 16, .aim_cpu = 0});
  writes.value_size = 1024;
  auto tight = start_plimsoll(bench, "128MiB");
  auto ample = start_plimsoll(bench, "2GiB");
  for (auto* server : {&tight, &ample}) {
    if (*server == nullptr) return;
    if (!store(**server, kKeys, kKeyWidth, writes.value_size)) return;
  }
  ValueSource values;
  printer.title("work under pressure, SET of 1 KiB over 1,000,000 keys, -P 16");
  auto results =
      PairedRounds(bench.rounds)
          .run_many([&] { return round_of(*tight, values, writes, bench.seconds); }, {"a line of 2 GiB"},
                    {[&] { return round_of(*ample, values, writes, bench.seconds); }});
  if (!still_alive(*tight) || !still_alive(*ample)) return;
  printer.add(rate_row_of(results[1], 1e6,
                          {.bench = "rate, line of 128 MiB", .unit = "1/s", .must = kMustUsefulWork}));
}

}  // namespace plimsoll
