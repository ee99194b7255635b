// The floods themselves: who floods with what. What each is to show is said in its row at the end.
#include <algorithm>

#include "plimsoll/cli/flood_clients.h"
#include "plimsoll/cli/flood_stage.h"

namespace plimsoll {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kSmall = 1024;
constexpr std::size_t kLarge = std::size_t{1} << 20;
// Sent from where it lies, and small enough to be written at any level.
constexpr std::size_t kPinned = std::size_t{60} << 10;
constexpr unsigned kReaders = 60;

// Random keys, twice as much as the limit holds.
LoadOptions twice_the_limit(const FloodStage& stage, const char* prefix, std::size_t value_size) {
  LoadOptions load = stage.load();
  load.key_prefix = prefix;
  load.value_size = value_size;
  load.keys = 2 * stage.options().limit.count() / value_size;
  return load;
}

// Someone who reads what a load writes, so that "every read right" has reads.
void start_reader(FloodStage& stage, LoadOptions load, double rate) {
  load.connections = 2;
  load.rate = rate;
  load.get_share = 1;
  load.seed = 2;
  stage.start_load(load);
}

// A full cache, and writes that go on beside whatever else happens.
void fill_and_go_on(FloodStage& stage, double rate) {
  stage.fill(stage.options().limit.scaled(1.2));
  if (!stage.alive()) return;
  LoadOptions writes = twice_the_limit(stage, "back:", kSmall);
  writes.connections = 10;
  writes.rate = rate;
  writes.get_share = 0.2;
  stage.start_load(writes);
}

void play_sets_1k(FloodStage& stage) {
  LoadOptions writes = twice_the_limit(stage, "k:", kSmall);
  writes.connections = 50;
  writes.pipeline = 16;
  stage.start_load(writes);
  start_reader(stage, writes, 500);
  stage.run_for(stage.options().duration);
}

void play_sets_1m(FloodStage& stage) {
  LoadOptions writes = twice_the_limit(stage, "m:", kLarge);
  writes.connections = 8;
  stage.start_load(writes);
  start_reader(stage, writes, 20);
  stage.run_for(stage.options().duration);
}

// They read at last, and what they read must be right.
void end_readers(FloodStage& stage, UnreadReaders& readers) {
  readers.stop();
  readers.read_all(std::chrono::steady_clock::now() + 3s);
  stage.figure("readers_closed", static_cast<double>(readers.stats().reconnects));
  stage.figure("values_read_at_last", static_cast<double>(readers.stats().hits));
  stage.count(readers.stats());
}

void play_unread(FloodStage& stage) {
  fill_and_go_on(stage, 2000);
  LoadOptions large = stage.load();
  large.connections = 4;
  large.key_prefix = "big:";
  large.value_size = kLarge;
  large.keys = std::max<std::uint64_t>(stage.options().limit.count() / kLarge / 4, 1);
  stage.store_all(large);
  UnreadReaders readers({.clients = kReaders, .depth = 16}, large, stage.values());
  readers.start();
  stage.run_for(stage.options().duration);
  end_readers(stage, readers);
}

void play_pipelines(FloodStage& stage) {
  LoadOptions load = twice_the_limit(stage, "p:", kSmall);
  load.connections = 50;
  load.pipeline = 1000;
  load.get_share = 0.5;
  stage.start_load(load);
  stage.run_for(stage.options().duration);
}

void play_slow_body(FloodStage& stage) {
  fill_and_go_on(stage, 2000);
  SlowBodies::Options slow;
  slow.port = stage.load().port;
  slow.clients = 40;
  SlowBodies::Options fitting = slow;
  fitting.clients = 20;
  fitting.announced = kLarge;
  fitting.key_prefix = "slow1m:";
  SlowBodies::Options larger = slow;
  larger.clients = 4;
  larger.announced = 16 * kLarge;
  larger.key_prefix = "slow16m:";
  SlowBodies::Options fast = slow;  // announces what can never fit, and sends it as fast as it is taken
  fast.clients = 4;
  fast.bytes_a_tick = 4 * kLarge;
  fast.period = 20ms;
  fast.key_prefix = "fast:";

  std::vector<std::unique_ptr<SlowBodies>> crowds;
  for (const auto& options : {slow, fitting, larger, fast}) {
    crowds.push_back(std::make_unique<SlowBodies>(options, stage.values()));
    crowds.back()->start();
  }
  stage.run_for(stage.options().duration);
  for (auto& crowd : crowds) crowd->stop();
  double refused = 0;
  double cut = 0;
  for (auto& crowd : crowds) {
    refused += static_cast<double>(crowd->refused());
    cut += static_cast<double>(crowd->cut());
  }
  stage.figure("bodies_told_no", refused);
  stage.figure("bodies_cut", cut);
  stage.figure("fitting_bodies_open", crowds[1]->still_open());
  stage.figure("fast_bodies_mib", static_cast<double>(crowds[3]->bytes_out() / kLarge));
  if (stage.governed() && crowds[3]->stored() > 0)
    stage.fail_with("a value larger than the limit was accepted");
}

void play_idle(FloodStage& stage) {
  fill_and_go_on(stage, 5000);
  constexpr unsigned kCrowd = 5000;
  IdleCrowd crowd;
  unsigned came =
      crowd.gather("127.0.0.1", stage.load().port, kCrowd, std::chrono::steady_clock::now() + 20s);
  stage.run_for(stage.options().duration);
  unsigned there = crowd.roll_call(std::chrono::steady_clock::now() + 10s);
  stage.figure("idle_connected", came);
  stage.figure("idle_answering", there);
  bool enough = stage.options().limit >= 256_MiB;
  if (stage.governed() && enough && (came < kCrowd || there < came)) {
    stage.fail_with("of 5,000 idle clients " + std::to_string(came) + " were let in and " +
                    std::to_string(there) + " still answer");
  }
}

double seconds_since(MonotonicTime begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// False when the server does not come below its line in time.
bool follow(FloodStage& stage, double& worst) {
  MonotonicTime begin = std::chrono::steady_clock::now();
  while (stage.watch().latest().total() > stage.line()) {
    if (seconds_since(begin) > 5 || !stage.run_for(5ms)) return false;
  }
  worst = std::max(worst, seconds_since(begin));
  return true;
}

void halve(FloodStage& stage) {
  Bytes goal = stage.options().limit / 2;
  MonotonicTime begin = std::chrono::steady_clock::now();
  double worst = 0;
  unsigned steps = 0;
  while (stage.limit() > goal && seconds_since(begin) < 60) {
    Bytes before = stage.limit();
    if (stage.lower_limit(goal) < before) ++steps;
    // It looks ten times a second, and may be below its new line by chance before it has looked.
    if (!follow(stage, worst) || !stage.run_for(200ms)) break;
  }
  stage.figure("halved_in_steps", steps);
  stage.figure("halved_after_s", seconds_since(begin));
  stage.figure("slowest_follow_s", worst);
  if (!stage.governed()) return;
  if (stage.limit() > goal) stage.fail_with("the limit could not be halved: the server does not give back");
  if (worst > 1) stage.fail_with("following a lower limit took " + std::to_string(worst) + " s");
}

void play_limit_halved(FloodStage& stage) {
  fill_and_go_on(stage, 40'000);
  if (!stage.run_for(1s)) return;
  halve(stage);
  if (!stage.run_for(3s)) return;
  MonotonicTime begin = std::chrono::steady_clock::now();
  stage.restore_limit();
  while (stage.watch().latest().total() < stage.line().scaled(0.9) && seconds_since(begin) < 20) {
    if (!stage.run_for(20ms)) return;
  }
  stage.figure("used_again_s", seconds_since(begin));
  if (stage.governed() && seconds_since(begin) > 10)
    stage.fail_with("the restored limit is not used within 10 s");
}

void play_overwrite_unread(FloodStage& stage) {
  LoadOptions values = stage.load();
  values.connections = 8;
  values.key_prefix = "over:";
  values.value_size = kPinned;
  values.versions = 4;
  // The values alone fit; what is overwritten while it is being sent comes on top.
  values.keys = stage.options().limit.count() / kPinned * 85 / 100;
  stage.store_all(values);
  // The writer comes first: who comes when memory is short may not be let in.
  LoadOptions writes = values;
  writes.order = KeyOrder::kInOrder;
  stage.start_load(writes);
  UnreadReaders readers({.clients = kReaders, .depth = 64, .ask_again = 20ms}, values, stage.values());
  readers.start();
  stage.run_for(stage.options().duration);
  end_readers(stage, readers);
}

constexpr FloodScenario kScenarios[] = {
    {"sets_1k", "SET of 1 KiB values with random keys, at full speed", true},
    {"sets_1m", "SET of 1 MiB values with random keys, at full speed", true},
    {"unread", "60 clients ask for 1 MiB values and do not read them", false},
    {"pipelines", "50 clients with pipelines of 1,000", false},
    {"slow_body", "bodies of 512 MiB announced and sent a byte a second, and some that would fit", false},
    {"idle", "5,000 idle connections beside a full cache", false},
    {"limit_halved", "the cgroup's limit halved under load and restored", false},
    {"overwrite_unread", "values overwritten while 60 clients have asked for them and do not read", true},
};
constexpr FloodPlay kPlays[] = {play_sets_1k,   play_sets_1m, play_unread,       play_pipelines,
                                play_slow_body, play_idle,    play_limit_halved, play_overwrite_unread};
static_assert(std::size(kScenarios) == std::size(kPlays));

}  // namespace

std::span<const FloodScenario> flood_scenarios() { return kScenarios; }

FloodPlay flood_play(std::string_view scenario) {
  for (std::size_t i = 0; i < std::size(kScenarios); ++i) {
    if (kScenarios[i].name == scenario) return kPlays[i];
  }
  return nullptr;
}

}  // namespace plimsoll
