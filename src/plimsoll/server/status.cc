#include "plimsoll/server/status.h"

#include <unistd.h>

namespace plimsoll {
namespace {

constexpr std::size_t kEventsShown = 20;

std::uint64_t now(const Traffic::Counter& counter) { return counter.load(std::memory_order_relaxed); }

TrafficStatus read(const Traffic& t) {
  return {.connections = now(t.connections),
          .kafka_connections = now(t.kafka_connections),
          .http_connections = now(t.http_connections),
          .accepted = now(t.accepted),
          .connections_refused = now(t.connections_refused),
          .accept_paused = now(t.accept_paused),
          .commands = now(t.commands),
          .bytes_received = now(t.bytes_received),
          .bytes_sent = now(t.bytes_sent),
          .readers_closed = now(t.readers_closed),
          .bodies_closed = now(t.bodies_closed),
          .bodies_refused = now(t.bodies_refused),
          .protocol_errors = now(t.protocol_errors),
          .http_requests = now(t.http_requests)};
}

AccountStatus read(const Account& account) {
  // The root has no parent, and its children need not name it.
  bool top = account.parent()->parent() == nullptr;
  AccountStatus status;
  status.name = account.name();
  status.parent = top ? "" : account.parent()->name();
  status.kind = account.kind();
  status.used = account.used();
  status.peak = account.peak();
  status.guarantee = account.guarantee();
  if (account.maximum() != Bytes::max()) status.maximum = account.maximum();
  status.pinned = account.pinned();
  status.refused = account.refused();
  return status;
}

}  // namespace

Status collect_status(const StatusSources& from) {
  Status status;
  status.settings = from.settings;
  status.process = getpid();
  status.uptime = from.uptime;
  status.wall_ms = from.wall_ms;
  status.resp_port = from.resp_port;
  status.kafka_port = from.kafka_port;
  status.http_port = from.http_port;
  status.limit = from.line.limit();
  status.line = from.line.line();
  status.reserve = from.line.reserve();
  status.headroom = from.line.headroom();
  status.highest_charged = from.line.peak();
  status.droppable = from.line.droppable();
  status.wanted = from.line.wanted();
  status.enforcing = from.line.enforcing();
  for (const Account* account : from.line.accounts()) {
    status.accounts.push_back(read(*account));
    if (status.accounts.back().parent.empty()) status.charged += status.accounts.back().used;
  }
  for (const auto& [cause, stats] : from.line.wait_stats())
    status.waits.push_back({std::string(cause), stats});
  status.governor = from.governor.snapshot();
  status.events = from.events.last(kEventsShown);
  status.cache = from.cache.stats();
  status.analysis = from.cache.analysis(false);
  status.policy = from.settings.policy;
  if (from.level) status.level = LevelStatus{from.level->name(), from.level->size(), from.level->stats()};
  status.traffic = read(from.traffic);
  if (from.pace) status.pace = from.pace->figures();
  if (from.log && from.broker) status.log = LogStatus{from.log->stats(), from.broker->stats()};
  return status;
}

}  // namespace plimsoll
