// Appenders, readers, retention, deletion, syncs and configuration at once, with the store's own thread
// running: for the thread sanitizer, and for the promise that offsets have no gaps.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

struct Watcher final : LogWatcher {
  void changed() noexcept override { calls.fetch_add(1, std::memory_order_relaxed); }
  std::atomic<std::uint64_t> calls{0};
};

struct Waiter final : SyncWaiter {
  void synced(bool ok) noexcept override { state.store(ok ? 1 : -1, std::memory_order_release); }
  std::atomic<int> state{0};
};

void read_on(Partition& log, const std::atomic<bool>& stop) {
  std::int64_t next = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    const ReadOutcome outcome = log.read(next, 64_KiB, true);
    if (outcome.error == LogError::kOffsetOutOfRange) {
      ASSERT_LT(next, outcome.start_offset);
      next = outcome.start_offset;
      continue;
    }
    ASSERT_EQ(outcome.error, LogError::kNone);
    const std::string bytes = bytes_of(outcome.plan);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::optional<BatchHeader> header = read_batch_header(std::span(bytes).subspan(at));
      if (!header || at + header->size() > bytes.size()) break;
      const std::span<const char> batch = std::span(bytes).subspan(at, header->size());
      ASSERT_EQ(check_batch(batch, {}).error, LogError::kNone);
      ASSERT_LE(header->base_offset, next);
      next = header->last_offset() + 1;
      at += header->size();
    }
  }
}

TEST(LogStress, EverythingAtOnce) {
  LogFixture fixture(
      {.sync = LogStore::Sync::kInterval, .open_files = 8, .write_behind = 64_KiB, .keep_behind = 64_KiB});
  TopicConfig config;
  config.segment_bytes = 50'000;
  config.retention_bytes = 400'000;
  std::shared_ptr<Topic> topic = *fixture.store().create("a", 2, config);
  ASSERT_TRUE(fixture.store().start());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 1500; ++i) {
        Partition& log = topic->partition(static_cast<std::int32_t>(random.below(2)));
        ASSERT_EQ(append(log, batch_of({.value = random.below(1500)})).error, LogError::kNone);
      }
    });
    threads.emplace_back([&, t] { read_on(topic->partition(t), stop); });
  }
  threads.emplace_back([&] {
    Watcher watcher;
    while (!stop.load(std::memory_order_relaxed)) {
      Partition& log = topic->partition(0);
      log.watch(watcher);
      fixture.clock().advance(20s);
      static_cast<void>(log.find_time(kNow));
      static_cast<void>(log.delete_before(log.start_offset() + 3));
      static_cast<void>(fixture.store().stats());
      static_cast<void>(fixture.store().set_config("a", config));
      log.unwatch(watcher);
    }
  });
  threads.emplace_back([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      Waiter waiter;
      fixture.store().sync_before(topic->shared_partition(1), topic->partition(1).end_offset(), waiter);
      for (int i = 0; i < 100 && waiter.state.load(std::memory_order_acquire) == 0; ++i) {
        std::this_thread::sleep_for(1ms);
      }
      fixture.store().cancel(waiter);
      ASSERT_NE(waiter.state.load(std::memory_order_acquire), -1);
    }
  });
  threads.emplace_back([&] {
    for (int i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      const std::string name = "t" + std::to_string(i);
      std::shared_ptr<Topic> made = *fixture.store().create(name, 1, {});
      append(made->partition(0), batch_of(1));
      ASSERT_TRUE(fixture.store().remove(name));
    }
  });
  threads[0].join();
  threads[2].join();
  stop = true;
  for (std::size_t i : {1, 3, 4, 5, 6}) threads[i].join();
  fixture.store().CheckInvariants();
  const std::int64_t ends[] = {topic->partition(0).end_offset(), topic->partition(1).end_offset()};
  EXPECT_EQ(ends[0] + ends[1], 3000);
  topic.reset();
  fixture.reopen();
  for (std::int32_t i = 0; i < 2; ++i)
    EXPECT_EQ(fixture.store().find("a")->partition(i).end_offset(), ends[i]);
}

}  // namespace
}  // namespace plimsoll
