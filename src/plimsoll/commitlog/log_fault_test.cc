// What the log promises when the disk fails and the machine stops: nothing acknowledged is lost, nothing is
// there twice, and what is refused leaves the log as it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/log_fixture_test.h"
#include "plimsoll/os/faulty_storage.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

struct Waiter final : SyncWaiter {
  void synced(bool ok) noexcept override { state = ok ? 1 : -1; }
  int state = 0;
};

// The machine stops: nothing of the store's clean end reaches the disk, and another boot follows.
void crash(LogFixture& fixture, FaultyStorage& storage, int round) {
  storage.fail_from(1);
  fixture.close();
  storage.allow_all();
  storage.crash();
  fixture.set_boot("boot after crash " + std::to_string(round));
  fixture.open();
}

std::string spec_batch(Random& random, std::int32_t sequence, std::int64_t producer) {
  return batch_of({.count = static_cast<std::int32_t>(1 + random.below(3)),
                   .value = random.below(2000),
                   .producer = {.id = producer, .epoch = 0, .base_sequence = sequence},
                   .fill = static_cast<char>('a' + random.below(26))});
}

TEST(LogFaults, AlwaysLosesNothingAcknowledgedAndHasNothingTwice) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    FaultyStorage storage(seed);
    LogFixture fixture({.sync = LogStore::Sync::kAlways, .snapshot_bytes = 5000_B, .storage = &storage});
    TopicConfig config;
    config.segment_bytes = 8000;
    fixture.create("a", config);
    std::vector<std::string> acknowledged;  // in order
    std::int32_t sequence = 0;
    for (int round = 0; round < 6; ++round) {
      std::vector<std::string> sent;  // in this round, not acknowledged yet
      for (std::uint64_t i = random.below(40); i > 0; --i) {
        std::shared_ptr<Topic> topic = fixture.store().find("a");
        const std::string batch = spec_batch(random, sequence, 7);
        if (random.below(20) == 0) storage.fail_nth(1 + random.below(3));
        const AppendOutcome outcome = append(topic->partition(0), batch);
        storage.allow_all();
        if (outcome.error != LogError::kNone) continue;
        sequence += read_batch_header(batch)->count;
        sent.push_back(with_offset(batch, outcome.base_offset));
        if (random.below(3) != 0) continue;
        Waiter waiter;
        fixture.store().sync_before(topic->shared_partition(0), outcome.last_offset + 1, waiter);
        fixture.store().tick();
        fixture.store().cancel(waiter);
        if (waiter.state != 1) continue;
        acknowledged.insert(acknowledged.end(), sent.begin(), sent.end());
        sent.clear();
      }
      crash(fixture, storage, round);
      std::string expected;
      for (const std::string& batch : acknowledged) expected += batch;
      std::shared_ptr<Topic> topic = fixture.store().find("a");
      ASSERT_NE(topic, nullptr);
      std::string stored = read_all(topic->partition(0), 0);
      ASSERT_EQ(stored.substr(0, expected.size()), expected);
      // What was not acknowledged may be there: as it was sent, or not at all.
      std::string rest = stored.substr(expected.size());
      std::size_t survived = 0;
      for (; survived < sent.size() && rest.starts_with(sent[survived]); ++survived) {
        rest.erase(0, sent[survived].size());
        acknowledged.push_back(sent[survived]);
      }
      ASSERT_TRUE(rest.empty());
      // The producer sends the others again, and the last of those that survived.
      if (!acknowledged.empty()) {
        const AppendOutcome again = append(topic->partition(0), acknowledged.back());
        ASSERT_EQ(again.error, LogError::kNone);
        ASSERT_TRUE(again.duplicate);
      }
      for (; survived < sent.size(); ++survived) {
        const AppendOutcome again = append(topic->partition(0), sent[survived]);
        ASSERT_EQ(again.error, LogError::kNone);
        ASSERT_FALSE(again.duplicate);
        acknowledged.push_back(with_offset(sent[survived], again.base_offset));
      }
      Waiter waiter;
      fixture.store().sync_before(topic->shared_partition(0), topic->partition(0).end_offset(), waiter);
      fixture.store().tick();
      ASSERT_EQ(waiter.state, 1);
    }
  }
}

TEST(LogFaults, IntervalLosesAtMostItsInterval) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    FaultyStorage storage(seed);
    LogFixture fixture({.sync = LogStore::Sync::kInterval, .storage = &storage});
    TopicConfig config;
    config.segment_bytes = 8000;
    fixture.create("a", config);
    for (int round = 0; round < 5; ++round) {
      std::string older;  // stored when the clock was an interval before the crash
      std::vector<std::pair<MonotonicTime, std::int64_t>> ends;
      for (std::uint64_t i = 1 + random.below(60); i > 0; --i) {
        Partition& log = fixture.store().find("a")->partition(0);
        append(log, batch_of({.value = random.below(500)}));
        ends.emplace_back(fixture.clock().monotonic_now(), log.end_offset());
        fixture.clock().advance(1ms * random.below(300));
        fixture.store().tick();
      }
      const MonotonicTime now = fixture.clock().monotonic_now();
      crash(fixture, storage, round);
      std::int64_t promised = 0;
      for (const auto& [at, end] : ends) {
        if (now - at >= 1300ms) promised = end;  // the interval, and the step of this clock
      }
      ASSERT_GE(fixture.store().find("a")->partition(0).end_offset(), promised);
    }
  }
}

