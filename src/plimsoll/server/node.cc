#include "plimsoll/server/node.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <random>

#include "plimsoll/base/text.h"
#include "plimsoll/cache/simulation.h"
#include "plimsoll/os/process.h"
#include "plimsoll/server/levels.h"

namespace plimsoll {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Both hold what their accounts may be charged at most: a share of the line, which may double.
Bytes slab_space(Bytes line) { return line * 2; }

// A cluster keeps its name over restarts: clients that were told another one refuse to go on.
Result<std::string> cluster_id_in(Storage& storage, const std::string& directory) {
  const std::string path = directory + "/cluster_id";
  if (Result<std::string> known = storage.read_whole(path, 64_B); known && known->size() == 22) return known;
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::random_device device;
  std::string id;
  for (int i = 0; i < 22; ++i) id += kLetters[device() % kLetters.size()];
  if (Result<void> written = storage.write_whole(path, id); !written) return tl::unexpected(written.error());
  return id;
}

// A bounded number of keys is parted as `plimsoll sim` does, whose figures are to be those of the server. A
// shard of few bytes would hold no large value.
std::size_t shards_of(const Settings& settings) {
  constexpr std::uint64_t kLeastShard = 1 << 20;
  if (settings.cache_shards > 0) return settings.cache_shards;
  if (settings.cache_items > 0) return default_shards(settings.cache_items);
  const std::size_t for_cores = std::bit_ceil(std::min<std::size_t>(64, 4 * cpus_allowed()));
  if (settings.cache_size.zero()) return for_cores;
  return std::bit_floor(std::clamp<std::uint64_t>(settings.cache_size.count() / kLeastShard, 1, for_cores));
}

}  // namespace

tl::expected<std::unique_ptr<Node>, std::string> Node::open(const Settings& settings) {
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({.limit = {.line = settings.line}});
  if (!probe) return tl::unexpected("the machine's memory cannot be read: " + probe.error().message());
  Result<FoundLimit> found = (*probe)->limit();
  if (!found) return tl::unexpected("no limit was found: " + found.error().message());
  std::unique_ptr<Node> node(new Node(settings, std::move(*probe), std::move(*found)));
  if (std::string wrong = node->open_level(); !wrong.empty()) return tl::unexpected(std::move(wrong));
  if (settings.data_dir.empty()) return node;
  if (std::string wrong = node->open_log(); !wrong.empty()) return tl::unexpected(std::move(wrong));
  return node;
}

Node::Node(const Settings& given, std::unique_ptr<SystemProbe> opened, FoundLimit limit)
    : settings(given),
      log(log_level_named(given.log_level).value_or(LogLevel::kInfo)),
      probe(std::move(opened)),
      found(std::move(limit)),
      line({.limit = limit_to_follow(found), .worst_overshoot = {}, .enforce = given.governor}),
      connections(line.open({.name = "connections", .kind = AccountKind::kWaitable, .guarantee = {}})),
      http(line.open({.name = "http", .kind = AccountKind::kWaitable, .guarantee = {}})),
      sockets(line.open({.name = "sockets", .kind = AccountKind::kWaitable, .guarantee = {}})),
      bodies(line.open({.name = "bodies", .kind = AccountKind::kWaitable, .guarantee = {}})),
      output(line.open({.name = "output", .kind = AccountKind::kWaitable, .guarantee = {}})),
      idle(line.open({.name = "idle", .kind = AccountKind::kDroppable, .guarantee = {}})),
      log_state(line.open({.name = "log", .kind = AccountKind::kPinned, .guarantee = {}})),
      indexes(line.open({.name = "indexes", .kind = AccountKind::kPinned, .guarantee = {}})),
      page_cache(line.open({.name = "page_cache", .kind = AccountKind::kFlushable, .guarantee = {}})),
      connection_slabs({.account = connections,
                        .idle = idle,
                        .pages = pages,
                        .line = line.line(),
                        .address_space = slab_space(line.line()),
                        .name = "connections"}),
      output_slabs({.account = output,
                    .idle = idle,
                    .pages = pages,
                    .line = line.line(),
                    .address_space = slab_space(line.line()),
                    .name = "output"}),
      output_buffers({.slabs = output_slabs,
                      .pages = pages,
                      .account = output,
                      .idle = idle,
                      .maximum_idle = 1_MiB,
                      .name = "output"}),
      request_slabs({.account = bodies,
                     .idle = idle,
                     .pages = pages,
                     .line = line.line(),
                     .address_space = slab_space(line.line()),
                     .name = "requests"}),
      request_pool({.slabs = request_slabs,
                    .pages = pages,
                    .account = bodies,
                    .idle = idle,
                    .maximum_idle = 8_MiB,
                    .name = "requests"}),
      // The gate bounds what is in flight.
      requests({.buffers = request_pool,
                .pages = pages,
                .account = bodies,
                .idle = idle,
                .in_flight = Bytes::max()}),
      cache({.account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}}),
             .pages = pages,
             .line = line.line(),
             .address_space = {},
             .shards = shards_of(given),
             .policy = given.policy.order,
             .objective = given.objective,
             .evict = given.policy.evicts,
             .analyse = given.analysis,
             .seed = random_seed(),
             .max_items = given.cache_items,
             .max_bytes = given.cache_size,
             .compression = given.compression,
             .describe_entries = given.entry_facts,
             .group_of = &Databases::group_of}),
      governor({.line = line, .probe = *probe, .board = board, .events = events, .reclaim = given.governor}),
      gate(plan().bodies_maximum, given.governor),
      default_ttl_ms(given.default_ttl.count()) {
  governor.add(cache, cache.account());
  for (Reclaimer* owner : std::initializer_list<Reclaimer*>{&connection_slabs, &output_slabs, &output_buffers,
                                                            &request_slabs, &request_pool, &requests})
    governor.add(*owner, idle);
  governor.set_socket_account(sockets);
  follow_line();
}

