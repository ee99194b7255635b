// LoadStats: what a load client counts, readable while it runs.
//
// Thread-safety: all of it from any thread (relaxed counters and a Histogram). Cost: 5 KiB. Limits: the texts
// of the first other error and the first wrong value are kept, no more. Errors: none.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "plimsoll/base/histogram.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

using LoadCounter = std::atomic<std::uint64_t>;

struct LoadStats {
  LoadCounter sent{0};        // requests put on the wire
  LoadCounter answered{0};    // replies of any kind
  LoadCounter stored{0};      // writes that were accepted
  LoadCounter hits{0};        // reads that gave a value
  LoadCounter misses{0};      // reads that found nothing: a cache may forget
  LoadCounter wrong{0};       // reads that gave another value, and replies that are not RESP
  LoadCounter refused{0};     // errors that begin with OOM
  LoadCounter errors{0};      // other errors
  LoadCounter lost{0};        // requests under way on a connection that ended
  LoadCounter reconnects{0};  // connections that ended and were made again
  LoadCounter stalls{0};      // replies that took longer than the stall time, or never came
  LoadCounter bytes_out{0};
  LoadCounter bytes_in{0};
  Histogram latency_ns;  // from when a request was due (paced) or sent (at full speed) to its reply

  void note_error(std::string_view text) { note(first_error_, text); }
  void note_wrong(std::string_view text) { note(first_wrong_, text); }
  std::string first_error() const { return read(first_error_); }
  std::string first_wrong() const { return read(first_wrong_); }

 private:
  void note(std::string& kept, std::string_view text) {
    MutexLock lock(mutex_);
    if (kept.empty()) kept = text;
  }
  std::string read(const std::string& kept) const {
    MutexLock lock(mutex_);
    return kept;
  }

  mutable Mutex mutex_;
  std::string first_error_;
  std::string first_wrong_;
};

}  // namespace plimsoll
