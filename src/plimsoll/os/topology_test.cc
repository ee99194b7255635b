#include "plimsoll/os/topology.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace plimsoll {
namespace {

TEST(Topology, ReadsNodesAndTheirProcessors) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "topology";
  std::filesystem::create_directories(folder / "node0");
  std::filesystem::create_directories(folder / "node2");
  std::ofstream(folder / "online") << "0,2\n";
  std::ofstream(folder / "node0" / "cpulist") << "0-1,4\n";
  std::ofstream(folder / "node2" / "cpulist") << "2-3,5\n";
  const Topology topology = Topology::read(folder.string());
  EXPECT_EQ(topology.nodes(), 2u);
  EXPECT_EQ(topology.kernel_id(1), 2) << "nodes are numbered without gaps";
  EXPECT_EQ(topology.kernel_id(2), -1);
  for (unsigned processor : {0u, 1u, 4u}) EXPECT_EQ(topology.node_of(processor), 0u);
  for (unsigned processor : {2u, 3u, 5u}) EXPECT_EQ(topology.node_of(processor), 1u);
  EXPECT_EQ(topology.node_of(99), 0u);
  std::filesystem::remove_all(folder);
}

TEST(Topology, IsOneNodeWhereNothingCanBeRead) {
  const Topology topology = Topology::read("/nowhere");
  EXPECT_EQ(topology.nodes(), 1u);
  EXPECT_EQ(topology.current_node(), 0u);
}

TEST(Topology, OfThisMachineKnowsThisProcessor) {
  const Topology topology = Topology::of_machine();
  ASSERT_GE(topology.nodes(), 1u);
  EXPECT_LT(topology.current_node(), topology.nodes());
}

TEST(Topology, CanBeMadeUp) {
  static unsigned processor = 0;
  const Topology topology = Topology::made_up({0, 0, 1, 1}, [] { return processor; });
  EXPECT_EQ(topology.nodes(), 2u);
  EXPECT_EQ(topology.current_node(), 0u);
  processor = 3;
  EXPECT_EQ(topology.current_node(), 1u);
  EXPECT_EQ(topology.kernel_id(1), -1);
}

TEST(Topology, ListsOfProcessorsThatMakeNoSenseAreEmpty) {
  EXPECT_EQ(parse_processor_list("0-3,8"), (std::vector<unsigned>{0, 1, 2, 3, 8}));
  for (const char* text : {"", "\n", "x", "3-1", "1-", "-", "0-99999999", "1,,2"})
    EXPECT_TRUE(parse_processor_list(text).empty()) << text;
}

TEST(Topology, MemoryCanBeAskedOfANode) {
  SystemPages pages;
  const PageRange range = *pages.map(64_KiB, 4_KiB);
  const Topology topology = Topology::of_machine();
  const Result<void> done = prefer_node(range, topology.kernel_id(0));
  EXPECT_TRUE(done || done.error().code == ErrorCode::kSystem || topology.kernel_id(0) < 0);
  EXPECT_FALSE(prefer_node(range, -1));
  EXPECT_FALSE(prefer_node(range, 900)) << "no machine of this kind has it";
  range.begin[0] = std::byte{1};
  ASSERT_TRUE(pages.unmap(range));
}

}  // namespace
}  // namespace plimsoll
