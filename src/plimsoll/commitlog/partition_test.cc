#include "plimsoll/commitlog/partition.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <limits>
#include <string>

#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

std::string from_producer(std::int64_t id, std::int16_t epoch, std::int32_t sequence,
                          std::int32_t count = 1) {
  return batch_of({.count = count, .producer = {.id = id, .epoch = epoch, .base_sequence = sequence}});
}

std::size_t files_ending(const LogFixture& fixture, const std::string& ending) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(fixture.directory())) {
    count += entry.path().string().ends_with(ending) ? 1 : 0;
  }
  return count;
}

// No file can be opened while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    PLIMSOLL_CHECK(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    PLIMSOLL_CHECK(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { PLIMSOLL_CHECK(::setrlimit(RLIMIT_NOFILE, &before_) == 0); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST(Partition, RefusesWhatIsBroken) {
  LogFixture fixture;
  Partition& log = fixture.create("a")->partition(0);
  std::shared_ptr<Topic> topic = fixture.store().find("a");
  std::string torn = batch_of(2);
  torn.back() ^= 1;
  EXPECT_EQ(append(log, torn).error, LogError::kCorrupt);
  EXPECT_EQ(append(log, batch_of(2).substr(0, 70)).error, LogError::kCorrupt);
  EXPECT_EQ(append(log, "").error, LogError::kCorrupt);
  EXPECT_EQ(append(log, batch_of(1) + batch_of(1)).error, LogError::kInvalidRecord);
  EXPECT_EQ(append(log, batch_of({.value = 2'000'000})).error, LogError::kTooLarge);
  EXPECT_EQ(log.end_offset(), 0);
  EXPECT_EQ(fixture.store().stats().refused, 5u);
}

TEST(Partition, RefusesTimesFarFromNow) {
  LogFixture fixture;
  TopicConfig config;
  config.timestamp_difference_max_ms = 1000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  EXPECT_EQ(append(topic->partition(0), batch_of({.timestamp = kNow + 5000})).error,
            LogError::kInvalidTimestamp);
  EXPECT_EQ(append(topic->partition(0), batch_of({.timestamp = kNow - 5000})).error,
            LogError::kInvalidTimestamp);
  EXPECT_EQ(append(topic->partition(0), batch_of({.timestamp = kNow + 500})).error, LogError::kNone);
}

TEST(Partition, BoundsPastAndFutureTimesEachForItself) {
  LogFixture fixture;
  TopicConfig config;
  config.timestamp_before_max_ms = 1000;
  config.timestamp_after_max_ms = 3000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  const auto error_at = [&](std::int64_t time) {
    return append(topic->partition(0), batch_of({.timestamp = time})).error;
  };
  EXPECT_EQ(error_at(kNow - 2000), LogError::kInvalidTimestamp);
  EXPECT_EQ(error_at(kNow + 2000), LogError::kNone);
  EXPECT_EQ(error_at(kNow + 4000), LogError::kInvalidTimestamp);
  EXPECT_EQ(error_at(kNow - 1000), LogError::kNone);
  config.timestamp_difference_max_ms = 500;
  ASSERT_TRUE(fixture.store().set_config("a", config));
  EXPECT_EQ(error_at(kNow + 2000), LogError::kInvalidTimestamp) << "the older key bounds both";
}

TEST(Partition, StampsTheTimeOfArrivalWhereTheTopicSaysSo) {
  LogFixture fixture;
  TopicConfig config;
  config.append_time = true;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  Partition& log = topic->partition(0);
  const AppendOutcome outcome = append(log, batch_of({.count = 3, .timestamp = 5}), kNow + 77);
  EXPECT_EQ(outcome.append_time_ms, kNow + 77);
  const std::string stored = read_all(log, 0);
  const BatchCheck check = check_batch(stored, {});
  EXPECT_EQ(check.error, LogError::kNone);
  EXPECT_TRUE(check.header.append_time());
  EXPECT_EQ(check.header.max_timestamp, kNow + 77);
  EXPECT_EQ(log.find_time(kNow).offset, 0);
}

TEST(Partition, RefusesARecordWithoutAKeyWhereItIsCompacted) {
  LogFixture fixture;
  TopicConfig config;
  config.compact = true;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  std::string bytes(500, '\0');
  BatchBuilder builder(bytes);
  ASSERT_TRUE(builder.add({.timestamp = kNow, .key = "k", .value = "v", .headers = {}}));
  ASSERT_TRUE(builder.add({.timestamp = kNow, .key = std::nullopt, .value = "v", .headers = {}}));
  const AppendOutcome outcome = topic->partition(0).append(builder.finish({}), kNow);
  EXPECT_EQ(outcome.error, LogError::kInvalidRecord);
  EXPECT_EQ(outcome.record_index, 1);
}

