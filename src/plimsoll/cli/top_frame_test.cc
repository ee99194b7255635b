#include "plimsoll/cli/top_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plimsoll/base/random.h"
#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TopLook look_of_a_server() {
  TopLook look;
  look.version = "0.1.0";
  look.process = 7;
  look.uptime_s = 100;
  look.level = "high";
  look.level_number = 2;
  look.undroppable = 0.52;
  look.response = "gentle";
  look.limit = 100_MiB;
  look.line = 96_MiB;
  look.charged = 80_MiB;
  look.free = 16_MiB;
  look.droppable = 30_MiB;
  look.accounts = {
      {.name = "connections", .parent = {}, .used = 50_MiB, .guarantee = {}, .maximum = 48_MiB},
      {.name = "cache", .parent = {}, .droppable = true, .used = 28_MiB, .guarantee = 4_MiB, .maximum = {}},
      {.name = "warm", .parent = "cache", .used = 1_MiB, .guarantee = {}, .maximum = {}},
      {.name = "other", .parent = {}, .used = 2_MiB, .guarantee = {}, .maximum = {}},
      {.name = "bodies", .parent = {}, .used = {}, .guarantee = {}, .maximum = {}}};
  look.counters.commands = 1'000;
  look.events = {{1'700'000'000'000, "the level rose to moderate"},
                 {1'700'000'001'000, "the level rose to high"}};
  return look;
}

TopState state_of_a_server() {
  TopState state;
  state.where = "127.0.0.1:9644";
  state.now = look_of_a_server();
  state.before = state.now;
  state.now->uptime_s = 101;
  state.now->counters.commands += 12'345;
  state.now->counters.hits += 90;
  state.now->counters.misses += 10;
  state.now->counters.received += 2 << 20;
  state.before->accounts[1].used = 26_MiB;
  return state;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// What a terminal shows: no colours.
std::string plain(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    text += take_until(line, '\x1b');
    take_until(line, 'm');
  }
  return text;
}

std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The words at the beginning of each row of the ledger.
std::vector<std::string> ledger_names(const std::vector<std::string>& lines) {
  std::vector<std::string> names;
  bool in = false;
  for (const std::string& line : lines) {
    if (in && line.size() < 3) break;
    if (in) {
      std::string_view rest = trim(std::string_view(line).substr(1));
      names.emplace_back(take_until(rest, ' '));
    }
    in = in || line.starts_with("  account");
  }
  return names;
}

TEST(TopFrame, ShowsEverythingAtEightyColumns) {
  const std::vector<std::string> lines = compose(state_of_a_server(), {80, 24}, {});
  const std::string text = joined(lines);
  EXPECT_EQ(lines.size(), 24u);
  EXPECT_THAT(lines[0], StartsWith("/^\\ high  52.0 % of 96 MiB cannot be dropped"));
  EXPECT_THAT(lines[0], HasSubstr("127.0.0.1:9644"));
  EXPECT_THAT(text, HasSubstr("used 80 MiB of 96 MiB   free 16 MiB   droppable 30 MiB"));
  EXPECT_THAT(text, HasSubstr("requests/s 12,345   hits 90.0 %   in 2 MiB/s"));
  EXPECT_THAT(text, HasSubstr("+2 MiB/s"));
  EXPECT_THAT(text, HasSubstr("22:13:20  the level rose to moderate\n22:13:21  the level rose to high\n"));
  EXPECT_THAT(lines.back(), StartsWith("q quit  space pause  s sort: used"));
}

TEST(TopFrame, FillsTheHullByAccountsWhatCannotBeDroppedFirst) {
  // 102 columns are 100 cells of a MiB each.
  const std::vector<std::string> lines = compose(state_of_a_server(), {102, 24}, {});
  EXPECT_EQ(lines[1],
            "[" + std::string(50, 'c') + "oo" + std::string(28, 'a') + std::string(15, ' ') + "|    ]");
}

TEST(TopFrame, MarksTheWatermarksAndTheLineBelowTheHull) {
  const std::string marks = compose(state_of_a_server(), {202, 24}, {})[2];
  EXPECT_EQ(marks.find("^line"), 1 + 191u);  // of 199 steps, 96 in a hundred
  for (const char* name : {"^moderate", "^high", "^critical"}) EXPECT_THAT(marks, HasSubstr(name));
  EXPECT_LT(marks.find("^moderate"), marks.find("^high"));
}

TEST(TopFrame, HoldsALineOfEverythingInTheSmallestTerminal) {
  const std::vector<std::string> lines = compose(state_of_a_server(), {40, 10}, {});
  const std::string text = joined(lines);
  EXPECT_EQ(lines.size(), 10u);
  for (const char* part : {"high", "[ccc", "^", "used 80 MiB", "requests/s 12,345", "connections", "cache",
                           "the level rose to high", "q quit"})
    EXPECT_THAT(text, HasSubstr(part)) << text;
  EXPECT_THAT(text, Not(HasSubstr("guarantee"))) << "a narrow ledger has fewer columns";
  EXPECT_THAT(text, HasSubstr("share"));
}

