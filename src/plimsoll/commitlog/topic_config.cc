#include "plimsoll/commitlog/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMostInt = std::numeric_limits<std::int32_t>::max();

template <auto kMember>
std::string number(const TopicConfig& config) {
  return std::to_string(config.*kMember);
}

template <auto kMember, std::int64_t kLeast, std::int64_t kLargest>
const char* set_number(TopicConfig& config, std::string_view text) {
  const std::optional<std::int64_t> value = parse_int64(trim(text));
  if (!value) return "a whole number";
  if (*value < kLeast || *value > kLargest) {
    if constexpr (kLeast == -1) return "a whole number in range; -1: no bound";
    if constexpr (kLeast == 0) return "a whole number in range, 0 or more";
    return "a whole number in range, above 0";
  }
  config.*kMember = *value;
  return nullptr;
}

template <auto kMember>
std::string boolean(const TopicConfig& config) {
  return config.*kMember ? "true" : "false";
}

template <auto kMember>
const char* set_boolean(TopicConfig& config, std::string_view text) {
  const bool yes = equals_ignoring_case(trim(text), "true");
  if (!yes && !equals_ignoring_case(trim(text), "false")) return "true or false";
  config.*kMember = yes;
  return nullptr;
}

std::string cleanup(const TopicConfig& config) {
  if (config.compact && config.delete_old) return config.compact_first ? "compact,delete" : "delete,compact";
  return config.compact ? "compact" : "delete";
}

const char* set_cleanup(TopicConfig& config, std::string_view text) {
  bool compact = false;
  bool compact_first = false;
  bool erase = false;
  while (!text.empty()) {
    const std::string_view word = trim(take_until(text, ','));
    if (word == "compact") {
      compact = true;
      compact_first = compact_first || !erase;
    } else if (word == "delete") {
      erase = true;
    } else {
      return "delete, compact, or both with a comma";
    }
  }
  if (!compact && !erase) return "delete, compact, or both with a comma";
  config.compact = compact;
  config.compact_first = compact_first && erase;
  config.delete_old = erase;
  return nullptr;
}

std::string timestamp_type(const TopicConfig& config) {
  return config.append_time ? "LogAppendTime" : "CreateTime";
}

const char* set_timestamp_type(TopicConfig& config, std::string_view text) {
  const std::string_view word = trim(text);
  if (word != "LogAppendTime" && word != "CreateTime") return "CreateTime or LogAppendTime";
  config.append_time = word == "LogAppendTime";
  return nullptr;
}

std::string dirty_ratio(const TopicConfig& config) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), config.min_cleanable_dirty_ratio);
  return {text.data(), end.ptr};
}

const char* set_dirty_ratio(TopicConfig& config, std::string_view text) {
  const std::string_view word = trim(text);
  double value = 0;
  const auto end = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end.ec != std::errc() || end.ptr != word.data() + word.size() || !(value >= 0 && value <= 1)) {
    return "a ratio of 0 to 1";
  }
  config.min_cleanable_dirty_ratio = value;
  return nullptr;
}

std::string producer_word(const TopicConfig&) { return "producer"; }
const char* set_producer_word(TopicConfig&, std::string_view text) {
  return trim(text) == "producer" ? nullptr : "producer: batches are kept as they came";
}

std::string no_throttle(const TopicConfig&) { return ""; }
const char* set_no_throttle(TopicConfig&, std::string_view text) {
  return trim(text).empty() ? nullptr : "nothing: there are no replicas to throttle";
}

// Keys of which one value can be honoured. Who copies a topic from Kafka names them.
std::string no(const TopicConfig&) { return "false"; }
const char* set_no(TopicConfig&, std::string_view text) {
  return equals_ignoring_case(trim(text), "false") ? nullptr : "false: all of the log is kept here";
}

std::string as_retention(const TopicConfig&) { return "-2"; }
const char* set_as_retention(TopicConfig&, std::string_view text) {
  return trim(text) == "-2" ? nullptr : "-2, as retention is: all of the log is kept here";
}

using C = TopicConfig;
using enum TopicKeyType;