TEST(Partition, GivesADuplicateItsFirstOffsets) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(append(log, from_producer(7, 0, 3 * i, 3)).base_offset, 3 * i);
  for (int i = 0; i < 5; ++i) {
    const AppendOutcome again = append(log, from_producer(7, 0, 3 * i, 3));
    EXPECT_EQ(again.error, LogError::kNone);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.base_offset, 3 * i);
    EXPECT_EQ(again.last_offset, 3 * i + 2);
  }
  EXPECT_EQ(log.end_offset(), 15);
  EXPECT_EQ(append(log, from_producer(7, 0, 15, 3)).base_offset, 15);
  EXPECT_EQ(append(log, from_producer(7, 0, 0, 3)).error, LogError::kOutOfOrderSequence);  // six batches ago
}

TEST(Partition, RefusesGapsAndOldEpochs) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  EXPECT_EQ(append(log, from_producer(7, 1, 0)).error, LogError::kNone);
  EXPECT_EQ(append(log, from_producer(7, 1, 2)).error, LogError::kOutOfOrderSequence);
  EXPECT_EQ(append(log, from_producer(7, 0, 1)).error, LogError::kInvalidProducerEpoch);
  EXPECT_EQ(append(log, from_producer(7, 2, 1)).error, LogError::kOutOfOrderSequence);
  EXPECT_EQ(append(log, from_producer(7, 2, 0)).error, LogError::kNone);
  EXPECT_EQ(append(log, from_producer(7, 1, 1)).error, LogError::kInvalidProducerEpoch);
  EXPECT_EQ(log.end_offset(), 2);
}

TEST(Partition, FollowsSequencesAroundTheGreatest) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  constexpr std::int32_t kGreatest = 2147483647;
  EXPECT_EQ(append(log, from_producer(7, 0, kGreatest - 1, 4)).error, LogError::kNone);
  EXPECT_EQ(append(log, from_producer(7, 0, 2)).error, LogError::kNone);
}

TEST(Partition, KnowsItsProducersAgainAfterARestart) {
  for (const bool killed : {false, true}) {
    LogFixture fixture;
    fixture.create("a");
    append(fixture.store().find("a")->partition(0), from_producer(7, 0, 0, 2));
    append(fixture.store().find("a")->partition(0), from_producer(7, 0, 2, 2));
    killed ? fixture.kill_and_reopen() : fixture.reopen();
    std::shared_ptr<Topic> topic = fixture.store().find("a");
    const AppendOutcome again = append(topic->partition(0), from_producer(7, 0, 2, 2));
    EXPECT_TRUE(again.duplicate) << killed;
    EXPECT_EQ(again.base_offset, 2);
    EXPECT_EQ(append(topic->partition(0), from_producer(7, 0, 5)).error, LogError::kOutOfOrderSequence);
    EXPECT_EQ(append(topic->partition(0), from_producer(7, 0, 4)).base_offset, 4);
  }
}

TEST(Partition, RemembersNoMoreProducersThanItMay) {
  LogFixture fixture({.producers = 10});
  std::shared_ptr<Topic> topic = fixture.create("a");
  for (std::int64_t id = 0; id < 50; ++id) append(topic->partition(0), from_producer(id, 0, 0), kNow + id);
  EXPECT_EQ(fixture.store().stats().producers, 10u);
  fixture.store().CheckInvariants();
  EXPECT_TRUE(append(topic->partition(0), from_producer(49, 0, 0)).duplicate);
}

TEST(Partition, RemembersNoMoreProducersAfterAKill) {
  LogFixture fixture({.producers = 10});
  fixture.create("a");
  for (std::int64_t id = 0; id < 55; ++id)
    append(fixture.store().find("a")->partition(0), from_producer(id, 0, 0));
  fixture.kill_and_reopen();
  Partition& log = fixture.store().find("a")->partition(0);
  EXPECT_EQ(log.end_offset(), 55);
  EXPECT_EQ(fixture.store().stats().producers, 10u);
  for (std::int64_t id = 45; id < 55; ++id) EXPECT_TRUE(append(log, from_producer(id, 0, 0)).duplicate) << id;
}

