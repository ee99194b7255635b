// Broker: what answers Kafka's requests: the topics of one log store, this node's name, and the rules for
// both.
//
// It is the state that all connections share; one request under way is an Exchange (exchange.h). One node is
// the whole cluster: it leads every partition, and every request that needs another is answered as a cluster
// of one would.
//
// Thread-safety: all methods from any thread. Cost: a look-up a topic named. Limits: 65,536 partitions named
// in one request; records of 256 in one reply. Errors: Kafka's error codes. Ownership: refers to the store
// and the board, which must outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/commitlog/log_store.h"
#include "plimsoll/governor/admission.h"
#include "plimsoll/wire/kafka_api.h"

namespace plimsoll {

class Broker {
 public:
  // The cluster has one node, and this is its number.
  static constexpr std::int32_t kNode = 1;
  // Nothing ever leads again after another, so there is one epoch.
  static constexpr std::int32_t kLeaderEpoch = 0;
  static constexpr std::size_t kMostNamed = 65536;
  static constexpr std::int32_t kMostPartitions = 10'000;  // of one topic

  struct Options {
    LogStore& store;
    const AdmissionBoard& board;
    const Clock& clock;
    std::string cluster_id;  // 22 characters
    std::string host;        // where clients are told to connect; empty: where they reached us
    std::int32_t port = 9092;
    std::int32_t default_partitions = 4;
    bool auto_create = true;
    Bytes fetch_maximum = 55_MiB;     // of one reply, whatever its request allows
    Bytes request_maximum = 100_MiB;  // told to clients; a connection enforces it
    bool sync_before_reply = false;   // a produce request is answered when it is on the disk
    Account* waits = nullptr;         // charged for what fetches keep while they wait, if there is one
  };
  struct Stats {
    std::uint64_t requests = 0;
    std::uint64_t unknown = 0;  // of versions or kinds that are not served
    std::uint64_t malformed = 0;
    std::uint64_t produce_requests = 0;
    std::uint64_t produced_bytes = 0;
    std::uint64_t produce_refused = 0;  // by pressure
    std::uint64_t fetch_requests = 0;
    std::uint64_t fetched_bytes = 0;
    std::uint64_t fetches_waiting = 0;  // now
    std::uint64_t fetches_cut = 0;      // smaller than asked for, by pressure
    std::uint64_t throttled_requests = 0;
    std::chrono::milliseconds throttled{0};  // in all
  };

  explicit Broker(Options options) : options_(std::move(options)) {}

  const Options& options() const { return options_; }
  // Where the port was not known before it was bound. REQUIRES: no request yet.
  void set_port_if_unset(std::int32_t port) {
    if (options_.port == 0) options_.port = port;
  }
  LogStore& store() const { return options_.store; }
  std::int64_t wall_ms() const { return options_.clock.wall_ms(); }

  // The topic, made now if that is allowed and `create` says so. Null with the reason otherwise.
  std::shared_ptr<Topic> topic(std::string_view name, bool create, kafka::Code& why);

  Stats stats() const;
  void Describe(StatSink& sink) const;

 private:
  friend class Exchange;
  friend struct RequestContext;
  friend class FetchWait;
  struct Counters {
    std::atomic<std::uint64_t> requests{0}, unknown{0}, malformed{0}, produce_requests{0}, produced_bytes{0},
        produce_refused{0}, fetch_requests{0}, fetched_bytes{0}, fetches_waiting{0}, fetches_cut{0},
        throttled_requests{0}, throttled_ms{0};
  };

  Options options_;
  mutable Counters counters_;
  Mutex altering_;  // held from reading a topic's configuration until it is set
};

// What a client is told of a fault of the log.
kafka::Code code_of(LogError error);

}  // namespace plimsoll
