// topic.conf: a topic's identity and settings, in lines of `key = value` that a person can read.
//
// Settings are those of the table of topic_config.h, and only where they are not the default. Keys that
// nobody knows are skipped, so that an older program can read what a newer one wrote.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plimsoll/commitlog/topic.h"

namespace plimsoll {

struct TopicFile {
  TopicId id{};
  std::int32_t partitions = 0;
  TopicConfig config;
};

inline constexpr std::string_view kTopicFile = "/topic.conf";

std::string hex_of(const TopicId& id);
std::string write_topic_file(const TopicFile& file);
// Nothing when there is no identity or number of partitions in it, or a setting that cannot be.
std::optional<TopicFile> read_topic_file(std::string_view text);

}  // namespace plimsoll