TEST(LogFaults, EachOperationThatFailsLeavesTheLogAsItWas) {
  for (std::uint64_t nth = 1; nth < 60; ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    FaultyStorage storage(nth);
    LogFixture fixture({.storage = &storage});
    TopicConfig config;
    config.segment_bytes = 700;
    std::shared_ptr<Topic> topic = fixture.create("a", config);
    storage.fail_nth(nth);
    std::string expected;
    for (int i = 0; i < 20; ++i) {
      const AppendOutcome outcome = append(topic->partition(0), batch_of({.value = 100}));
      if (outcome.error == LogError::kNone)
        expected += with_offset(batch_of({.value = 100}), outcome.base_offset);
      if (outcome.error != LogError::kNone) {
        EXPECT_EQ(outcome.error, LogError::kStorage);
      }
      ASSERT_EQ(read_all(topic->partition(0), 0), expected);
    }
    storage.allow_all();
    fixture.store().CheckInvariants();
    topic.reset();
    fixture.kill_and_reopen();
    ASSERT_EQ(read_all(fixture.store().find("a")->partition(0), 0), expected);
  }
}

TEST(LogFaults, AFullDiskIsAnErrorAndNotTheEnd) {
  FaultyStorage storage(1);
  LogFixture fixture({.storage = &storage});
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  // A write and its repair: then the log refuses, and is good again when it is opened again.
  storage.fail_from(1);
  EXPECT_EQ(append(topic->partition(0), batch_of(1)).error, LogError::kStorage);
  EXPECT_EQ(fixture.store().create("b", 1, {}).error().code, ErrorCode::kSystem);
  EXPECT_FALSE(fixture.store().new_producer_id());
  storage.allow_all();
  EXPECT_EQ(read_all(topic->partition(0), 0), with_offset(batch_of(1), 0));
  topic.reset();
  fixture.reopen();
  topic = fixture.store().find("a");
  EXPECT_EQ(append(topic->partition(0), batch_of(1)).base_offset, 1);
}

TEST(LogFaults, RefusesAfterASyncThatFailedUntilItIsOpenedAgain) {
  FaultyStorage storage(1);
  LogFixture fixture({.sync = LogStore::Sync::kAlways, .storage = &storage});
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  storage.fail_syncs(true);
  Waiter waiter;
  fixture.store().sync_before(topic->shared_partition(0), 1, waiter);
  fixture.store().tick();
  EXPECT_EQ(waiter.state, -1);
  storage.allow_all();
  EXPECT_EQ(append(topic->partition(0), batch_of(1)).error, LogError::kStorage);
  EXPECT_EQ(fixture.store().stats().failed_syncs, 1u);
  topic.reset();
  fixture.reopen();
  EXPECT_EQ(append(fixture.store().find("a")->partition(0), batch_of(1)).error, LogError::kNone);
}

TEST(LogFaults, ATopicThatCouldNotBeMadeCanBeMadeThen) {
  for (std::uint64_t nth = 1; nth < 12; ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    FaultyStorage storage(nth);
    LogFixture fixture({.storage = &storage});
    storage.fail_nth(nth);
    if (fixture.store().create("a", 1, {})) break;
    storage.allow_all();
    EXPECT_EQ(fixture.store().find("a"), nullptr);
    EXPECT_TRUE(fixture.store().create("a", 1, {}));
  }
}

TEST(LogFaults, RecordsThatCouldNotBeDeletedAreStillThere) {
  FaultyStorage storage(1);
  LogFixture fixture({.storage = &storage});
  fixture.create("a");
  for (int i = 0; i < 3; ++i) append(fixture.store().find("a")->partition(0), batch_of(1));
  storage.fail_from(1);
  EXPECT_EQ(fixture.store().find("a")->partition(0).delete_before(2), LogError::kStorage);
  EXPECT_EQ(fixture.store().find("a")->partition(0).start_offset(), 0);
  storage.allow_all();
  EXPECT_EQ(fixture.store().find("a")->partition(0).delete_before(2), LogError::kNone);
  EXPECT_EQ(fixture.store().find("a")->partition(0).start_offset(), 2);
}

TEST(LogFaults, ATopicThatCouldNotBeRemovedIsNotTakenForSynced) {
  FaultyStorage storage(1);
  LogFixture fixture({.sync = LogStore::Sync::kAlways, .storage = &storage});
  std::shared_ptr<Topic> topic = fixture.create("a");
  append(topic->partition(0), batch_of(1));
  topic.reset();
  storage.fail_nth(1);
  ASSERT_FALSE(fixture.store().remove("a"));
  topic = fixture.store().find("a");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(topic->partition(0).end_offset(), 1);
  EXPECT_EQ(topic->partition(0).durable_offset(), 0);
  Waiter waiter;
  fixture.store().sync_before(topic->shared_partition(0), 1, waiter);
  EXPECT_EQ(waiter.state, 0);
  fixture.store().tick();
  EXPECT_EQ(waiter.state, 1);
}

