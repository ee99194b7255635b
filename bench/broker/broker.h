// Broker: a broker under measurement: its process, its folder, and a client of it.
//
// Each has a fresh folder on the same disk and is pinned to core 0. Only one of them runs at a time; the
// others are stopped by signal, so that neither their timers nor their flushing is in anybody's figures.
//
// Thread-safety: one thread. Cost: a process. Limits: RabbitMQ and Kafka take up to a minute to start.
// Errors: null, after words on standard error. Ownership: owns the processes and removes the folder.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker_client.h"
#include "harness.h"
#include "plimsoll/cli/flood_server.h"

namespace plimsoll {

inline constexpr int kServerCore = 0;
inline constexpr int kClientCore = 1;

struct BrokerBench {
  std::string program;            // plimsoll
  std::string redis;              // folder of redis-server; empty: none
  std::string brokers;            // folder of nats-server and RabbitMQ's root; empty: none
  std::string kafka;              // folder of Apache Kafka's jars; empty: none
  std::filesystem::path folders;  // where each broker has its own
  std::vector<std::string> only;  // names of peers; empty: all
  unsigned rounds = 9;
  std::uint64_t messages = 1'000'000;  // stored, for memory
  // Of a turn of the rates: twice its bytes are less than what a virtual machine keeps of free memory.
  std::uint64_t rate_messages = 100'000;
  std::uint64_t single = 3'000;  // messages one at a time
  unsigned window = 0;           // librdkafka's messages under way; 0: as it likes
  std::string fsync = "interval";
  bool json = false;
};

class Broker {
 public:
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  const std::string& name() const { return name_; }
  pid_t pid() const { return server_->pid(); }
  std::uint16_t port() const { return port_; }
  bool small() const { return small_; }  // not Apache Kafka
  std::unique_ptr<BrokerClient> client() const { return client_(port_); }
  // Anonymous memory in MiB, as the kernel adds it up over the maps.
  std::optional<double> anonymous() const;
  void pause();
  void resume();
  bool alive();  // with its last words on standard error if it is not

 private:
  friend class BrokerStarter;
  Broker() = default;

  std::string name_;
  bool small_ = true;
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  std::function<std::unique_ptr<BrokerClient>(std::uint16_t)> client_;
  std::unique_ptr<FloodServer> beside_;  // RabbitMQ's port mapper
  std::unique_ptr<FloodServer> server_;
};

std::unique_ptr<Broker> start_ours(const BrokerBench& bench);

struct BrokerPeer {
  const char* name;
  std::unique_ptr<Broker> (*start)(const BrokerBench& bench);
};
// Those that can be started here; says which cannot, and why.
std::vector<BrokerPeer> broker_peers(const BrokerBench& bench);

void bench_broker_rates(const BrokerBench& bench, RowPrinter& printer);
void bench_broker_memory(const BrokerBench& bench, RowPrinter& printer);
void bench_broker_partitions(const BrokerBench& bench, RowPrinter& printer);
void bench_broker_connections(const BrokerBench& bench, RowPrinter& printer);

}  // namespace plimsoll