constexpr std::array kKeys = {
    TopicKey{"cleanup.policy", kList, "What happens to old segments: delete, compact, or both.", cleanup,
             set_cleanup},
    TopicKey{"compression.type", kString, "Always `producer`: batches are kept as they came.", producer_word,
             set_producer_word},
    TopicKey{"delete.retention.ms", kLong, "How long compaction keeps the marks of deleted keys.",
             number<&C::delete_retention_ms>, set_number<&C::delete_retention_ms, 0, kMost>},
    TopicKey{"file.delete.delay.ms", kLong, "From the deletion of a segment until its file goes.",
             number<&C::file_delete_delay_ms>, set_number<&C::file_delete_delay_ms, 0, kMost>},
    TopicKey{"flush.messages", kLong, "Records after which the log is synced.", number<&C::flush_messages>,
             set_number<&C::flush_messages, 1, kMost>},
    TopicKey{"flush.ms", kLong, "The longest that a record may be in the page cache only.",
             number<&C::flush_ms>, set_number<&C::flush_ms, 0, kMost>},
    TopicKey{"follower.replication.throttled.replicas", kList, "Nothing: there are no replicas.", no_throttle,
             set_no_throttle},
    TopicKey{"index.interval.bytes", kInt, "Log bytes between two entries of the indexes.",
             number<&C::index_interval_bytes>, set_number<&C::index_interval_bytes, 0, kMostInt>},
    TopicKey{"leader.replication.throttled.replicas", kList, "Nothing: there are no replicas.", no_throttle,
             set_no_throttle},
    TopicKey{"local.retention.bytes", kLong, "Always -2: as retention.bytes.", as_retention,
             set_as_retention},
    TopicKey{"local.retention.ms", kLong, "Always -2: as retention.ms.", as_retention, set_as_retention},
    TopicKey{"max.compaction.lag.ms", kLong, "The longest that a record stays uncompacted.",
             number<&C::max_compaction_lag_ms>, set_number<&C::max_compaction_lag_ms, 1, kMost>},
    TopicKey{"max.message.bytes", kInt, "The largest batch, as it came.", number<&C::max_message_bytes>,
             set_number<&C::max_message_bytes, 0, kMostInt>},
    TopicKey{"message.downconversion.enable", kBoolean, "No effect: only format 2 is served.",
             boolean<&C::message_downconversion>, set_boolean<&C::message_downconversion>},
    TopicKey{"message.timestamp.after.max.ms", kLong,
             "How far a producer's time may be after the time of arrival.",
             number<&C::timestamp_after_max_ms>, set_number<&C::timestamp_after_max_ms, 0, kMost>},
    TopicKey{"message.timestamp.before.max.ms", kLong,
             "How far a producer's time may be before the time of arrival.",
             number<&C::timestamp_before_max_ms>, set_number<&C::timestamp_before_max_ms, 0, kMost>},
    TopicKey{"message.timestamp.difference.max.ms", kLong,
             "How far a producer's time may be from the time of arrival.",
             number<&C::timestamp_difference_max_ms>, set_number<&C::timestamp_difference_max_ms, 0, kMost>},
    TopicKey{"message.timestamp.type", kString, "Whose time a record has: CreateTime or LogAppendTime.",
             timestamp_type, set_timestamp_type},
    TopicKey{"min.cleanable.dirty.ratio", kDouble, "The share of new bytes from which a log is compacted.",
             dirty_ratio, set_dirty_ratio},
    TopicKey{"min.compaction.lag.ms", kLong, "The shortest that a record stays uncompacted.",
             number<&C::min_compaction_lag_ms>, set_number<&C::min_compaction_lag_ms, 0, kMost>},
    TopicKey{"min.insync.replicas", kInt, "Always 1: there is one replica.", number<&C::min_insync_replicas>,
             set_number<&C::min_insync_replicas, 1, 1>},
    TopicKey{"preallocate", kBoolean, "No effect: segments grow as they are written.",
             boolean<&C::preallocate>, set_boolean<&C::preallocate>},
    TopicKey{"remote.storage.enable", kBoolean, "Always false: all of the log is kept here.", no, set_no},
    TopicKey{"retention.bytes", kLong, "Above this, a partition's oldest segments go; -1: no bound.",
             number<&C::retention_bytes>, set_number<&C::retention_bytes, -1, kMost>},
    TopicKey{"retention.ms", kLong, "Segments whose newest record is older go; -1: no bound.",
             number<&C::retention_ms>, set_number<&C::retention_ms, -1, kMost>},
    TopicKey{"segment.bytes", kInt, "At this size the next segment is begun.", number<&C::segment_bytes>,
             set_number<&C::segment_bytes, 14, kMostInt>},
    TopicKey{"segment.index.bytes", kInt, "No effect: indexes grow in small steps.",
             number<&C::segment_index_bytes>, set_number<&C::segment_index_bytes, 4, kMostInt>},
    TopicKey{"segment.jitter.ms", kLong, "No effect.", number<&C::segment_jitter_ms>,
             set_number<&C::segment_jitter_ms, 0, kMost>},
    TopicKey{"segment.ms", kLong, "At this age the next segment is begun.", number<&C::segment_ms>,
             set_number<&C::segment_ms, 1, kMost>},
    TopicKey{"unclean.leader.election.enable", kBoolean, "No effect: there is one replica.",
             boolean<&C::unclean_leader_election>, set_boolean<&C::unclean_leader_election>},
};

}  // namespace

std::span<const TopicKey> topic_keys() { return kKeys; }

const TopicKey* find_topic_key(std::string_view name) {
  const auto at =
      std::lower_bound(kKeys.begin(), kKeys.end(), name,
                       [](const TopicKey& key, std::string_view wanted) { return key.name < wanted; });
  return at != kKeys.end() && at->name == name ? &*at : nullptr;
}

}  // namespace plimsoll
