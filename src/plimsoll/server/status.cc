#include "plimsoll/server/status.h"

#include <unistd.h>

#include <algorithm>

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

constexpr std::int64_t kFoldedMs = 60'000;

bool repeats(const Event& event) {
  return event.kind == EventKind::kReclaimed || event.kind == EventKind::kConnectionClosed;
}

struct Folded {
  Event event;
  std::int64_t began_ms;
};

// Where the same thing was told before, or the end.
std::vector<Folded>::iterator before(std::vector<Folded>& told, const Event& event) {
  for (auto at = told.end(); at != told.begin();) {
    --at;
    if (at->event.kind == EventKind::kLevelChanged || event.wall_ms - at->began_ms >= kFoldedMs) break;
    const bool who = event.kind == EventKind::kConnectionClosed ||  // each has a name of its own
                     at->event.subject.view() == event.subject.view();
    if (at->event.kind == event.kind && who && std::string_view(at->event.cause) == event.cause) return at;
  }
  return told.end();
}

}  // namespace

std::vector<Event> folded(const std::vector<Event>& events) {
  std::vector<Folded> told;
  for (const Event& event : events) {
    Folded now{event, event.wall_ms};
    if (repeats(event)) {
      if (const auto at = before(told, event); at != told.end()) {
        now.began_ms = at->began_ms;
        now.event.times += at->event.times;
        now.event.bytes = now.event.bytes.plus_clamped(at->event.bytes);
        now.event.freed = now.event.freed.plus_clamped(at->event.freed);
        if (event.kind == EventKind::kConnectionClosed) {
          now.event.subject = "clients, the last " + std::string(event.subject.view());
          now.event.duration = std::max(at->event.duration, event.duration);
        } else {
          now.event.duration += at->event.duration;
        }
        told.erase(at);  // it is told at its last time
      }
    }
    told.push_back(now);
  }
  std::vector<Event> all;
  for (const Folded& each : told) all.push_back(each.event);
  return all;
}

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
  if (from.flow) {
    const Flow::Figures flow = from.flow->figures();
    status.flow = flow.all;
    // Accounts are only ever added: one that is not known yet has no rates.
    for (std::size_t i = 0; i < std::min(flow.accounts.size(), status.accounts.size()); ++i)
      status.accounts[i].flow = flow.accounts[i];
  }
  for (const auto& [cause, stats] : from.line.wait_stats())
    status.waits.push_back({std::string(cause), stats});
  status.governor = from.governor.snapshot();
  status.events = folded(from.events.last(EventLog::kEvents));
  if (status.events.size() > kEventsShown)
    status.events.erase(status.events.begin(), status.events.end() - kEventsShown);
  status.cache = from.cache.stats();
  status.analysis = from.cache.analysis(false);
  status.policy = from.settings.policy;
  status.level = level_status(from.level);
  status.traffic = read(from.traffic);
  if (from.pace) status.pace = from.pace->figures();
  if (from.log && from.broker) status.log = LogStatus{from.log->stats(), from.broker->stats()};
  return status;
}

}  // namespace plimsoll
