// Traffic: what the server's connections have done, counted.
//
// Thread-safety: relaxed counters, added to by every loop in batches. Cost: an atomic addition a batch.
// Limits: none. Errors: none. Ownership: the node's.
#pragma once

#include <atomic>
#include <cstdint>

#include "plimsoll/base/stat_sink.h"

namespace plimsoll {

struct Traffic {
  using Counter = std::atomic<std::uint64_t>;

  Counter connections{0};          // RESP, now
  Counter kafka_connections{0};    // now
  Counter http_connections{0};     // now
  Counter accepted{0};             // both kinds, ever
  Counter connections_refused{0};  // no memory for their state
  Counter accept_paused{0};        // out of file descriptors
  Counter commands{0};
  Counter bytes_received{0};
  Counter bytes_sent{0};
  Counter bytes_sent_from_files{0};  // of those, by sendfile
  Counter readers_closed{0};         // held more than their share and did not read
  Counter bodies_closed{0};          // slower than 64 KiB/s while memory was short
  Counter bodies_refused{0};         // could not be admitted, or not in time
  Counter protocol_errors{0};
  Counter http_requests{0};

  void Describe(StatSink& sink) const;
};

}  // namespace plimsoll
