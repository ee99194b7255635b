// Node: what all loops of one server share: the line and its accounts, the cache, the governor, the counters.
//
// Built once from the settings, before any thread. Requests reach what they need through it; nothing in it
// knows about connections.
//
// Thread-safety: as its parts say; set_maximum-like changes from any thread. Cost: none of its own. Limits:
// none. Errors: open() says what is wrong with the machine or the settings. Ownership: owns its parts, in the
// order that they need.
#pragma once

#include <memory>
#include <string>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/broker/broker.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/budget/plan.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/lower_level.h"
#include "plimsoll/commitlog/log_store.h"
#include "plimsoll/governor/governor.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/os/storage.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/pool/request_buffers.h"
#include "plimsoll/server/body_gate.h"
#include "plimsoll/server/databases.h"
#include "plimsoll/server/flow.h"
#include "plimsoll/server/log.h"
#include "plimsoll/server/pace.h"
#include "plimsoll/server/settings.h"
#include "plimsoll/server/status.h"
#include "plimsoll/server/timeline.h"
#include "plimsoll/server/traffic.h"
#include "plimsoll/server/turnstile.h"

namespace plimsoll {

class Node {
 public:
  static tl::expected<std::unique_ptr<Node>, std::string> open(const Settings& settings);
  ~Node();

  // The line may have moved with its limit: the shares move with it. Cheap; called by a loop's tick.
  void follow_line();
  // For rates: a second apart or so.
  void look(MonotonicTime now);
  ServerPlan plan() const { return plan_server(line.line()); }
  // Adds to the timeline, and looks for rates of accounts, when a second has passed. Cheap; called by a
  // loop's tick.
  void keep_time();
  // Whether those that hold memory without using it are to be closed: the level is high, or output or pinned
  // values have taken half of what they may.
  bool pressed() const;
  // Gives back what nobody uses: idle slabs and buffers, and what malloc keeps free.
  void purge();
  Status status() const;
  // With forecasts of policies: tens of milliseconds, so not on a loop. The last one is good for a second.
  CacheAnalysis forecast() const;
  // The settings with what was changed while running.
  Settings current_settings() const;
  // Empty, or what is wrong. `name` of a live setting.
  std::string set_now(std::string_view name, std::string_view value);
  void Describe(StatSink& sink) const;

  const Settings settings;
  const SystemClock clock;
  const MonotonicTime started = clock.monotonic_now();
  Log log;
  std::unique_ptr<SystemProbe> probe;
  FoundLimit found;
  LoadLine line;
  Account& connections;  // state of connections, what waits, and bytes of requests that are not whole yet
  Account& http;         // state of HTTP connections: apart, so that whoever looks is let in when all is full
  Account& sockets;      // what the kernel holds in their buffers
  Account& bodies;       // large values under way
  Account& output;       // replies that were not read yet
  Account& idle;         // memory of those that nobody uses now; droppable
  Account& log_state;    // partitions and producers
  Account& indexes;      // of the log, mapped
  Account& page_cache;   // what the log needs of it at least
  SystemPages pages;
  SlabAllocator connection_slabs;  // connections, and bytes of their requests that are not whole yet
  SlabAllocator output_slabs;
  BufferPool output_buffers;
  SlabAllocator request_slabs;
  BufferPool request_pool;
  RequestBuffers requests;  // large ones of the log's clients
  ByteCache cache;
  std::unique_ptr<LowerLevel> lower;  // of the cache, where there is one
  Databases databases;
  Turnstile turnstile;  // of those who want to be alone
  AdmissionBoard board;
  EventLog events;
  Governor governor;
  BodyGate gate;
  Traffic traffic;
  Pace pace;
  Timeline timeline;
  Flow flow;
  SystemStorage storage;
  std::unique_ptr<LogStore> log_store;       // null without a data_dir
  std::unique_ptr<Broker> broker;            // the same
  std::atomic<std::int64_t> default_ttl_ms;  // of values that are written without a time to live; 0: none
  std::uint16_t resp_port = 0;               // as they were bound
  std::uint16_t kafka_port = 0;
  std::uint16_t http_port = 0;

 private:
  Node(const Settings& settings, std::unique_ptr<SystemProbe> probe, FoundLimit found);
  // Empty, or what is wrong with the data.
  std::string open_log();
  std::string open_level();
  std::atomic<std::uint64_t> followed_line_{0};
  Mutex set_mutex_;  // of set_now(): what others set meanwhile would be set back
  mutable Mutex forecast_mutex_;
  mutable CacheAnalysis forecast_ PLIMSOLL_GUARDED_BY(forecast_mutex_);
  mutable MonotonicTime forecast_at_ PLIMSOLL_GUARDED_BY(forecast_mutex_){};
};

}  // namespace plimsoll
