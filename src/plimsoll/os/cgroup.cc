#include "plimsoll/os/cgroup.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "plimsoll/base/check.h"
#include "plimsoll/base/text.h"
#include "plimsoll/os/file.h"
#include "plimsoll/os/internal/group_files.h"
#include "plimsoll/os/internal/mounts.h"
#include "plimsoll/os/internal/parse.h"

namespace plimsoll {
namespace {

constexpr const char* kGone = "the process is in another cgroup now, or its cgroup was removed";

// Reads of a removed group's files say ENODEV (ENOENT where it is not there to be opened).
template <typename T>
Error gone_or(const Result<T>& failed) {
  const Error& error = failed.error();
  bool gone = error.code == ErrorCode::kNotFound || error.errno_value == ENODEV;
  return gone ? Error{ErrorCode::kNotFound, error.errno_value, kGone} : error;
}

Result<Bytes> read_limit(const KeptFile& file) {
  char buffer[32];
  Result<std::string_view> text = file.read_record(buffer);
  if (!text) return tl::unexpected(gone_or(text));
  return parse_limit(*text);
}

struct LimitFile {
  BoundKind kind;
  KeptFile file;
  std::string path;  // as the process sees it
};

struct Group {
  std::string directory;          // as the process sees it
  std::vector<LimitFile> limits;  // at most two
  std::optional<GroupUseFiles> use;
};

}  // namespace

struct CgroupMemory::State {
  std::string root;
  CgroupVersion version = CgroupVersion::kV1;
  bool certain = true;
  std::uint64_t process_id = 0;
  std::string membership;
  std::optional<KeptFile> membership_file;
  std::vector<Group> groups;

