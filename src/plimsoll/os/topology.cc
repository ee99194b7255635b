#include "plimsoll/os/topology.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "plimsoll/base/text.h"
#include "plimsoll/os/file.h"

namespace plimsoll {
namespace {

constexpr unsigned kMostProcessors = 4096;

}  // namespace

std::vector<unsigned> parse_processor_list(const std::string& text) {
  std::vector<unsigned> numbers;
  std::string_view rest = text;
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\0')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t dash = part.find('-');
    const auto first = parse_uint64(part.substr(0, dash));
    const auto last = dash == part.npos ? first : parse_uint64(part.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= kMostProcessors) return {};
    for (std::uint64_t n = *first; n <= *last; ++n) numbers.push_back(static_cast<unsigned>(n));
  }
  return numbers;
}

Topology Topology::read(const std::string& folder) {
  Topology topology;
  const Result<std::string> online = read_file(folder + "/online");
  if (!online) return topology;
  for (unsigned id : parse_processor_list(*online)) {
    const Result<std::string> processors = read_file(folder + "/node" + std::to_string(id) + "/cpulist");
    if (!processors || topology.kernel_ids_.size() == kMostNodes) continue;
    const auto node = static_cast<unsigned>(topology.kernel_ids_.size());
    topology.kernel_ids_.push_back(static_cast<int>(id));
    for (unsigned processor : parse_processor_list(*processors)) {
      if (processor >= topology.node_of_processor_.size()) topology.node_of_processor_.resize(processor + 1);
      topology.node_of_processor_[processor] = node;
    }
  }
  topology.nodes_ = std::max<unsigned>(1, static_cast<unsigned>(topology.kernel_ids_.size()));
  return topology;
}

Topology Topology::made_up(std::vector<unsigned> node_of_processor, unsigned (*current_processor)()) {
  Topology topology;
  for (unsigned& node : node_of_processor) {
    node = std::min(node, kMostNodes - 1);
    topology.nodes_ = std::max(topology.nodes_, node + 1);
  }
  topology.node_of_processor_ = std::move(node_of_processor);
  topology.current_processor_ = current_processor;
  return topology;
}

unsigned Topology::current_node() const {
  if (nodes_ == 1) return 0;
  if (current_processor_ != nullptr) return node_of(current_processor_());
  const int processor = ::sched_getcpu();
  return processor < 0 ? 0 : node_of(static_cast<unsigned>(processor));
}

Result<void> prefer_node(PageRange range, int kernel_id) {
  if (kernel_id < 0) return fail(ErrorCode::kNotFound, "the kernel has no such node");
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(static_cast<std::size_t>(kernel_id) / kBits + 1);
  mask[static_cast<std::size_t>(kernel_id) / kBits] |= 1ul << (static_cast<std::size_t>(kernel_id) % kBits);
  if (::syscall(SYS_mbind, range.begin, range.size.count(), MPOL_PREFERRED, mask.data(),
                mask.size() * kBits + 1, 0) == 0)
    return {};
  return fail(ErrorCode::kSystem, "the memory's node could not be chosen", errno);
}

}  // namespace plimsoll
