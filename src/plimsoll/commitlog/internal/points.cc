#include "plimsoll/commitlog/internal/points.h"

#include "plimsoll/base/crc32c.h"
#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::string_view kEnd = "checksum ";

std::string last_line(std::string_view text) {
  return std::string(kEnd) + std::to_string(crc32c(0, text.data(), text.size())) + "\n";
}

}  // namespace

std::int64_t Points::of(const std::string& id, std::int32_t partition) const {
  const auto at = offsets.find({id, partition});
  return at == offsets.end() ? 0 : at->second;
}

std::string write_points(const Points& points) {
  std::string text = "boot " + points.boot + "\nended " + (points.clean ? "clean" : "running") + "\n";
  for (const auto& [which, offset] : points.offsets) {
    text += which.first + " " + std::to_string(which.second) + " " + std::to_string(offset) + "\n";
  }
  return text + last_line(text);
}

std::optional<Points> read_points(std::string_view text) {
  const std::size_t end = text.rfind(kEnd);
  if (end == std::string_view::npos || text.substr(end) != last_line(text.substr(0, end)))
    return std::nullopt;
  text = text.substr(0, end);
  Points points;
  std::string_view line = take_until(text, '\n');
  if (take_until(line, ' ') != "boot") return std::nullopt;
  points.boot = line;
  line = take_until(text, '\n');
  if (take_until(line, ' ') != "ended") return std::nullopt;
  points.clean = line == "clean";
  while (!text.empty()) {
    line = take_until(text, '\n');
    const std::string_view id = take_until(line, ' ');
    const std::optional<std::int64_t> partition = parse_int64(take_until(line, ' '));
    const std::optional<std::int64_t> offset = parse_int64(line);
    if (!partition || !offset || *offset < 0) return std::nullopt;
    points.offsets[{std::string(id), static_cast<std::int32_t>(*partition)}] = *offset;
  }
  return points;
}

}  // namespace plimsoll
