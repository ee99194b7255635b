#include "plimsoll/server/redis_config.h"

#include <algorithm>
#include <iterator>

#include "plimsoll/base/text.h"
#include "plimsoll/cache/byte_cache.h"

namespace plimsoll {
namespace {

constexpr std::string_view kPolicies =
    "argument(s) must be one of the following: allkeys-lru, allkeys-lfu, fifo, adaptive, noeviction";
constexpr std::string_view kNoVolatile =
    "keys without a time to live would never give way; allkeys-lru, allkeys-lfu, fifo, adaptive, noeviction "
    "are there";
constexpr std::string_view kNoRandom =
    "choosing at random is worse than fifo, which costs as little; allkeys-lru, allkeys-lfu, fifo, adaptive, "
    "noeviction are there";

// Redis's words for our levels, and back.
struct LevelName {
  std::string_view redis;
  std::string_view ours;
};
constexpr LevelName kLevels[] = {
    {"debug", "debug"}, {"verbose", "debug"}, {"notice", "info"}, {"warning", "warning"}, {"nothing", "off"}};

std::string_view redis_level(std::string_view ours) {
  if (ours == "error") return "warning";
  std::string_view found = "notice";
  for (const LevelName& level : kLevels) {
    if (level.ours == ours && level.redis != "verbose") found = level.redis;
  }
  return found;
}

// As Redis reads a memory value: digits, which may be absent, and a unit.
bool is_redis_memory(std::string_view value) {
  const std::size_t digits = std::min(value.find_first_not_of("0123456789"), value.size());
  constexpr std::string_view kUnits[] = {"", "b", "k", "kb", "m", "mb", "g", "gb"};
  return digits < 128 &&
         std::any_of(
             std::begin(kUnits), std::end(kUnits),
             [&](std::string_view unit) { return equals_ignoring_case(value.substr(digits), unit); });
}

}  // namespace

std::string redis_policy(FullCache policy) {
  const bool redis_has_it =
      policy.evicts && (policy.order == PolicyKind::kLru || policy.order == PolicyKind::kLfu);
  return (redis_has_it ? "allkeys-" : "") + std::string(name_of(policy));
}

std::vector<std::pair<std::string, std::string>> redis_config(const Settings& settings, Bytes line,
                                                              std::uint16_t resp_port) {
  return {{"activedefrag", "no"},
          {"appendfsync", "no"},
          {"appendonly", "no"},
          {"bind", settings.bind},
          {"cluster-enabled", "no"},
          {"compression", std::string(name_of(settings.compression))},
          {"daemonize", "no"},
          {"databases", "16"},
          {"default-ttl", short_duration(settings.default_ttl)},
          {"dir", settings.data_dir},
          {"entry-facts", settings.entry_facts ? "yes" : "no"},
          {"latency-monitor-threshold", "0"},
          {"loglevel", std::string(redis_level(settings.log_level))},
          {"maxmemory", std::to_string(line.count())},
          {"maxmemory-clients", "0"},
          {"maxmemory-policy", redis_policy(settings.policy)},
          {"notify-keyspace-events", ""},
          {"port", std::to_string(resp_port)},
          {"proto-max-bulk-len", std::to_string(ByteCache::kMaxValue)},
          {"replicaof", ""},
          {"requirepass", settings.password},
          {"save", ""},
          {"slaveof", ""},
          {"slowlog-log-slower-than", "-1"},
          {"slowlog-max-len", "0"},
          {"timeout", "0"},
          {"tls-port", "0"},
          {"unixsocket", ""}};
}

tl::expected<SettingChange, std::string> setting_change(const Settings& settings, Bytes line,
                                                        std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "maxmemory-policy")) {
    std::string lower(value);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (const std::optional<FullCache> policy = full_cache_named(lower))
      return SettingChange{"policy", std::string(name_of(*policy))};
    if (lower.starts_with("volatile-")) return tl::unexpected(std::string(kNoVolatile));
    return tl::unexpected(std::string(lower == "allkeys-random" ? kNoRandom : kPolicies));
  }
  if (equals_ignoring_case(name, "compression")) {
    for (const Compression known : kCompressions) {
      if (equals_ignoring_case(value, name_of(known)))
        return SettingChange{"compression", std::string(name_of(known))};
    }
    return tl::unexpected(std::string("argument(s) must be one of the following: off, lz4, zstd"));
  }
  if (equals_ignoring_case(name, "entry-facts")) {
    const bool yes = equals_ignoring_case(value, "yes");
    if (!yes && !equals_ignoring_case(value, "no"))
      return tl::unexpected(std::string("argument must be 'yes' or 'no'"));
    return SettingChange{"entry_facts", yes ? "on" : "off"};
  }
  if (equals_ignoring_case(name, "default-ttl")) return SettingChange{"default_ttl", std::string(value)};
  if (equals_ignoring_case(name, "loglevel")) {
    for (const LevelName& level : kLevels) {
      if (equals_ignoring_case(value, level.redis))
        return SettingChange{"log_level", std::string(level.ours)};
    }
    return tl::unexpected(
        std::string("argument(s) must be one of the following: debug, verbose, notice, warning, nothing"));
  }
  for (const auto& [known, current] : redis_config(settings, line, 0)) {
    if (!equals_ignoring_case(name, known)) continue;
    if (value == current) return SettingChange{};
    if (known == "maxmemory") {
      if (!is_redis_memory(value)) return tl::unexpected(std::string("argument must be a memory value"));
      return tl::unexpected(
          std::string("the line follows the limit that is found; start with --line to lower it"));
    }
    return tl::unexpected(std::string("can't set immutable config"));
  }
  return tl::unexpected(std::string("unknown option"));
}

}  // namespace plimsoll
