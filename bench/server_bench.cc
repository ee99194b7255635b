// The servers that are measured, filled and loaded.
#include "server_bench.h"

#include <poll.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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

ServerBench server_bench_beside(const std::string& program) {
  ServerBench bench;
  const std::filesystem::path here = std::filesystem::canonical(program).parent_path();
  bench.program = here / "plimsoll";
  bench.nothing = here / "nothing_server";
  if (const char* peers = std::getenv("PLIMSOLL_PEERS"); peers != nullptr) bench.peers = peers;
  if (!bench.has_peers()) std::fprintf(stderr, "bench: no PLIMSOLL_PEERS: ours alone is measured\n");
  return bench;
}

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
