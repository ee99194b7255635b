#include "plimsoll/os/scratch_cgroup.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "plimsoll/base/text.h"
#include "plimsoll/os/file.h"
#include "plimsoll/os/internal/group_files.h"
#include "plimsoll/os/internal/mounts.h"
#include "plimsoll/os/internal/parse.h"

namespace plimsoll {
namespace {

constexpr auto kPatience = std::chrono::seconds(2);  // for killed processes to be gone
constexpr int kPollMs = 2;
constexpr Bytes kSocketLimit = 1024_GiB;  // version 1: any limit makes it count, and this one does not bite

Result<Bytes> read_bytes(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  Result<std::uint64_t> number = parse_number(*text);
  if (!number) return tl::unexpected(number.error());
  return trusted(*number);
}

// Not every kernel has the file; where it has, it must take the value.
Result<void> write_if_there(const std::string& path, std::string_view text) {
  Result<void> written = write_file(path, text);
  if (!written && written.error().code == ErrorCode::kNotFound) return {};
  return written;
}

bool hands_memory_down(const std::string& directory) {
  Result<std::string> controllers = read_file(directory + "/cgroup.subtree_control");
  return controllers && has_word(trim(*controllers), "memory", ' ');
}

// Where a group may be made, the best first.
std::vector<std::string> parents_in(const std::string& root, const CgroupLocation& location) {
  std::vector<std::string> parents;
  if (location.version == CgroupVersion::kV1) {
    parents = {under(root, location.chain.back()), under(root, location.chain.front())};
    return parents;
  }
  for (const std::string& directory : location.chain) {
    std::string path = under(root, directory);
    if (hands_memory_down(path)) parents.push_back(std::move(path));
  }
  return parents;
}

// Made anew, or left by an earlier run.
bool make_directory(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST; }

bool is_dead(std::int64_t process_id) {
  Result<std::string> stat = read_file("/proc/" + std::to_string(process_id) + "/stat");
  if (!stat) return true;
  std::size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return true;
  char state = (*stat)[name_end + 2];
  return state == 'Z' || state == 'X';
}

// Sends SIGKILL to all in the group but ourselves; how many were there to get it.
std::size_t kill_members(const std::string& directory) {
  Result<std::string> text = read_file(directory + "/cgroup.procs");
  if (!text) return 0;
  std::string_view rest = *text;
  std::size_t alive = 0;
  while (!rest.empty()) {
    // 0 is a process of another process id name space; it and we ourselves are let live.
    std::int64_t process_id = parse_int64(take_until(rest, '\n')).value_or(0);
    if (process_id <= 1 || process_id == ::getpid() || is_dead(process_id)) continue;
    ++alive;
    ::kill(static_cast<pid_t>(process_id), SIGKILL);
  }
  return alive;
}

}  // namespace

Result<ScratchCgroup> ScratchCgroup::create(const Options& options) {
  if (options.name.empty() || options.name.front() == '.' || options.name.find('/') != std::string::npos) {
    return fail(ErrorCode::kInvalid, "a cgroup's name is one path component");
  }
  Result<CgroupLocation> location = locate_memory_cgroup(options.root, "self");
  if (!location) return tl::unexpected(location.error());
  std::vector<std::string> parents = parents_in(options.root, *location);
  if (parents.empty()) {
    return fail(
        ErrorCode::kUnsupported,
        "no cgroup from ours upwards hands the memory controller down (cgroup.subtree_control); under "
        "systemd, a delegated scope does");
  }
  for (const std::string& parent : parents) {
    const std::string directory = parent + "/" + options.name;
    if (!make_directory(directory)) continue;
    ScratchCgroup group(location->version, directory, options.root == "/");
    Result<void> prepared = group.prepare(options.limit);
    if (!prepared) return tl::unexpected(prepared.error());
    return group;
  }
  return fail(ErrorCode::kSystem, "a memory cgroup cannot be made here", errno);
}

ScratchCgroup::ScratchCgroup(ScratchCgroup&& other) noexcept
    : version_(other.version_), directory_(std::move(other.directory_)), real_(other.real_) {
  other.directory_.clear();
}

ScratchCgroup& ScratchCgroup::operator=(ScratchCgroup&& other) noexcept {
  std::swap(version_, other.version_);
  std::swap(directory_, other.directory_);
  std::swap(real_, other.real_);
  return *this;
}

ScratchCgroup::~ScratchCgroup() {
  if (directory_.empty()) return;
  Result<void> removed = remove();
  static_cast<void>(removed);  // nobody is left to be told; what stays is an empty directory
}

Result<void> ScratchCgroup::prepare(Bytes limit) const {
  if (version_ == CgroupVersion::kV1) {
    // From the first write on, socket buffers of the group are counted. It bounds them as well, and does not
    // bite.
    Result<void> tcp =
        write_if_there(file("memory.kmem.tcp.limit_in_bytes"), std::to_string(kSocketLimit.count()));
    if (!tcp) return tcp;
  } else {
    Result<void> swap = write_if_there(file("memory.swap.max"), "0");
    if (!swap) return swap;
  }
  return set_limit(limit);
}

Result<void> ScratchCgroup::join(int process) const {
  return write_file(file("cgroup.procs"), std::to_string(process));
}

Result<void> ScratchCgroup::set_limit(Bytes limit) const {
  const std::string text = std::to_string(limit.count());
  if (version_ == CgroupVersion::kV2) return write_file(file("memory.max"), text);
  // The kernel keeps limit <= memsw at every moment: raising begins with memsw, lowering ends with it.
  Result<void> swap = write_if_there(file("memory.memsw.limit_in_bytes"), text);
  Result<void> memory = write_file(file("memory.limit_in_bytes"), text);
  if (!memory || swap) return memory;
  return write_if_there(file("memory.memsw.limit_in_bytes"), text);
}

Result<Bytes> ScratchCgroup::limit() const {
  Result<std::string> text =
      read_file(file(version_ == CgroupVersion::kV1 ? "memory.limit_in_bytes" : "memory.max"));
  if (!text) return tl::unexpected(text.error());
  return parse_limit(*text);
}

Result<GroupUse> ScratchCgroup::use() const {
  Result<GroupUseFiles> files = GroupUseFiles::open(version_, directory_);
  if (!files) return tl::unexpected(files.error());
  return files->read();
}

Result<Bytes> ScratchCgroup::peak() const {
  if (version_ == CgroupVersion::kV1) return read_bytes(file("memory.max_usage_in_bytes"));
  Result<Bytes> peak = read_bytes(file("memory.peak"));
  if (peak || peak.error().code != ErrorCode::kNotFound) return peak;
  return fail(ErrorCode::kUnsupported, "this kernel does not keep the peak of a group", ENOENT);
}

Result<std::uint64_t> ScratchCgroup::oom_kills() const {
  Result<GroupUse> used = use();
  if (!used) return tl::unexpected(used.error());
  return used->oom_kills;
}

Result<void> ScratchCgroup::kill_all() const {
  if (!real_) return {};  // a recorded tree names processes that are not ours
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (kill_members(directory_) > 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::kTimedOut, "killed processes are still in the cgroup", EBUSY);
    }
    ::poll(nullptr, 0, kPollMs);
  }
  return {};
}

Result<void> ScratchCgroup::remove() {
  Result<void> killed = kill_all();
  if (!killed) return killed;
  // The kernel takes its time with a group whose last process has just ended.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (::rmdir(directory_.c_str()) != 0) {
    if (errno == ENOENT) break;
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::kSystem, "a cgroup cannot be removed", errno);
    }
    ::poll(nullptr, 0, kPollMs);
  }
  directory_.clear();
  return {};
}

Result<void> cgroup_usable(const std::string& root) {
  Result<ScratchCgroup> group = ScratchCgroup::create(
      {.name = "plimsoll-probe-" + std::to_string(::getpid()), .limit = 64_MiB, .root = root});
  if (!group) return tl::unexpected(group.error());
  return group->remove();
}

}  // namespace plimsoll