TEST(Partition, KnowsAProducerOfOldRecordsAgainAfterAKill) {
  LogFixture fixture;
  fixture.create("a");
  const std::string old =
      batch_of({.timestamp = 1000, .producer = {.id = 7, .epoch = 0, .base_sequence = 0}});
  append(fixture.store().find("a")->partition(0), old);
  fixture.kill_and_reopen();
  EXPECT_EQ(fixture.store().find("a")->partition(0).end_offset(), 1);
  fixture.store().tick();  // which forgets who has been silent for a day
  EXPECT_TRUE(append(fixture.store().find("a")->partition(0), old).duplicate);
}

TEST(Partition, ForgetsProducersThatWereSilentForADay) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), from_producer(7, 0, 0));
  fixture.clock().advance(25h);
  fixture.store().tick();
  EXPECT_EQ(fixture.store().stats().producers, 0u);
}

TEST(Partition, ReadsBeginWithTheBatchThatHoldsTheOffset) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  for (int i = 0; i < 1000; ++i) append(log, batch_of({.count = 3, .value = 50}));
  const std::string all = read_all(log, 0);
  for (std::int64_t offset = 0; offset < 3000; offset += 7) {
    const ReadOutcome outcome = log.read(offset, 100_B, true);
    const std::optional<BatchHeader> header = read_batch_header(bytes_of(outcome.plan));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->base_offset, offset / 3 * 3);
  }
  EXPECT_EQ(log.read(3000, 100_B, true).error, LogError::kNone);
  EXPECT_EQ(log.read(3000, 100_B, true).plan.file, nullptr);
  EXPECT_EQ(log.read(3001, 100_B, true).error, LogError::kOffsetOutOfRange);
  EXPECT_EQ(log.read(-1, 100_B, true).error, LogError::kOffsetOutOfRange);
}

TEST(Partition, AFirstBatchThatIsTooLargeComesWholeOrNotAtAll) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of({.value = 5000}));
  append(topic->partition(0), batch_of({.value = 5000}));
  const Bytes size(with_offset(batch_of({.value = 5000}), 0).size());
  EXPECT_EQ(topic->partition(0).read(0, 100_B, true).plan.size, size);
  const ReadOutcome none = topic->partition(0).read(0, 100_B, false);
  EXPECT_EQ(none.error, LogError::kNone);
  EXPECT_EQ(none.end_offset, 2);
  EXPECT_EQ(none.plan.file, nullptr) << "a part of a batch is taken for one that is too large for ever";
  EXPECT_EQ(topic->partition(0).read(0, size, false).plan.size, size);
  EXPECT_EQ(topic->partition(0).read(0, size + 10_B, true).plan.size, size + 10_B);
}

TEST(Partition, FindsTheFirstRecordOfATimeOrLater) {
  LogFixture fixture;
  TopicConfig config;
  config.segment_bytes = 20'000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  Partition& log = topic->partition(0);
  for (int i = 0; i < 500; ++i) append(log, batch_of({.count = 3, .value = 100, .timestamp = kNow + 10 * i}));
  EXPECT_GT(fixture.store().stats().segments, 3u);
  for (int round = 0; round < 2; ++round) {
    Partition& now = fixture.store().find("a")->partition(0);
    for (std::int64_t t = 0; t < 5000; t += 37) {
      const OffsetAt found = now.find_time(kNow + t);
      // Records are at 10 i, 10 i + 1 and 10 i + 2.
      const std::int64_t in_batch = t % 10;
      const std::int64_t expected = in_batch <= 2 ? t / 10 * 3 + in_batch : (t / 10 + 1) * 3;
      if (expected >= 1500) continue;
      ASSERT_EQ(found.offset, expected) << t;
      ASSERT_EQ(found.timestamp, kNow + (in_batch <= 2 ? t : (t / 10 + 1) * 10));
    }
    EXPECT_EQ(now.find_time(kNow + 1'000'000).offset, -1);
    EXPECT_EQ(now.latest_time().offset, 1499);
    EXPECT_EQ(now.latest_time().timestamp, kNow + 4992);
    topic.reset();
    fixture.reopen();
  }
}

TEST(Partition, FindsATimeOnlyAmongTheRecordsThatAreLeft) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  std::string bytes(1000, '\0');
  BatchBuilder builder(bytes);
  for (const std::int64_t time : {kNow + 100, kNow + 50, kNow + 200})
    ASSERT_TRUE(builder.add({.timestamp = time, .key = "k", .value = "v", .headers = {}}));
  const std::span<char> done = builder.finish({});
  ASSERT_EQ(append(log, std::string(done.data(), done.size())).error, LogError::kNone);
  ASSERT_EQ(log.delete_before(1), LogError::kNone);
  const OffsetAt found = log.find_time(kNow + 100);
  EXPECT_EQ(found.offset, 2);
  EXPECT_EQ(found.timestamp, kNow + 200);
}

