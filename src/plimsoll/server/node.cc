#include "plimsoll/server/node.h"

#include <bit>
#include <initializer_list>
#include <random>

#include "plimsoll/os/process.h"

namespace plimsoll {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Both hold what their accounts may be charged at most: a share of the line, which may double.
Bytes slab_space(Bytes line) { return line * 2; }

std::size_t shards_for_cores() { return std::bit_ceil(std::min<std::size_t>(64, 4 * cpus_allowed())); }

}  // namespace

tl::expected<std::unique_ptr<Node>, std::string> Node::open(const Settings& settings) {
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({.limit = {.line = settings.line}});
  if (!probe) return tl::unexpected("the machine's memory cannot be read: " + probe.error().message());
  Result<FoundLimit> found = (*probe)->limit();
  if (!found) return tl::unexpected("no limit was found: " + found.error().message());
  return std::unique_ptr<Node>(new Node(settings, std::move(*probe), std::move(*found)));
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
      cache({.account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}}),
             .pages = pages,
             .line = line.line(),
             .address_space = {},
             .shards = shards_for_cores(),
             .policy = PolicyKind::kLru,
             .evict = given.policy == FullCache::kEvictLru,
             .seed = random_seed()}),
      governor({.line = line, .probe = *probe, .board = board, .events = events, .reclaim = given.governor}),
      gate(plan().bodies_maximum, given.governor) {
  governor.add(cache, cache.account());
  for (Reclaimer* owner :
       std::initializer_list<Reclaimer*>{&connection_slabs, &output_slabs, &output_buffers})
    governor.add(*owner, idle);
  governor.set_socket_account(sockets);
  follow_line();
}

Node::~Node() { governor.stop(); }

void Node::follow_line() {
  const std::uint64_t now = line.line().count();
  if (followed_line_.exchange(now, std::memory_order_relaxed) == now) return;
  const ServerPlan shares = plan();
  bodies.set_maximum(shares.bodies_maximum);
  output.set_maximum(shares.output_maximum);
  connections.set_maximum(shares.connections_maximum);
  http.set_maximum(shares.http_maximum);
  gate.set_maximum(shares.bodies_maximum);
}

bool Node::pressed() const {
  return board.level() >= Level::kHigh ||
         output.used() + cache.account().pinned() > plan().output_maximum / 2;
}

Settings Node::current_settings() const {
  Settings now = settings;
  now.policy = cache.evicts() ? FullCache::kEvictLru : FullCache::kRefuse;
  now.log_level = name_of(log.level());
  return now;
}

std::string Node::set_now(std::string_view name, std::string_view value) {
  Settings now = current_settings();
  const SettingKey* key = find_setting(name);
  if (key == nullptr || !key->live) return "it cannot be set while the server runs";
  if (const char* wrong = key->set(now, value)) return wrong;
  cache.set_evict(now.policy == FullCache::kEvictLru);
  log.set_level(log_level_named(now.log_level).value_or(log.level()));
  return {};
}

Status Node::status() const {
  const Settings now = current_settings();
  return collect_status({.settings = now,
                         .line = line,
                         .governor = governor,
                         .events = events,
                         .cache = cache,
                         .traffic = traffic,
                         .uptime = clock.monotonic_now() - started,
                         .wall_ms = clock.wall_ms(),
                         .resp_port = resp_port,
                         .http_port = http_port});
}

void Node::Describe(StatSink& sink) const {
  line.Describe(sink);
  governor.Describe(sink);
  cache.Describe(sink);
  connection_slabs.Describe(sink);
  output_slabs.Describe(sink);
  output_buffers.Describe(sink);
  traffic.Describe(sink);
}

}  // namespace plimsoll
