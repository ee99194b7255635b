// bench_broker [PART...] [--json] [--rounds N] [--messages N] [--window N] [--only PEER] [--fsync HOW]
//              [--folder PATH] [--program PATH]: the log broker beside its peers.
//
// Parts: rates, memory, partitions, connections; all of them without a word. Redis comes from PLIMSOLL_PEERS,
// NATS and RabbitMQ from PLIMSOLL_BROKERS (`./dev bench broker` fills both), Apache Kafka from its published
// jars in the folder that PLIMSOLL_KAFKA names. Brokers run on core 0, clients on core 1.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "broker.h"

namespace {

struct Part {
  const char* name;
  void (*run)(const plimsoll::BrokerBench&, plimsoll::RowPrinter&);
};
constexpr Part kParts[] = {{"rates", plimsoll::bench_broker_rates},
                           {"memory", plimsoll::bench_broker_memory},
                           {"partitions", plimsoll::bench_broker_partitions},
                           {"connections", plimsoll::bench_broker_connections}};

int usage() {
  std::printf(
      "bench_broker [rates|memory|partitions|connections ...] [--json] [--rounds N] [--messages N]\n"
      "             [--window N] [--only redis|nats|rabbitmq|kafka] [--fsync never|interval|always]\n"
      "             [--folder PATH] [--program PATH] [--machine]\n");
  return 2;
}

// Taken away as it is read: our server takes what is called so for its settings, and refuses those it does
// not know.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  std::string found = value == nullptr ? "" : value;
  ::unsetenv(name);
  return found;
}

// A flag with a value; false when it is none of these.
bool set(plimsoll::BrokerBench& bench, const std::string& flag, const std::string& value) {
  auto number = [&value] { return std::strtoull(value.c_str(), nullptr, 10); };
  if (flag == "--rounds") {
    bench.rounds = static_cast<unsigned>(number());
  } else if (flag == "--messages") {
    bench.messages = bench.rate_messages = number();
  } else if (flag == "--window") {
    bench.window = static_cast<unsigned>(number());
  } else if (flag == "--only") {
    bench.only.push_back(value);
  } else if (flag == "--fsync") {
    bench.fsync = value;
  } else if (flag == "--folder") {
    bench.folders = value;
  } else if (flag == "--program") {
    bench.program = value;
  } else {
    return false;
  }
  return bench.rounds > 0 && bench.messages > 0;
}

}  // namespace

int main(int argc, char** argv) {
  plimsoll::BrokerBench bench;
  std::filesystem::path here = std::filesystem::absolute(argv[0]).parent_path();
  bench.program = here / "plimsoll";
  bench.folders = here / ("brokers-" + std::to_string(::getpid()));
  bench.redis = environment("PLIMSOLL_PEERS");
  bench.brokers = environment("PLIMSOLL_BROKERS");
  bench.kafka = environment("PLIMSOLL_KAFKA");
  std::set<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--json") {
      bench.json = true;
    } else if (word == "--machine") {
      std::printf("%s\n", plimsoll::machine_line().c_str());
      return 0;
    } else if (word.starts_with("-")) {
      if (i + 1 == argc || !set(bench, word, argv[i + 1])) return usage();
      ++i;
    } else {
      wanted.insert(word);
    }
  }
  std::set<std::string> unknown = wanted;
  for (const Part& part : kParts) unknown.erase(part.name);
  if (!unknown.empty()) return usage();
  plimsoll::pin_to_core(plimsoll::kClientCore);
  plimsoll::RowPrinter printer(bench.json);
  for (const Part& part : kParts) {
    if (wanted.empty() || wanted.contains(part.name)) part.run(bench, printer);
  }
  std::error_code ignored;
  std::filesystem::remove_all(bench.folders, ignored);
  return 0;
}
