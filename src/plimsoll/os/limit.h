// LimitFinder: how much memory this process may hold before the kernel kills it, and what says so.
//
// The limit is found, not configured: a limit that somebody has to write down is wrong on the next machine,
// and the best-known servers were killed below theirs. It is the smallest of
//   - the cgroup limits on our path (cgroup.h), each less what other processes of that group hold;
//   - RLIMIT_DATA (RLIMIT_AS bounds address space, which costs nothing here: it is reported and not obeyed);
//   - `--line`: a size, or a share of what was found otherwise;
//   - where no cgroup binds (none, or one above the machine's memory) and no size was given: 75 % of the
//     machine's memory, or what is available plus our own, whichever is less.
// memory.high, where the kernel slows a group down instead of killing in it, is reported as `soft`.
//
// Invariant: limit == configured - others, not below zero; soft, where there is one, is below limit.
//
// Thread-safety: const, any thread. Cost: find() 10-40 us with one cgroup limit; for once a second. Limits:
// as the readers. Errors: a bad `line` is kInvalid or kOutOfRange at create(); find() gives those of
// CgroupMemory::bounds() (the group is gone: find it again and ask again); what else cannot be read is left
// out, and where nothing can, 256 MiB are assumed and said. Ownership: views live for the call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/machine.h"
#include "plimsoll/os/process.h"

namespace plimsoll {

class CgroupMemory;

enum class LimitSource {
  kCgroupV2Max,       // memory.max
  kCgroupV1Limit,     // memory.limit_in_bytes
  kCgroupV1Swap,      // memory.memsw.limit_in_bytes
  kCgroupV1Ancestor,  // hierarchical_memory_limit of memory.stat: a group above what is mounted here
  kResourceLimit,     // RLIMIT_DATA
  kLineOption,        // --line
  kMachineShare,      // 75 % of the machine's memory
  kMachineAvailable,  // what is available plus our own
  kAssumed,           // nothing could be read
};
// The names that metrics and JSON carry: cgroup-v2-max, cgroup-v1-limit, cgroup-v1-memsw, cgroup-v1-ancestor,
// rlimit-data, line-option, machine-share, machine-available, assumed.
std::string_view name_of(LimitSource source);

struct FoundLimit {
  Bytes limit;  // what this process may hold before the kernel kills it
  LimitSource source = LimitSource::kAssumed;
  Bytes configured;                    // the bound before others were subtracted
  Bytes others;                        // what other processes of the binding group hold
  std::optional<Bytes> soft;           // the smallest memory.high less others: slowed down above it
  std::optional<Bytes> address_space;  // RLIMIT_AS: reported, not obeyed
  std::string path;                    // the file that binds; empty where none does
  std::string words;                   // "cgroup v1 /sys/fs/cgroup/memory/x: memory.limit_in_bytes 256 MiB"
};

struct LimitInputs {
  const CgroupMemory* group = nullptr;   // null: no memory cgroup
  std::optional<MachineMemory> machine;  // empty: could not be read
  ResourceLimits resources;
  Bytes own_held;  // what we hold of what counts, so that it is not taken for somebody else's
  // Alone in our group: nobody else's memory is in it but files in memory that were left there. The group's
  // figures follow ours by up to two seconds, and the difference of the two would be taken for others.
  bool alone = false;
  Bytes own_shared_memory;
};

class LimitFinder {
 public:
  struct Options {
    std::string line;             // --line: "512MiB", "50%"; empty: not given
    double machine_share = 0.75;  // where no cgroup binds; above 0, at most 1
  };
  static Result<LimitFinder> create(Options options);

  Result<FoundLimit> find(const LimitInputs& inputs) const;

 private:
  explicit LimitFinder(Options options) : options_(std::move(options)) {}
  bool line_is_size() const;
  void apply_line(FoundLimit& found) const;

  Options options_;
};

}  // namespace plimsoll
