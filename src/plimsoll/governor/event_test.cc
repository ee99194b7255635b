#include "plimsoll/governor/event.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

TEST(Event, IsASentence) {
  EXPECT_EQ(
      (Event{.kind = EventKind::kLevelChanged, .from = Level::kNormal, .to = Level::kHigh, .bytes = 190_MiB}
           .sentence()),
      "the level rose from normal to high: 190 MiB cannot be dropped");
  EXPECT_EQ((Event{.kind = EventKind::kLevelChanged,
                   .from = Level::kEmergency,
                   .to = Level::kModerate,
                   .bytes = 100_MiB}
                 .sentence()),
            "the level fell from emergency to moderate: 100 MiB cannot be dropped");
  EXPECT_EQ((Event{.kind = EventKind::kReclaimed,
                   .bytes = 64_KiB,
                   .freed = 512_KiB,
                   .duration = 1200us,
                   .subject = "cache",
                   .cause = "too little was free"}
                 .sentence()),
            "cache gave back 512 KiB of 64 KiB wanted in 1.2 ms (too little was free)");
  EXPECT_EQ((Event{.kind = EventKind::kHeapTrimmed, .freed = 3_MiB, .duration = 5ms}.sentence()),
            "malloc gave back 3 MiB that was free in it, in 5 ms");
  EXPECT_EQ(
      (Event{.kind = EventKind::kLimitChanged, .bytes = 128_MiB, .freed = 256_MiB, .subject = "cgroup v1 /x"}
           .sentence()),
      "the limit fell from 256 MiB to 128 MiB: cgroup v1 /x");
  EXPECT_EQ((Event{.kind = EventKind::kLimitChanged, .bytes = 2_MiB, .freed = 1_MiB}.sentence()),
            "the limit rose from 1 MiB to 2 MiB: ");
  EXPECT_EQ((Event{.kind = EventKind::kOvershoot, .bytes = 2_MiB, .cause = "the worst so far"}.sentence()),
            "the process held 2 MiB above the line (the worst so far)");
  EXPECT_EQ((Event{.kind = EventKind::kConnectionClosed,
                   .bytes = Bytes(1258291),
                   .duration = 3s,
                   .subject = "reader 127.0.0.1:5555",
                   .cause = "did not read its replies"}
                 .sentence()),
            "closed reader 127.0.0.1:5555: held 1.2 MiB for 3 s (did not read its replies)");
  EXPECT_EQ((Event{.kind = EventKind::kRejected, .bytes = 8_MiB, .subject = "SET"}.sentence()),
            "rejected SET, which asked for 8 MiB");
  EXPECT_EQ(
      (Event{.kind = EventKind::kWaited, .bytes = 1_MiB, .duration = 20ms, .subject = "a body"}.sentence()),
      "a body waited 20 ms for 1 MiB");
  EXPECT_EQ(
      (Event{.kind = EventKind::kProbeFailed, .subject = "the limit", .cause = "no such file"}.sentence()),
      "could not read the limit, the last value is kept (no such file)");
  EXPECT_EQ((Event{.subject = "nothing is left to drop"}.sentence()), "nothing is left to drop");
}

TEST(Event, SaysHowOftenItHappened) {
  Event event{.kind = EventKind::kRejected, .bytes = 8_MiB, .subject = "SET"};
  event.times = 1200;
  EXPECT_EQ(event.sentence(), "rejected SET, which asked for 8 MiB, 1,200 times");
}

TEST(ShortText, IsCutAtItsCapacity) {
  std::string longer(100, 'x');
  EXPECT_EQ(ShortText(longer).view(), std::string(ShortText::kCapacity, 'x'));
  EXPECT_EQ(ShortText("abc").view(), "abc");
  EXPECT_TRUE(ShortText().empty());
  EXPECT_TRUE(ShortText("").empty());
}

