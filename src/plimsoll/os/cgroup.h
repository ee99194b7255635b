// CgroupMemory: the memory cgroups that bound this process, what they allow and what they use.
//
// Where our group is mounted is read from /proc/self/cgroup and /proc/self/mountinfo (controller, mount root,
// mount point) and never guessed by joining to /sys/fs/cgroup: in a container the path of the group and what
// is mounted are often not the same, and where a namespace hides the names between them, the group that lists
// us is searched for. Version 1, version 2, and hybrids (memory on version 1, an empty version 2 beside it)
// are told apart by who has the memory controller. From our group up to the mount root each level may have a
// limit; a version 1 kernel also says, in memory.stat, the smallest limit above what is mounted.
//
// What the kernel kills for is what it cannot take back: anonymous and shared memory (there being no swap),
// kernel memory, and on version 2 socket buffers. Page cache is taken back first; dirty pages after they were
// written. On version 1 socket buffers are in no total, and are counted in kmem.tcp only once
// kmem.tcp.limit_in_bytes was written: GroupUse says whether they are known.
//
// Invariant: groups are numbered from ours (0) upwards; all have memory files.
//
// Thread-safety: const after find(), any thread. Cost: of CPU, find() 75 us (a search 80 ms at most),
// bounds() 1.5 us a file and two files a group, use() 9 us for our group and those that had a limit when
// found, 40 for others. Limits: 64 groups on the path, 16 KiB of a file. Errors: kNotFound (no memory cgroup
// here; or, from bounds() and use(), the process was moved or its group removed: find() again), kSystem,
// kInvalid. Ownership: owns its descriptors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

enum class CgroupVersion { kV1 = 1, kV2 = 2 };

enum class BoundKind {
  kV2Max,       // memory.max
  kV2High,      // memory.high: slowed down above it, not killed
  kV1Limit,     // memory.limit_in_bytes
  kV1Swap,      // memory.memsw.limit_in_bytes: memory and swap together
  kV1Ancestor,  // hierarchical_memory_limit or _memsw_limit, of a group that is not mounted here
};

struct GroupBound {
  BoundKind kind = BoundKind::kV2Max;
  Bytes limit;
  std::size_t group = 0;  // whose it is; for kV1Ancestor the topmost that is seen
  std::string path;       // the file that says so, as this process sees it
};

struct GroupUse {
  Bytes total;  // as the kernel holds it against the limit: page cache included, version 1's sockets not
  Bytes anonymous;
  Bytes shared_memory;
  Bytes page_cache;   // without shared memory
  Bytes dirty;        // of the page cache: dirty or being written
  Bytes mapped_file;  // of the page cache: mapped by somebody (version 1: shared memory included)
  Bytes unevictable;
  Bytes kernel;              // page tables, stacks, slab; not socket buffers
  Bytes kernel_reclaimable;  // of that: directory and inode caches (version 1 does not say: 0)
  Bytes sockets;
  bool sockets_known = false;
  std::uint64_t oom_kills = 0;

  // What cannot be taken back: what the kernel kills for.
  Bytes held() const {
    return anonymous + shared_memory + kernel.minus_clamped(kernel_reclaimable) + sockets;
  }
};

class CgroupMemory {
 public:
  // `root` is where /proc and the mount points are looked for: "/", or a recorded tree. `process`: "self" or
  // a process id as text.
  static Result<CgroupMemory> find(const std::string& root = "/", const std::string& process = "self");
  CgroupMemory(CgroupMemory&&) noexcept;
  CgroupMemory& operator=(CgroupMemory&&) noexcept;
  ~CgroupMemory();

  CgroupVersion version() const;
  std::size_t groups() const;
  // As this process sees it: "/sys/fs/cgroup/memory/x".
  const std::string& directory(std::size_t group = 0) const;
  // False when our group is not under what is mounted, and the mount's root was taken for it.
  bool certain() const;

  // All limits in force, read anew; those that say "no limit" are left out. The smallest one binds, but for
  // what others hold.
  Result<std::vector<GroupBound>> bounds() const;
  // REQUIRES: group < groups().
  Result<GroupUse> use(std::size_t group = 0) const;
  // Whether group 0 has only this process in it and no group below it, so that its kernel memory is ours.
  bool alone() const;

 private:
  struct State;
  explicit CgroupMemory(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

std::string_view name_of(BoundKind kind);  // the file or field: "memory.max", "memory.limit_in_bytes", ...

}  // namespace plimsoll
