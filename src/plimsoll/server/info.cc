#include "plimsoll/server/info.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <array>
#include <cinttypes>
#include <cstdio>

#include "plimsoll/base/hash.h"
#include "plimsoll/server/redis_config.h"
#include "plimsoll/server/version.h"

namespace plimsoll {
namespace {

class Section {
 public:
  explicit Section(std::string_view title) : text_("# " + std::string(title) + "\r\n") {}

  Section& field(std::string_view name, std::string_view value) {
    text_.append(name).append(":").append(value).append("\r\n");
    return *this;
  }
  Section& field(std::string_view name, std::uint64_t value) { return field(name, std::to_string(value)); }
  // name and name_human, as "1.50M".
  Section& size(const std::string& name, Bytes bytes) {
    return field(name, bytes.count()).field(name + "_human", redis_size(bytes));
  }
  Section& fixed(std::string_view name, double value, int digits) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return field(name, text.data());
  }
  Section& share(std::string_view name, double value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.2f%%", 100 * value);
    return field(name, text.data());
  }
  std::string text() const { return text_; }

 private:
  // As Redis writes it, which is not how we do.
  static std::string redis_size(Bytes bytes) {
    static constexpr std::array<char, 4> kUnits = {'K', 'M', 'G', 'T'};
    double value = bytes.as_double();
    if (value < 1024) return std::to_string(bytes.count()) + "B";
    std::size_t unit = 0;
    for (value /= 1024; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f%c", value, kUnits[unit]);
    return text.data();
  }

  std::string text_;
};

// Forty hexadecimal digits that are this process's own, as replication and consoles want them.
std::string run_id(const Status& s) {
  std::int64_t started = s.wall_ms - std::chrono::duration_cast<std::chrono::milliseconds>(s.uptime).count();
  std::string seed = std::to_string(s.process) + "/" + std::to_string(started / 1000);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "%016" PRIx64 "%08" PRIx64, hash64(seed, 1),
                hash64(seed, 2), hash64(seed, 3) >> 32);
  return text.data();
}

std::string server_section(const Status& s) {
  utsname names{};
  uname(&names);
  auto seconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(s.uptime).count());
  return Section("Server")
      .field("redis_version", kRedisVersion)
      .field("redis_git_sha1", "00000000")
      .field("redis_git_dirty", "0")
      .field("redis_mode", "standalone")
      .field("server_name", "plimsoll")
      .field("plimsoll_version", kVersion)
      .field("os", std::string(names.sysname) + " " + names.release + " " + names.machine)
      .field("arch_bits", "64")
      .field("monotonic_clock", "POSIX clock_gettime")
      .field("multiplexing_api", "epoll")
      .field("process_id", static_cast<std::uint64_t>(s.process))
      .field("run_id", run_id(s))
      .field("tcp_port", s.resp_port)
      .field("server_time_usec", static_cast<std::uint64_t>(s.wall_ms) * 1000)
      .field("uptime_in_seconds", seconds)
      .field("uptime_in_days", seconds / 86400)
      .field("io_threads_active", "0")
      .text();
}

std::string clients_section(const Status& s) {
  return Section("Clients")
      .field("connected_clients", s.traffic.connections)
      .field("cluster_connections", "0")
      .field("blocked_clients", "0")
      .field("tracking_clients", "0")
      .text();
}

std::string memory_section(const Status& s) {
  const ProcessMemory& process = s.governor.slow.process;
  const MachineMemory& machine = s.governor.slow.machine;
  Bytes cache = s.cache.segments + s.cache.extents + s.cache.index;
  Bytes dataset = s.cache.payload;
  return Section("Memory")
      .size("used_memory", s.charged)
      .size("used_memory_rss", process.resident)
      .size("used_memory_peak", s.highest_charged)
      .share("used_memory_peak_perc", ratio(s.charged, s.highest_charged))
      .field("used_memory_overhead", s.charged.minus_clamped(dataset).count())
      .field("used_memory_dataset", dataset.count())
      .share("used_memory_dataset_perc", ratio(dataset, s.charged))
      .field("allocator_allocated", cache.count())
      .size("total_system_memory", machine.total)
      .size("maxmemory", s.line)
      .field("maxmemory_policy", redis_policy(s.policy))
      .fixed("mem_fragmentation_ratio", ratio(process.resident, s.charged), 2)
      .field("mem_allocator", "plimsoll-" + std::string(kVersion))
      .field("plimsoll_limit", s.limit.count())
      .field("plimsoll_level", name_of(s.governor.sample.level))
      .field("plimsoll_compressed_keys", s.cache.packed)
      .field("plimsoll_compression_saved", s.cache.saved.count())
      .text();
}

