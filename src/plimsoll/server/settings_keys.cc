#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "plimsoll/base/text.h"
#include "plimsoll/broker/broker.h"
#include "plimsoll/server/remote_level.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {
namespace {

constexpr Bytes kSmallestLine = 16_MiB;  // below that nothing is left beside the program itself
constexpr std::size_t kLongestPassword = 512;
constexpr unsigned kMostLoops = 256;
constexpr std::uint64_t kMostItems = std::uint64_t{1} << 40;

const char* parse_switch(std::string_view text, bool& value) {
  for (std::string_view word : {"on", "true", "yes", "1"}) {
    if (equals_ignoring_case(text, word)) return value = true, nullptr;
  }
  for (std::string_view word : {"off", "false", "no", "0"}) {
    if (equals_ignoring_case(text, word)) return value = false, nullptr;
  }
  return "write on or off";
}

const char* parse_port(std::string_view text, std::uint16_t& port) {
  std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number > 65535) return "a port is a number from 0 to 65535, where 0 takes any free one";
  port = static_cast<std::uint16_t>(*number);
  return nullptr;
}

const char* set_line(Settings& settings, std::string_view text) {
  if (text.empty()) return settings.line.clear(), nullptr;
  // Of an endless whole, so that any share is above the smallest line.
  Result<Bytes> line = parse_bytes_or_share(text, Bytes::max());
  if (!line) return "write a size, as in 512MiB, or a share of what was found, as in 50%";
  if (*line < kSmallestLine) return "a line of less than 16MiB leaves nothing beside the program itself";
  settings.line = text;
  return nullptr;
}

const char* set_page_cache(Settings& settings, std::string_view text) {
  if (!text.empty() && !parse_bytes_or_share(text, Bytes::max()))
    return "write a size, as in 64MiB, or a share of the line, as in 10%";
  settings.page_cache = text;
  return nullptr;
}

bool is_address(std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  std::string name(text);
  return inet_pton(AF_INET, name.c_str(), binary.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), binary.data()) == 1;
}

const char* set_bind(Settings& settings, std::string_view text) {
  if (text == "localhost") text = "127.0.0.1";
  if (!is_address(text)) return "write an address, as in 127.0.0.1, ::1 or 0.0.0.0";
  settings.bind = text;
  return nullptr;
}

const char* set_password(Settings& settings, std::string_view text) {
  if (text.size() > kLongestPassword) return "a password has at most 512 bytes";
  settings.password = text;
  return nullptr;
}

const char* set_policy(Settings& settings, std::string_view text) {
  const std::optional<FullCache> policy = full_cache_named(text);
  if (!policy)
    return "write lru, lfu, fifo or adaptive (what gives way first) or noeviction (writes are refused)";
  // Whoever evicts again after noeviction goes on in the same order.
  settings.policy = policy->evicts ? *policy : FullCache{.evicts = false, .order = settings.policy.order};
  return nullptr;
}

const char* set_objective(Settings& settings, std::string_view text) {
  const std::optional<Objective> objective = objective_named(text);
  if (!objective) return "write objects or bytes";
  settings.objective = *objective;
  return nullptr;
}

const char* set_compression(Settings& settings, std::string_view text) {
  const std::optional<Compression> compression = compression_named(text);
  if (!compression) return "write off, lz4 or zstd";
  settings.compression = *compression;
  return nullptr;
}

const char* set_level_size(Bytes& size, std::string_view text) {
  const Result<Bytes> wanted = parse_bytes(text);
  if (!wanted || *wanted < 16_MiB || *wanted > Bytes(1ULL << 50))
    return "write a size from 16MiB on, as in 10GiB";
  size = *wanted;
  return nullptr;
}

const char* set_remote_level(Settings& settings, std::string_view text) {
  if (!text.empty() && !RemoteAddress::parse(text))
    return "write redis://HOST:PORT or memcached://HOST:PORT; redis://:PASSWORD@HOST:PORT with a password";
  settings.remote_level = text;
  return nullptr;
}

