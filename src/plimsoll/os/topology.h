// Topology: which node of memory each processor is near to.
//
// Most machines have one; on those with several, memory of another node takes about half as long again to
// reach. Read once from /sys/devices/system/node (hwloc would say the same, and is 3 MB of library for two
// files). Nodes are numbered from 0 without gaps here; kernel_id() is what the kernel calls them. Invariant:
// there is at least one node, and every processor is on one.
//
//   const Topology topology = Topology::of_machine();
//   if (topology.nodes() > 1) use(topology.current_node());
//
// Thread-safety: constant. Cost: current_node() 2 ns. Limits: 16 nodes; processors of further ones count as
// of the first. Errors: what cannot be read is one node. Ownership: a value.
#pragma once

#include <string>
#include <vector>

#include "plimsoll/base/result.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

class Topology {
 public:
  static constexpr unsigned kMostNodes = 16;

  // One node.
  Topology() = default;
  static Topology of_machine() { return read("/sys/devices/system/node"); }
  // A folder with the files of that one; for tests.
  static Topology read(const std::string& folder);
  // Made up: the node of each processor, and who says which processor this is. For tests; the kernel knows
  // nothing of these nodes.
  static Topology made_up(std::vector<unsigned> node_of_processor, unsigned (*current_processor)());

  unsigned nodes() const { return nodes_; }
  // 0 for a processor that is not known.
  unsigned node_of(unsigned processor) const {
    return processor < node_of_processor_.size() ? node_of_processor_[processor] : 0;
  }
  // Of the thread that asks, now; it may be moved at any time.
  unsigned current_node() const;
  // -1: the kernel has no such node.
  int kernel_id(unsigned node) const { return node < kernel_ids_.size() ? kernel_ids_[node] : -1; }

 private:
  unsigned nodes_ = 1;
  std::vector<unsigned> node_of_processor_;
  std::vector<int> kernel_ids_;
  unsigned (*current_processor_)() = nullptr;  // null: the kernel's word
};

// Memory that is touched from now on comes from that node while it has some (mbind, MPOL_PREFERRED).
Result<void> prefer_node(PageRange range, int kernel_id);

// The numbers of a list as the kernel writes it, such as "0-3,8"; empty when it is none.
std::vector<unsigned> parse_processor_list(const std::string& text);

}  // namespace plimsoll