  bool add_group(const std::string& directory);
  Result<void> check_membership() const;
  Result<void> add_ancestor_bound(std::vector<GroupBound>& bounds) const;
};

std::string_view name_of(BoundKind kind) {
  switch (kind) {
    case BoundKind::kV2Max:
      return "memory.max";
    case BoundKind::kV2High:
      return "memory.high";
    case BoundKind::kV1Limit:
      return "memory.limit_in_bytes";
    case BoundKind::kV1Swap:
      return "memory.memsw.limit_in_bytes";
    case BoundKind::kV1Ancestor:
      return "memory.stat";
  }
  return "";
}

// False when the group has no memory files: the controller is not handed down so far, or it is the root.
bool CgroupMemory::State::add_group(const std::string& directory) {
  Group group{.directory = directory, .limits = {}, .use = {}};
  const BoundKind hard = version == CgroupVersion::kV1 ? BoundKind::kV1Limit : BoundKind::kV2Max;
  const BoundKind other = version == CgroupVersion::kV1 ? BoundKind::kV1Swap : BoundKind::kV2High;
  bool limited = false;
  for (BoundKind kind : {hard, other}) {
    std::string path = directory + "/" + std::string(name_of(kind));
    std::optional<KeptFile> file = open_if_there(under(root, path));
    if (!file) continue;
    limited = limited || read_limit(*file).value_or(Bytes::max()) != Bytes::max();
    group.limits.push_back({kind, *std::move(file), std::move(path)});
  }
  if (group.limits.empty()) return false;
  // What is read at every sample stays open: our group, and those whose limit may bind.
  if (groups.empty() || limited) {
    Result<GroupUseFiles> use = GroupUseFiles::open(version, under(root, directory));
    if (!use) return false;
    group.use = *std::move(use);
  }
  groups.push_back(std::move(group));
  return true;
}

Result<void> CgroupMemory::State::check_membership() const {
  if (!membership_file) return {};
  char buffer[8 << 10];
  Result<std::string_view> text = membership_file->read(buffer);
  if (text && *text != membership) return fail(ErrorCode::kNotFound, kGone);
  return {};
}

// The smallest limit of all ancestors, when none of those mounted here says it.
Result<void> CgroupMemory::State::add_ancestor_bound(std::vector<GroupBound>& bounds) const {
  Result<HierarchicalLimits> hierarchical = groups.front().use->hierarchical_limits();
  if (!hierarchical) return tl::unexpected(gone_or(hierarchical));
  Bytes smallest = std::min(hierarchical->memory, hierarchical->with_swap);
  for (const GroupBound& bound : bounds) {
    if (bound.limit <= smallest) return {};
  }
  if (smallest == Bytes::max()) return {};
  bounds.push_back({.kind = BoundKind::kV1Ancestor,
                    .limit = smallest,
                    .group = groups.size() - 1,
                    .path = groups.front().directory + "/memory.stat"});
  return {};
}

CgroupMemory::CgroupMemory(std::unique_ptr<State> state) : state_(std::move(state)) {}
CgroupMemory::CgroupMemory(CgroupMemory&&) noexcept = default;
CgroupMemory& CgroupMemory::operator=(CgroupMemory&&) noexcept = default;
CgroupMemory::~CgroupMemory() = default;

Result<CgroupMemory> CgroupMemory::find(const std::string& root, const std::string& process) {
  Result<CgroupLocation> location = locate_memory_cgroup(root, process);
  if (!location) return tl::unexpected(location.error());
  auto state = std::make_unique<State>();
  state->root = root;
  state->version = location->version;
  state->certain = location->certain;
  state->process_id = location->process_id;
  state->membership = std::move(location->membership);
  state->membership_file = open_if_there(under(root, "/proc/" + process + "/cgroup"));
  for (const std::string& directory : location->chain) state->add_group(directory);
  if (state->groups.empty()) {
    return fail(ErrorCode::kNotFound, "the memory controller is not active in our cgroup or above it");
  }
  return CgroupMemory(std::move(state));
}

CgroupVersion CgroupMemory::version() const { return state_->version; }
std::size_t CgroupMemory::groups() const { return state_->groups.size(); }
bool CgroupMemory::certain() const { return state_->certain; }

const std::string& CgroupMemory::directory(std::size_t group) const {
  PLIMSOLL_CHECK(group < groups(), "group %zu of %zu", group, groups());
  return state_->groups[group].directory;
}

Result<std::vector<GroupBound>> CgroupMemory::bounds() const {
  Result<void> here = state_->check_membership();
  if (!here) return tl::unexpected(here.error());
  std::vector<GroupBound> bounds;
  for (std::size_t i = 0; i < groups(); ++i) {
    for (const LimitFile& file : state_->groups[i].limits) {
      Result<Bytes> limit = read_limit(file.file);
      if (!limit) return tl::unexpected(limit.error());
      if (*limit == Bytes::max()) continue;
      bounds.push_back({.kind = file.kind, .limit = *limit, .group = i, .path = file.path});
    }
  }
  if (version() == CgroupVersion::kV1) {
    Result<void> added = state_->add_ancestor_bound(bounds);
    if (!added) return tl::unexpected(added.error());
  }
  return bounds;
}

Result<GroupUse> CgroupMemory::use(std::size_t group) const {
  PLIMSOLL_CHECK(group < groups(), "group %zu of %zu", group, groups());
  const Group& entry = state_->groups[group];
  Result<GroupUse> use = fail(ErrorCode::kNotFound, kGone);
  if (entry.use) {
    use = entry.use->read();
  } else {
    Result<GroupUseFiles> files = GroupUseFiles::open(version(), under(state_->root, entry.directory));
    if (!files) return tl::unexpected(gone_or(files));
    use = files->read();
  }
  if (!use) return tl::unexpected(gone_or(use));
  return use;
}

bool CgroupMemory::alone() const {
  if (!certain()) return false;
  const std::string directory = under(state_->root, state_->groups.front().directory);
  // A directory has a link from each one in it, besides its own two; where file systems do not count them, 1.
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0 || status.st_nlink > 2) return false;
  Result<KeptFile> file = KeptFile::open(directory + "/cgroup.procs");
  if (!file) return false;
  char buffer[32];
  Result<std::string_view> text = file->read_record(buffer);
  return text && parse_number(*text).value_or(0) == state_->process_id && state_->process_id != 0;
}

}  // namespace plimsoll
