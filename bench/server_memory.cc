// What an item costs beyond its payload, and what an idle server holds and spends.
#include <poll.h>

#include <cstdio>
#include <thread>

#include "plimsoll/cli/load_socket.h"
#include "plimsoll/os/process.h"
#include "server_bench.h"

namespace plimsoll {

namespace {

using namespace std::chrono_literals;

struct Shape {
  std::size_t key, value;
  std::uint64_t items;
  double must, aim;
};
constexpr Shape kShapes[] = {{16, 100, 1'000'000, 40, 24}, {10, 1024, 200'000, 80, 40}};

std::optional<ProcessMemory> memory_of(const FloodServer& server) {
  auto reader = ProcessReader::open("/", std::to_string(server.pid()));
  if (!reader) return std::nullopt;
  auto memory = reader->memory();
  return memory ? std::optional<ProcessMemory>(*memory) : std::nullopt;
}

double megabytes(Bytes bytes) { return bytes.as_double() / (1024 * 1024); }

// memcached's text protocol, without replies but for the last.
bool store_in_memcached(const FloodServer& server, const Shape& shape) {
  ValueSource values;
  auto deadline = std::chrono::steady_clock::now() + 120s;
  auto socket = LoadSocket::connect_before("127.0.0.1", server.resp_port(), deadline);
  if (!socket) return false;
  std::string text;
  for (std::uint64_t i = 0; i < shape.items; ++i) {
    text += "set " + key_name("k", i, shape.key) + " 0 0 " + std::to_string(shape.value) + " noreply\r\n";
    text += values.value(i, 0, shape.value);
    text += "\r\n";
    if (text.size() < 60'000 && i + 1 < shape.items) continue;
    if (!socket->send_all(text, deadline)) return false;
    text.clear();
  }
  char reply[64];
  return socket->send_all("version\r\n", deadline) && socket->wait(POLLIN, deadline) != 0 &&
         socket->receive(reply, sizeof reply) > 0;
}

// Anonymous memory gained an item, less its payload; nothing when the server did not take them all.
std::optional<double> overhead(std::unique_ptr<FloodServer> server, const Shape& shape, bool resp) {
  if (server == nullptr) return std::nullopt;
  std::this_thread::sleep_for(300ms);
  auto before = memory_of(*server);
  bool stored =
      resp ? store(*server, shape.items, shape.key, shape.value) : store_in_memcached(*server, shape);
  std::this_thread::sleep_for(500ms);
  auto after = memory_of(*server);
  if (!stored || !before || !after) return std::nullopt;
  double gained = after->anonymous.as_double() + after->shared_memory.as_double() -
                  before->anonymous.as_double() - before->shared_memory.as_double();
  return gained / static_cast<double>(shape.items) - static_cast<double>(shape.key + shape.value);
}

void add_best(BenchRow& row, const char* name, std::optional<double> value) {
  if (!value) return;
  char text[64];
  std::snprintf(text, sizeof text, "%s%s %.1f", row.note.empty() ? "" : ", ", name, *value);
  row.note += text;
  if (row.peer_value && *row.peer_value <= *value) return;
  row.peer = name;
  row.peer_value = value;
  row.ratio = row.ours / *value;
}

double thread_share(const FloodServer& server, const char* thread, double seconds) {
  std::uint64_t before = threads_cpu_ns(server.pid(), thread);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return static_cast<double>(threads_cpu_ns(server.pid(), thread) - before) / seconds / 1e7;
}

std::optional<double> governor_under_load(FloodServer& server, double seconds) {
  LoadOptions load;
  load.port = server.resp_port();
  load.connections = 20;
  load.rate = 20'000;
  load.get_share = 0.5;
  load.core = kClientCore;
  ValueSource values;
  LoadClient client(load, values);
  if (!client.start()) return std::nullopt;
  std::this_thread::sleep_for(500ms);
  const double share = thread_share(server, "plimsoll-gov", seconds);
  return still_alive(server) ? std::optional<double>(share) : std::nullopt;
}

}  // namespace

void bench_item_bytes(const ServerBench& bench, RowPrinter& printer) {
  printer.title("bytes an item beyond its payload (anonymous memory gained)");
  for (const Shape& shape : kShapes) {
    auto ours = overhead(start_plimsoll(bench, "2GiB"), shape, true);
    if (!ours) {
      std::fprintf(stderr, "bench: the items could not all be stored\n");
      continue;
    }
    BenchRow row{.bench = "item, " + std::to_string(shape.key) + " + " + std::to_string(shape.value) + " B",
                 .unit = "B",
                 .ours = *ours,
                 .must = shape.must,
                 .aim = shape.aim,
                 .bound = BenchBound::kAtMost};
    if (bench.has_peers()) {
      add_best(row, "redis 7.0.15", overhead(start_redis(bench), shape, true));
      add_best(row, "memcached 1.6.18", overhead(start_memcached(bench), shape, false));
    }
    printer.add(row);
  }
}

void bench_idle(const ServerBench& bench, RowPrinter& printer) {
  auto server = start_plimsoll(bench, "");
  if (server == nullptr) return;
  printer.title("a server that nobody asks, and what watching costs");
  std::this_thread::sleep_for(1500ms);
  auto ours = memory_of(*server);
  std::optional<ProcessMemory> theirs;
  if (bench.has_peers()) {
    auto redis = start_redis(bench);
    std::this_thread::sleep_for(500ms);
    if (redis != nullptr) theirs = memory_of(*redis);
  }
  auto add = [&](const char* name, auto figure, double must) {
    BenchRow row{.bench = name, .unit = "MiB", .must = must, .bound = BenchBound::kAtMost};
    row.ours = megabytes(figure(*ours));
    if (theirs) add_best(row, "redis 7.0.15", megabytes(figure(*theirs)));
    printer.add(row);
  };
  if (ours) {
    add("idle server, anonymous", [](const ProcessMemory& memory) { return memory.anonymous; }, 2);
    add("idle server, resident", [](const ProcessMemory& memory) { return memory.resident; }, 8);
  }
  auto add_share = [&](const char* name, std::optional<double> share) {
    if (!share) return;
    printer.add(
        {.bench = name, .unit = "% of core", .ours = *share, .must = 0.3, .bound = BenchBound::kAtMost});
  };
  const double seconds = 10 * bench.seconds;
  add_share("governor's thread, idle", thread_share(*server, "plimsoll-gov", seconds));
  add_share("governor's thread, 20,000 requests/s", governor_under_load(*server, seconds));
  server = start_plimsoll(bench, "64MiB");
  if (server == nullptr || !store(*server, 100'000, 16, 1000)) return;
  add_share("governor's thread, 20,000 requests/s, full", governor_under_load(*server, seconds));
}

}  // namespace plimsoll
