// LoadWorker: one thread of a LoadClient: its connections, its schedule and its poll.
//
// Thread-safety: start, stop and connected_ from its owner; the rest is its own thread. Cost: 256 KiB of read
// buffer. Limits: see LoadOptions. Errors: connections that end are opened again after kRetry. Ownership:
// refers to its client's options, values, statistics and tickets, which outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/cli/load.h"
#include "plimsoll/cli/load_connection.h"

namespace plimsoll {

class LoadWorker {
 public:
  static constexpr Duration kRetry = std::chrono::milliseconds(20);

  struct Shared {
    const LoadOptions& options;
    const ValueSource& values;
    LoadStats& stats;
    std::atomic<std::uint64_t>& tickets;  // requests handed out, over all workers
  };
  LoadWorker(const Shared& shared, unsigned index, unsigned connections);
  ~LoadWorker();

  Result<void> start();
  void stop();

 private:
  void run();
  void tend(MonotonicTime now);
  void open(LoadConnection& connection);
  void issue_due(MonotonicTime now);
  void issue_batch(LoadConnection& connection, MonotonicTime now);
  bool ask(LoadConnection& connection, MonotonicTime due);
  void wait(Duration timeout);

  const Shared shared_;
  const unsigned index_;
  const Duration interval_;  // between requests when paced
  Random random_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<char> buffer_;
  int poll_ = -1;
  MonotonicTime next_due_;
  MonotonicTime next_tending_;
  std::size_t next_connection_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace plimsoll
