// ProcessReader: what a process holds, as the kernel counts it; and what bounds this process.
//
// Two costs, two calls. `statm` is one short line and is read at every tick; `status` tells anonymous, file
// and shared memory apart and is read some times a second; `smaps_rollup` (40 ms at 300 MiB) is never read.
// `statm` cannot tell shared memory from mapped files: its anonymous figure is resident - shared. Between
// Linux 6.2 and 6.16 both are up to 64 pages a core behind the truth, as the kernel batches its counters.
//
//   Result<ProcessReader> self = ProcessReader::open();
//   if (self) Result<ProcessMemory> memory = self->memory();
//
// Files are kept open: they stay those of the process that opened them, so a child after fork opens its own.
//
// Thread-safety: readers are const and may be called from any thread; the settings at the end at start-up.
// Cost: fast() 0.5 us of CPU, 2.4 under load; memory() 6 us; faults() 2 us, and more with many threads.
// Limits: 16 KiB of a file. Errors: kSystem (the process is gone: ESRCH), kInvalid (not such a file).
// Ownership: owns its descriptors.
#pragma once

#include <cstdint>
#include <string>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

struct FastMemory {
  Bytes resident;
  Bytes shared;     // mapped files and shared memory
  Bytes anonymous;  // resident - shared
};

struct ProcessMemory {
  Bytes resident;  // anonymous + file + shared_memory
  Bytes anonymous;
  Bytes file;           // the image, libraries and mapped files: clean pages are taken back by the kernel
  Bytes shared_memory;  // shmem, memfd, tmpfs files that are mapped
  Bytes locked;         // address space under mlock, whatever is behind it
  Bytes page_tables;    // kernel memory
  Bytes stack;          // the main thread's
  Bytes swapped;
  Bytes data;  // private writable address space: what RLIMIT_DATA bounds
  std::uint64_t threads = 0;
};

struct PageFaults {
  std::uint64_t minor = 0;
  std::uint64_t major = 0;  // those that waited for a disk
};

class ProcessReader {
 public:
  // `process`: "self", or a process id as text. `root` is where /proc is looked for: "/", or a recorded tree.
  static Result<ProcessReader> open(const std::string& root = "/", const std::string& process = "self");

  Result<FastMemory> fast() const;
  Result<ProcessMemory> memory() const;
  Result<PageFaults> faults() const;

 private:
  ProcessReader(KeptFile statm, KeptFile status, KeptFile stat)
      : statm_(std::move(statm)), status_(std::move(status)), stat_(std::move(stat)) {}

  KeptFile statm_;
  KeptFile status_;
  KeptFile stat_;
};

// --- this process
// -------------------------------------------------------------------------------------------

struct ResourceLimits {
  Bytes data = Bytes::max();           // RLIMIT_DATA; max(): none
  Bytes address_space = Bytes::max();  // RLIMIT_AS
  std::uint64_t files_soft = 0;        // RLIMIT_NOFILE
  std::uint64_t files_hard = 0;
};
ResourceLimits resource_limits();
// The soft limit on open files becomes the hard one; returns what it is now.
Result<std::uint64_t> raise_file_limit();
// Cores this process may run on; at least 1.
unsigned cpus_allowed();
// What the kernel calls this boot: two readings of it tell whether the machine was started again between.
Result<std::string> boot_id(const std::string& root = "/");

// glibc's malloc keeps little: one arena (a thread costs 66 KiB then, 148 with its own), and fixed
// thresholds, since the dynamic ones grow to 32 MiB when a large block is freed, and what is below them is
// not given back. REQUIRES: called before the second thread starts. False when this malloc has no such
// settings.
bool set_malloc_frugal();
// malloc gives the kernel what it keeps free; true when there was something. 0.1-150 ms under malloc's lock.
bool trim_malloc();

}  // namespace plimsoll
