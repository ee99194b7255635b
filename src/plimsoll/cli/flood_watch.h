// FloodWatch: sees from outside what a server holds, every 10 ms, while it is flooded.
//
// A cgroup's own highest use always reaches its limit with page cache, so it says nothing; what counts is
// what the kernel cannot take back: anonymous, shared, locked, dirty mapped and kernel memory and socket
// buffers (Held, os). What the server says of itself plays no part here.
//
// Thread-safety: one owner; readings from any thread. Cost: 50-100 us a sample, about 1 % of a core, not the
// server's. Limits: one process; ten minutes of samples are kept. Errors: the samples end when the process
// does. Ownership: refers to the group, which must outlive it; may be null (then kernel memory is estimated
// and sockets are unknown).
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cli/flood_clients.h"
#include "plimsoll/os/cgroup.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/process.h"

namespace plimsoll {

struct FloodSample {
  MonotonicTime at;
  Held held;
  Bytes total() const { return held.total(); }
};

class FloodWatch final : public FloodTicker {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(10);

  // alone: the process has a memory cgroup to itself. Otherwise its kernel memory is estimated, and sockets
  // are unknown.
  static Result<std::unique_ptr<FloodWatch>> open(pid_t process, bool alone);
  ~FloodWatch() override;

  FloodSample latest() const;
  // The sample taken nearest to that time.
  FloodSample nearest(MonotonicTime time) const;
  std::vector<FloodSample> samples() const;
  // When a sample since `from` was first at most (or, at_least, at least) so much; nothing if none was.
  std::optional<MonotonicTime> first_at_most(Bytes total, MonotonicTime from) const;
  std::optional<MonotonicTime> first_at_least(Bytes total, MonotonicTime from) const;

 private:
  FloodWatch(ProcessReader process, std::optional<CgroupMemory> group)
      : FloodTicker(kPeriod), process_(std::move(process)), group_(std::move(group)) {}
  void tick(MonotonicTime now) override;

  const ProcessReader process_;
  const std::optional<CgroupMemory> group_;
  mutable Mutex mutex_;
  std::vector<FloodSample> samples_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
