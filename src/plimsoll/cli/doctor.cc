#include "plimsoll/cli/doctor.h"

#include <sys/rseq.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "plimsoll/base/text.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/file.h"
#include "plimsoll/os/machine.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/process.h"
#include "plimsoll/os/scratch_cgroup.h"
#include "plimsoll/report/json_writer.h"

namespace plimsoll {
namespace {

constexpr std::uint64_t kFewFiles = 10'000;

void examine_limit(Diagnosis& found) {
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
  Result<FoundLimit> limit = probe ? (*probe)->limit() : tl::unexpected(probe.error());
  if (!limit) {
    found.limit_words = "not known: " + limit.error().message();
    return;
  }
  found.limit = limit->limit;
  found.limit_words = limit->words;
  found.limit_source = name_of(limit->source);
  found.bound_by_cgroup = found.limit_source.starts_with("cgroup");
  found.line = found.limit.minus_clamped(reserve_for(found.limit, Bytes()));
}

// The word in brackets of "always [madvise] never".
std::string chosen_of(std::string_view choices) {
  take_until(choices, '[');
  return std::string(take_until(choices, ']'));
}

}  // namespace

Diagnosis examine() {
  Diagnosis found;
  examine_limit(found);
  Result<void> usable = cgroup_usable();
  found.cgroup_usable = usable.has_value();
  if (!usable) found.cgroup_fault = usable.error().message();
  utsname names{};
  if (uname(&names) == 0)
    found.kernel = std::string(names.sysname) + " " + names.release + " " + names.machine;
  if (Result<MachineReader> machine = MachineReader::open()) {
    MachineMemory memory = machine->memory().value_or(MachineMemory());
    found.machine_memory = memory.total;
    found.available = memory.available;
    found.swap = memory.swap_total;
  }
  found.huge_pages = chosen_of(read_file("/sys/kernel/mm/transparent_hugepage/enabled").value_or(""));
  if (found.huge_pages.empty()) found.huge_pages = "none";
  std::string overcommit = read_file("/proc/sys/vm/overcommit_memory").value_or("");
  found.overcommit = static_cast<int>(parse_int64(trim(overcommit)).value_or(-1));
  ResourceLimits limits = resource_limits();
  found.files_soft = limits.files_soft;
  found.files_hard = limits.files_hard;
  found.cpus = cpus_allowed();
  found.page_size = Bytes(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  found.rseq = __rseq_size > 0;
  return found;
}

std::vector<std::string> advice_on(const Diagnosis& diagnosis) {
  std::vector<std::string> advice;
  if (!diagnosis.bound_by_cgroup) {
    advice.push_back(
        "no memory cgroup bounds this process, so others may take the memory it counts on: run it in one "
        "(a container, or systemd-run -p MemoryMax=...), or give it less with --line");
  }
  if (!diagnosis.swap.zero()) {
    advice.push_back(
        "swap is on: what was swapped out comes back slowly, and a limit without swap is met earlier "
        "than it seems; memory.swap.max = 0 for this group keeps it out of swap");
  }
  if (diagnosis.huge_pages == "always") {
    advice.push_back(
        "huge pages are given to everybody, which makes small heaps large: "
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  }
  if (diagnosis.overcommit == 2) {
    advice.push_back(
        "vm.overcommit_memory = 2 counts address space as memory, and Plimsoll reserves much of it: set 0");
  }
  if (diagnosis.files_hard != 0 && diagnosis.files_hard < kFewFiles) {
    advice.push_back("at most " + format_count(diagnosis.files_hard) +
                     " files may be open, which bounds connections: raise it with ulimit -Hn or LimitNOFILE");
  }
  if (diagnosis.page_size > 4_KiB) {
    advice.push_back("pages are of " + format_bytes(diagnosis.page_size) +
                     " here; Plimsoll was measured with 4 KiB");
  }
  return advice;
}

std::string text_of(const Diagnosis& d) {
  std::string text;
  auto line = [&text](std::string_view name, const std::string& value) {
    text += std::string(name) + ": " + value + "\n";
  };
  line("limit", d.limit.zero() ? d.limit_words : format_bytes(d.limit) + " (" + d.limit_words + ")");
  line("line",
       format_bytes(d.line) + ", a reserve of " + format_bytes(d.limit.minus_clamped(d.line)) + " below it");
  line("memory cgroup", d.cgroup_usable ? "usable" : "not usable: " + d.cgroup_fault);
  line("kernel", d.kernel);
  line("machine", format_bytes(d.machine_memory) + ", " + format_bytes(d.available) + " available");
  line("swap", d.swap.zero() ? "none" : format_bytes(d.swap));
  line("huge pages", d.huge_pages);
  line("overcommit", d.overcommit < 0 ? "not known" : std::to_string(d.overcommit));
  line("open files", "soft " + format_count(d.files_soft) + ", hard " + format_count(d.files_hard));
  line("cores", std::to_string(d.cpus));
  line("page size", format_bytes(d.page_size));
  line("rseq", d.rseq ? "yes" : "no");
  std::vector<std::string> advice = advice_on(d);
  if (!advice.empty()) text += "\nWhat could be better:\n";
  for (const std::string& sentence : advice) text += "  - " + sentence + "\n";
  return text;
}

std::string json_of(const Diagnosis& d) {
  JsonWriter json;
  json.begin_object();
  json.begin_object("limit")
      .field("bytes", d.limit)
      .field("source", d.limit_source)
      .field("words", d.limit_words)
      .end();
  json.field("line_bytes", d.line);
  json.begin_object("memory_cgroup").field("usable", d.cgroup_usable).field("why_not", d.cgroup_fault).end();
  json.field("kernel", d.kernel)
      .field("machine_bytes", d.machine_memory)
      .field("available_bytes", d.available)
      .field("swap_bytes", d.swap)
      .field("huge_pages", d.huge_pages)
      .field("overcommit", d.overcommit)
      .field("files_soft", d.files_soft)
      .field("files_hard", d.files_hard)
      .field("cores", d.cpus)
      .field("page_size_bytes", d.page_size)
      .field("rseq", d.rseq);
  json.begin_array("advice");
  for (const std::string& sentence : advice_on(d)) json.value(sentence);
  return json.end().end().take();
}

}  // namespace plimsoll