TEST(TopFrame, HasEveryColumnWhereThereIsRoom) {
  const std::string text = joined(compose(state_of_a_server(), {200, 24}, {}));
  for (const char* name : {"used", "share", "change/s", "maximum", "guarantee", "kind"})
    EXPECT_THAT(text, HasSubstr(name));
}

TEST(TopFrame, NeverLeavesTheTerminalWhateverItsSize) {
  Random random(5);
  for (int round = 0; round < 2'000; ++round) {
    TopState state = state_of_a_server();
    state.stale = random.below(2) == 0;
    state.paused = random.below(2) == 0;
    if (state.stale) state.fault = "127.0.0.1:9644: nobody answers, and this is a long sentence about it";
    if (random.below(8) == 0) state.now.reset();
    for (std::uint64_t i = random.below(40); state.now && i > 0; --i) {
      state.now->accounts.push_back({.name = std::string(random.below(60), 'n'),
                                     .parent = {},
                                     .used = Bytes(random.below(1ULL << 62)),
                                     .guarantee = {},
                                     .maximum = {}});
      state.now->events.push_back(
          {static_cast<std::int64_t>(random.below(1ULL << 50)), std::string(random.below(300), 'e')});
    }
    if (state.now && random.below(4) == 0) state.now->line = Bytes(random.below(1ULL << 62));
    if (state.now && random.below(4) == 0) state.now->limit = Bytes();
    const TopSize size{1 + random.below(220), 1 + random.below(60)};
    const TopStyle style{random.below(2) == 0, random.below(2) == 0};
    const std::vector<std::string> lines = compose(state, size, style);
    ASSERT_EQ(lines.size(), size.rows);
    for (const std::string& line : lines) ASSERT_LE(columns_of(plain(line)), size.columns) << line;
  }
}

TEST(TopFrame, HasNoEscapesWithoutColour) {
  TopState state = state_of_a_server();
  state.stale = true;
  for (const bool unicode : {false, true})
    EXPECT_THAT(joined(compose(state, {80, 24}, {.colour = false, .unicode = unicode})),
                Not(HasSubstr("\x1b")));
  EXPECT_THAT(joined(compose(state, {80, 24}, {.colour = true, .unicode = true})),
              HasSubstr("\x1b[33m▲\x1b[0m"));
}

TEST(TopFrame, EveryLevelHasAShapeOfItsOwn) {
  std::vector<std::string> shapes;
  for (std::uint64_t level = 0; level < 5; ++level) {
    TopState state = state_of_a_server();
    state.now->level_number = level;
    for (const bool unicode : {false, true}) {
      std::string first = compose(state, {80, 24}, {.unicode = unicode})[0];
      shapes.push_back(first.substr(0, first.find(' ')));
    }
  }
  std::sort(shapes.begin(), shapes.end());
  EXPECT_EQ(std::adjacent_find(shapes.begin(), shapes.end()), shapes.end());
}

TEST(TopFrame, SortsAsItIsToldWithOtherLast) {
  TopState state = state_of_a_server();
  EXPECT_THAT(ledger_names(compose(state, {80, 40}, {})),
              ElementsAre("connections", "cache", "warm", "bodies", "other"));
  state.order = after(state.order);
  EXPECT_THAT(ledger_names(compose(state, {80, 40}, {})),
              ElementsAre("cache", "warm", "connections", "bodies", "other"));
  state.order = after(state.order);
  EXPECT_THAT(ledger_names(compose(state, {80, 40}, {})),
              ElementsAre("bodies", "cache", "warm", "connections", "other"));
  EXPECT_EQ(after(state.order), TopOrder::kUsed);
}

TEST(TopFrame, SaysThatWhatItShowsIsOld) {
  TopState state = state_of_a_server();
  state.stale = true;
  state.age = std::chrono::milliseconds(12'700);
  state.fault = "127.0.0.1:9644: cannot connect";
  const std::vector<std::string> lines = compose(state, {80, 24}, {});
  EXPECT_THAT(lines[0], HasSubstr("STALE: no answer for 12 s"));
  EXPECT_EQ(lines[1], state.fault);
  EXPECT_THAT(joined(lines), HasSubstr("cache"));
  EXPECT_THAT(compose(state, {40, 10}, {})[0], HasSubstr("STALE"));
}

TEST(TopFrame, SaysThatNobodyHasAnsweredYet) {
  TopState state;
  state.where = "127.0.0.1:9644";
  state.stale = true;
  state.fault = "127.0.0.1:9644: cannot connect: Connection refused";
  const std::string text = joined(compose(state, {80, 24}, {}));
  EXPECT_THAT(
      text,
      HasSubstr("STALE: no answer  127.0.0.1:9644\n127.0.0.1:9644: cannot connect: Connection refused\n"));
  EXPECT_THAT(text, HasSubstr("q quit"));
}

TEST(TopFrame, ShowsAllThereIsWhereNobodyLooksAtIt) {
  const std::vector<std::string> lines = compose(state_of_a_server(), {.columns = 100, .rows = 0}, {});
  const std::string text = joined(lines);
  for (const char* part : {"bodies", "warm", "rose to moderate"}) EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("q quit")));
}

}  // namespace
}  // namespace plimsoll
