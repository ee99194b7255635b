// Points: below which offset each partition is on the disk, how the store was ended, and on which boot it
// ran.
//
// One file, written anew as a whole every minute and at the end. A point is a lower bound, so that an old
// file is never wrong, only slow: it goes by a topic's id, as one that was made again under the same name is
// another. With the boot id of now, the page cache outlived the process and nothing
// was lost; with another, what is behind the points is checked, unless the store was ended cleanly.
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace plimsoll {

struct Points {
  std::string boot;
  bool clean = false;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> offsets;  // of a topic's id and partition

  std::int64_t of(const std::string& id, std::int32_t partition) const;
};

std::string write_points(const Points& points);
// Nothing when it is not all that was written: its last line is a checksum.
std::optional<Points> read_points(std::string_view text);

}  // namespace plimsoll
