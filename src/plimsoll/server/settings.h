// Settings and Configuration: what a person may tell the server, from four sources and one table of keys.
//
// A default gives way to the TOML file, the file to the environment, that to a flag, and a flag to what is
// set while the server runs; in which order they are loaded does not matter. One row of setting_keys() makes
// a key's name in TOML (resp_port), in the environment (PLIMSOLL_RESP_PORT), as a flag (--resp-port) and in
// the help.
//
//   Configuration configuration;
//   if (auto loaded = configuration.load_file("plimsoll.toml"); !loaded) return refuse(loaded.error());
//   run_server(configuration.settings());
//
// Invariant: every value of settings() has passed its key's parser, and origin() says who gave it.
//
// Thread-safety: one thread at a time. Cost: a file of some lines, read once. Limits: files to 1 MiB. Errors:
// a text for a person: where, what is wrong, what would be right; one line for each fault. Ownership: copies
// all it is given.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/cache/compressor.h"
#include "plimsoll/cache/policy.h"
#include "plimsoll/commitlog/log_store.h"

namespace plimsoll {

// What a write does when the line is reached: items give way in the order of a policy, or it is refused.
struct FullCache {
  bool evicts = true;
  PolicyKind order = PolicyKind::kAdaptive;  // kept while nothing is evicted
  bool operator==(const FullCache&) const = default;
};
// "lru" and Redis's "allkeys-lru", "lfu" and "allkeys-lfu", "fifo", "adaptive", "noeviction"; nothing for
// another name.
std::optional<FullCache> full_cache_named(std::string_view name);
std::string_view name_of(FullCache policy);

struct Settings {
  std::string line;                // "512MiB", "50%" of what was found; empty: found
  std::string bind = "127.0.0.1";  // an address, v4 or v6
  std::uint16_t resp_port = 6379;  // 0: any free one, for both
  std::uint16_t http_port = 9644;
  std::uint16_t kafka_port = 9092;  // where there is a data_dir
  std::string kafka_advertised;     // HOST:PORT that clients are told; empty: where they reached us
  std::string data_dir;             // empty: nothing is kept, and there is no log
  LogStore::Sync fsync = LogStore::Sync::kInterval;
  std::chrono::milliseconds fsync_interval{1000};
  std::string page_cache;          // "64MiB", "10%" of the line; empty: as the plan has it
  std::int32_t partitions = 4;     // of topics that are made without a number
  bool auto_create_topics = true;  // by who asks for them or produces to them
  bool governor = true;   // false: the line grants everything and nothing is given back (control runs)
  std::string password;   // empty: none is asked for
  bool insecure = false;  // a public address without a password
  FullCache policy;
  Objective objective = Objective::kObjects;  // what a policy that learns makes few misses of
  bool analysis = true;                       // of the cache: a sample of its requests is kept
  Compression compression = Compression::kOff;
  bool entry_facts = false;  // when each entry was made and read, and how often
  std::string disk_level;    // a folder; empty: there is no level on a disk
  Bytes disk_level_size = 4_GiB;
  std::string remote_level;  // "redis://HOST:PORT", "memcached://HOST:PORT"; empty: there is none
  Bytes remote_level_size = 4_GiB;
  std::chrono::milliseconds level_wait{100};  // that a command waits for a key from below, at most
  // Bounds of the cache beside the line; zero: none, and as many shards as cores and items want.
  std::uint64_t cache_items = 0;
  Bytes cache_size{};  // of records: keys, values and what is kept with each
  std::size_t cache_shards = 0;
  std::chrono::milliseconds default_ttl{0};  // of what is written without a time; zero: it stays
  unsigned loops = 0;                        // event loops; 0: one a core
  std::string log_level = "info";

  // What kafka_advertised says; where it says nothing, an empty host and port 0.
  std::pair<std::string, std::uint16_t> advertised() const;
};

enum class SettingOrigin : std::uint8_t { kDefault, kFile, kEnvironment, kFlag, kRuntime };
std::string_view name_of(SettingOrigin origin);

std::string fsync_words(const Settings& settings);  // never, interval or always

struct SettingKey {
  std::string_view name;   // as in TOML
  std::string_view value;  // what stands for it in the help; empty: a switch, on by being there
  std::string_view help;
  bool live;    // may be set while the server runs
  bool secret;  // is never shown
  // Null, or what would be right; the settings are unchanged then.
  const char* (*set)(Settings&, std::string_view text);
  std::string (*get)(const Settings&);

  std::string flag() const;         // --resp-port
  std::string environment() const;  // PLIMSOLL_RESP_PORT
};
inline constexpr std::size_t kSettingKeys = 31;
std::span<const SettingKey, kSettingKeys> setting_keys();
const SettingKey* find_setting(std::string_view name);  // null when there is none

// True where an address reaches this machine only.
bool is_loopback(std::string_view address);

class Configuration {
 public:
  using Outcome = tl::expected<void, std::string>;

  // All faults of a file are found at once, also lines that are not TOML; what is right in it is taken.
  Outcome load_file(const std::string& path);
  Outcome load_text(std::string_view toml, std::string_view file_name);
  // `environment`: as main() gets it, ends with null. What begins with PLIMSOLL_ is ours, but for what the
  // project's own tools use and for the names that Kubernetes makes for a service called plimsoll.
  Outcome load_environment(const char* const* environment);
  // `name` as in TOML, for both.
  Outcome set_flag(std::string_view name, std::string_view value);
  Outcome set_now(std::string_view name, std::string_view value);

  // What no key can know alone, all of it: call when all sources are loaded.
  Outcome Validate() const;

  const Settings& settings() const { return settings_; }
  // REQUIRES: setting_keys() has the name.
  SettingOrigin origin(std::string_view name) const;
  // "default", "plimsoll.toml:3", "PLIMSOLL_LINE", "--line", "set at run time".
  std::string origin_words(std::string_view name) const;
  // The value as one would write it; a secret as "(set)", "" when it is not.
  std::string shown(std::string_view name) const;

 private:
  struct Source {
    SettingOrigin origin = SettingOrigin::kDefault;
    std::string words = "default";
  };
  // Empty when all is well.
  std::string take(std::string_view name, std::string_view text, const Source& source);

  Settings settings_;
  std::array<Source, kSettingKeys> sources_;
};

}  // namespace plimsoll