TEST(Partition, AnswersABatchsBaseOffsetWhereRecordsAreCompressed) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  std::string batch = batch_of(5);
  batch[22] = 4;  // says that it is zstd; nobody looks
  const std::uint32_t crc = batch_crc(batch);
  for (int i = 0; i < 4; ++i)
    batch[17 + static_cast<std::size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
  ASSERT_EQ(append(topic->partition(0), batch).error, LogError::kNone);
  EXPECT_EQ(topic->partition(0).find_time(kNow + 3).offset, 0);
  EXPECT_EQ(topic->partition(0).find_time(kNow + 3).timestamp, kNow + 4);
}

TEST(Partition, RollsBySizeAndByAge) {
  LogFixture fixture;
  TopicConfig config;
  config.segment_bytes = 1000;
  config.segment_ms = 60'000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  for (int i = 0; i < 10; ++i) append(topic->partition(0), batch_of({.value = 400}));
  EXPECT_EQ(fixture.store().stats().segments, 5u);
  fixture.clock().advance(2min);
  fixture.store().tick();
  EXPECT_EQ(fixture.store().stats().segments, 6u);
  fixture.store().CheckInvariants();
}

TEST(Partition, DeletesSegmentsThatAreTooOldAndUnlinksThemLater) {
  LogFixture fixture;
  TopicConfig config;
  config.segment_bytes = 1000;
  config.retention_ms = 3'600'000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  Partition& log = topic->partition(0);
  for (int i = 0; i < 10; ++i) append(log, batch_of({.value = 400}));
  const ReadOutcome before = log.read(0, 1_MiB, true);
  fixture.clock().advance(2h);
  fixture.store().tick();
  EXPECT_EQ(log.start_offset(), 10);
  EXPECT_EQ(log.end_offset(), 10);
  EXPECT_EQ(log.read(0, 1_MiB, true).error, LogError::kOffsetOutOfRange);
  EXPECT_EQ(files_ending(fixture, ".deleted") > 0, true);
  EXPECT_FALSE(bytes_of(before.plan).empty());
  fixture.clock().advance(2min);
  fixture.store().tick();
  EXPECT_EQ(files_ending(fixture, ".deleted"), 0u);
  EXPECT_EQ(append(log, batch_of(1)).base_offset, 10);
  topic.reset();
  fixture.reopen();
  EXPECT_EQ(fixture.store().find("a")->partition(0).start_offset(), 10);
}

TEST(Partition, KeepsDeletedFilesForAsLongAsATopicAsks) {
  LogFixture fixture;
  TopicConfig config;
  config.segment_bytes = 1000;
  config.retention_bytes = 1000;
  config.file_delete_delay_ms = std::numeric_limits<std::int64_t>::max();
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  for (int i = 0; i < 10; ++i) append(topic->partition(0), batch_of({.value = 400}));
  fixture.clock().advance(1h);
  fixture.store().tick();
  fixture.store().tick();
  EXPECT_GT(topic->partition(0).start_offset(), 0);
  EXPECT_GT(files_ending(fixture, ".log.deleted"), 0u);
}

TEST(Partition, DeletesWhatIsTooMuchAsSoonAsASegmentIsFull) {
  LogFixture fixture;
  TopicConfig config;
  config.segment_bytes = 1000;
  config.retention_bytes = 3000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  Partition& log = topic->partition(0);
  append(log, batch_of({.value = 400}));
  fixture.store().tick();  // the next upkeep is 30 s away
  for (int i = 0; i < 100; ++i) append(log, batch_of({.value = 400}));
  fixture.store().tick();
  EXPECT_GE(log.size(), 3000_B);
  EXPECT_LE(log.size(), 5000_B);
  EXPECT_EQ(log.end_offset(), 101);
}

TEST(Partition, DeletesSegmentsThatAreTooMuch) {
  LogFixture fixture;
  TopicConfig config;
  config.segment_bytes = 1000;
  config.retention_bytes = 3000;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  Partition& log = topic->partition(0);
  for (int i = 0; i < 100; ++i) append(log, batch_of({.value = 400}));
  fixture.store().tick();
  EXPECT_GE(log.size(), 3000_B);
  EXPECT_LT(log.size(), 4100_B);
  EXPECT_EQ(log.end_offset(), 100);
}

