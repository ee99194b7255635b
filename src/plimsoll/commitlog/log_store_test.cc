#include "plimsoll/commitlog/log_store.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(LogStore, GivesBackWhatWasAppended) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("orders");
  Partition& log = topic->partition(0);
  EXPECT_EQ(log.end_offset(), 0);
  const std::string first = batch_of(3);
  std::string sent = first;
  const AppendOutcome outcome = log.append(sent, kNow);
  EXPECT_EQ(outcome.error, LogError::kNone);
  EXPECT_EQ(outcome.base_offset, 0);
  EXPECT_EQ(outcome.last_offset, 2);
  EXPECT_EQ(append(log, batch_of(2)).base_offset, 3);
  EXPECT_EQ(log.end_offset(), 5);
  EXPECT_EQ(read_all(log, 0), sent + with_offset(batch_of(2), 3));
  EXPECT_EQ(read_all(log, 4), with_offset(batch_of(2), 3));
}

TEST(LogStore, FindsItsTopicsAgainWhenItIsOpenedAgain) {
  LogFixture fixture;
  TopicConfig config;
  config.retention_ms = 12345678;
  std::shared_ptr<Topic> topic = *fixture.store().create("a", 3, config);
  const TopicId id = topic->id();
  append(topic->partition(1), batch_of(4));
  topic.reset();
  fixture.reopen();
  topic = fixture.store().find("a");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(topic->id(), id);
  EXPECT_EQ(topic->partition_count(), 3);
  EXPECT_EQ(topic->config()->retention_ms, 12345678);
  EXPECT_EQ(topic->partition(0).end_offset(), 0);
  EXPECT_EQ(topic->partition(1).end_offset(), 4);
  EXPECT_EQ(read_all(topic->partition(1), 0), with_offset(batch_of(4), 0));
}

TEST(LogStore, RefusesNamesThatAreNone) {
  LogFixture fixture;
  for (const char* name : {"", ".", "..", "a/b", "a b", "\xc3\xa4"}) {
    Result<std::shared_ptr<Topic>> made = fixture.store().create(name, 1, {});
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(fixture.store().create(std::string(250, 'a'), 1, {}));
  EXPECT_TRUE(fixture.store().create(std::string(249, 'a'), 1, {}));
  EXPECT_EQ(fixture.store().create("b", 0, {}).error().code, ErrorCode::kOutOfRange);
}

TEST(LogStore, SaysWhenATopicExists) {
  LogFixture fixture;
  fixture.create("a");
  Result<std::shared_ptr<Topic>> again = fixture.store().create("a", 1, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kRefused);
  EXPECT_EQ(again.error().errno_value, EEXIST);
}

TEST(LogStore, RefusesPartitionsThatTheLineDoesNotGrant) {
  LogFixture fixture;
  Result<std::shared_ptr<Topic>> made = fixture.store().create("many", 10'000, {});
  EXPECT_TRUE(made);
  Result<std::shared_ptr<Topic>> more = fixture.store().create("more", 10'000, {});
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().errno_value, ENOMEM);
  EXPECT_EQ(fixture.store().find("more"), nullptr);
}

TEST(LogStore, ForgetsATopicThatIsRemoved) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  ReadOutcome plan = topic->partition(0).read(0, 1_MiB, true);
  ASSERT_TRUE(fixture.store().remove("a"));
  EXPECT_EQ(fixture.store().find("a"), nullptr);
  EXPECT_TRUE(topic->partition(0).removed());
  EXPECT_EQ(append(topic->partition(0), batch_of(1)).error, LogError::kStorage);
  EXPECT_EQ(bytes_of(plan.plan), with_offset(batch_of(1), 0));  // a send under way goes on
  EXPECT_EQ(fixture.store().remove("a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fixture.create("a")->partition(0).end_offset(), 0);
  fixture.clock().advance(2min);
  fixture.store().tick();
  EXPECT_TRUE(std::filesystem::is_empty(fixture.directory() + "/removed"));
}

TEST(LogStore, AddsPartitionsBesideThoseThatAreUsed) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  ASSERT_TRUE(fixture.store().add_partitions("a", 4));
  EXPECT_FALSE(fixture.store().add_partitions("a", 4));
  std::shared_ptr<Topic> more = fixture.store().find("a");
  EXPECT_EQ(more->partition_count(), 4);
  EXPECT_EQ(&more->partition(0), &topic->partition(0));
  topic.reset();
  more.reset();
  fixture.reopen();
  EXPECT_EQ(fixture.store().find("a")->partition_count(), 4);
}

TEST(LogStore, IsOneProcessesOnly) {
  LogFixture fixture;
  Result<std::unique_ptr<LogStore>> second = LogStore::open(fixture.options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kRefused);
}

TEST(LogStore, NeverGivesAProducerIdTwice) {
  LogFixture fixture;
  std::int64_t last = -1;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1500; ++i) {
      Result<std::int64_t> id = fixture.store().new_producer_id();
      ASSERT_TRUE(id);
      ASSERT_GT(*id, last);
      last = *id;
    }
    fixture.reopen();
  }
}

TEST(LogStore, KeepsNoFileOrMapForColdPartitions) {
  LogFixture fixture({.open_files = 16});
  std::shared_ptr<Topic> topic = *fixture.store().create("a", 100, {});
  for (std::int32_t i = 0; i < 100; ++i) append(topic->partition(i), batch_of(1));
  EXPECT_LE(fixture.store().stats().open_files, 16u);
  for (std::int32_t i = 0; i < 100; ++i)
    EXPECT_EQ(read_all(topic->partition(i), 0), with_offset(batch_of(1), 0));
  fixture.store().CheckInvariants();
}

TEST(LogStore, CostsLessThanAKibibyteAPartition) {
  LogFixture fixture;
  const Bytes before = fixture.state().used();
  std::shared_ptr<Topic> topic = *fixture.store().create("a", 1000, {});
  EXPECT_LE(fixture.state().used() - before, 1_KiB * 1000);
  for (std::int32_t i = 0; i < 1000; ++i) append(topic->partition(i), batch_of(1));
  EXPECT_LE(fixture.state().used() - before, 1_KiB * 1000);
}

}  // namespace
}  // namespace plimsoll
