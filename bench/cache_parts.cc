// What clients ask of a cache, beside Redis and memcached: parts of bench_cache, which has the room's own
// benchmarks too. The rate and the CPU of requests are compared with Redis alone, as the load is of its
// protocol; memcached is asked what its items cost.
#include "parts.h"
#include "server_bench.h"

namespace plimsoll {
namespace {

const BenchPart kItems("items", [](RowPrinter& rows) {
  bench_item_bytes(server_bench_beside("/proc/self/exe"), rows);
});
const BenchPart kSpeed("speed",
                       [](RowPrinter& rows) { bench_speed(server_bench_beside("/proc/self/exe"), rows); });

}  // namespace
}  // namespace plimsoll
