// ScratchCgroup: a memory cgroup made for a test or a demonstration, and removed with it.
//
//   Result<ScratchCgroup> group = ScratchCgroup::create({.name = "plimsoll-demo-4711", .limit = 256_MiB});
//   if (group && group->join(child)) ...   // or join(0): this process, before exec
//   Result<std::uint64_t> kills = group->oom_kills();
//
// Version 1: made at the root of the memory mount, or where that is not ours to write, in our own group.
// kmem.tcp.limit_in_bytes is written before anybody joins, or socket buffers would be counted nowhere.
// Version 2: made in the nearest group upwards whose subtree_control hands the memory controller down; a
// group with processes in it cannot (but the root), which is why an ordinary shell can usually not make one.
// Swap is shut where the machine counts it.
//
// Thread-safety: one thread at a time. Cost: create() about 1 ms, the readings 10-40 us. Limits: the name is
// one path component. Errors: kUnsupported (no memory controller, or not delegated), kSystem (EACCES, EROFS,
// EBUSY when the limit is lowered below what cannot be taken back). Ownership: owns the directory; the
// destructor kills what is left in it and removes it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/cgroup.h"

namespace plimsoll {

class ScratchCgroup {
 public:
  struct Options {
    std::string name;
    Bytes limit;
    std::string root = "/";  // a recorded tree in tests
  };
  static Result<ScratchCgroup> create(const Options& options);
  ScratchCgroup(ScratchCgroup&& other) noexcept;
  ScratchCgroup& operator=(ScratchCgroup&& other) noexcept;
  ~ScratchCgroup();

  CgroupVersion version() const { return version_; }
  const std::string& directory() const { return directory_; }

  // 0: the calling process. What a process had touched before stays charged to its old group.
  Result<void> join(int process) const;
  // EBUSY when the kernel cannot take enough back.
  Result<void> set_limit(Bytes limit) const;
  Result<Bytes> limit() const;
  Result<GroupUse> use() const;
  // The highest total so far: it reaches the limit with page cache. kUnsupported on version 2 before 5.19.
  Result<Bytes> peak() const;
  Result<std::uint64_t> oom_kills() const;
  // Ends the processes in the group and waits for the last to be gone, two seconds at most.
  Result<void> kill_all() const;
  // kill_all() and rmdir; nothing more can be done with it then.
  Result<void> remove();

 private:
  ScratchCgroup(CgroupVersion version, std::string directory, bool real)
      : version_(version), directory_(std::move(directory)), real_(real) {}
  std::string file(const char* name) const { return directory_ + "/" + name; }
  Result<void> prepare(Bytes limit) const;

  CgroupVersion version_ = CgroupVersion::kV1;
  std::string directory_;  // empty: moved from or removed
  bool real_ = true;       // false: a recorded tree, whose process ids are not to be signalled
};

// Whether a memory cgroup can be made here; the error says in words why not. Makes one and removes it.
Result<void> cgroup_usable(const std::string& root = "/");

}  // namespace plimsoll
