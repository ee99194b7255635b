#include "plimsoll/os/memory_probe.h"

#include <algorithm>

#include "plimsoll/os/file.h"

namespace plimsoll {
namespace {

constexpr Bytes kKernelStack = 16_KiB;  // x86-64 and arm64
constexpr std::uint64_t kMostThreads = 1 << 22;

}  // namespace

Held held_of(const ProcessMemory& process, const std::optional<GroupUse>& group) {
  Held held;
  held.anonymous = process.anonymous;
  held.shared_memory = process.shared_memory;
  // Locked address space is anonymous memory first; what is left of it can only be file pages.
  Bytes not_file = process.anonymous + process.shared_memory;
  held.locked_file = std::min(process.locked.minus_clamped(not_file), process.file);
  held.kernel = process.page_tables + kKernelStack * std::min(process.threads, kMostThreads);
  if (group) {
    held.kernel = group->kernel.minus_clamped(group->kernel_reclaimable);
    held.kernel_measured = true;
    held.sockets = group->sockets;
    held.sockets_known = group->sockets_known;
  }
  return held;
}

Result<std::unique_ptr<SystemProbe>> SystemProbe::open(const Options& options) {
  Result<LimitFinder> finder = LimitFinder::create(options.limit);
  if (!finder) return tl::unexpected(finder.error());
  Result<ProcessReader> process = ProcessReader::open(options.root);
  if (!process) return tl::unexpected(process.error());
  std::unique_ptr<SystemProbe> probe(new SystemProbe(options.root, *std::move(finder), *std::move(process)));
  Result<MachineReader> machine = MachineReader::open(options.root);
  if (machine) probe->machine_ = *std::move(machine);
  probe->find_group();
  Result<SlowSample> first = probe->slow();  // so that fast() knows what is beyond anonymous memory
  if (!first) return tl::unexpected(first.error());
  return probe;
}

void SystemProbe::find_group() {
  group_.reset();
  membership_ = read_file(under(root_, "/proc/self/cgroup")).value_or("");
  Result<CgroupMemory> group = CgroupMemory::find(root_);
  if (group) group_ = *std::move(group);
  alone_ = group_ && group_->alone();
}

// Where there is no group there may be one when we were moved; looking for it may cost a search.
void SystemProbe::follow_group() {
  if (group_) {
    alone_ = group_->alone();
  } else if (read_file(under(root_, "/proc/self/cgroup")).value_or("") != membership_) {
    find_group();
  }
}

Held SystemProbe::measure(const ProcessMemory& process, std::optional<GroupUse>& group) const {
  if (group_) {
    // A group that cannot be read just now was left or removed: limit() finds the new one.
    Result<GroupUse> use = group_->use();
    if (use) group = *use;
  }
  return held_of(process, alone_ ? group : std::nullopt);
}

Result<FastSample> SystemProbe::fast() {
  Result<FastMemory> memory = process_.fast();
  if (!memory) return tl::unexpected(memory.error());
  return FastSample{.held = memory->anonymous + held_.beyond_anonymous(),
                    .anonymous = memory->anonymous,
                    .resident = memory->resident};
}

Result<SlowSample> SystemProbe::slow() {
  Result<ProcessMemory> process = process_.memory();
  if (!process) return tl::unexpected(process.error());
  SlowSample sample;
  sample.process = *process;
  sample.faults = process_.faults().value_or(PageFaults{});
  held_ = measure(*process, sample.group);
  sample.held = held_;
  if (machine_) {
    sample.machine = machine_->memory().value_or(MachineMemory{});
    sample.events = machine_->events().value_or(MachineEvents{});
    sample.machine_sockets = machine_->sockets().value_or(SocketMemory{});
  }
  return sample;
}

Result<FoundLimit> SystemProbe::limit() {
  LimitInputs inputs;
  inputs.resources = resource_limits();
  if (machine_) {
    Result<MachineMemory> machine = machine_->memory();
    if (machine) inputs.machine = *machine;
  }
  follow_group();
  Result<FoundLimit> found = find_limit(inputs);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  find_group();
  return find_limit(inputs);
}

Result<FoundLimit> SystemProbe::find_limit(LimitInputs inputs) {
  // Read beside the group's figures: at 300 MB/s a sample of a tenth of a second ago would make 30 MB of what
  // we have taken since look like somebody else's.
  Held held = held_;
  Result<ProcessMemory> process = process_.memory();
  std::optional<GroupUse> use;
  if (process) held = measure(*process, use);
  inputs.group = group();
  inputs.alone = alone_;
  inputs.own_held = held.total();
  inputs.own_shared_memory = held.shared_memory;
  return finder_.find(inputs);
}

void ScriptedProbe::hold(Bytes held) {
  SlowSample slow;
  slow.process.resident = slow.process.anonymous = held;
  slow.process.threads = 1;
  slow.held.anonymous = held;
  set_fast(FastSample{held, held, held});
  set_slow(slow);
}

void ScriptedProbe::set_fast(Result<FastSample> sample) {
  MutexLock lock(mutex_);
  fast_ = std::move(sample);
}

void ScriptedProbe::set_slow(Result<SlowSample> sample) {
  MutexLock lock(mutex_);
  slow_ = std::move(sample);
}

void ScriptedProbe::set_limit(Result<FoundLimit> limit) {
  MutexLock lock(mutex_);
  limit_ = std::move(limit);
}

Result<FastSample> ScriptedProbe::fast() {
  MutexLock lock(mutex_);
  return fast_;
}

Result<SlowSample> ScriptedProbe::slow() {
  MutexLock lock(mutex_);
  return slow_;
}

Result<FoundLimit> ScriptedProbe::limit() {
  MutexLock lock(mutex_);
  return limit_;
}

}  // namespace plimsoll