const char* set_level_wait(Settings& settings, std::string_view text) {
  std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number < 1 || *number > 10'000) return "write milliseconds, from 1 to 10000";
  settings.level_wait = std::chrono::milliseconds(*number);
  return nullptr;
}

const char* set_cache_items(Settings& settings, std::string_view text) {
  const std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number > kMostItems) return "write a number of keys, where 0 is as many as memory holds";
  settings.cache_items = *number;
  return nullptr;
}

const char* set_cache_size(Settings& settings, std::string_view text) {
  const Result<Bytes> size = text.empty() ? Result<Bytes>(Bytes()) : parse_bytes(text);
  if (!size) return "write a size, as in 64MiB, where 0 is what the line leaves";
  settings.cache_size = *size;
  return nullptr;
}

const char* set_cache_shards(Settings& settings, std::string_view text) {
  const std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number > 64 || (*number & (*number - 1)) != 0)
    return "write a power of two up to 64, where 0 is as many as cores and keys want";
  settings.cache_shards = static_cast<std::size_t>(*number);
  return nullptr;
}

const char* set_default_ttl(Settings& settings, std::string_view text) {
  const Result<std::chrono::milliseconds> time = parse_duration(text);
  if (!time) return "write a time, as in 10m, 90s or 500ms, where 0 is none";
  settings.default_ttl = *time;
  return nullptr;
}

const char* set_loops(Settings& settings, std::string_view text) {
  std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number > kMostLoops) return "write a number from 0 (one loop a core) to 256";
  settings.loops = static_cast<unsigned>(*number);
  return nullptr;
}

const char* set_log_level(Settings& settings, std::string_view text) {
  for (std::string_view level : {"debug", "info", "warning", "error", "off"}) {
    if (text == level) return settings.log_level = text, nullptr;
  }
  return "write debug, info, warning, error or off";
}

const char* set_advertised(Settings& settings, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (!text.empty() && (colon == std::string_view::npos || colon == 0 ||
                        parse_port(text.substr(colon + 1), port) != nullptr || port == 0))
    return "write HOST:PORT, as in broker.example:9092";
  settings.kafka_advertised = text;
  return nullptr;
}

const char* set_fsync(Settings& settings, std::string_view text) {
  if (text == "never") return settings.fsync = LogStore::Sync::kNever, nullptr;
  if (text == "interval") return settings.fsync = LogStore::Sync::kInterval, nullptr;
  if (text == "always") return settings.fsync = LogStore::Sync::kAlways, nullptr;
  return "write never (whenever the kernel writes), interval (see fsync_interval) or always (before each "
         "reply)";
}

const char* set_fsync_interval(Settings& settings, std::string_view text) {
  std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number < 1 || *number > 3'600'000) return "write milliseconds, from 1 to 3600000 (an hour)";
  settings.fsync_interval = std::chrono::milliseconds(*number);
  return nullptr;
}

const char* set_partitions(Settings& settings, std::string_view text) {
  std::optional<std::uint64_t> number = parse_uint64(text);
  if (!number || *number < 1 || *number > Broker::kMostPartitions) return "write a number from 1 to 10000";
  settings.partitions = static_cast<std::int32_t>(*number);
  return nullptr;
}

std::string on_off(bool value) { return value ? "on" : "off"; }

