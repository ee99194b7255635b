#include "plimsoll/cli/top_look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

constexpr std::string_view kStatus =
    R"({"version":"0.1.0","process":77,"uptime_seconds":12.5,"time_ms":1700000000000,)"
    R"("level":{"name":"high","number":2,"undroppable_ratio":0.8},)"
    R"("memory":{"limit_bytes":1000,"line_bytes":960,"charged_bytes":900,"free_bytes":60,"droppable_bytes":100},)"
    R"("governor":{"on":true,"response":"gentle"},)"
    R"("accounts":[{"name":"cache","kind":"droppable","parent":null,"used_bytes":700,"guarantee_bytes":10,)"
    R"("maximum_bytes":null},{"name":"part","kind":"pinned","parent":"cache","used_bytes":5,"maximum_bytes":9}],)"
    R"("cache":{"items":3,"hits":30,"misses":10,"evicted":4,"refused":1},"log":null,)"
    R"("connections":{"resp":1,"kafka":2,"http":3,"commands":100,"received_bytes":1000,"sent_bytes":2000},)"
    R"("events":[{"time_ms":1700000000000,"sentence":"the level rose"}]})";

TEST(TopLook, ReadsWhatIsShown) {
  const Result<TopLook> look = read_look(kStatus);
  ASSERT_TRUE(look);
  EXPECT_EQ(look->level, "high");
  EXPECT_EQ(look->level_number, 2u);
  EXPECT_EQ(look->line, Bytes(960));
  EXPECT_EQ(look->connections, 6u);
  EXPECT_FALSE(look->has_log);
  ASSERT_EQ(look->accounts.size(), 2u);
  EXPECT_TRUE(look->accounts[0].droppable);
  EXPECT_FALSE(look->accounts[0].maximum);
  EXPECT_EQ(look->accounts[1].parent, "cache");
  EXPECT_EQ(look->accounts[1].maximum, Bytes(9));
  ASSERT_EQ(look->events.size(), 1u);
  EXPECT_EQ(look->events[0].sentence, "the level rose");
}

TEST(TopLook, WhatIsNoStatusIsRefused) {
  for (std::string_view page : {"", "<html>", "[]", "{}", "{\"memory\":1,\"level\":2}"})
    EXPECT_FALSE(read_look(page)) << page;
}

TEST(TopLook, HoweverDeepAPageIsItTakesNoStack) {
  const std::string open(1 << 20, '['), close(1 << 20, ']');
  EXPECT_FALSE(read_look(open));
  EXPECT_FALSE(read_look(open + close));
  std::string page(kStatus);
  page.replace(page.find("\"the level rose\""), 16, open + close);
  const Result<TopLook> look = read_look(page);
  ASSERT_TRUE(look);
  EXPECT_EQ(look->events[0].sentence, "") << "a list is no text";
}

TEST(TopLook, NoTextOfAServerReachesTheTerminalAsItIs) {
  std::string page(kStatus);
  page.replace(page.find("the level rose"), 14, "\\u001b[2Jevil\xc2\x9b\\n");
  const Result<TopLook> look = read_look(page);
  ASSERT_TRUE(look);
  EXPECT_EQ(look->events[0].sentence, "?[2Jevil???");
}

TEST(TopRates, AreDifferencesOverTheServersOwnTime) {
  const TopLook before = *read_look(kStatus);
  TopLook now = before;
  EXPECT_FALSE(rates_between(before, now)) << "no time has passed";
  now.uptime_s += 2;
  now.counters.commands += 500;
  now.counters.hits += 30;
  now.counters.misses += 10;
  now.counters.evicted = 0;  // set back
  now.accounts[0].used = Bytes(500);
  const std::optional<TopRates> rates = rates_between(before, now);
  ASSERT_TRUE(rates);
  EXPECT_EQ(rates->commands, 250);
  EXPECT_EQ(rates->hit_ratio, 0.75);
  EXPECT_EQ(rates->evicted, 0);
  EXPECT_EQ(change_of(now.accounts[0], before, now), -100);
  EXPECT_EQ(change_of({.name = "new"}, before, now), std::nullopt);
}

TEST(TopRates, AreNothingAcrossARestart) {
  const TopLook before = *read_look(kStatus);
  TopLook now = before;
  now.uptime_s += 2;
  now.process = 78;
  EXPECT_FALSE(rates_between(before, now));
  EXPECT_FALSE(change_of(now.accounts[0], before, now));
  now.process = 77;
  now.uptime_s = 1;
  EXPECT_FALSE(rates_between(before, now));
}

TEST(TopLook, ReadsWhatIsLeftOfABrokenStatusOrRefusesIt) {
  Random random(3);
  for (int round = 0; round < 3'000; ++round) {
    std::string page(kStatus);
    for (std::uint64_t i = random.below(4); i > 0; --i)
      page[random.below(page.size())] = static_cast<char>("0\"{}[],:9e-a"[random.below(12)]);
    const Result<TopLook> look = read_look(page);
    if (look) {
      EXPECT_LE(look->accounts.size(), 100u);
    }
  }
}

}  // namespace
}  // namespace plimsoll
