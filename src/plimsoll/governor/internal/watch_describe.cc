// The governor's figures.
#include "plimsoll/governor/internal/watch.h"

namespace plimsoll {
namespace {

void describe_level(StatSink& sink, const Sample& sample, Duration since_reclaim) {
  sink.gauge("memory_pressure_level", "0 normal, 1 moderate, 2 high, 3 critical, 4 emergency",
             number_of(sample.level));
  sink.gauge("memory_pressure_usage_ratio", "What cannot be dropped over the line, at the last look",
             sample.pressure);
  sink.gauge("memory_pressure_limit_bytes", "The limit that the pressure is against",
             sample.limit.as_double());
  sink.gauge("memory_pressure_seconds_since_last_gc", "Since an owner gave memory back, or since the start",
             std::chrono::duration<double>(since_reclaim).count());
}

void describe_held(StatSink& sink, const Sample& sample) {
  sink.gauge("memory_held_bytes", "Held by the process, of what counts against the limit",
             sample.held.as_double());
  sink.gauge("memory_explained_bytes", "Charged by those who know what for: all accounts but other",
             sample.explained().as_double());
  sink.gauge("memory_unaccounted_bytes", "Held without a charge; charged to the account other",
             sample.other.as_double());
  sink.gauge("memory_overcharged_bytes", "Charged, and not held yet or not any more",
             sample.overcharged.as_double());
}

void describe_process(StatSink& sink, const SlowSample& slow) {
  const ProcessMemory& process = slow.process;
  sink.gauge("memory_resident_bytes", "Resident, with the image and mapped files",
             process.resident.as_double());
  sink.gauge("memory_anonymous_bytes", "Resident and anonymous", process.anonymous.as_double());
  sink.gauge("memory_file_bytes", "Resident and mapped from files: the image, mostly",
             process.file.as_double());
  sink.gauge("memory_shared_bytes", "Resident and shared", process.shared_memory.as_double());
  sink.gauge("memory_kernel_bytes", "Kernel memory on the process's account", slow.held.kernel.as_double());
  sink.gauge("memory_sockets_bytes", "In socket buffers, where the kernel says it",
             slow.held.sockets.as_double());
  sink.gauge("memory_page_tables_bytes", "Kernel memory for page tables", process.page_tables.as_double());
  sink.gauge("memory_swapped_bytes", "Swapped out", process.swapped.as_double());
  sink.gauge("process_threads", "Threads", static_cast<double>(process.threads));
  sink.counter("memory_minor_faults_total", "Page faults served from memory",
               static_cast<double>(slow.faults.minor));
  sink.counter("memory_major_faults_total", "Page faults that waited for a disk",
               static_cast<double>(slow.faults.major));
  sink.gauge("machine_available_bytes", "What the machine could give without swapping",
             slow.machine.available.as_double());
  if (!slow.group) return;
  sink.gauge("cgroup_used_bytes", "Of the process's memory cgroup, page cache included",
             slow.group->total.as_double());
  sink.counter("cgroup_oom_kills_total", "Processes killed in it for lack of memory",
               static_cast<double>(slow.group->oom_kills));
}

}  // namespace

void Watch::Describe(StatSink& sink, Duration thread_cpu) const {
  Governor::Snapshot now = snapshot(thread_cpu);
  Duration since_reclaim{};
  {
    MutexLock lock(published_mutex_);
    since_reclaim = clock_.monotonic_now() - last_freed_;
  }
  describe_level(sink, now.sample, since_reclaim);
  describe_held(sink, now.sample);
  describe_process(sink, now.slow);
  sink.gauge("memory_worst_overshoot_bytes", "The furthest above the line so far",
             now.worst_overshoot.as_double());
  sink.gauge("governor_reclaims", "1 when the governor has memory given back, 0 when it only watches",
             options_.reclaim ? 1 : 0);
  sink.counter("governor_looks_total", "Looks at the counters and at what is held",
               static_cast<double>(now.ticks));
  sink.counter("governor_cpu_seconds_total", "CPU time of the governor's thread",
               std::chrono::duration<double>(now.thread_cpu).count());
  sink.counter("governor_probe_failures_total", "Readings that failed",
               static_cast<double>(now.probe_failures));
  sink.histogram("governor_look_seconds", "How long a look took, what owners gave back in it included",
                 tick_ns_, 1e-9);
  sink.histogram("memory_first_freed_seconds", "From a shortage to the first byte given back",
                 first_freed_ns_, 1e-9);
  collector_.Describe(sink);
  options_.events.Describe(sink);
}

}  // namespace plimsoll
