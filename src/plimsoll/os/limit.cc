#include "plimsoll/os/limit.h"

#include <algorithm>
#include <map>
#include <vector>

#include "plimsoll/base/text.h"
#include "plimsoll/os/cgroup.h"

namespace plimsoll {
namespace {

constexpr Bytes kAssumedLimit = 256_MiB;
constexpr Bytes kWorthAWord = 1_MiB;  // less of other processes is not mentioned

LimitSource source_of(BoundKind kind) {
  switch (kind) {
    case BoundKind::kV1Limit:
      return LimitSource::kCgroupV1Limit;
    case BoundKind::kV1Swap:
      return LimitSource::kCgroupV1Swap;
    case BoundKind::kV1Ancestor:
      return LimitSource::kCgroupV1Ancestor;
    case BoundKind::kV2Max:
    case BoundKind::kV2High:
      break;
  }
  return LimitSource::kCgroupV2Max;
}

FoundLimit found_from(LimitSource source, Bytes limit, std::string words) {
  FoundLimit found;
  found.limit = found.configured = limit;
  found.source = source;
  found.words = std::move(words);
  return found;
}

std::string words_of(const CgroupMemory& group, const GroupBound& bound, Bytes others) {
  std::string words = group.version() == CgroupVersion::kV1 ? "cgroup v1 " : "cgroup v2 ";
  words += group.directory(bound.kind == BoundKind::kV1Ancestor ? 0 : bound.group) + ": ";
  if (bound.kind == BoundKind::kV1Ancestor) words += "hierarchical_memory_limit in ";
  words += std::string(name_of(bound.kind)) + " " + format_bytes(bound.limit);
  if (others >= kWorthAWord) words += ", less " + format_bytes(others) + " of other processes in it";
  if (!group.certain()) words += " (our own group is not mounted here; this is the nearest)";
  return words;
}

// What the smallest of the cgroup limits leaves us, and the smallest memory.high.
class GroupLimits {
 public:
  explicit GroupLimits(const LimitInputs& inputs) : group_(*inputs.group), inputs_(inputs) {}

  Result<void> read() {
    const Bytes machine_total = inputs_.machine ? inputs_.machine->total : Bytes::max();
    Result<std::vector<GroupBound>> bounds = group_.bounds();
    if (!bounds) return tl::unexpected(bounds.error());
    for (const GroupBound& bound : *bounds) {
      // A limit that the machine cannot reach does not bind; many are written so.
      if (bound.limit < machine_total) consider(bound);
    }
    return {};
  }
  const std::optional<FoundLimit>& hard() const { return hard_; }
  const std::optional<Bytes>& soft() const { return soft_; }

 private:
  void consider(const GroupBound& bound) {
    Bytes others = others_of(bound.group);
    Bytes left = bound.limit.minus_clamped(others);
    if (bound.kind == BoundKind::kV2High) {
      soft_ = std::min(soft_.value_or(Bytes::max()), left);
    } else if (!hard_ || left < hard_->limit) {
      hard_ = found_from(source_of(bound.kind), left, words_of(group_, bound, others));
      hard_->configured = bound.limit;
      hard_->others = bound.limit - left;
      hard_->path = bound.path;
    }
  }
  Bytes others_of(std::size_t index) {
    auto known = others_.find(index);
    if (known != others_.end()) return known->second;
    Result<GroupUse> use = group_.use(index);
    Bytes others;
    if (use) {
      others = inputs_.alone && index == 0 ? use->shared_memory.minus_clamped(inputs_.own_shared_memory)
                                           : use->held().minus_clamped(inputs_.own_held);
    }
    others_.emplace(index, others);
    return others;
  }

