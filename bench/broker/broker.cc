#include "broker.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "plimsoll/base/random.h"

namespace plimsoll {

namespace fs = std::filesystem;

bool client_fails(const char* who, std::string_view why) {
  std::fprintf(stderr, "bench: %s: %.*s\n", who, static_cast<int>(why.size()), why.data());
  return false;
}

Broker::~Broker() {
  if (server_ == nullptr) return;
  resume();
  server_->stop();
  beside_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::optional<double> Broker::anonymous() const {
  std::ifstream file("/proc/" + std::to_string(pid()) + "/smaps_rollup");
  for (std::string word; file >> word;) {
    double kibibytes = 0;
    if (word == "Anonymous:" && file >> kibibytes) return kibibytes / 1024;
  }
  return std::nullopt;
}

void Broker::pause() { ::kill(pid(), SIGSTOP); }
void Broker::resume() { ::kill(pid(), SIGCONT); }

bool Broker::alive() {
  if (server_->alive()) return true;
  std::fprintf(stderr, "bench: %s %s\n", name_.c_str(), server_->how_it_ended().c_str());
  for (const std::string& line : server_->output()) std::fprintf(stderr, "bench: | %s\n", line.c_str());
  return false;
}

// What the starts have in common.
class BrokerStarter {
 public:
  BrokerStarter(const BrokerBench& bench, const std::string& name) : broker_(new Broker()) {
    broker_->name_ = name;
    broker_->folder_ = bench.folders / name;
    std::error_code ignored;
    fs::remove_all(broker_->folder_, ignored);
    fs::create_directories(broker_->folder_, ignored);
  }

  std::string folder() const { return broker_->folder_; }
  std::string write(const char* name, const std::string& text) const {
    std::string path = broker_->folder_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::unique_ptr<FloodServer> run(ServerCommand command) const {
    command.core = kServerCore;
    std::string output;
    auto server =
        FloodServer::start(command, std::chrono::steady_clock::now() + std::chrono::seconds(90), &output);
    if (server) return std::move(*server);
    std::fprintf(stderr, "bench: %s does not start: %s\n%s", broker_->name_.c_str(),
                 server.error().message().c_str(), output.c_str());
    return nullptr;
  }
  void beside(std::unique_ptr<FloodServer> server) { broker_->beside_ = std::move(server); }
  void not_small() { broker_->small_ = false; }

  // Null unless it is there and a client can greet it.
  std::unique_ptr<Broker> started(std::unique_ptr<FloodServer> server, std::uint16_t port,
                                  std::function<std::unique_ptr<BrokerClient>(std::uint16_t)> client) {
    if (server == nullptr) return nullptr;
    broker_->server_ = std::move(server);
    broker_->port_ = port;
    broker_->client_ = std::move(client);
    for (int tries = 0; tries < 100 && broker_->server_->alive(); ++tries) {
      if (broker_->client() != nullptr) return std::move(broker_);
      ::usleep(100'000);
    }
    client_fails(broker_->name_.c_str(), "takes no clients");
    return nullptr;
  }

 private:
  std::unique_ptr<Broker> broker_;
};

namespace {

constexpr char kTakesConnections = '\0';

std::unique_ptr<Broker> start_redis(const BrokerBench& bench) {
  BrokerStarter starter(bench, "redis 7.0.15");
  // Rewriting the file as it grows would only write the same messages again: left out, in its favour.
  auto command = redis_command(bench.redis + "/redis-server", free_port(),
                               {"--dir", starter.folder(), "--appendonly", "yes", "--appendfsync", "everysec",
                                "--auto-aof-rewrite-percentage", "0"});
  std::uint16_t port = command.resp_port;
  return starter.started(starter.run(command), port, &redis_client);
}

std::unique_ptr<Broker> start_nats(const BrokerBench& bench) {
  BrokerStarter starter(bench, "nats 2.9.10");
  ServerCommand command;
  command.resp_port = free_port();
  command.ready_reply = 'I';  // it greets with INFO
  command.arguments = {bench.brokers + "/bin/nats-server", "-a",  "127.0.0.1", "-p",
                       std::to_string(command.resp_port),  "-js", "-sd",       starter.folder()};
  return starter.started(starter.run(command), command.resp_port, &nats_client);
}

// What lies in `under` with a name that begins so.
fs::path folder_like(const fs::path& under, const std::string& begins) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(under, none)) {
    if (entry.path().filename().string().starts_with(begins)) return entry.path();
  }
  return {};
}

// Erlang's port mapper, without which no node of it starts; ours, so that no daemon stays behind.
std::unique_ptr<FloodServer> start_mapper(const BrokerStarter& starter, const BrokerBench& bench) {
  ServerCommand command;
  command.resp_port = free_port();
  command.ready_reply = kTakesConnections;
  command.arguments = {bench.brokers + "/bin/epmd", "-address", "127.0.0.1", "-port",
                       std::to_string(command.resp_port)};
  return starter.run(command);
}

// What RabbitMQ's own script gives its runtime, without the script's fixed paths.
std::vector<std::string> rabbit_environment(const BrokerStarter& starter, const BrokerBench& bench,
                                            std::uint16_t stream_port, std::uint16_t mapper_port) {
  const fs::path root = bench.brokers + "/root/usr/lib";
  const fs::path home = folder_like(root / "rabbitmq/lib", "rabbitmq_server-");
  const fs::path runtime = folder_like(root / "erlang", "erts-") / "bin";
  const std::string folder = starter.folder();
  const std::string settings = starter.write(
      "rabbitmq.conf", "stream.listeners.tcp.1 = 127.0.0.1:" + std::to_string(stream_port) +
                           "\nlisteners.tcp.1 = 127.0.0.1:" + std::to_string(free_port()) + "\n");
  return {"ROOTDIR=" + (root / "erlang").string(),
          "BINDIR=" + runtime.string(),
          "EMU=beam",
          "PROGNAME=erl",
          "PATH=" + runtime.string() + ":/usr/bin:/bin",
          "HOME=" + folder,
          "ERL_LIBS=" + (home / "plugins").string(),
          "ERL_EPMD_PORT=" + std::to_string(mapper_port),
          "ERL_EPMD_ADDRESS=127.0.0.1",
          "SYS_PREFIX=",
          "RABBITMQ_HOME=" + home.string(),
          "RABBITMQ_PLUGINS_DIR=" + (home / "plugins").string(),
          "RABBITMQ_NODENAME=bench@localhost",
          "RABBITMQ_MNESIA_BASE=" + folder + "/data",
          "RABBITMQ_LOGS=-",
          "RABBITMQ_LOG_BASE=" + folder + "/log",
          "RABBITMQ_CONFIG_FILE=" + settings,
          "RABBITMQ_ADVANCED_CONFIG_FILE=" + folder + "/none",
          "RABBITMQ_CONF_ENV_FILE=/dev/null",
          "RABBITMQ_GENERATED_CONFIG_DIR=" + folder + "/generated",
          "RABBITMQ_ENABLED_PLUGINS_FILE=" + starter.write("plugins", "[rabbitmq_stream].\n")};
}

// The words that RabbitMQ's script passes: its allocators, no spinning while idle, and no syslog.
constexpr const char* kRabbitWords[] = {"-noinput",
                                        "-s",
                                        "rabbit",
                                        "boot",
                                        "-boot",
                                        "start_sasl",
                                        "+W",
                                        "w",
                                        "+MBas",
                                        "ageffcbf",
                                        "+MHas",
                                        "ageffcbf",
                                        "+MBlmbcs",
                                        "512",
                                        "+MHlmbcs",
                                        "512",
                                        "+MMmcs",
                                        "30",
                                        "+P",
                                        "1048576",
                                        "+t",
                                        "5000000",
                                        "+stbt",
                                        "db",
                                        "+zdbbl",
                                        "128000",
                                        "+sbwt",
                                        "none",
                                        "+sbwtdcpu",
                                        "none",
                                        "+sbwtdio",
                                        "none",
                                        "-syslog",
                                        "logger",
                                        "[]",
                                        "-syslog",
                                        "syslog_error_logger",
                                        "false",
                                        "-kernel",
                                        "prevent_overlapping_partitions",
                                        "false"};

std::unique_ptr<Broker> start_rabbit(const BrokerBench& bench) {
  BrokerStarter starter(bench, "rabbitmq 3.10.8");
  auto mapper = start_mapper(starter, bench);
  if (mapper == nullptr) return nullptr;
  ServerCommand command;
  command.resp_port = free_port();
  command.ready_reply = kTakesConnections;
  command.arguments = {"/usr/bin/env", "-C", starter.folder()};
  for (std::string& setting : rabbit_environment(starter, bench, command.resp_port, mapper->resp_port())) {
    command.arguments.push_back(std::move(setting));
  }
  command.arguments.push_back(bench.brokers + "/bin/erlexec");
  command.arguments.insert(command.arguments.end(), std::begin(kRabbitWords), std::end(kRabbitWords));
  const std::string port = std::to_string(free_port());
  for (const char* end : {"inet_dist_listen_min", "inet_dist_listen_max"}) {
    command.arguments.insert(command.arguments.end(), {"-kernel", end, port});
  }
  starter.beside(std::move(mapper));
  return starter.started(starter.run(command), command.resp_port, &rabbit_client);
}

// "kafka 3.4.1", from the name of its jar.
std::string kafka_name(const std::string& jars) {
  const std::string jar = folder_like(jars, "kafka_2.").stem();
  return jar.empty() ? "kafka" : "kafka " + jar.substr(jar.rfind('-') + 1);
}

// One node that is controller and broker, with the heap and collector of Kafka's own start script.
std::unique_ptr<Broker> start_kafka(const BrokerBench& bench) {
  BrokerStarter starter(bench, kafka_name(bench.kafka));
  starter.not_small();
  ServerCommand command;
  command.resp_port = free_port();
  command.ready_reply = kTakesConnections;
  const std::string port = std::to_string(command.resp_port);
  const std::string controller = std::to_string(free_port());
  // Stopped for minutes between its turns, it must not be taken for dead.
  const std::string settings = starter.write(
      "server.properties",
      "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:" + controller +
          "\nlisteners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller +
          "\nadvertised.listeners=PLAINTEXT://127.0.0.1:" + port +
          "\ncontroller.listener.names=CONTROLLER\nlog.dirs=" + starter.folder() +
          "/data\noffsets.topic.replication.factor=1\nbroker.session.timeout.ms=3600000\n");
  const std::string jars = bench.kafka + "/*";
  const std::string format = "java -cp '" + jars +
                             "' kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c '" + settings +
                             "' >'" + starter.folder() + "/format.log' 2>&1";
  if (std::system(format.c_str()) != 0) {
    client_fails("kafka", "its folder cannot be formatted");
    return nullptr;
  }
  command.arguments = {"/usr/bin/env",
                       "java",
                       "-Xmx1G",
                       "-Xms1G",
                       "-server",
                       "-XX:+UseG1GC",
                       "-XX:MaxGCPauseMillis=20",
                       "-XX:InitiatingHeapOccupancyPercent=35",
                       "-XX:+ExplicitGCInvokesConcurrent",
                       "-cp",
                       jars,
                       "kafka.Kafka",
                       settings};
  auto client = [window = bench.window](std::uint16_t to) { return kafka_client(to, window); };
  return starter.started(starter.run(command), command.resp_port, client);
}

}  // namespace

std::unique_ptr<Broker> start_ours(const BrokerBench& bench) {
  BrokerStarter starter(bench, "plimsoll");
  ServerCommand command = plimsoll_command(bench.program, true);
  command.arguments.insert(command.arguments.end(),
                           {"--kafka-port", "0", "--data-dir", starter.folder(), "--fsync", bench.fsync});
  auto server = starter.run(command);
  std::uint16_t port = 0;
  if (server != nullptr) {
    for (const std::string& line : server->output()) {
      if (!line.starts_with("kafka: ")) continue;
      port = static_cast<std::uint16_t>(std::strtoul(line.substr(line.rfind(':') + 1).c_str(), nullptr, 10));
    }
  }
  auto client = [window = bench.window](std::uint16_t to) { return kafka_client(to, window); };
  return starter.started(std::move(server), port, client);
}

std::vector<BrokerPeer> broker_peers(const BrokerBench& bench) {
  std::vector<BrokerPeer> peers;
  auto add = [&](const char* name, auto* start, const std::string& folder, const std::string& why_not) {
    std::error_code none;
    if (!bench.only.empty() && std::ranges::find(bench.only, name) == bench.only.end()) return;
    if (folder.empty() || !fs::exists(folder, none)) {
      std::fprintf(stderr, "bench: no %s: %s\n", name, why_not.c_str());
    } else {
      peers.push_back({name, start});
    }
  };
  const std::string unpacked = bench.brokers.empty() ? "" : bench.brokers + "/bin/";
  add("redis", &start_redis, bench.redis, "PLIMSOLL_PEERS names no folder");
  add("nats", &start_nats, unpacked.empty() ? "" : unpacked + "nats-server", "not unpacked");
  add("rabbitmq", &start_rabbit, unpacked.empty() ? "" : unpacked + "erlexec", "not unpacked");
  add("kafka", &start_kafka, bench.kafka, "PLIMSOLL_KAFKA names no folder with its jars");
  return peers;
}

std::string_view the_message() {
  static const std::string message = [] {
    Random random(4);
    std::string text;
    while (text.size() < kMessage) text += static_cast<char>(random());
    return text;
  }();
  return message;
}

}  // namespace plimsoll
