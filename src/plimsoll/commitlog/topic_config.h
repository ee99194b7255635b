// TopicConfig, TopicKey: how a topic keeps its log, and one table of the keys that say so, as Kafka names
// them.
//
// CreateTopics, DescribeConfigs, both AlterConfigs, the file topic.conf and the command line all read this
// one table, so that none can know a key that another does not. A key whose value would not be honoured is
// taken only with the value that is.
//
//   if (const TopicKey* key = find_topic_key("retention.ms")) wrong = key->set(config, "60000");
//
// Invariant: key.set(config, key.get(config)) changes nothing.
//
// Thread-safety: values; the table is constant. Cost: a search of some 35 rows; a short string a get. Limits:
// those that set() names. Errors: set() returns what would be right, or null. Ownership: static text.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll {

struct TopicConfig {
  std::int64_t retention_ms = std::int64_t{7} * 24 * 3600 * 1000;  // -1: for ever
  std::int64_t retention_bytes = -1;                               // of a partition; -1: no bound
  // Kafka's default is 1 GiB. A segment is what is deleted at once and what is checked after a crash, and its
  // indexes grow with it: at 64 MiB both indexes end at 320 KiB, and a small disk can be kept to.
  std::int64_t segment_bytes = std::int64_t{64} << 20;
  std::int64_t segment_ms = std::int64_t{7} * 24 * 3600 * 1000;
  std::int64_t max_message_bytes = 1'048'588;
  bool delete_old = true;      // cleanup.policy has `delete`
  bool compact = false;        // cleanup.policy has `compact`: records need a key
  bool compact_first = false;  // of both: shown in the order in which they were given
  bool append_time = false;
  std::int64_t timestamp_difference_max_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t timestamp_before_max_ms =
      std::numeric_limits<std::int64_t>::max();                                    // of records from the past
  std::int64_t timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();  // and from the future
  std::int64_t index_interval_bytes = 4096;
  std::int64_t flush_messages = std::numeric_limits<std::int64_t>::max();
  std::int64_t flush_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t delete_retention_ms = std::int64_t{24} * 3600 * 1000;
  std::int64_t file_delete_delay_ms = 60'000;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t min_insync_replicas = 1;
  std::int64_t segment_jitter_ms = 0;
  std::int64_t segment_index_bytes = std::int64_t{10} << 20;
  bool preallocate = false;
  bool unclean_leader_election = false;
  bool message_downconversion = true;

  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;
};

enum class TopicKeyType : std::uint8_t {  // by their numbers in DescribeConfigs
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
};

struct TopicKey {
  std::string_view name;
  TopicKeyType type;
  std::string_view doc;
  std::string (*get)(const TopicConfig&);
  // Null, or what would be right; then nothing is changed.
  const char* (*set)(TopicConfig&, std::string_view text);

  bool is_default(const TopicConfig& config) const { return get(config) == get(TopicConfig{}); }
};

std::span<const TopicKey> topic_keys();  // sorted by name
const TopicKey* find_topic_key(std::string_view name);

}  // namespace plimsoll
