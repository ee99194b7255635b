#include "plimsoll/os/internal/mounts.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "plimsoll/base/text.h"
#include "plimsoll/os/file.h"
#include "plimsoll/os/internal/parse.h"

namespace plimsoll {
namespace {

constexpr std::size_t kDeepest = 64;

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// The first file tells that a directory belongs to a memory cgroup: a plain directory, or a mount that
// another one hides, does not have it.
bool is_cgroup(const std::string& root, const std::string& directory) {
  return is_directory(under(root, directory)) && KeptFile::open(under(root, directory + "/cgroup.procs"));
}

bool lists_process(const std::string& root, const std::string& directory, std::uint64_t process_id) {
  Result<std::string> text = read_file(under(root, directory + "/cgroup.procs"));
  return text && process_id != 0 && has_word(*text, std::to_string(process_id), '\n');
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The directory and its parents up to the mount point.
std::vector<std::string> chain_of(const std::string& point, std::string directory) {
  std::vector<std::string> chain;
  while (chain.size() < kDeepest) {
    chain.push_back(directory);
    if (directory.size() <= point.size()) break;
    directory = parent_of(directory);
  }
  return chain;
}

// In a version 1 hierarchy from before Linux 5.11 a group may not count for its parent.
void cut_where_not_hierarchical(const std::string& root, std::vector<std::string>& chain) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    Result<std::string> flag = read_file(under(root, chain[i] + "/memory.use_hierarchy"));
    if (flag && trim(*flag) == "0") {
      chain.resize(i);
      return;
    }
  }
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

void append_subdirectories(const std::string& root, const std::string& directory, std::size_t most,
                           std::vector<std::string>& list) {
  std::unique_ptr<DIR, CloseDirectory> stream(::opendir(under(root, directory).c_str()));
  if (!stream) return;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    list.push_back(directory + "/" + std::string(name));
    if (list.size() >= most) return;
  }
}

struct Wanted {
  std::uint64_t process_id = 0;
  std::size_t most_searched = 0;
};

// The group below the mount point that lists us, those near to it first.
std::optional<std::string> search(const std::string& root, const std::string& point, const Wanted& wanted) {
  std::vector<std::string> queue{point};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    if (lists_process(root, queue[i], wanted.process_id)) return queue[i];
    if (queue.size() >= wanted.most_searched) continue;
    append_subdirectories(root, std::string(queue[i]), wanted.most_searched, queue);
  }
  return std::nullopt;
}

// Our group under one of the mounts; the mounts are tried in order.
std::optional<CgroupLocation> find_directory(const std::string& root, const std::vector<CgroupMount>& mounts,
                                             const std::string& path, const Wanted& wanted) {
  auto at = [](const CgroupMount& mount, const std::string& directory, bool certain) {
    return CgroupLocation{.version = mount.version,
                          .chain = chain_of(mount.point, directory),
                          .certain = certain,
                          .membership = {}};
  };
  for (const CgroupMount& mount : mounts) {
    std::optional<std::string> rest = path_below(mount.root, path);
    if (rest && is_cgroup(root, mount.point + *rest)) return at(mount, mount.point + *rest, true);
  }
  // The path says nothing about these mounts: names between the namespace and what is mounted are not to be
  // known (the host's hierarchy in a container with a namespace of its own, its root being "/../.."). The
  // group that lists us is ours all the same.
  for (const CgroupMount& mount : mounts) {
    std::optional<std::string> directory = search(root, mount.point, wanted);
    if (directory) return at(mount, *directory, true);
  }
  for (const CgroupMount& mount : mounts) {
    if (is_cgroup(root, mount.point)) return at(mount, mount.point, false);
  }
  return std::nullopt;
}

std::vector<CgroupMount> mounts_of(std::vector<CgroupMount> mounts, CgroupVersion version) {
  std::erase_if(mounts, [&](const CgroupMount& mount) { return mount.version != version; });
  // The one that shows most of the hierarchy first: limits of parents are seen only there.
  std::sort(mounts.begin(), mounts.end(), [](const CgroupMount& a, const CgroupMount& b) {
    return std::make_pair(a.root.size(), a.point) < std::make_pair(b.root.size(), b.point);
  });
  return mounts;
}

}  // namespace

