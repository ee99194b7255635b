// parse_everything: one text through every parser of this room, with what must hold of the answers; for the
// fuzz target and for the test that replays cut and altered recordings.
//
// Thread-safety: any thread.
#pragma once

#include <string>
#include <string_view>

#include "plimsoll/base/check.h"
#include "plimsoll/os/internal/group_files.h"
#include "plimsoll/os/internal/mounts.h"
#include "plimsoll/os/internal/parse.h"

namespace plimsoll {

inline void parse_everything(std::string_view text) {
  Result<Bytes> limit = parse_limit(text);
  if (limit) PLIMSOLL_CHECK(*limit < Bytes(kMostBytes) || *limit == Bytes::max());
  static_cast<void>(parse_number(text));

  // Sums of what is read must not overflow, whatever was read.
  GroupUse v1 = parse_stat_v1(text);
  GroupUse v2 = parse_stat_v2(text);
  PLIMSOLL_CHECK(v1.held() >= v1.anonymous && v2.held() >= v2.anonymous);
  HierarchicalLimits limits = parse_hierarchical_limits(text);
  PLIMSOLL_CHECK(!limits.memory.zero() || text.find("hierarchical_memory_limit") != text.npos);

  CgroupMembership membership = parse_membership(text);
  for (const CgroupMount& mount : parse_mountinfo(text)) {
    PLIMSOLL_CHECK(mount.point.empty() || mount.point.front() == '/');
    PLIMSOLL_CHECK(!mount.root.empty() && mount.root.front() == '/');
    for (const auto& path : {membership.memory, membership.unified}) {
      if (!path) continue;
      std::optional<std::string> below = path_below(mount.root, *path);
      PLIMSOLL_CHECK(!below || below->find("/../") == std::string::npos);
    }
  }
  PLIMSOLL_CHECK(unescape_octal(text).size() <= text.size());
  std::uint64_t row[8] = {};
  PLIMSOLL_CHECK(parse_row(text, row) <= 8);
  static_cast<void>(parse_word(text, "TCP", "mem"));
}

}  // namespace plimsoll
