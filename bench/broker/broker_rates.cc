// Rates, CPU a gigabyte and the wait for one message, in rounds that the brokers take in turn.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "broker.h"

namespace plimsoll {

namespace {

constexpr double kMustProduce = 1 / 1.7;  // the best small peer's rate over ours
constexpr double kAimProduce = 1 / 3.0;
constexpr double kAimCpuIn = 0.9;  // seconds a GB
constexpr double kAimCpuOut = 0.3;
constexpr std::uint64_t kSingleWarmUp = 300;

// What one turn measures, in this order; every one of them is the better the smaller.
enum Figure : std::size_t { kProduce, kConsume, kCpuIn, kCpuOut, kHalf, kMost, kFigures };

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Leaves free pages behind that the machine has in hand, as much again in a file as in memory: blocks of
// pages come from different places for the two. A virtual machine gives free memory back to its host within
// two seconds, and who then touches it first pays for it, up to microseconds a page: not the broker whose
// turn it is. So it comes right before what is measured.
void take_free_pages_back(const std::filesystem::path& folder, std::uint64_t bytes) {
  constexpr std::size_t kPiece = 1 << 20;
  const std::vector<char> touched(bytes, 1);
  asm volatile("" : : "g"(touched.data()) : "memory");  // else the compiler may leave it all out
  const std::filesystem::path path = folder / "pages";
  {
    std::ofstream file(path, std::ios::binary);
    for (std::uint64_t at = 0; at + kPiece <= bytes; at += kPiece)
      file.write(touched.data() + at, kPiece).flush();
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

// One client's turn: a stream for the rates, one for the messages that are waited for, and both dropped.
bool take_turn(Broker& broker, const BrokerBench& bench, unsigned number, std::vector<double>& figures) {
  auto client = broker.client();
  if (client == nullptr) return client_fails(broker.name().c_str(), "takes no client");
  const std::string flood = "flood" + std::to_string(number);
  const std::string single = "single" + std::to_string(number);
  if (!client->create(flood) || !client->create(single)) return false;
  // The first message opens what the others need.
  if (!client->produce(flood, 1)) return false;
  take_free_pages_back(bench.folders, bench.rate_messages * kMessage * 2);
  const double gigabytes = static_cast<double>(bench.rate_messages * kMessage) / 1e9;
  std::uint64_t cpu = process_cpu_ns(broker.pid());
  auto begin = Clock::now();
  if (!client->produce(flood, bench.rate_messages)) return false;
  figures[kProduce] = seconds_since(begin);
  std::uint64_t after = process_cpu_ns(broker.pid());
  figures[kCpuIn] = static_cast<double>(after - cpu) / 1e9 / gigabytes;
  cpu = after;
  begin = Clock::now();
  if (!client->consume(flood, bench.rate_messages)) return false;
  figures[kConsume] = seconds_since(begin);
  figures[kCpuOut] = static_cast<double>(process_cpu_ns(broker.pid()) - cpu) / 1e9 / gigabytes;

  std::vector<double> waits;
  for (std::uint64_t i = 0; i < kSingleWarmUp + bench.single; ++i) {
    begin = Clock::now();
    if (!client->produce_one(single)) return false;
    if (i >= kSingleWarmUp) waits.push_back(seconds_since(begin) * 1e6);
  }
  figures[kHalf] = quantile_of(waits, 0.5);
  figures[kMost] = quantile_of(waits, 0.99);
  return client->drop(single) && client->drop(flood);
}

// Its turn, with all others stopped and nothing of theirs left to be written.
std::vector<double> turn(Broker& broker, const BrokerBench& bench) {
  static unsigned number = 0;
  std::vector<double> figures(kFigures, NAN);
  ::sync();
  broker.resume();
  if (!take_turn(broker, bench, ++number, figures)) {
    std::ranges::fill(figures, NAN);
    broker.alive();
    client_fails(broker.name().c_str(), "this turn has no figures");
  }
  broker.pause();
  return figures;
}

// `result` against those of its peers that `keep` names and that have figures.
template <typename Keep>
PairedResult among(PairedResult result, const Keep& keep) {
  std::erase_if(result.peers, [&](const BenchAgainst& peer) {
    return !std::isfinite(peer.value) || !std::isfinite(peer.ratio) || !keep(peer.name);
  });
  return result;
}

bool is_small(const std::string& name) { return !name.starts_with("kafka"); }
bool is_any(const std::string&) { return true; }
auto called(const std::string& begins) {
  return [begins](const std::string& name) { return name.starts_with(begins); };
}

std::optional<double> value_of(const PairedResult& result, const char* begins) {
  for (const BenchAgainst& peer : result.peers) {
    if (peer.name.starts_with(begins) && std::isfinite(peer.value)) return peer.value;
  }
  return std::nullopt;
}

// The others, for people: every row shows all peers, whoever the ratio is against.
std::string others(const PairedResult& result, const std::string& shown, double scale) {
  std::string text;
  for (const BenchAgainst& peer : among(result, is_any).peers) {
    if (peer.name == shown) continue;
    char words[96];
    std::snprintf(words, sizeof words, "%s %.1f, ", peer.name.c_str(), scale / peer.value);
    text += words;
  }
  return text;
}

// An absolute aim, as the ratio that it is to the row's peer.
std::optional<double> as_ratio(const PairedResult& result, double value) {
  const BenchAgainst* best = result.best();
  return best == nullptr ? std::nullopt : std::optional<double>(value / best->value);
}

void print_rates(const std::vector<PairedResult>& results, double megabytes, RowPrinter& printer) {
  PairedResult small = among(results[kProduce], is_small);
  BenchRow row{.bench = "produce, one client, 1 KiB, acks=1, beside the best small peer",
               .unit = "MB/s",
               .must = kMustProduce,
               .aim = kAimProduce};
  if (auto kafka = value_of(results[kProduce], "kafka")) {
    row.note = "kafka " + std::to_string(megabytes / *kafka).substr(0, 5) + ", ";
  }
  printer.add(rate_row_of(small, megabytes, row));
  PairedResult redis = among(results[kConsume], called("redis"));
  const std::string shown = redis.peers.empty() ? "" : redis.peers.front().name;
  printer.add(rate_row_of(redis, megabytes,
                          {.bench = "consume, one client, 1 KiB, beside Redis Streams",
                           .unit = "MB/s",
                           .must = 1,
                           .note = others(results[kConsume], shown, megabytes)}));
}

// Each figure beside each peer, without a must: the notes of the other rows, for the machine that reads rows.
void print_each(const std::vector<PairedResult>& results, double megabytes, RowPrinter& printer) {
  const std::tuple<Figure, const char*, const char*> kRows[] = {
      {kProduce, "produce", "MB/s"},       {kConsume, "consume", "MB/s"},
      {kCpuIn, "server CPU a GB in", "s"}, {kCpuOut, "server CPU a GB out", "s"},
      {kHalf, "one at a time, p50", "us"}, {kMost, "one at a time, p99", "us"}};
  for (auto [figure, name, unit] : kRows) {
    for (const BenchAgainst& peer : among(results[figure], is_any).peers) {
      PairedResult one = among(results[figure], called(peer.name));
      BenchRow row{.bench = std::string(name) + ", 1 KiB, beside " + peer.name, .unit = unit};
      printer.add(figure <= kConsume ? rate_row_of(one, megabytes, row) : row_of(one, row));
    }
  }
}

void print_costs(const std::vector<PairedResult>& results, RowPrinter& printer) {
  for (auto [figure, name, aim] :
       {std::tuple{kCpuIn, "server CPU a GB in", kAimCpuIn}, {kCpuOut, "server CPU a GB out", kAimCpuOut}}) {
    PairedResult all = among(results[figure], is_any);
    char note[48];
    std::snprintf(note, sizeof note, "the aim is %.1f s, ", aim);
    printer.add(
        row_of(all, {.bench = name, .unit = "s", .must = 1, .aim = as_ratio(all, aim), .note = note}));
  }
  for (auto [figure, name] : {std::pair{kHalf, "one message at a time, acks=1, p50"},
                              {kMost, "one message at a time, acks=1, p99"}}) {
    PairedResult nats = among(results[figure], called("nats"));
    auto redis = value_of(results[figure], "redis");
    BenchRow row{.bench = name, .unit = "us", .must = 1, .note = "the aim is Redis's, "};
    for (const BenchAgainst& peer : among(results[figure], is_any).peers) {
      char words[96];
      std::snprintf(words, sizeof words, "%s %.1f, ", peer.name.c_str(), peer.value);
      if (!peer.name.starts_with("nats")) row.note += words;
    }
    if (redis) row.aim = as_ratio(nats, *redis);
    printer.add(row_of(nats, row));
  }
}

}  // namespace

void bench_broker_rates(const BrokerBench& bench, RowPrinter& printer) {
  auto ours = start_ours(bench);
  if (ours == nullptr) return;
  ours->pause();
  std::vector<std::unique_ptr<Broker>> brokers;
  for (const BrokerPeer& peer : broker_peers(bench)) {
    auto broker = peer.start(bench);
    if (broker == nullptr) continue;
    broker->pause();
    brokers.push_back(std::move(broker));
  }
  std::vector<std::string> names;
  std::vector<std::function<std::vector<double>()>> turns;
  for (const auto& broker : brokers) {
    names.push_back(broker->name());
    turns.emplace_back([&bench, &broker] { return turn(*broker, bench); });
  }
  printer.title(std::to_string(bench.rate_messages) + " messages of 1 KiB, " + std::to_string(bench.rounds) +
                " rounds; librdkafka " +
                (bench.window == 0 ? "with its own batching"
                                   : "with " + std::to_string(bench.window) + " messages under way") +
                ", the others' clients with 1,000 under way\n"
                "synced: ours " +
                bench.fsync +
                " (1 s), Redis everysec, NATS every 2 minutes, RabbitMQ and Kafka when the kernel likes");
  auto results = PairedRounds(bench.rounds).run_many([&] { return turn(*ours, bench); }, names, turns);
  if (!ours->alive()) return;
  const double megabytes = static_cast<double>(bench.rate_messages * kMessage) / 1e6;
  print_rates(results, megabytes, printer);
  print_costs(results, printer);
  if (bench.json) print_each(results, megabytes, printer);
}

}  // namespace plimsoll