  const CgroupMemory& group_;
  const LimitInputs& inputs_;
  std::map<std::size_t, Bytes> others_;
  std::optional<FoundLimit> hard_;
  std::optional<Bytes> soft_;
};

FoundLimit found_in_machine(const MachineMemory& machine, Bytes own_held, double share) {
  Bytes part = machine.total.scaled(share);
  Bytes reachable = machine.available.plus_clamped(own_held);
  const std::string whole = format_bytes(machine.total);
  if (reachable < part) {
    return found_from(
        LimitSource::kMachineAvailable, reachable,
        "what is available of the machine's " + whole + ", with our own " + format_bytes(own_held));
  }
  auto per_cent = static_cast<std::uint64_t>(share * 100 + 0.5);
  return found_from(LimitSource::kMachineShare, part,
                    format_count(per_cent) + "% of the machine's " + whole + ", as no cgroup binds");
}

}  // namespace

std::string_view name_of(LimitSource source) {
  switch (source) {
    case LimitSource::kCgroupV2Max:
      return "cgroup-v2-max";
    case LimitSource::kCgroupV1Limit:
      return "cgroup-v1-limit";
    case LimitSource::kCgroupV1Swap:
      return "cgroup-v1-memsw";
    case LimitSource::kCgroupV1Ancestor:
      return "cgroup-v1-ancestor";
    case LimitSource::kResourceLimit:
      return "rlimit-data";
    case LimitSource::kLineOption:
      return "line-option";
    case LimitSource::kMachineShare:
      return "machine-share";
    case LimitSource::kMachineAvailable:
      return "machine-available";
    case LimitSource::kAssumed:
      return "assumed";
  }
  return "";
}

Result<LimitFinder> LimitFinder::create(Options options) {
  if (!(options.machine_share > 0 && options.machine_share <= 1)) {
    return fail(ErrorCode::kOutOfRange, "the share of the machine must be above 0 and at most 1");
  }
  if (!options.line.empty()) {
    Result<Bytes> line = parse_bytes_or_share(options.line, 1_GiB);
    if (!line) return tl::unexpected(line.error());
    if (line->zero()) return fail(ErrorCode::kOutOfRange, "a line of nothing holds nothing");
  }
  return LimitFinder(std::move(options));
}

bool LimitFinder::line_is_size() const { return !options_.line.empty() && trim(options_.line).back() != '%'; }

// REQUIRES: options_.line is not empty; create() has parsed it once.
void LimitFinder::apply_line(FoundLimit& found) const {
  Bytes line = parse_bytes_or_share(options_.line, found.limit).value_or(Bytes::max());
  if (line >= found.limit) return;
  std::string words = "--line " + options_.line;
  if (found.source != LimitSource::kLineOption && found.limit != Bytes::max()) {
    words += line_is_size() ? ", below " : " of " + format_bytes(found.limit) + ": ";
    words += found.words;
  }
  found = found_from(LimitSource::kLineOption, line, std::move(words));
}

Result<FoundLimit> LimitFinder::find(const LimitInputs& inputs) const {
  FoundLimit found = found_from(LimitSource::kAssumed, Bytes::max(), "");
  std::optional<Bytes> soft;
  if (inputs.group != nullptr) {
    GroupLimits limits(inputs);
    Result<void> read = limits.read();
    if (!read) return tl::unexpected(read.error());
    if (limits.hard()) found = *limits.hard();
    soft = limits.soft();
  }
  const bool bound_by_group = found.limit != Bytes::max();
  if (!bound_by_group && inputs.machine) {
    found = line_is_size() ? found_from(LimitSource::kMachineShare, inputs.machine->total,
                                        "the machine's " + format_bytes(inputs.machine->total))
                           : found_in_machine(*inputs.machine, inputs.own_held, options_.machine_share);
  }
  if (inputs.resources.data < found.limit) {
    found = found_from(LimitSource::kResourceLimit, inputs.resources.data,
                       "RLIMIT_DATA " + format_bytes(inputs.resources.data));
  }
  if (found.limit == Bytes::max() && !line_is_size()) {
    found = found_from(LimitSource::kAssumed, kAssumedLimit,
                       format_bytes(kAssumedLimit) + " assumed, as no limit could be read");
  }
  if (!options_.line.empty()) apply_line(found);
  if (soft && *soft < found.limit) found.soft = soft;
  if (inputs.resources.address_space != Bytes::max()) found.address_space = inputs.resources.address_space;
  return found;
}

}  // namespace plimsoll