constexpr std::array<SettingKey, kSettingKeys> kKeys = {{
    {"line", "SIZE", "the most memory to hold, 512MiB or 50%; found by itself when not given", false, false,
     &set_line, [](const Settings& s) { return s.line; }},
    {"bind", "ADDRESS", "the address to listen on", false, false, &set_bind,
     [](const Settings& s) { return s.bind; }},
    {"resp_port", "PORT", "the port of RESP (Redis clients)", false, false,
     [](Settings& s, std::string_view text) { return parse_port(text, s.resp_port); },
     [](const Settings& s) { return std::to_string(s.resp_port); }},
    {"http_port", "PORT", "the port of HTTP (metrics and status)", false, false,
     [](Settings& s, std::string_view text) { return parse_port(text, s.http_port); },
     [](const Settings& s) { return std::to_string(s.http_port); }},
    {"kafka_port", "PORT", "the port of the log (Kafka clients); there is one where there is a data_dir",
     false, false, [](Settings& s, std::string_view text) { return parse_port(text, s.kafka_port); },
     [](const Settings& s) { return std::to_string(s.kafka_port); }},
    {"kafka_advertised", "HOST:PORT",
     "where Kafka clients are told to connect; the address they reached when not given", false, false,
     &set_advertised, [](const Settings& s) { return s.kafka_advertised; }},
    {"data_dir", "FOLDER", "where the log is kept; when not given there is no log, and nothing is kept",
     false, false,
     [](Settings& s, std::string_view text) -> const char* { return s.data_dir = text, nullptr; },
     [](const Settings& s) { return s.data_dir; }},
    {"fsync", "never|interval|always",
     "when the log is on the disk: whenever the kernel writes it, every interval, "
     "or before it is acknowledged",
     false, false, &set_fsync, &fsync_words},
    {"fsync_interval", "MS", "milliseconds between two syncs of the log", false, false, &set_fsync_interval,
     [](const Settings& s) { return std::to_string(s.fsync_interval.count()); }},
    {"page_cache", "SIZE",
     "page cache that the cache leaves to the log, 64MiB or 10% of the line; an eighth when not given", false,
     false, &set_page_cache, [](const Settings& s) { return s.page_cache; }},
    {"partitions", "NUMBER", "partitions of a topic that is made without a number", false, false,
     &set_partitions, [](const Settings& s) { return std::to_string(s.partitions); }},
    {"auto_create_topics", "on|off", "make topics when they are first asked for or produced to", false, false,
     [](Settings& s, std::string_view text) { return parse_switch(text, s.auto_create_topics); },
     [](const Settings& s) { return on_off(s.auto_create_topics); }},
    {"governor", "on|off", "off: grant everything and give nothing back, for control runs only", false, false,
     [](Settings& s, std::string_view text) { return parse_switch(text, s.governor); },
     [](const Settings& s) { return on_off(s.governor); }},
    {"password", "TEXT",
     "what clients must say (AUTH); other users of the machine can read flags, so better a file", false, true,
     &set_password, [](const Settings& s) { return s.password; }},
    {"insecure", "", "allow an address that others can reach without a password", false, false,
     [](Settings& s, std::string_view text) { return parse_switch(text, s.insecure); },
     [](const Settings& s) { return on_off(s.insecure); }},
    {"policy", "lru|lfu|fifo|adaptive|noeviction", "what gives way to a write when the line is reached", true,
     false, &set_policy, [](const Settings& s) { return std::string(name_of(s.policy)); }},
    {"objective", "objects|bytes", "whether adaptive makes few misses, or few missed bytes", false, false,
     &set_objective, [](const Settings& s) { return std::string(name_of(s.objective)); }},
    {"analysis", "on|off",
     "keep a sample of the cache's requests, for plimsoll cache; it costs 1 % of the line", false, false,
     [](Settings& s, std::string_view text) { return parse_switch(text, s.analysis); },
     [](const Settings& s) { return on_off(s.analysis); }},
    {"compression", "off|lz4|zstd",
     "what values are compressed with, if it pays, before the cache would give them up", true, false,
     &set_compression, [](const Settings& s) { return std::string(name_of(s.compression)); }},
    {"entry_facts", "on|off", "keep when each entry was made and read last, and how often; 12 bytes an entry",
     true, false, [](Settings& s, std::string_view text) { return parse_switch(text, s.entry_facts); },
     [](const Settings& s) { return on_off(s.entry_facts); }},
    {"disk_level", "FOLDER",
     "where values that memory gives up are kept, and found again; when not given they are gone", false,
     false, [](Settings& s, std::string_view text) -> const char* { return s.disk_level = text, nullptr; },
     [](const Settings& s) { return s.disk_level; }},
    {"disk_level_size", "SIZE", "how much of the disk it takes, at most", false, false,
     [](Settings& s, std::string_view text) { return set_level_size(s.disk_level_size, text); },
     [](const Settings& s) { return format_bytes(s.disk_level_size); }},
    {"remote_level", "URL",
     "the same in a cache on another machine: redis://HOST:PORT or memcached://HOST:PORT", false, true,
     &set_remote_level, [](const Settings& s) { return s.remote_level; }},
    {"remote_level_size", "SIZE", "how much is kept there, at most", false, false,
     [](Settings& s, std::string_view text) { return set_level_size(s.remote_level_size, text); },
     [](const Settings& s) { return format_bytes(s.remote_level_size); }},
    {"level_wait", "MS", "milliseconds that a command waits for a key from below, at most", false, false,
     &set_level_wait, [](const Settings& s) { return std::to_string(s.level_wait.count()); }},
    {"cache_items", "NUMBER", "the most keys to keep; 0 is as many as memory holds", false, false,
     &set_cache_items, [](const Settings& s) { return std::to_string(s.cache_items); }},
    {"cache_size", "SIZE",
     "the most bytes of keys, values and what is kept with each, 64MiB; 0 is what the line leaves", false,
     false, &set_cache_size, [](const Settings& s) { return std::to_string(s.cache_size.count()); }},
    {"cache_shards", "NUMBER", "parts of the cache with a lock each; 0 is as many as cores and keys want",
     false, false, &set_cache_shards, [](const Settings& s) { return std::to_string(s.cache_shards); }},
    {"default_ttl", "TIME",
     "how long values last that are written without a time to live, 10m; 0 is until they give way", true,
     false, &set_default_ttl, [](const Settings& s) { return short_duration(s.default_ttl); }},
    {"loops", "NUMBER", "event loops; 0 is one a core", false, false, &set_loops,
     [](const Settings& s) { return std::to_string(s.loops); }},
    {"log_level", "LEVEL", "debug, info, warning, error or off", true, false, &set_log_level,
     [](const Settings& s) { return s.log_level; }},
}};

}  // namespace

