#include "plimsoll/commitlog/internal/topic_file.h"

#include <charconv>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

bool read_hex(std::string_view text, TopicId& id) {
  if (text.size() != 2 * id.size()) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto end = std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, id[i], 16);
    if (end.ec != std::errc() || end.ptr != text.data() + 2 * i + 2) return false;
  }
  return true;
}

}  // namespace

std::string hex_of(const TopicId& id) {
  std::string text;
  for (const std::uint8_t byte : id) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string write_topic_file(const TopicFile& file) {
  std::string text = "id = " + hex_of(file.id) + "\npartitions = " + std::to_string(file.partitions) + "\n";
  for (const TopicKey& key : topic_keys()) {
    if (key.is_default(file.config)) continue;
    text.append(key.name).append(" = ").append(key.get(file.config)).append("\n");
  }
  return text;
}

std::optional<TopicFile> read_topic_file(std::string_view text) {
  TopicFile file;
  bool has_id = false;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view key = trim(take_until(line, '='));
    const std::string_view value = trim(line);
    if (key == "id") {
      has_id = read_hex(value, file.id);
    } else if (key == "partitions") {
      const std::optional<std::int64_t> count = parse_int64(value);
      if (!count || *count < 1 || *count > 1'000'000) return std::nullopt;
      file.partitions = static_cast<std::int32_t>(*count);
    } else if (const TopicKey* known = find_topic_key(key)) {
      if (known->set(file.config, value) != nullptr) return std::nullopt;
    }
  }
  if (!has_id || file.partitions == 0) return std::nullopt;
  return file;
}

}  // namespace plimsoll
