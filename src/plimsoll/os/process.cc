#include "plimsoll/os/process.h"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <iterator>

#include "plimsoll/base/text.h"
#include "plimsoll/os/internal/parse.h"

namespace plimsoll {
namespace {

constexpr std::size_t kStatusSize = 16 << 10;  // the line of supplementary groups may be long

Bytes bound_of(rlim_t limit) { return limit >= kMostBytes ? Bytes::max() : Bytes(limit); }

// A failure to open here means that there is no such process or no /proc.
template <typename T>
tl::unexpected<Error> passed_on(const Result<T>& failed) {
  return tl::unexpected(failed.error());
}

}  // namespace

Result<ProcessReader> ProcessReader::open(const std::string& root, const std::string& process) {
  const std::string directory = under(root, "/proc/" + process);
  Result<KeptFile> statm = KeptFile::open(directory + "/statm");
  if (!statm) return passed_on(statm);
  Result<KeptFile> status = KeptFile::open(directory + "/status");
  if (!status) return passed_on(status);
  Result<KeptFile> stat = KeptFile::open(directory + "/stat");
  if (!stat) return passed_on(stat);
  return ProcessReader(*std::move(statm), *std::move(status), *std::move(stat));
}

Result<FastMemory> ProcessReader::fast() const {
  char buffer[160];
  Result<std::string_view> text = statm_.read_record(buffer);
  if (!text) return passed_on(text);
  std::array<std::uint64_t, 3> row{};  // size resident shared ...
  if (parse_row(*text, row) < row.size()) return fail(ErrorCode::kInvalid, "not a statm file");
  Bytes resident = trusted_pages(row[1]);
  Bytes shared = trusted_pages(row[2]);
  return FastMemory{resident, shared, resident.minus_clamped(shared)};
}

Result<ProcessMemory> ProcessReader::memory() const {
  char buffer[kStatusSize];
  Result<std::string_view> text = status_.read_record(buffer);
  if (!text) return passed_on(text);
  std::uint64_t locked = 0, resident = 0, anonymous = 0, file = 0, shared = 0, data = 0, stack = 0,
                tables = 0, swapped = 0, threads = 0;
  const Field fields[] = {{"VmLck", &locked},   {"VmRSS", &resident},  {"RssAnon", &anonymous},
                          {"RssFile", &file},   {"RssShmem", &shared}, {"VmData", &data},
                          {"VmStk", &stack},    {"VmPTE", &tables},    {"VmSwap", &swapped},
                          {"Threads", &threads}};
  // A kernel thread or a zombie has no memory lines, which is an answer; Threads there always is.
  if (parse_fields(*text, fields) == 0 || threads == 0) return fail(ErrorCode::kInvalid, "not a status file");
  return ProcessMemory{.resident = trusted(resident),
                       .anonymous = trusted(anonymous),
                       .file = trusted(file),
                       .shared_memory = trusted(shared),
                       .locked = trusted(locked),
                       .page_tables = trusted(tables),
                       .stack = trusted(stack),
                       .swapped = trusted(swapped),
                       .data = trusted(data),
                       .threads = threads};
}

Result<PageFaults> ProcessReader::faults() const {
  char buffer[1024];
  Result<std::string_view> text = stat_.read_record(buffer);
  if (!text) return passed_on(text);
  // "pid (name) S ppid ...": the name is the program's own and may hold anything, so count from its end.
  std::size_t name_end = text->rfind(')');
  if (name_end == std::string_view::npos) return fail(ErrorCode::kInvalid, "not a stat file");
  std::string_view rest = text->substr(name_end + 1);
  for (int skipped = 0; skipped < 8; ++skipped) take_until(rest, ' ');  // "", state, ppid, ... flags
  std::array<std::uint64_t, 3> row{};                                   // minflt cminflt majflt
  if (parse_row(rest, row) < row.size()) return fail(ErrorCode::kInvalid, "not a stat file");
  return PageFaults{row[0], row[2]};
}

ResourceLimits resource_limits() {
  ResourceLimits limits;
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) == 0) limits.data = bound_of(limit.rlim_cur);
  if (::getrlimit(RLIMIT_AS, &limit) == 0) limits.address_space = bound_of(limit.rlim_cur);
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limits.files_soft = limit.rlim_cur;
    limits.files_hard = limit.rlim_max;
  }
  return limits;
}

Result<std::uint64_t> raise_file_limit() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return limit.rlim_cur;
  }
  return fail(ErrorCode::kSystem, "the limit on open files stays as it is", errno);
}

unsigned cpus_allowed() {
  // A set of 1024 cores is too small for some machines; the kernel then says EINVAL.
  for (std::size_t cores = 1024; cores <= (1 << 16); cores *= 4) {
    cpu_set_t* set = CPU_ALLOC(cores);
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(cores);
    CPU_ZERO_S(size, set);
    int count = ::sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return static_cast<unsigned>(count);
    if (errno != EINVAL) break;
  }
  return 1;
}

Result<std::string> boot_id(const std::string& root) {
  Result<std::string> text = read_file(under(root, "/proc/sys/kernel/random/boot_id"));
  if (!text) return text;
  std::string id(trim(*text));
  if (id.empty()) return fail(ErrorCode::kInvalid, "the boot has no name");
  return id;
}

bool set_malloc_frugal() {
#ifdef M_ARENA_MAX
  // 128 KiB is glibc's own first value of both; naming it is what ends the dynamic ones.
  bool one_arena = ::mallopt(M_ARENA_MAX, 1) == 1;
  bool fixed = ::mallopt(M_MMAP_THRESHOLD, 128 << 10) == 1 && ::mallopt(M_TRIM_THRESHOLD, 128 << 10) == 1;
  return one_arena && fixed;
#else
  return false;
#endif
}

bool trim_malloc() {
#ifdef __GLIBC__
  return ::malloc_trim(0) == 1;
#else
  return false;
#endif
}

}  // namespace plimsoll
