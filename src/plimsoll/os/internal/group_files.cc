#include "plimsoll/os/internal/group_files.h"

#include <utility>

#include "plimsoll/os/internal/parse.h"

namespace plimsoll {
namespace {

constexpr std::size_t kStatSize = 16 << 10;

std::uint64_t number_or_zero(const std::optional<KeptFile>& file) {
  if (!file) return 0;
  char buffer[32];
  Result<std::string_view> text = file->read_record(buffer);
  return text ? parse_number(*text).value_or(0) : 0;
}

}  // namespace

std::optional<KeptFile> open_if_there(std::string path) {
  Result<KeptFile> file = KeptFile::open(std::move(path));
  if (!file) return std::nullopt;
  return *std::move(file);
}

HierarchicalLimits parse_hierarchical_limits(std::string_view stat) {
  std::uint64_t memory = kMostBytes, with_swap = kMostBytes;
  const Field fields[] = {{"hierarchical_memory_limit", &memory}, {"hierarchical_memsw_limit", &with_swap}};
  parse_fields(stat, fields);
  auto limit = [](std::uint64_t count) { return count < kMostBytes ? Bytes(count) : Bytes::max(); };
  return {limit(memory), limit(with_swap)};
}

GroupUse parse_stat_v1(std::string_view stat) {
  std::uint64_t cache = 0, anonymous = 0, shared = 0, mapped = 0, dirty = 0, writeback = 0, unevictable = 0;
  const Field fields[] = {{"total_cache", &cache},
                          {"total_rss", &anonymous},
                          {"total_shmem", &shared},
                          {"total_mapped_file", &mapped},
                          {"total_dirty", &dirty},
                          {"total_writeback", &writeback},
                          {"total_unevictable", &unevictable}};
  parse_fields(stat, fields);
  GroupUse use;
  use.anonymous = trusted(anonymous);
  use.shared_memory = trusted(shared);
  use.page_cache = trusted(cache).minus_clamped(use.shared_memory);
  use.mapped_file = trusted(mapped);
  use.dirty = trusted(dirty) + trusted(writeback);
  use.unevictable = trusted(unevictable);
  return use;
}

GroupUse parse_stat_v2(std::string_view stat) {
  std::uint64_t anonymous = 0, file = 0, kernel = 0, stacks = 0, tables = 0, percpu = 0, sockets = 0,
                vmalloc = 0, shared = 0, mapped = 0, dirty = 0, writeback = 0, unevictable = 0,
                reclaimable = 0, slab = 0;
  const Field fields[] = {{"anon", &anonymous},
                          {"file", &file},
                          {"kernel", &kernel},
                          {"kernel_stack", &stacks},
                          {"pagetables", &tables},
                          {"percpu", &percpu},
                          {"sock", &sockets},
                          {"vmalloc", &vmalloc},
                          {"shmem", &shared},
                          {"file_mapped", &mapped},
                          {"file_dirty", &dirty},
                          {"file_writeback", &writeback},
                          {"unevictable", &unevictable},
                          {"slab_reclaimable", &reclaimable},
                          {"slab", &slab}};
  parse_fields(stat, fields);
  GroupUse use;
  use.anonymous = trusted(anonymous);
  use.shared_memory = trusted(shared);
  use.page_cache = trusted(file).minus_clamped(use.shared_memory);
  use.mapped_file = trusted(mapped);
  use.dirty = trusted(dirty) + trusted(writeback);
  use.unevictable = trusted(unevictable);
  // `kernel` is there from Linux 5.18 on; before, it is what it is the sum of.
  use.kernel = kernel != 0
                   ? trusted(kernel)
                   : trusted(stacks) + trusted(tables) + trusted(percpu) + trusted(vmalloc) + trusted(slab);
  use.kernel_reclaimable = trusted(reclaimable);
  use.sockets = trusted(sockets);
  use.sockets_known = true;
  return use;
}

Result<GroupUseFiles> GroupUseFiles::open(CgroupVersion version, const std::string& directory) {
  const bool v1 = version == CgroupVersion::kV1;
  Result<KeptFile> stat = KeptFile::open(directory + "/memory.stat");
  if (!stat) return tl::unexpected(stat.error());
  Result<KeptFile> usage = KeptFile::open(directory + (v1 ? "/memory.usage_in_bytes" : "/memory.current"));
  if (!usage) return tl::unexpected(usage.error());
  GroupUseFiles files(version, *std::move(stat), *std::move(usage));
  files.events_ = open_if_there(directory + (v1 ? "/memory.oom_control" : "/memory.events"));
  if (v1) {
    files.kernel_ = open_if_there(directory + "/memory.kmem.usage_in_bytes");
    files.tcp_ = open_if_there(directory + "/memory.kmem.tcp.usage_in_bytes");
    files.tcp_limit_ = open_if_there(directory + "/memory.kmem.tcp.limit_in_bytes");
  }
  return files;
}

Result<GroupUse> GroupUseFiles::read() const {
  char buffer[kStatSize];
  Result<std::string_view> stat = stat_.read_record(buffer);
  if (!stat) return tl::unexpected(stat.error());
  GroupUse use = version_ == CgroupVersion::kV1 ? parse_stat_v1(*stat) : parse_stat_v2(*stat);

  Result<std::string_view> total = usage_.read_record(buffer);
  if (!total) return tl::unexpected(total.error());
  Result<std::uint64_t> count = parse_number(*total);
  if (!count) return tl::unexpected(count.error());
  use.total = trusted(*count);

  if (events_) {
    Result<std::string_view> events = events_->read_record(buffer);
    const Field kills[] = {{"oom_kill", &use.oom_kills}};
    if (events) parse_fields(*events, kills);
  }
  if (version_ == CgroupVersion::kV1) {
    use.kernel = trusted(number_or_zero(kernel_));
    use.sockets = trusted(number_or_zero(tcp_));
    // Sockets are counted once the limit was written. That it was is seen in the limit, or in the count.
    char small[32];
    Result<std::string_view> limit = fail(ErrorCode::kNotFound, "");
    if (tcp_limit_) limit = tcp_limit_->read_record(small);
    bool written = limit && parse_limit(*limit).value_or(Bytes::max()) != Bytes::max();
    use.sockets_known = written || !use.sockets.zero();
  }
  return use;
}

Result<HierarchicalLimits> GroupUseFiles::hierarchical_limits() const {
  char buffer[kStatSize];
  Result<std::string_view> stat = stat_.read_record(buffer);
  if (!stat) return tl::unexpected(stat.error());
  return parse_hierarchical_limits(*stat);
}

}  // namespace plimsoll
