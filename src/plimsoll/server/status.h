// Status: one look at a running server, from which /status.txt, /api/v1/status and INFO are written.
//
// Invariant: the used bytes of all accounts directly under the line sum to `charged`, exactly: the sum is
// taken here, as charges go on while accounts are read.
//
// Thread-safety: a value; collect_status() from any thread. Cost: some locks held briefly, and about 10 KiB
// while it lives; about 20 us. Limits: 20 events, of those that the log has. Errors: none. Ownership: copies
// what it shows; the sources are used only during collect_status().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/broker/broker.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/governor/governor.h"
#include "plimsoll/server/flow.h"
#include "plimsoll/server/level_status.h"
#include "plimsoll/server/pace.h"
#include "plimsoll/server/settings.h"
#include "plimsoll/server/traffic.h"

namespace plimsoll {

struct StatusSources {
  const Settings& settings;
  const LoadLine& line;
  const Governor& governor;
  const EventLog& events;
  const ByteCache& cache;
  const LowerLevel* level = nullptr;  // null: there is none
  const Traffic& traffic;
  const Pace* pace = nullptr;     // null: nothing is timed
  const Flow* flow = nullptr;     // null: no rates
  const LogStore* log = nullptr;  // null, both: there is none
  const Broker* broker = nullptr;
  Duration uptime{};
  std::int64_t wall_ms = 0;
  std::uint16_t resp_port = 0;  // as they were bound
  std::uint16_t kafka_port = 0;
  std::uint16_t http_port = 0;
};

struct AccountStatus {
  std::string name;
  std::string parent;  // empty: directly under the line
  AccountKind kind = AccountKind::kPinned;
  Bytes used;
  Bytes peak;
  Bytes guarantee;
  std::optional<Bytes> maximum;  // nothing: the line alone
  Bytes pinned;
  std::uint64_t refused = 0;
  Flow::Rates flow{};
};

struct WaitStatus {
  std::string cause;
  LoadLine::WaitStats stats;
};

// The counters of Traffic, at one time.
struct TrafficStatus {
  std::uint64_t connections = 0, kafka_connections = 0, http_connections = 0, accepted = 0,
                connections_refused = 0, accept_paused = 0;
  std::uint64_t commands = 0, bytes_received = 0, bytes_sent = 0, readers_closed = 0, bodies_closed = 0;
  std::uint64_t bodies_refused = 0, protocol_errors = 0, http_requests = 0;
};

struct KeyspaceStatus {
  unsigned database = 0;
  std::uint64_t keys = 0;
  std::uint64_t expiring = 0;
};

struct LogStatus {
  LogStore::Stats store;
  Broker::Stats broker;
};

struct Status {
  Settings settings;
  int process = 0;
  Duration uptime{};
  std::int64_t wall_ms = 0;
  std::uint16_t resp_port = 0;
  std::uint16_t kafka_port = 0;
  std::uint16_t http_port = 0;

  Bytes limit;
  Bytes line;
  Bytes reserve;
  Bytes headroom;
  Bytes charged;
  Bytes highest_charged;
  Bytes droppable;
  Bytes wanted;
  Flow::Rates flow;
  bool enforcing = true;
  std::vector<AccountStatus> accounts;
  std::vector<WaitStatus> waits;

  Governor::Snapshot governor;
  std::vector<Event> events;  // folded(), oldest first
  ByteCache::Stats cache;
  CacheAnalysis analysis;  // without what takes a replay
  FullCache policy;
  // Of the databases that have keys; nothing: all keys are in the first.
  std::optional<std::vector<KeyspaceStatus>> keyspace;
  TrafficStatus traffic;
  Pace::Figures pace;
  std::optional<LogStatus> log;
  std::optional<LevelStatus> level;

  Bytes free() const { return line.minus_clamped(charged); }
  double pressure() const { return ratio(charged.minus_clamped(droppable), line); }
};

Status collect_status(const StatusSources& sources);

// What is done over and over (a cache gives back, readers are closed) is told once for a minute, with its
// sums and how often, at its last time: else it would leave no room for when the level rose. Nothing is moved
// past a change of the level.
std::vector<Event> folded(const std::vector<Event>& events);

// "1.2 MiB/s", "-" where it is next to nothing; growth with its sign.
std::string rate_text(double bytes_per_second);
std::string growth_text(const std::optional<double>& bytes_per_second);

// "12.3 %" of a share from 0 to 1.
std::string per_cent(double share);

// "hits in 1.2 us (p50), 9 us (p99); misses in ...".
std::string read_times_text(const Pace::Figures& pace);

// For people.
std::string status_text(const Status& status);
// One object; every figure carries its unit last.
std::string status_json(const Status& status);

}  // namespace plimsoll
