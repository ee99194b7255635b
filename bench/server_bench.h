// The server beside its peers: the parts of bench_server, and of bench_cache what a cache is asked for by its
// clients; each prints its rows.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "harness.h"
#include "plimsoll/cli/flood_server.h"
#include "plimsoll/cli/load.h"

namespace plimsoll {

inline constexpr int kServerCore = 0;
inline constexpr int kClientCore = 1;
inline constexpr double kMustUsefulWork = 1 / 0.8;  // of work with memory enough, or of Redis's

struct ServerBench {
  std::string program;  // plimsoll
  std::string nothing;  // nothing_server
  std::string peers;    // folder of redis-server, redis-benchmark, memcached; empty: none
  unsigned rounds = 9;
  double seconds = 1;  // a round
  bool all = false;    // floods at 96 and 64 MiB too
  bool json = false;

  bool has_peers() const { return !peers.empty(); }
  std::string peer(const char* name) const { return peers + "/" + name; }
};

// With the programs that lie beside `program`, and the peers that PLIMSOLL_PEERS names.
ServerBench server_bench_beside(const std::string& program);

// Servers on kServerCore, ready; null, with words on standard error, when one does not start.
std::unique_ptr<FloodServer> start_plimsoll(const ServerBench& bench, const std::string& line);
std::unique_ptr<FloodServer> start_redis(const ServerBench& bench);
std::unique_ptr<FloodServer> start_nothing(const ServerBench& bench);
std::unique_ptr<FloodServer> start_memcached(const ServerBench& bench);

// False, with its last words on standard error, when the server has ended.
bool still_alive(FloodServer& server);
// Puts `keys` values of `value_size` into a RESP server, key_width characters each.
bool store(const FloodServer& server, std::uint64_t keys, std::size_t key_width, std::size_t value_size);

// Microseconds of the server's CPU, and of time, a request; no numbers when it answered nothing.
std::vector<double> round_of(const FloodServer& server, const ValueSource& values, const LoadOptions& load,
                             double seconds);

void bench_speed(const ServerBench& bench, RowPrinter& printer);            // CPU and rate by our client
void bench_redis_benchmark(const ServerBench& bench, RowPrinter& printer);  // the same by redis-benchmark
void bench_item_bytes(const ServerBench& bench, RowPrinter& printer);
void bench_idle(const ServerBench& bench, RowPrinter& printer);  // memory and the sampler's cost
void bench_pressure(const ServerBench& bench, RowPrinter& printer);
void bench_floods(const ServerBench& bench, RowPrinter& printer);

}  // namespace plimsoll
