// MemoryProbe: what the process holds that counts against its limit, at two prices; an interface for tests.
//
// Held is what the kernel cannot take back and would kill for:
//
//   held = anonymous                                   RssAnon
//        + shared memory                               RssShmem
//        + locked file pages                           what VmLck exceeds the two above by, at most RssFile
//        + kernel                      alone in group: its kernel memory; else page tables + 16 KiB a thread
//        + sockets                     alone in group: where the kernel counts them; else 0
//
// The program's image and libraries are clean file pages and not held; `process.file` has them. Dirty pages
// of a mapped file would count, but only smaps tells them from clean ones (40 ms): whoever maps a file for
// writing charges it. slow() reads all of it; fast() reads one file for the anonymous part and adds the rest
// as slow() saw it last.
//
// Invariant: fast().held == fast().anonymous + what the last slow() added beyond anonymous memory.
//
// Thread-safety: one thread at a time (the governor's); ScriptedProbe from any. Cost: fast() 0.5 us of
// CPU, 2.4 under load; slow() 40, of which vmstat 16; limit() 35, for once a second: 0.05 % of a core at 100,
// 10 and 1 a second (os_bench.cc). Limits: none. Errors: kSystem and kInvalid from the readers: the caller
// keeps what it had. A group that was removed or left is found again by itself. Ownership: owns its readers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "plimsoll/base/mutex.h"
#include "plimsoll/os/cgroup.h"
#include "plimsoll/os/limit.h"
#include "plimsoll/os/machine.h"
#include "plimsoll/os/process.h"

namespace plimsoll {

struct Held {
  Bytes anonymous;
  Bytes shared_memory;
  Bytes locked_file;
  Bytes kernel;
  Bytes sockets;
  bool kernel_measured = false;  // by the group we are alone in; false: estimated
  bool sockets_known = false;

  Bytes beyond_anonymous() const { return shared_memory + locked_file + kernel + sockets; }
  Bytes total() const { return anonymous + beyond_anonymous(); }
};

struct FastSample {
  Bytes held;
  Bytes anonymous;
  Bytes resident;  // with the image and other mapped files
};

struct SlowSample {
  Held held;
  ProcessMemory process;
  PageFaults faults;
  std::optional<GroupUse> group;  // of our own group
  MachineMemory machine;
  MachineEvents events;
  SocketMemory machine_sockets;
};

// The formula above. `group`: of the group we are alone in, or nothing.
Held held_of(const ProcessMemory& process, const std::optional<GroupUse>& group);

class MemoryProbe {
 public:
  virtual ~MemoryProbe() = default;

  virtual Result<FastSample> fast() = 0;
  virtual Result<SlowSample> slow() = 0;
  virtual Result<FoundLimit> limit() = 0;
};

class SystemProbe final : public MemoryProbe {
 public:
  struct Options {
    std::string root = "/";  // a recorded tree in tests
    LimitFinder::Options limit;
  };
  // Errors: a bad `line`; a machine without /proc.
  static Result<std::unique_ptr<SystemProbe>> open(const Options& options);

  Result<FastSample> fast() override;
  Result<SlowSample> slow() override;
  Result<FoundLimit> limit() override;

  // Our memory cgroup, or null when there is none.
  const CgroupMemory* group() const { return group_ ? &*group_ : nullptr; }

 private:
  SystemProbe(std::string root, LimitFinder finder, ProcessReader process)
      : root_(std::move(root)), finder_(std::move(finder)), process_(std::move(process)) {}
  void find_group();
  void follow_group();
  // What we hold, as of now, and `group` as it was read for it.
  Held measure(const ProcessMemory& process, std::optional<GroupUse>& group) const;
  Result<FoundLimit> find_limit(LimitInputs inputs);

  std::string root_;
  LimitFinder finder_;
  ProcessReader process_;
  std::optional<MachineReader> machine_;
  std::optional<CgroupMemory> group_;
  bool alone_ = false;
  std::string membership_;  // as it was when group_ was looked for
  Held held_;               // as slow() saw it last
};

// Says what a test tells it to.
class ScriptedProbe final : public MemoryProbe {
 public:
  // All of it anonymous, so that fast() and slow() agree.
  void hold(Bytes held);
  void set_fast(Result<FastSample> sample);
  void set_slow(Result<SlowSample> sample);
  void set_limit(Result<FoundLimit> limit);

  Result<FastSample> fast() override;
  Result<SlowSample> slow() override;
  Result<FoundLimit> limit() override;

 private:
  Mutex mutex_;
  Result<FastSample> fast_ PLIMSOLL_GUARDED_BY(mutex_);
  Result<SlowSample> slow_ PLIMSOLL_GUARDED_BY(mutex_);
  Result<FoundLimit> limit_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