TEST(Partition, ForgetsRecordsBelowAnOffsetAcrossRestarts) {
  for (const bool killed : {false, true}) {
    LogFixture fixture;
    std::shared_ptr<Topic> topic = fixture.create("a");
    for (int i = 0; i < 10; ++i) append(topic->partition(0), batch_of(3));
    EXPECT_EQ(topic->partition(0).delete_before(31), LogError::kOffsetOutOfRange);
    EXPECT_EQ(topic->partition(0).delete_before(10), LogError::kNone);
    topic.reset();
    killed ? fixture.kill_and_reopen() : fixture.reopen();
    topic = fixture.store().find("a");
    Partition& log = topic->partition(0);
    EXPECT_EQ(log.start_offset(), 10);
    EXPECT_EQ(log.read(9, 1_MiB, true).error, LogError::kOffsetOutOfRange);
    EXPECT_EQ(read_batch_header(bytes_of(log.read(10, 1_MiB, true).plan))->base_offset, 9);
    EXPECT_EQ(log.delete_before(-1), LogError::kNone);
    EXPECT_EQ(log.start_offset(), 30);
    EXPECT_EQ(log.end_offset(), 30);
    EXPECT_EQ(log.size(), 0_B);
  }
}

struct CountingWatcher final : LogWatcher {
  void changed() noexcept override { ++calls; }
  int calls = 0;
};

TEST(Partition, TellsItsWatchers) {
  LogFixture fixture;
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  CountingWatcher one;
  CountingWatcher two;
  log.watch(one);
  log.watch(two);
  append(log, batch_of(1));
  append(log, "nothing");
  EXPECT_EQ(one.calls, 1);
  log.unwatch(one);
  log.unwatch(one);
  log.delete_before(1);
  EXPECT_EQ(one.calls, 1);
  EXPECT_EQ(two.calls, 2);
  ASSERT_TRUE(fixture.store().remove("a"));
  EXPECT_EQ(two.calls, 3);
  log.unwatch(two);
}

struct RecordingWaiter final : SyncWaiter {
  void synced(bool ok) noexcept override { (ok ? good : bad) += 1; }
  int good = 0;
  int bad = 0;
};

TEST(Partition, OneSyncServesAllWhoWait) {
  LogFixture fixture({.sync = LogStore::Sync::kAlways});
  std::shared_ptr<Topic> topic = fixture.create("a");
  Partition& log = topic->partition(0);
  for (int i = 0; i < 3; ++i) append(log, batch_of(1));
  EXPECT_EQ(log.durable_offset(), 0);
  RecordingWaiter waiters[3];
  RecordingWaiter cancelled;
  for (int i = 0; i < 3; ++i) fixture.store().sync_before(topic->shared_partition(0), i + 1, waiters[i]);
  fixture.store().sync_before(topic->shared_partition(0), 1, cancelled);
  fixture.store().cancel(cancelled);
  fixture.store().tick();
  for (const RecordingWaiter& waiter : waiters) EXPECT_EQ(waiter.good, 1);
  EXPECT_EQ(cancelled.good + cancelled.bad, 0);
  EXPECT_EQ(log.durable_offset(), 3);
  EXPECT_EQ(fixture.store().stats().syncs, 1u);
  RecordingWaiter late;
  fixture.store().sync_before(topic->shared_partition(0), 2, late);
  EXPECT_EQ(late.good, 1);
  append(log, batch_of(1));
  fixture.store().sync_before(topic->shared_partition(0), 4, late);
  ASSERT_TRUE(fixture.store().remove("a"));
  fixture.store().tick();
  EXPECT_EQ(late.bad, 1);
}

TEST(Partition, SyncsWithinItsInterval) {
  LogFixture fixture({.sync = LogStore::Sync::kInterval});
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  fixture.store().tick();
  EXPECT_EQ(topic->partition(0).durable_offset(), 0);
  fixture.clock().advance(1001ms);
  fixture.store().tick();
  EXPECT_EQ(topic->partition(0).durable_offset(), 1);
}

