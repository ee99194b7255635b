// Anonymous memory: with messages stored and read, with many partitions, with many connections at rest.
#include <sys/resource.h>

#include <cstdio>
#include <thread>

#include "broker.h"
#include "kafka_wire.h"

namespace plimsoll {

namespace {

using namespace std::chrono_literals;

constexpr double kMustStored = 16;  // MiB
constexpr double kAimStored = 12;
constexpr double kMustMany = 20;
constexpr int kMany = 10'000;
constexpr int kPartitionsATopic = 100;

// With all messages stored and read once, after the client has left.
std::optional<double> stored_and_read(Broker* broker, const BrokerBench& bench) {
  if (broker == nullptr) return std::nullopt;
  {
    auto client = broker->client();
    if (client == nullptr || !client->create("stored") || !client->produce("stored", bench.messages) ||
        !client->consume("stored", bench.messages)) {
      broker->alive();
      return std::nullopt;
    }
  }
  std::this_thread::sleep_for(1s);
  return broker->alive() ? broker->anonymous() : std::nullopt;
}

// What `work` adds; nothing when it fails.
template <typename Work>
std::optional<double> growth(Broker& broker, const Work& work) {
  std::this_thread::sleep_for(500ms);
  auto before = broker.anonymous();
  if (!work()) {
    broker.alive();
    return std::nullopt;
  }
  std::this_thread::sleep_for(1500ms);
  auto after = broker.anonymous();
  if (!broker.alive() || !before || !after) return std::nullopt;
  return *after - *before;
}

void add_growth(RowPrinter& printer, const char* name, std::optional<double> grown) {
  if (!grown) {
    client_fails("plimsoll", name);
    return;
  }
  printer.add(
      {.bench = name, .unit = "MiB", .ours = *grown, .must = kMustMany, .bound = BenchBound::kAtMost});
}

}  // namespace

void bench_broker_memory(const BrokerBench& bench, RowPrinter& printer) {
  printer.title("anonymous memory with " + std::to_string(bench.messages) +
                " messages of 1 KiB stored and read");
  auto ours = stored_and_read(start_ours(bench).get(), bench);
  if (!ours) return;
  BenchRow row{.bench = "messages stored and read, anonymous",
               .unit = "MiB",
               .ours = *ours,
               .must = kMustStored,
               .aim = kAimStored,
               .bound = BenchBound::kAtMost};
  for (const BrokerPeer& peer : broker_peers(bench)) {
    auto broker = peer.start(bench);
    auto theirs = stored_and_read(broker.get(), bench);
    if (!theirs) continue;
    const std::string& name = broker->name();
    char text[64];
    std::snprintf(text, sizeof text, "%s%s %.1f", row.note.empty() ? "" : ", ", name.c_str(), *theirs);
    row.note += text;
    if (row.peer_value && *row.peer_value <= *theirs) continue;
    row.peer = name;
    row.peer_value = *theirs;
    row.ratio = *ours / *theirs;
  }
  printer.add(row);
}

void bench_broker_partitions(const BrokerBench& bench, RowPrinter& printer) {
  auto broker = start_ours(bench);
  if (broker == nullptr) return;
  printer.title("anonymous memory that many partitions and connections add");
  KafkaWire wire;
  if (!wire.connect(broker->port()) || !wire.greet()) return;
  auto make = [&wire] {
    for (int topic = 0; topic < kMany / kPartitionsATopic; ++topic) {
      if (!wire.create("many" + std::to_string(topic), kPartitionsATopic)) return false;
    }
    return true;
  };
  add_growth(printer, "10,000 partitions, anonymous memory added", growth(*broker, make));
}

void bench_broker_connections(const BrokerBench& bench, RowPrinter& printer) {
  // The server inherits it, and needs as many.
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  auto broker = start_ours(bench);
  if (broker == nullptr) return;
  std::vector<std::unique_ptr<KafkaWire>> connections;
  auto open = [&] {
    for (int i = 0; i < kMany; ++i) {
      connections.push_back(std::make_unique<KafkaWire>());
      if (!connections.back()->connect(broker->port()) || !connections.back()->greet()) return false;
    }
    return true;
  };
  add_growth(printer, "10,000 connections that greeted and are at rest, added", growth(*broker, open));
}

}  // namespace plimsoll
