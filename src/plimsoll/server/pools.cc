#include "plimsoll/server/pools.h"

#include <algorithm>

#include "plimsoll/base/text.h"
#include "plimsoll/report/json_writer.h"
#include "plimsoll/report/table.h"
#include "plimsoll/server/node.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

// Of one refill of a magazine from slabs; nothing yet is a dash.
std::string mean_refill(const SlabAllocator::Stats& s) {
  if (s.refills_timed == 0) return "-";
  return std::to_string(static_cast<std::uint64_t>(s.refill_time.count()) / s.refills_timed) + " ns";
}

std::string allocator_table(const PoolsStatus& status) {
  Table table({{"allocator"},
               {"held", Align::kRight},
               {"given out", Align::kRight},
               {"free", Align::kRight},
               {"waiting", Align::kRight},
               {"idle", Align::kRight},
               {"efficiency", Align::kRight},
               {"fragmentation", Align::kRight},
               {"rounding", Align::kRight},
               {"depot hits", Align::kRight},
               {"refill", Align::kRight},
               {"threads", Align::kRight},
               {"refused", Align::kRight}});
  for (const auto& [name, s] : status.allocators) {
    const bool used = !s.held().zero();
    auto share = [used](double of) { return used ? per_cent(of) : std::string("-"); };
    table.row({name, format_bytes(s.held()), format_bytes(s.given_out), format_bytes(s.free),
               format_bytes(s.waiting), format_bytes(s.idle), share(s.efficiency()), share(s.fragmentation()),
               share(s.rounding()), share(s.hit_ratio()), mean_refill(s), std::to_string(s.threads),
               std::to_string(s.refused)});
  }
  return table.text();
}

std::string pool_table(const PoolsStatus& status) {
  Table table({{"pool"},
               {"buffers of", Align::kRight},
               {"existing", Align::kRight},
               {"in use", Align::kRight},
               {"idle limit", Align::kRight},
               {"created", Align::kRight},
               {"reused", Align::kRight},
               {"reuse rate", Align::kRight},
               {"discarded", Align::kRight}});
  for (const auto& [name, s] : status.pools) {
    for (const BufferPool::BucketStats& b : s.buckets) {
      const std::uint64_t acquired = b.created + b.reused;
      table.row({name, format_bytes(b.size), std::to_string(b.existing),
                 std::to_string(acquired - std::min(acquired, b.returned)), std::to_string(b.limit),
                 std::to_string(b.created), std::to_string(b.reused),
                 acquired == 0 ? "-" : per_cent(b.reuse_rate()), std::to_string(b.discarded)});
    }
  }
  return table.text();
}

}  // namespace

PoolsStatus collect_pools(const Node& node) {
  return {.allocators = {{"connections", node.connection_slabs.stats()},
                         {"output", node.output_slabs.stats()},
                         {"requests", node.request_slabs.stats()},
                         {"cache", node.cache.slabs().stats()}},
          .pools = {{"output", node.output_buffers.stats()}, {"requests", node.request_pool.stats()}}};
}

std::string pools_text(const PoolsStatus& status) {
  return allocator_table(status) +
         "\n"
         "efficiency: given out of held; fragmentation: free between objects in use; rounding: lost to size\n"
         "classes (sampled); depot hits: magazines that were there when asked for; refill: one from slabs\n"
         "\n" +
         pool_table(status);
}

std::string pools_json(const PoolsStatus& status) {
  JsonWriter json;
  json.begin_object().begin_array("allocators");
  for (const auto& [name, s] : status.allocators) {
    json.begin_object()
        .field("name", name)
        .field("held_bytes", s.held())
        .field("given_out_bytes", s.given_out)
        .field("free_bytes", s.free)
        .field("waiting_bytes", s.waiting)
        .field("idle_bytes", s.idle)
        .field("given_back_bytes", s.gone)
        .field("metadata_bytes", s.metadata)
        .field("efficiency_ratio", s.efficiency())
        .field("fragmentation_ratio", s.fragmentation())
        .field("rounding_ratio", s.rounding())
        .field("hit_ratio", s.hit_ratio())
        .field("refill_seconds_total", std::chrono::duration<double>(s.refill_time).count())
        .field("refills_timed", s.refills_timed)
        .field("exchanges", s.exchanges)
        .field("taken_from_slabs", s.from_slabs)
        .field("threads", static_cast<std::uint64_t>(s.threads))
        .field("refused", s.refused)
        .end();
  }
  json.end().begin_array("pools");
  for (const auto& [name, s] : status.pools) {
    json.begin_object().field("name", name).field("idle_bytes", s.idle).field("large_bytes", s.large);
    json.field("refused", s.refused).begin_array("buckets");
    for (const BufferPool::BucketStats& b : s.buckets) {
      json.begin_object()
          .field("size_bytes", b.size)
          .field("existing", b.existing)
          .field("idle_limit", b.limit)
          .field("created", b.created)
          .field("reused", b.reused)
          .field("returned", b.returned)
          .field("discarded", b.discarded)
          .field("reuse_ratio", b.reuse_rate())
          .end();
    }
    json.end().end();
  }
  return json.end().end().take();
}

}  // namespace plimsoll
