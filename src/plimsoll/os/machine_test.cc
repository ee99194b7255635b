#include "plimsoll/os/machine.h"

#include <gtest/gtest.h>

#include "plimsoll/os/internal/recorded_machines.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

TEST(MachineReader, ReadsARecordedMachine) {
  RecordedTree tree;
  recorded::put_machine(tree);
  Result<MachineReader> reader = MachineReader::open(tree.root());
  ASSERT_TRUE(reader);
  MachineMemory memory = *reader->memory();
  EXPECT_EQ(memory.total, 8_GiB);
  EXPECT_EQ(memory.free, 4_GiB);
  EXPECT_EQ(memory.available, 6_GiB);
  EXPECT_EQ(memory.swap_total, 1_GiB);
  EXPECT_EQ(memory.swap_free, 512_MiB);
  MachineEvents events = *reader->events();
  EXPECT_EQ(events.pages_swapped_in, 11u);
  EXPECT_EQ(events.pages_swapped_out, 22u);
  EXPECT_EQ(events.major_faults, 1249u);
  EXPECT_EQ(events.oom_kills, 3u);
  SocketMemory sockets = *reader->sockets();
  EXPECT_EQ(sockets.sockets, 112u);
  EXPECT_EQ(sockets.tcp_in_use, 17u);
  EXPECT_EQ(sockets.tcp_orphans, 2u);
  EXPECT_EQ(sockets.tcp, system_page_size() * 110);
}

TEST(MachineReader, WhatAKernelDoesNotHaveIsMissingNotWrong) {
  RecordedTree tree;
  EXPECT_EQ(MachineReader::open(tree.root()).error().code, ErrorCode::kNotFound);
  tree.put("/proc/meminfo", "MemTotal: 1024 kB\n");
  Result<MachineReader> reader = MachineReader::open(tree.root());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->memory()->total, 1_MiB);
  EXPECT_EQ(reader->memory()->available, 0_B);
  EXPECT_EQ(reader->events().error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(reader->sockets().error().code, ErrorCode::kUnsupported);
}

TEST(MachineReader, GarbageIsAnError) {
  RecordedTree tree;
  recorded::put_machine(tree);
  Result<MachineReader> reader = MachineReader::open(tree.root());
  for (const char* garbage : {"", "MemTotal\n", "MemTotal: kB\n", "MemTotal: 0 kB\n", ":::\n\n\n"}) {
    tree.put("/proc/meminfo", garbage);
    tree.put("/proc/vmstat", garbage);
    tree.put("/proc/net/sockstat", garbage);
    EXPECT_EQ(reader->memory().error().code, ErrorCode::kInvalid) << garbage;
    EXPECT_EQ(reader->events()->oom_kills, 0u);
    EXPECT_EQ(reader->sockets()->sockets, 0u);
  }
  tree.put("/proc/net/sockstat", "TCP: mem 18446744073709551615\nsockets: used x\n");
  EXPECT_LT(reader->sockets()->tcp, Bytes::max());
  const std::string large(100'000, 'x');
  for (const char* file : {"/proc/meminfo", "/proc/vmstat", "/proc/net/sockstat"}) tree.put(file, large);
  EXPECT_EQ(reader->memory().error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(reader->events().error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(reader->sockets().error().code, ErrorCode::kOutOfRange);
}

TEST(MachineReader, ReadsThisMachine) {
  Result<MachineReader> reader = MachineReader::open();
  ASSERT_TRUE(reader);
  MachineMemory memory = *reader->memory();
  EXPECT_GE(memory.total, memory.available);
  EXPECT_GT(memory.available, 0_B);
  EXPECT_TRUE(reader->events());
}

}  // namespace
}  // namespace plimsoll