class EventLogTest : public ::testing::Test {
 protected:
  ManualClock clock_{1'000};
  EventLog log_{&clock_};
};

TEST_F(EventLogTest, NumbersAndDatesWhatItKeeps) {
  log_.add({.subject = "first"});
  clock_.advance(5s);
  log_.add({.subject = "second"});
  auto events = log_.last(10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].subject.view(), "first");
  EXPECT_EQ(events[0].number, 1u);
  EXPECT_EQ(events[1].number, 2u);
  EXPECT_EQ(events[1].wall_ms - events[0].wall_ms, 5000);
  EXPECT_EQ(log_.last(1)[0].subject.view(), "second");
}

TEST_F(EventLogTest, ForgetsTheOldestAndKeepsTheTotals) {
  for (int i = 0; i < 300; ++i) log_.add({.subject = std::to_string(i)});
  auto events = log_.last(1000);
  ASSERT_EQ(events.size(), EventLog::kEvents);
  EXPECT_EQ(events.front().subject.view(), "44");
  EXPECT_EQ(events.back().subject.view(), "299");
  EXPECT_EQ(log_.total(EventKind::kNote), 300u);
}

TEST_F(EventLogTest, CountsWhatRepeatsWithinASecondInOne) {
  Event reclaimed{.kind = EventKind::kReclaimed,
                  .bytes = 64_KiB,
                  .freed = 512_KiB,
                  .duration = 1ms,
                  .subject = "cache",
                  .cause = "too little was free"};
  for (int i = 0; i < 50; ++i) {
    log_.add(reclaimed);
    clock_.advance(10ms);
    if (i == 25) log_.add({.kind = EventKind::kLevelChanged, .to = Level::kHigh});
  }
  auto events = log_.last(10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].times, 50u);
  EXPECT_EQ(events[0].freed, 50 * 512_KiB);
  EXPECT_EQ(events[0].duration, 50ms);
  EXPECT_EQ(log_.total(EventKind::kReclaimed), 50u);
  clock_.advance(1s);
  log_.add(reclaimed);
  EXPECT_EQ(log_.last(10).size(), 3u) << "a second later it is told anew";
}

TEST_F(EventLogTest, KeepsApartWhatDiffersOrMustBeToldEachTime) {
  log_.add({.kind = EventKind::kRejected, .subject = "SET", .cause = "line"});
  log_.add({.kind = EventKind::kRejected, .subject = "SET", .cause = "account"});
  log_.add({.kind = EventKind::kRejected, .subject = "GET", .cause = "line"});
  log_.add({.kind = EventKind::kWaited, .subject = "GET", .cause = "line"});
  EXPECT_EQ(log_.last(10).size(), 4u);
  for (EventKind kind : {EventKind::kConnectionClosed, EventKind::kLevelChanged, EventKind::kLimitChanged,
                         EventKind::kHeapTrimmed, EventKind::kNote}) {
    std::size_t before = log_.last(100).size();
    log_.add({.kind = kind});
    log_.add({.kind = kind});
    EXPECT_EQ(log_.last(100).size(), before + 2) << name_of(kind);
  }
}

TEST_F(EventLogTest, TakesEventsFromManyThreads) {
  EventLog log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 1000; ++i) {
        log.add({.kind = t % 2 ? EventKind::kNote : EventKind::kRejected, .subject = "x"});
        if (i % 100 == 0) static_cast<void>(log.last(5));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log.total(EventKind::kNote), 2000u);
  EXPECT_EQ(log.total(EventKind::kRejected), 2000u);
}

class Totals final : public StatSink {
 public:
  void value(const Stat& stat, double value) override { figures[std::string(stat.labels[0].value)] = value; }
  void distribution(const Stat&, const Histogram&, double) override {}
  std::map<std::string, double> figures;
};

TEST_F(EventLogTest, DescribesItsTotalsByKind) {
  log_.add({.kind = EventKind::kOvershoot});
  Totals sink;
  log_.Describe(sink);
  EXPECT_EQ(sink.figures.size(), kEventKinds);
  EXPECT_EQ(sink.figures["overshoot"], 1);
  EXPECT_EQ(sink.figures["level_changed"], 0);
}

}  // namespace
}  // namespace plimsoll