// There is nothing to load or save; tools wait for `loading:0`.
std::string persistence_section(const Status&) {
  return Section("Persistence")
      .field("loading", "0")
      .field("rdb_bgsave_in_progress", "0")
      .field("aof_enabled", "0")
      .text();
}

std::string stats_section(const Status& s) {
  const TrafficStatus& t = s.traffic;
  return Section("Stats")
      .field("total_connections_received", t.accepted)
      .field("total_commands_processed", t.commands)
      .field("instantaneous_ops_per_sec", s.pace.per_second.commands)
      .field("total_net_input_bytes", t.bytes_received)
      .field("total_net_output_bytes", t.bytes_sent)
      .fixed("instantaneous_input_kbps", static_cast<double>(s.pace.per_second.received) / 1024, 2)
      .fixed("instantaneous_output_kbps", static_cast<double>(s.pace.per_second.sent) / 1024, 2)
      .field("rejected_connections", t.connections_refused)
      .field("expired_keys", s.cache.expired)
      .field("evicted_keys", s.cache.evicted)
      .field("evicted_clients", t.readers_closed)
      .field("keyspace_hits", s.cache.hits)
      .field("keyspace_misses", s.cache.misses)
      .fixed("plimsoll_hit_usec_p50", static_cast<double>(s.pace.hits.p50_ns) / 1000, 2)
      .fixed("plimsoll_hit_usec_p99", static_cast<double>(s.pace.hits.p99_ns) / 1000, 2)
      .fixed("plimsoll_miss_usec_p50", static_cast<double>(s.pace.misses.p50_ns) / 1000, 2)
      .fixed("plimsoll_miss_usec_p99", static_cast<double>(s.pace.misses.p99_ns) / 1000, 2)
      .field("plimsoll_evicted_per_sec", s.pace.per_second.evicted)
      .field("pubsub_channels", "0")
      .field("latest_fork_usec", "0")
      .text();
}

std::string replication_section(const Status& s) {
  return Section("Replication")
      .field("role", "master")
      .field("connected_slaves", "0")
      .field("master_replid", run_id(s))
      .field("master_repl_offset", "0")
      .text();
}

std::string cpu_section(const Status&) {
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Section("CPU")
      .fixed("used_cpu_sys", seconds(usage.ru_stime), 6)
      .fixed("used_cpu_user", seconds(usage.ru_utime), 6)
      .text();
}

std::string modules_section(const Status&) { return Section("Modules").text(); }

std::string cluster_section(const Status&) { return Section("Cluster").field("cluster_enabled", "0").text(); }

std::string keyspace_section(const Status& s) {
  Section section("Keyspace");
  std::vector<KeyspaceStatus> all;
  if (s.cache.items > 0) all.push_back({.database = 0, .keys = s.cache.items, .expiring = s.cache.expiring});
  for (const KeyspaceStatus& database : s.keyspace.value_or(all)) {
    section.field("db" + std::to_string(database.database),
                  "keys=" + std::to_string(database.keys) + ",expires=" + std::to_string(database.expiring) +
                      ",avg_ttl=0");
  }
  return section.text();
}

// Redis has none; only where there is a level, or one asks.
std::string levels_section(const Status& s) {
  Section section("Levels");
  if (s.level) section.field("level_" + s.level->name, level_info(*s.level));
  return section.text();
}

struct Named {
  std::string_view name;
  std::string (*write)(const Status&);
};
// In Redis's order.
constexpr std::array<Named, 11> kSections = {{{"server", &server_section},
                                              {"clients", &clients_section},
                                              {"memory", &memory_section},
                                              {"persistence", &persistence_section},
                                              {"stats", &stats_section},
                                              {"replication", &replication_section},
                                              {"cpu", &cpu_section},
                                              {"modules", &modules_section},
                                              {"cluster", &cluster_section},
                                              {"keyspace", &keyspace_section},
                                              {"levels", &levels_section}}};

}  // namespace

std::string info_text(const Status& status, std::string_view section) {
  bool all = section == "default" || section == "all" || section == "everything";
  std::string text;
  for (const Named& named : kSections) {
    if (all ? named.write == &levels_section && !status.level : named.name != section) continue;
    if (!text.empty()) text += "\r\n";
    text += named.write(status);
  }
  return text;
}

}  // namespace plimsoll