std::string active_file(const LogFixture& fixture, const std::string& ending) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(fixture.directory() + "/topics/a/0")) {
    const std::string path = entry.path().string();
    if (path.ends_with(ending)) newest = std::max(newest, path);
  }
  return newest;
}

void write_at(const std::string& path, std::uint64_t position, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(position));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

TEST(LogFaults, AFormerTopicsPointsSayNothingOfOneThatWasMadeAnew) {
  LogFixture fixture({.sync = LogStore::Sync::kInterval});
  TopicConfig config;
  config.segment_bytes = 1000;
  fixture.create("a", config);
  for (int i = 0; i < 100; ++i) append(fixture.store().find("a")->partition(0), batch_of({.value = 400}));
  fixture.clock().advance(61s);
  fixture.store().tick();  // all is on the disk, and that is written down
  fixture.store().tick();
  ASSERT_TRUE(fixture.store().remove("a"));
  fixture.create("a", config);
  for (int i = 0; i < 20; ++i) append(fixture.store().find("a")->partition(0), batch_of({.value = 400}));
  // What was not synced when the machine stopped is torn.
  write_at(fixture.directory() + "/topics/a/0/00000000000000000006.log", 100, "torn");
  fixture.set_boot("another");
  fixture.kill_and_reopen();
  EXPECT_EQ(fixture.store().find("a")->partition(0).end_offset(), 6);
}

TEST(LogFaults, CutsTornAndGarbageTailsAfterAKill) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    FaultyStorage storage(seed);  // its syncs cost nothing
    LogFixture fixture({.storage = &storage});
    fixture.create("a");
    std::vector<std::string> batches;
    for (int i = 0; i < 100; ++i) {
      const AppendOutcome outcome =
          append(fixture.store().find("a")->partition(0), batch_of({.value = random.below(400)}));
      batches.push_back(
          bytes_of(fixture.store().find("a")->partition(0).read(outcome.base_offset, 1_MiB, true).plan));
    }
    fixture.close();
    std::string expected;
    for (const std::string& batch : batches) expected += batch;
    const std::string path = active_file(fixture, ".log");
    if (seed % 2 == 0) {
      const std::uint64_t cut = expected.size() - 1 - random.below(batches.back().size() - 1);
      std::filesystem::resize_file(path, cut);
      expected.resize(expected.size() - batches.back().size());
    } else {
      std::string garbage(1 + random.below(500), '\0');
      if (seed % 4 == 1) {
        for (char& byte : garbage) byte = static_cast<char>(random());
      }
      write_at(path, expected.size(), garbage);
    }
    fixture.open();
    Partition& log = fixture.store().find("a")->partition(0);
    ASSERT_EQ(read_all(log, 0), expected);
    EXPECT_GT(fixture.store().stats().truncated, 0_B);
    EXPECT_EQ(std::filesystem::file_size(path), expected.size());
    EXPECT_EQ(append(log, batch_of(1)).error, LogError::kNone);
  }
}

TEST(LogFaults, ReadsOnWithIndexesThatAreMissingOrTorn) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    FaultyStorage storage(seed);  // its syncs cost nothing
    LogFixture fixture({.storage = &storage});
    TopicConfig config;
    config.segment_bytes = 150'000;
    fixture.create("a", config);
    Partition& log = fixture.store().find("a")->partition(0);
    for (int i = 0; i < 900; ++i) append(log, batch_of({.value = 400, .timestamp = kNow + i}));
    const std::string expected = read_all(log, 0);
    fixture.close();
    for (const auto& entry : std::filesystem::directory_iterator(fixture.directory() + "/topics/a/0")) {
      const std::string path = entry.path().string();
      if (!path.ends_with("index")) continue;
      const std::uint64_t size = std::filesystem::file_size(path);
      switch (random.below(4)) {
        case 0:
          std::filesystem::remove(path);
          break;
        case 1:
          std::filesystem::resize_file(path, random.below(size + 1));
          break;
        case 2:
          write_at(path, random.below(size), std::string(1 + random.below(40), static_cast<char>(random())));
          break;
        default:
          break;
      }
    }
    fixture.open();
    Partition& again = fixture.store().find("a")->partition(0);
    for (int i = 0; i < 30; ++i) {
      const auto wanted = static_cast<std::int64_t>(random.below(900));
      ASSERT_EQ(read_batch_header(bytes_of(again.read(wanted, 1_KiB, true).plan))->base_offset, wanted);
      ASSERT_EQ(again.find_time(kNow + wanted).offset, wanted);
    }
    ASSERT_EQ(again.end_offset(), 900);
    ASSERT_EQ(read_all(again, 0), expected);
  }
}

}  // namespace
}  // namespace plimsoll
