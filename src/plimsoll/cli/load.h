// LoadClient: puts a load on a RESP server and checks what it answers.
//
// Many connections over a few threads, at full speed (batches of `pipeline` requests, as redis-benchmark -P
// sends them) or paced. A paced load is open: request i is due at start + i / rate whatever happened to those
// before it, and its latency counts from then, so that a server which stops for a second is seen to have kept
// a whole second's requests waiting (G. Tene's "coordinated omission"). Keys are drawn at random or in order;
// every value is f(key) and every read is compared (ValueSource).
//
//   ValueSource values;
//   LoadClient client({.port = 6379, .connections = 50, .keys = 100'000, .get_share = 0.5}, values);
//   if (auto started = client.start(); !started) return started.error();
//   std::this_thread::sleep_for(10s);
//   client.stop();
//   print(client.stats().latency_ns.quantile(0.99));
//
// Invariant: after stop(), sent == answered + lost + what was still under way.
//
// Thread-safety: start, stop and the wait by one owner; stats() from any thread. Cost: about 300 bytes a
// connection and 256 KiB a thread; 0.3-0.5 us of client CPU for a small pipelined request. Limits: RESP2;
// values to ValueSource::kLargest. Errors: start() fails when no connection can be made; later failures are
// counted and the connection made again. Ownership: refers to the ValueSource, which must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"
#include "plimsoll/cli/load_stats.h"
#include "plimsoll/cli/load_value.h"

namespace plimsoll {

enum class KeyOrder : std::uint8_t { kRandom, kInOrder };

struct LoadOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  unsigned connections = 1;
  unsigned threads = 1;
  unsigned pipeline = 1;       // requests of a batch, at full speed
  double rate = 0;             // requests a second over all connections; 0 is full speed
  std::uint64_t requests = 0;  // end after so many; 0 is never
  double get_share = 0;        // of the requests, 0..1; the others are SETs
  std::uint64_t keys = 1'000'000;
  KeyOrder order = KeyOrder::kRandom;
  std::string key_prefix = "key:";
  std::size_t key_width = 16;  // of a whole key
  std::size_t value_size = 100;
  bool verify = true;          // compare what reads give
  std::uint32_t versions = 1;  // values a key may have; a SET draws one of them
  std::uint64_t seed = 1;
  Duration stall{std::chrono::seconds(1)};
  int core = -1;           // pins the threads; -1 does not
  int receive_buffer = 0;  // of each socket; 0 is the kernel's choice

  Result<void> Validate() const;
};

class LoadWorker;

class LoadClient {
 public:
  LoadClient(LoadOptions options, const ValueSource& values);
  ~LoadClient();  // stops
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  Result<void> start();
  // Closes all connections, whatever is under way, and joins the threads.
  void stop();
  // True once `requests` have been answered (or lost).
  bool finished() const;
  bool wait_until_finished(MonotonicTime deadline) const;

  const LoadStats& stats() const { return *stats_; }
  const LoadOptions& options() const { return options_; }

 private:
  const LoadOptions options_;
  const ValueSource& values_;
  std::unique_ptr<LoadStats> stats_;
  std::atomic<std::uint64_t> tickets_{0};  // requests handed out, over all workers
  std::vector<std::unique_ptr<LoadWorker>> workers_;
};

}  // namespace plimsoll
