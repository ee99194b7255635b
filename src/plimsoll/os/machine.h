// MachineReader: memory, paging events and socket memory of the whole machine.
//
// What is read here bounds the process only where no cgroup does; it is also what tells a person why a
// machine is slow (swap, major faults, kills). Socket memory is of all network name spaces together.
//
// Thread-safety: readers are const and may be called from any thread. Cost: memory() 4 us of CPU, events()
// 16, sockets() 2. Limits: 16 KiB of each file. Errors: kSystem, kInvalid (not such a file); what a kernel
// does not have reads as zero. Ownership: owns its descriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

struct MachineMemory {
  Bytes total;
  Bytes free;       // nobody uses it
  Bytes available;  // could be had without swapping: free, and what caches would give
  Bytes swap_total;
  Bytes swap_free;
};

// Since boot.
struct MachineEvents {
  std::uint64_t pages_swapped_in = 0;
  std::uint64_t pages_swapped_out = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t oom_kills = 0;
};

struct SocketMemory {
  std::uint64_t sockets = 0;      // of all kinds, of this network name space
  std::uint64_t tcp_in_use = 0;   // of this network name space
  std::uint64_t tcp_orphans = 0;  // closed by their owner, still sending
  Bytes tcp;                      // buffers, machine-wide
};

class MachineReader {
 public:
  // REQUIRES of the machine: /proc/meminfo. The others may be missing.
  static Result<MachineReader> open(const std::string& root = "/");

  Result<MachineMemory> memory() const;
  Result<MachineEvents> events() const;  // kUnsupported without /proc/vmstat
  Result<SocketMemory> sockets() const;  // kUnsupported without /proc/net/sockstat

 private:
  MachineReader(KeptFile meminfo, std::optional<KeptFile> vmstat, std::optional<KeptFile> sockstat)
      : meminfo_(std::move(meminfo)), vmstat_(std::move(vmstat)), sockstat_(std::move(sockstat)) {}

  KeptFile meminfo_;
  std::optional<KeptFile> vmstat_;
  std::optional<KeptFile> sockstat_;
};

}  // namespace plimsoll