TEST(Partition, WhatCannotBeOpenedToBeSyncedIsTriedAgainAfterAPause) {
  LogFixture fixture({.sync = LogStore::Sync::kInterval, .open_files = 8});
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  fixture.store().tick();
  for (int i = 0; i < 10; ++i)
    append(fixture.create("other" + std::to_string(i))->partition(0), batch_of(1));  // its file is closed
  Duration next{};
  {
    const NoDescriptors none;
    fixture.clock().advance(1001ms);
    for (int i = 0; i < 3; ++i) next = fixture.store().tick();
  }
  EXPECT_GT(next, Duration::zero()) << "the thread would ask without a pause";
  EXPECT_EQ(topic->partition(0).durable_offset(), 0);
  fixture.clock().advance(1001ms);
  fixture.store().tick();
  EXPECT_EQ(topic->partition(0).durable_offset(), 1);
}

TEST(Partition, WithoutADescriptorForItsFolderASyncIsTriedAgainAndTheLogGoesOn) {
  for (const auto sync : {LogStore::Sync::kInterval, LogStore::Sync::kAlways}) {
    LogFixture fixture({.sync = sync});
    std::shared_ptr<Topic> topic = fixture.create("a");
    Partition& log = topic->partition(0);
    // A topic before it: the sanitizer looks at each class when it is met first, and needs descriptors for
    // that.
    std::shared_ptr<Topic> other = fixture.create("b");
    RecordingWaiter earlier;
    append(other->partition(0), batch_of(1));
    fixture.store().sync_before(other->shared_partition(0), 1, earlier);
    fixture.clock().advance(1001ms);
    fixture.store().tick();
    EXPECT_EQ(earlier.good, 1);
    append(log, batch_of(1));
    RecordingWaiter waiter;
    fixture.store().sync_before(topic->shared_partition(0), 1, waiter);
    {
      const NoDescriptors none;
      fixture.clock().advance(1001ms);
      for (int i = 0; i < 3; ++i) {
        const Duration next = fixture.store().tick();
        EXPECT_TRUE(i < 2 || next > Duration::zero());
      }
    }
    EXPECT_EQ(waiter.bad, 1);
    EXPECT_EQ(log.durable_offset(), 0);
    EXPECT_EQ(append(log, batch_of(1)).error, LogError::kNone);
    fixture.clock().advance(1001ms);
    fixture.store().tick();
    EXPECT_EQ(log.durable_offset(), 2);
    EXPECT_EQ(fixture.store().stats().failed_syncs, 0u);
  }
}

TEST(Partition, SyncsAsItsTopicAsks) {
  LogFixture fixture;
  TopicConfig config;
  config.flush_messages = 3;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  append(topic->partition(0), batch_of(2));
  fixture.store().tick();
  EXPECT_EQ(topic->partition(0).durable_offset(), 0);
  append(topic->partition(0), batch_of(2));
  fixture.store().tick();
  EXPECT_EQ(topic->partition(0).durable_offset(), 4);
}

TEST(Partition, LetsGoOfPageCacheThatNobodyReadsBehind) {
  LogFixture fixture({.write_behind = 64_KiB, .keep_behind = 256_KiB});
  std::shared_ptr<Topic> topic = fixture.create("a");
  for (int i = 0; i < 400; ++i) {
    append(topic->partition(0), batch_of({.value = 10'000}));
    fixture.store().tick();
  }
  const LogStore::Stats stats = fixture.store().stats();
  EXPECT_EQ(read_all(topic->partition(0), 0).size(), stats.bytes.count());
  // What a kernel keeps of a file on this disk is its own affair on file systems in memory.
  RecordProperty("cached", std::to_string(stats.page_cache.count()));
  EXPECT_LE(stats.page_cache, stats.bytes + 64_KiB);
}

TEST(Partition, GoesWithoutAnIndexWhereItsMapIsRefused) {
  LogFixture fixture;
  fixture.indexes().set_maximum(0_B);
  std::shared_ptr<Topic> topic = fixture.create("a");
  for (int i = 0; i < 500; ++i) append(topic->partition(0), batch_of({.value = 200}));
  for (std::int64_t offset = 0; offset < 500; offset += 50) {
    EXPECT_EQ(read_batch_header(bytes_of(topic->partition(0).read(offset, 1_KiB, true).plan))->base_offset,
              offset);
  }
  EXPECT_EQ(fixture.store().stats().indexes_mapped, 0_B);
  fixture.indexes().set_maximum(1_MiB);
  topic.reset();
  fixture.reopen();
  EXPECT_EQ(read_all(fixture.store().find("a")->partition(0), 0).size(),
            500 * batch_of({.value = 200}).size());
  EXPECT_GT(fixture.store().stats().indexes_mapped, 0_B);
}

}  // namespace
}  // namespace plimsoll
