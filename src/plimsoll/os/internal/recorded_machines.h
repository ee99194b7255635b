// Machines for tests: what a process sees of its memory cgroup on hosts and in containers of several kinds.
// The texts are those of real systems, cut to what matters.
//
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plimsoll/os/internal/recorded_tree.h"

namespace plimsoll::recorded {

inline constexpr std::string_view kNoLimitV1 = "9223372036854771712\n";
inline constexpr std::uint64_t kMiB = 1 << 20;

inline std::string line(std::uint64_t number) { return std::to_string(number) + "\n"; }

// Process 4711: 100 MiB anonymous, 6 MiB of files, 4 MiB of shared memory, 4 threads.
inline void put_process(RecordedTree& tree) {
  tree.put("/proc/self/statm", "300000 28160 2560 512 0 90000 0\n");
  tree.put("/proc/self/status",
           "Name:\tserver (x)\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nPid:\t4711\nFDSize:\t256\n"
           "Groups:\t0 1 2 \nVmPeak:\t 1200000 kB\nVmSize:\t 1200000 kB\nVmLck:\t       0 kB\nVmPin:\t       "
           "0 kB\n"
           "VmHWM:\t  120000 kB\nVmRSS:\t  112640 kB\nRssAnon:\t  102400 kB\nRssFile:\t    6144 kB\n"
           "RssShmem:\t    4096 kB\nVmData:\t  360000 kB\nVmStk:\t     132 kB\nVmExe:\t    2048 kB\n"
           "VmLib:\t    4096 kB\nVmPTE:\t     512 kB\nVmSwap:\t       8 kB\nHugetlbPages:\t       0 kB\n"
           "CoreDumping:\t0\nThreads:\t4\nSigQ:\t0/96343\n");
  tree.put(
      "/proc/self/stat",
      "4711 (server (x) y) S 1 4711 4711 0 -1 4194304 5213 77 19 3 12 4 0 0 20 0 4 0 1234 1228800000 28160 "
      "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n");
}

// 8 GiB, 6 available.
inline void put_machine(RecordedTree& tree) {
  tree.put("/proc/meminfo",
           "MemTotal:        8388608 kB\nMemFree:         4194304 kB\nMemAvailable:    6291456 kB\n"
           "Buffers:             564 kB\nCached:            34212 kB\nSwapCached:            0 kB\n"
           "SwapTotal:       1048576 kB\nSwapFree:         524288 kB\nHugePages_Total:       0\n");
  tree.put("/proc/vmstat",
           "nr_free_pages 6128289\nnr_anon_pages 3226\npgpgin 50122\npgpgout 1876\npswpin 11\npswpout 22\n"
           "pgfault 1898491\npgmajfault 1249\npgrefill 0\noom_kill 3\nunevictable_pgs_culled 0\n");
  tree.put("/proc/net/sockstat",
           "sockets: used 112\nTCP: inuse 17 orphan 2 tw 5 alloc 19 mem 110\nUDP: inuse 1 mem 3\nUDPLITE: "
           "inuse 0\n"
           "RAW: inuse 0\nFRAG: inuse 0 memory 0\n");
  tree.put("/proc/sys/kernel/random/boot_id", "0e4b9c4a-2f0c-4f2e-9d0e-6a3c6f9f6f11\n");
}

struct GroupFigures {
  std::uint64_t anonymous = 100 * kMiB;
  std::uint64_t cache = 20 * kMiB;  // with shared memory
  std::uint64_t shared = 4 * kMiB;
  std::uint64_t kernel = 3 * kMiB;
  std::uint64_t sockets = 0;
  std::uint64_t hierarchical_limit = 9223372036854771712ULL;
  std::uint64_t hierarchical_memsw = 9223372036854771712ULL;
};

inline void put_group_v1(RecordedTree& tree, const std::string& directory,
                         std::string_view limit = kNoLimitV1, const GroupFigures& figures = {}) {
  auto put = [&](const char* name, std::string_view text) { tree.put(directory + "/" + name, text); };
  auto row = [](const char* key, std::uint64_t value) { return std::string(key) + " " + line(value); };
  put("cgroup.procs", "");
  put("memory.limit_in_bytes", limit);
  put("memory.memsw.limit_in_bytes", kNoLimitV1);
  put("memory.use_hierarchy", "1\n");
  put("memory.usage_in_bytes", line(figures.anonymous + figures.cache + figures.kernel));
  put("memory.max_usage_in_bytes", line(figures.anonymous + figures.cache + figures.kernel + kMiB));
  put("memory.kmem.usage_in_bytes", line(figures.kernel));
  put("memory.kmem.tcp.usage_in_bytes", line(figures.sockets));
  put("memory.kmem.tcp.limit_in_bytes", kNoLimitV1);
  put("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  put("memory.stat", "cache 4096\nrss 8192\nshmem 0\nmapped_file 0\ndirty 0\nwriteback 0\nswap 0\n" +
                         row("hierarchical_memory_limit", figures.hierarchical_limit) +
                         row("hierarchical_memsw_limit", figures.hierarchical_memsw) +
                         row("total_cache", figures.cache) + row("total_rss", figures.anonymous) +
                         row("total_rss_huge", 0) + row("total_shmem", figures.shared) +
                         row("total_mapped_file", 5 * kMiB) + row("total_dirty", 2 * kMiB) +
                         row("total_writeback", kMiB) + row("total_pgfault", 1898491) +
                         row("total_inactive_anon", 6529024) + row("total_unevictable", 8192));
}

inline void put_group_v2(RecordedTree& tree, const std::string& directory, std::string_view limit = "max\n",
                         const GroupFigures& figures = {}) {
  auto put = [&](const char* name, std::string_view text) { tree.put(directory + "/" + name, text); };
  auto row = [](const char* key, std::uint64_t value) { return std::string(key) + " " + line(value); };
  put("cgroup.procs", "");
  put("cgroup.controllers", "cpu io memory pids\n");
  put("cgroup.subtree_control", "");
  put("memory.max", limit);
  put("memory.high", "max\n");
  put("memory.current", line(figures.anonymous + figures.cache + figures.kernel + figures.sockets));
  put("memory.peak", line(figures.anonymous + figures.cache + figures.kernel + figures.sockets + kMiB));
  put("memory.swap.max", "max\n");
  put("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n");
  put("memory.stat", row("anon", figures.anonymous) + row("file", figures.cache) +
                         row("kernel", figures.kernel) + row("kernel_stack", 65536) +
                         row("pagetables", 524288) + row("sec_pagetables", 0) + row("percpu", 4096) +
                         row("sock", figures.sockets) + row("vmalloc", 0) + row("shmem", figures.shared) +
                         row("zswap", 0) + row("file_mapped", 5 * kMiB) + row("file_dirty", 2 * kMiB) +
                         row("file_writeback", kMiB) + row("inactive_anon", 0) + row("unevictable", 8192) +
                         row("slab_reclaimable", kMiB) + row("slab_unreclaimable", kMiB) +
                         row("slab", 2 * kMiB) + row("pgfault", 1898491));
}

// The version 2 root has no limits and no totals.
inline void put_root_v2(RecordedTree& tree, const std::string& directory) {
  tree.put(directory + "/cgroup.procs", "1\n2\n");
  tree.put(directory + "/cgroup.controllers", "cpu io memory pids\n");
  tree.put(directory + "/cgroup.subtree_control", "cpu io memory pids\n");
  tree.put(directory + "/memory.stat", "anon 1\n");
}

// Debian 12 host: version 2, a service in a slice.
inline void put_v2_service(RecordedTree& tree, std::string_view limit) {
  put_process(tree);
  put_machine(tree);
  tree.put("/proc/self/cgroup", "0::/system.slice/plimsoll.service\n");
  tree.put("/proc/self/mountinfo",
           "22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw\n"
           "31 23 0:28 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 "
           "rw,nsdelegate,memory_recursiveprot\n");
  put_root_v2(tree, "/sys/fs/cgroup");
  put_group_v2(tree, "/sys/fs/cgroup/system.slice");
  tree.put("/sys/fs/cgroup/system.slice/cgroup.subtree_control", "memory pids\n");
  put_group_v2(tree, "/sys/fs/cgroup/system.slice/plimsoll.service", limit);
}

// A version 1 host with the usual tmpfs of controllers; our group is /jobs/a.
inline void put_v1_host(RecordedTree& tree, std::string_view limit) {
  put_process(tree);
  put_machine(tree);
  tree.put("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/jobs/a\n3:cpuset:/\n2:cpu,cpuacct:/jobs/a\n");
  tree.put("/proc/self/mountinfo",
           "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
           "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
           "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
  put_group_v1(tree, "/sys/fs/cgroup/memory");
  put_group_v1(tree, "/sys/fs/cgroup/memory/jobs");
  put_group_v1(tree, "/sys/fs/cgroup/memory/jobs/a", limit);
}

}  // namespace plimsoll::recorded
