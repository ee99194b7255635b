// What an item costs beyond its payload, and what an idle server holds and spends.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "item_store.h"
#include "plimsoll/base/random.h"
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

// Bytes an item beyond its payload, at points of a server's life.
struct ItemCosts {
  double growth_best = 0, growth_worst = 0;  // as the number of items doubles, in kGrowthSteps
  double at_end = 0;
  double overwritten = 0;  // after each was overwritten, three times, with other sizes
};
constexpr std::uint64_t kGrowthSteps = 20;
constexpr int kOverwrites = 3;

// Anonymous memory gained an item, less its payload; nothing when the server did not take them all.
class ItemMeasure {
 public:
  ItemMeasure(std::unique_ptr<FloodServer> server, StoreProtocol protocol, const Shape& shape)
      : server_(std::move(server)), protocol_(protocol), shape_(shape) {}

  std::optional<ItemCosts> run() {
    if (server_ == nullptr) return std::nullopt;
    ItemStore store(*server_, protocol_);
    std::this_thread::sleep_for(300ms);
    before_ = held();
    ItemCosts costs;
    if (!before_ || !grow(store, costs) || !overwrite(store, costs)) return std::nullopt;
    return costs;
  }

 private:
  std::optional<double> held() const {
    auto memory = memory_of(*server_);
    if (!memory) return std::nullopt;
    return memory->anonymous.as_double() + memory->shared_memory.as_double();
  }
  // Of `items` whose values are `values` bytes in all.
  std::optional<double> beyond(std::uint64_t items, double values) const {
    const std::optional<double> now = held();
    if (!now) return std::nullopt;
    return (*now - *before_ - values) / static_cast<double>(items) - static_cast<double>(shape_.key);
  }

  bool grow(ItemStore& store, ItemCosts& costs) const {
    const std::uint64_t half = shape_.items / 2;
    std::uint64_t there = 0;
    for (std::uint64_t step = 0; step <= kGrowthSteps; ++step) {
      const std::uint64_t items = half + half * step / kGrowthSteps;
      if (!store.put(there, items, shape_.key, [&](std::uint64_t) { return shape_.value; })) return false;
      there = items;
      std::this_thread::sleep_for(step == kGrowthSteps ? 500ms : 50ms);
      const auto cost = beyond(items, static_cast<double>(items * shape_.value));
      if (!cost) return false;
      costs.growth_best = step == 0 ? *cost : std::min(costs.growth_best, *cost);
      costs.growth_worst = std::max(costs.growth_worst, *cost);
      costs.at_end = *cost;
    }
    return true;
  }

  // With half to one and a half times the size, drawn for each anew. Servers that tidy have two seconds for
  // it.
  bool overwrite(ItemStore& store, ItemCosts& costs) const {
    double values = 0;
    for (int round = 0; round < kOverwrites; ++round) {
      values = 0;
      auto size_of = [&](std::uint64_t item) {
        std::uint64_t state = item * kOverwrites + static_cast<std::uint64_t>(round);
        const std::size_t size = shape_.value / 2 + Random::split_mix(state) % (shape_.value + 1);
        values += static_cast<double>(size);
        return size;
      };
      if (!store.put(0, shape_.items, shape_.key, size_of)) return false;
    }
    std::this_thread::sleep_for(2s);
    const auto cost = beyond(shape_.items, values);
    if (!cost) return false;
    costs.overwritten = *cost;
    return true;
  }

  std::unique_ptr<FloodServer> server_;
  const StoreProtocol protocol_;
  const Shape shape_;
  std::optional<double> before_;
};

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

void add_item_rows(RowPrinter& printer, const Shape& shape, const ItemCosts& ours,
                   const std::optional<ItemCosts>& redis, const std::optional<ItemCosts>& memcached) {
  const std::string sizes = std::to_string(shape.key) + " + " + std::to_string(shape.value) + " B";
  auto add = [&](const std::string& when, double ItemCosts::* cost) {
    BenchRow row{.bench = "item, " + sizes + when,
                 .unit = "B",
                 .ours = ours.*cost,
                 .must = shape.must,
                 .aim = shape.aim,
                 .bound = BenchBound::kAtMost};
    if (redis) add_best(row, "redis 7.0.15", (*redis).*cost);
    if (memcached) add_best(row, "memcached 1.6.18", (*memcached).*cost);
    printer.add(row);
  };
  add("", &ItemCosts::at_end);
  add(", best point of growth", &ItemCosts::growth_best);
  add(", worst point of growth", &ItemCosts::growth_worst);
  add(", overwritten with other sizes", &ItemCosts::overwritten);
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
    const auto ours = ItemMeasure(start_plimsoll(bench, "2GiB"), StoreProtocol::kResp, shape).run();
    if (!ours) {
      std::fprintf(stderr, "bench: the items could not all be stored\n");
      continue;
    }
    std::optional<ItemCosts> redis, memcached;
    if (bench.has_peers()) {
      redis = ItemMeasure(start_redis(bench), StoreProtocol::kResp, shape).run();
      memcached = ItemMeasure(start_memcached(bench), StoreProtocol::kMemcached, shape).run();
    }
    add_item_rows(printer, shape, *ours, redis, memcached);
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
