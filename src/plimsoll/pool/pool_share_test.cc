#include <gtest/gtest.h>

#include "plimsoll/pool/internal/share_workloads.h"

namespace plimsoll {
namespace {

// The same numbers for both, so that the second form is no other workload that happens to allocate less.
template <typename Plain, typename Pooled>
void expect_same_sums() {
  Plain plain;
  Pooled pooled;
  Random for_plain(1), for_pooled(1);
  for (int i = 0; i < 300; ++i) ASSERT_EQ(plain.round(for_plain), pooled.round(for_pooled)) << "round " << i;
}

TEST(PoolShare, BothFormsOfAWorkloadComeToTheSame) {
  expect_same_sums<share::PlainProposals, share::PooledProposals>();
  expect_same_sums<share::PlainBatches, share::PooledBatches>();
  expect_same_sums<share::PlainMessages, share::PooledMessages>();
}

template <typename Workload>
void expect_objects_used_again(std::uint64_t a_round) {
  Workload workload;
  Random random(2);
  for (int i = 0; i < 100; ++i) workload.round(random);
  const ObjectPoolStats before = workload.stats();
  for (int i = 0; i < 1000; ++i) workload.round(random);
  const ObjectPoolStats after = workload.stats();
  const std::uint64_t reused = after.reused - before.reused;
  const std::uint64_t created = after.created - before.created;
  EXPECT_EQ(reused + created, 1000 * a_round);
  EXPECT_GE(static_cast<double>(reused), 0.95 * static_cast<double>(reused + created));
}

TEST(PoolShare, ObjectsInSteadyStateWereUsedBefore) {
  expect_objects_used_again<share::PooledProposals>(1);
  expect_objects_used_again<share::PooledBatches>(share::kBatch);
}

TEST(PoolShare, WhatAnArenaServesItKeepsForTheNextRound) {
  share::PooledMessages messages;
  Random random(3);
  for (int i = 0; i < 100; ++i) messages.round(random);
  const std::uint64_t before = messages.taken();
  for (int i = 0; i < 1000; ++i) messages.round(random);
  EXPECT_LE(messages.taken() - before, 10u);
}

TEST(PoolShare, ABrokersBuffersInSteadyStateWereUsedBefore) {
  share::BrokerBuffers buffers;
  Random random(4);
  for (int i = 0; i < 20'000; ++i) buffers.round(random);
  const std::uint64_t created = buffers.created();
  for (int i = 0; i < 100'000; ++i) buffers.round(random);
  EXPECT_LE(static_cast<double>(buffers.created() - created), 0.05 * 100'000);
}

}  // namespace
}  // namespace plimsoll
