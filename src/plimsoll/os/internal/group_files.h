// GroupUseFiles: the open files of one memory cgroup that say what it uses, and the sums made of them. Kernel
// documents: cgroup-v2.rst, cgroup-v1/memory.rst.
//
// Thread-safety: const after open(). Cost: open() 30 us, read() 4-12 us.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plimsoll/os/cgroup.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

std::optional<KeptFile> open_if_there(std::string path);

// What a version 1 group's memory.stat says of all limits above it, mounted here or not.
struct HierarchicalLimits {
  Bytes memory = Bytes::max();
  Bytes with_swap = Bytes::max();
};
HierarchicalLimits parse_hierarchical_limits(std::string_view stat);
GroupUse parse_stat_v1(std::string_view stat);
GroupUse parse_stat_v2(std::string_view stat);

class GroupUseFiles {
 public:
  // kNotFound: the group has no memory files.
  static Result<GroupUseFiles> open(CgroupVersion version, const std::string& directory);

  Result<GroupUse> read() const;
  Result<HierarchicalLimits> hierarchical_limits() const;

 private:
  GroupUseFiles(CgroupVersion version, KeptFile stat, KeptFile usage)
      : version_(version), stat_(std::move(stat)), usage_(std::move(usage)) {}

  CgroupVersion version_;
  KeptFile stat_;
  KeptFile usage_;                  // memory.current, memory.usage_in_bytes
  std::optional<KeptFile> events_;  // memory.events, memory.oom_control
  std::optional<KeptFile> kernel_;  // version 1: memory.kmem.usage_in_bytes
  std::optional<KeptFile> tcp_;     // version 1: memory.kmem.tcp.usage_in_bytes
  std::optional<KeptFile> tcp_limit_;
};

}  // namespace plimsoll