std::optional<FullCache> full_cache_named(std::string_view name) {
  if (name == "noeviction") return FullCache{.evicts = false};
  // Redis's names of ours; its allkeys-random and volatile ones are nothing that a cache gains by.
  if (name == "allkeys-lru" || name == "allkeys-lfu") name.remove_prefix(std::string_view("allkeys-").size());
  const std::optional<PolicyKind> order = policy_named(name);
  return order ? std::optional(FullCache{.order = *order}) : std::nullopt;
}

std::string_view name_of(FullCache policy) { return policy.evicts ? name_of(policy.order) : "noeviction"; }

std::string fsync_words(const Settings& settings) {
  switch (settings.fsync) {
    case LogStore::Sync::kNever:
      return "never";
    case LogStore::Sync::kInterval:
      return "interval";
    case LogStore::Sync::kAlways:
      break;
  }
  return "always";
}

std::pair<std::string, std::uint16_t> Settings::advertised() const {
  const std::size_t colon = kafka_advertised.rfind(':');
  if (colon == std::string::npos) return {};
  std::string host = kafka_advertised.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  static_cast<void>(parse_port(std::string_view(kafka_advertised).substr(colon + 1), port));
  return {host, port};
}

std::span<const SettingKey, kSettingKeys> setting_keys() { return kKeys; }

const SettingKey* find_setting(std::string_view name) {
  auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [name](const SettingKey& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::string SettingKey::flag() const {
  std::string text = "--" + std::string(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string SettingKey::environment() const {
  std::string text = "PLIMSOLL_" + std::string(name);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

bool is_loopback(std::string_view address) {
  std::string name(address);
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, name.c_str(), &v6) != 1) return false;
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), &v6, bytes.size());
  static constexpr std::array<unsigned char, 13> kMapped127 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  static constexpr std::array<unsigned char, 16> kOne = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == kOne || std::equal(kMapped127.begin(), kMapped127.end(), bytes.begin());
}

}  // namespace plimsoll
