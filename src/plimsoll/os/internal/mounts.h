// Where the memory cgroup of a process is mounted: from /proc/<pid>/cgroup and /proc/<pid>/mountinfo, see
// proc(5) and cgroups(7).
//
// A cgroup path is relative to the reader's cgroup namespace, and so is the root of a mount (field 4); what
// is mounted may be the whole hierarchy, the part that a container sees, or a part beside ours. Paths outside
// the namespace begin with "/..".
//
// Thread-safety: pure functions, and reads. Cost: locate_memory_cgroup() 0.1-0.2 ms; where it has to search,
// 20 us a group and 80 ms at most.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/result.h"
#include "plimsoll/os/cgroup.h"

namespace plimsoll {

struct CgroupMembership {
  std::optional<std::string> memory;   // path in the version 1 hierarchy with the memory controller
  std::optional<std::string> unified;  // path in the version 2 hierarchy
};
CgroupMembership parse_membership(std::string_view text);

struct CgroupMount {
  CgroupVersion version = CgroupVersion::kV1;  // 1 only for those with the memory controller
  std::string root;                            // of the hierarchy, what is mounted
  std::string point;                           // where
};
std::vector<CgroupMount> parse_mountinfo(std::string_view text);
// "\040" and the like, as mountinfo writes blanks, tabs, newlines and backslashes.
std::string unescape_octal(std::string_view text);
// What remains of `path` below `root`: "" when they are the same; nothing when it is not below, or nobody can
// tell.
std::optional<std::string> path_below(std::string_view root, std::string_view path);

struct CgroupLocation {
  CgroupVersion version = CgroupVersion::kV1;
  std::vector<std::string>
      chain;               // our directory, its parents, up to the mount point; as the process sees them
  bool certain = true;     // false: not under what is mounted; the mount point was taken
  std::string membership;  // the text of /proc/<pid>/cgroup that this was made from
  std::uint64_t process_id = 0;
};
inline constexpr std::size_t kMostSearched = 4096;  // groups
Result<CgroupLocation> locate_memory_cgroup(const std::string& root, const std::string& process,
                                            std::size_t most_searched = kMostSearched);

}  // namespace plimsoll