Node::~Node() {
  governor.stop();
  if (lower) lower->stop();
  cache.set_lower_level(nullptr);
}

std::string Node::open_level() {
  auto opened = open_lower_level({.settings = settings, .cache = cache, .line = line, .clock = clock});
  if (!opened) return opened.error();
  lower = std::move(*opened);
  cache.set_lower_level(lower.get());
  return {};
}

std::string Node::open_log() {
  Result<std::unique_ptr<LogStore>> store = LogStore::open({.storage = storage,
                                                            .directory = settings.data_dir,
                                                            .state = log_state,
                                                            .indexes = indexes,
                                                            .page_cache = page_cache,
                                                            .clock = clock,
                                                            .sync = settings.fsync,
                                                            .sync_interval = settings.fsync_interval,
                                                            .index_budget = plan().indexes_maximum,
                                                            .keep_behind = plan().log_kept_behind});
  if (!store) return "the log in " + settings.data_dir + " cannot be opened: " + store.error().message();
  Result<std::string> cluster = cluster_id_in(storage, settings.data_dir);
  if (!cluster) return "the log in " + settings.data_dir + " has no name: " + cluster.error().message();
  log_store = std::move(*store);
  const auto [host, port] = settings.advertised();
  broker =
      std::make_unique<Broker>(Broker::Options{.store = *log_store,
                                               .board = board,
                                               .clock = clock,
                                               .cluster_id = *std::move(cluster),
                                               .host = host,
                                               .port = port,
                                               .default_partitions = settings.partitions,
                                               .auto_create = settings.auto_create_topics,
                                               .sync_before_reply = settings.fsync == LogStore::Sync::kAlways,
                                               .waits = &connections});
  return {};
}

void Node::keep_time() {
  const MonotonicTime now = clock.monotonic_now();
  if (!timeline.due(now)) return;
  flow.look(now, line);
  const std::vector<Sample> last = governor.history().last(1);
  if (last.empty()) return;
  const auto read = [](const Traffic::Counter& counter) { return counter.load(std::memory_order_relaxed); };
  Timeline::Deeds deeds{
      .reclaims = events.total(EventKind::kReclaimed) + events.total(EventKind::kHeapTrimmed),
      .throttles = read(traffic.accept_paused),
      .rejects = read(traffic.connections_refused) + read(traffic.bodies_refused) + cache.stats().refused,
      .charged = line.charged_total(),
      .released = line.released_total()};
  for (const auto& [cause, waited] : line.wait_stats()) deeds.throttles += waited.granted + waited.timed_out;
  if (broker) {
    const Broker::Stats stats = broker->stats();
    deeds.throttles += stats.throttled_requests;
    deeds.rejects += stats.produce_refused;
  }
  timeline.add(last.front(), deeds, now, clock.wall_ms());
}