CgroupMembership parse_membership(std::string_view text) {
  CgroupMembership membership;
  while (!text.empty()) {
    std::string_view path = take_until(text, '\n');  // "4:memory:/path", and the path may have colons
    std::string_view number = take_until(path, ':');
    std::string_view controllers = take_until(path, ':');
    if (path.empty() || path.front() != '/') continue;
    if (has_word(controllers, "memory", ',')) membership.memory = std::string(path);
    if (number == "0" && controllers.empty()) membership.unified = std::string(path);
  }
  return membership;
}

std::string unescape_octal(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<CgroupMount> parse_mountinfo(std::string_view text) {
  std::vector<CgroupMount> mounts;
  while (!text.empty()) {
    // "32 31 0:29 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory"
    std::string_view line = take_until(text, '\n');
    std::size_t separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    std::string_view front = line.substr(0, separator);
    std::string_view back = line.substr(separator + 3);
    for (int skipped = 0; skipped < 3; ++skipped) take_until(front, ' ');
    std::string_view root = take_until(front, ' ');
    std::string_view point = take_until(front, ' ');
    std::string_view type = take_until(back, ' ');
    take_until(back, ' ');  // the source, whatever it was called
    if (root.empty() || root.front() != '/' || point.empty() || point.front() != '/') continue;
    bool is_v1 = type == "cgroup" && has_word(trim(back), "memory", ',');
    if (!is_v1 && type != "cgroup2") continue;
    std::string plain = unescape_octal(point);
    mounts.push_back({is_v1 ? CgroupVersion::kV1 : CgroupVersion::kV2, unescape_octal(root),
                      plain == "/" ? std::string() : plain});
  }
  return mounts;
}

std::optional<std::string> path_below(std::string_view root, std::string_view path) {
  std::string_view rest = path;
  if (root != "/") {
    if (!path.starts_with(root)) return std::nullopt;
    rest = path.substr(root.size());
    if (!rest.empty() && rest.front() != '/') return std::nullopt;
  }
  // Above or beside the namespace: the names on the way are not known.
  if (rest == "/.." || rest.find("/../") != std::string_view::npos || rest.ends_with("/.."))
    return std::nullopt;
  return rest == "/" ? std::string() : std::string(rest);
}

Result<CgroupLocation> locate_memory_cgroup(const std::string& root, const std::string& process,
                                            std::size_t most_searched) {
  const std::string directory = under(root, "/proc/" + process);
  Result<std::string> text = read_file(directory + "/cgroup");
  if (!text) return fail(ErrorCode::kNotFound, "this kernel has no cgroups", text.error().errno_value);
  Result<std::string> mountinfo = read_file(directory + "/mountinfo");
  if (!mountinfo) return tl::unexpected(mountinfo.error());
  std::array<std::uint64_t, 1> process_id{};
  Result<std::string> stat = read_file(directory + "/stat");
  if (stat) parse_row(*stat, process_id);

  const CgroupMembership membership = parse_membership(*text);
  const std::vector<CgroupMount> mounts = parse_mountinfo(*mountinfo);
  const Wanted wanted{.process_id = process_id[0], .most_searched = most_searched};
  std::optional<CgroupLocation> found;
  if (membership.memory) {
    found = find_directory(root, mounts_of(mounts, CgroupVersion::kV1), *membership.memory, wanted);
    if (found) cut_where_not_hierarchical(root, found->chain);
  } else if (membership.unified) {
    found = find_directory(root, mounts_of(mounts, CgroupVersion::kV2), *membership.unified, wanted);
  }
  if (!found) return fail(ErrorCode::kNotFound, "no cgroup with the memory controller is mounted here");
  found->membership = *std::move(text);
  found->process_id = process_id[0];
  return *std::move(found);
}

}  // namespace plimsoll