void Node::follow_line() {
  const std::uint64_t now = line.line().count();
  if (followed_line_.exchange(now, std::memory_order_relaxed) == now) return;
  const ServerPlan shares = plan();
  bodies.set_maximum(shares.bodies_maximum);
  output.set_maximum(shares.output_maximum);
  connections.set_maximum(shares.connections_maximum);
  http.set_maximum(shares.http_maximum);
  if (!settings.data_dir.empty()) {
    Bytes guarantee = shares.page_cache_guarantee;
    if (const Result<Bytes> wanted = parse_bytes_or_share(settings.page_cache, line.line()); wanted)
      guarantee = std::min(*wanted, line.line() / 2);
    page_cache.set_maximum(guarantee);
    page_cache.set_guarantee(guarantee);
    indexes.set_maximum(shares.indexes_maximum);
  }
  gate.set_maximum(shares.bodies_maximum);
}

void Node::look(MonotonicTime now) {
  if (!pace.wants_look(now)) return;
  const ByteCache::Stats c = cache.stats();
  // relaxed: counters, each as it is.
  auto count = [](const Traffic::Counter& counter) { return counter.load(std::memory_order_relaxed); };
  pace.look(now, {.commands = count(traffic.commands),
                  .hits = c.hits,
                  .misses = c.misses,
                  .evicted = c.evicted,
                  .expired = c.expired,
                  .received = count(traffic.bytes_received),
                  .sent = count(traffic.bytes_sent)});
}

void Node::purge() {
  for (Reclaimer* owner : std::initializer_list<Reclaimer*>{&connection_slabs, &output_slabs, &output_buffers,
                                                            &request_slabs, &request_pool, &requests}) {
    owner->reclaim(Bytes::max());
  }
  trim_malloc();
}

bool Node::pressed() const {
  return board.level() >= Level::kHigh ||
         output.used() + cache.account().pinned() > plan().output_maximum / 2;
}

Settings Node::current_settings() const {
  Settings now = settings;
  now.policy = {.evicts = cache.evicts(), .order = cache.policy()};
  now.compression = cache.compression();
  now.entry_facts = cache.describes_entries();
  now.log_level = name_of(log.level());
  // relaxed, here and where it is read: a write that is under way may take the time before.
  now.default_ttl = std::chrono::milliseconds(default_ttl_ms.load(std::memory_order_relaxed));
  return now;
}

std::string Node::set_now(std::string_view name, std::string_view value) {
  MutexLock one_at_a_time(set_mutex_);
  Settings now = current_settings();
  const SettingKey* key = find_setting(name);
  if (key == nullptr || !key->live) return "it cannot be set while the server runs";
  if (const char* wrong = key->set(now, value)) return wrong;
  cache.set_evict(now.policy.evicts);
  cache.set_policy(now.policy.order);
  cache.set_compression(now.compression);
  cache.set_describe_entries(now.entry_facts);
  log.set_level(log_level_named(now.log_level).value_or(log.level()));
  default_ttl_ms.store(now.default_ttl.count(), std::memory_order_relaxed);
  return {};
}

Status Node::status() const {
  const Settings now = current_settings();
  return collect_status({.settings = now,
                         .line = line,
                         .governor = governor,
                         .events = events,
                         .cache = cache,
                         .level = lower.get(),
                         .traffic = traffic,
                         .pace = &pace,
                         .flow = &flow,
                         .log = log_store.get(),
                         .broker = broker.get(),
                         .uptime = clock.monotonic_now() - started,
                         .wall_ms = clock.wall_ms(),
                         .resp_port = resp_port,
                         .kafka_port = kafka_port,
                         .http_port = http_port});
}

CacheAnalysis Node::forecast() const {
  constexpr std::chrono::seconds kGood{1};
  MutexLock lock(forecast_mutex_);
  const MonotonicTime now = clock.monotonic_now();
  if (forecast_at_ != MonotonicTime{} && now - forecast_at_ < kGood) return forecast_;
  forecast_ = cache.analysis();
  forecast_at_ = clock.monotonic_now();
  return forecast_;
}

void Node::Describe(StatSink& sink) const {
  line.Describe(sink);
  governor.Describe(sink);
  cache.Describe(sink);
  if (lower) lower->Describe(sink);
  connection_slabs.Describe(sink);
  output_slabs.Describe(sink);
  output_buffers.Describe(sink);
  request_slabs.Describe(sink);
  request_pool.Describe(sink);
  requests.Describe(sink);
  if (log_store) log_store->Describe(sink);
  if (broker) broker->Describe(sink);
  traffic.Describe(sink);
  pace.Describe(sink);
}

}  // namespace plimsoll
