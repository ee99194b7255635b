#include <set>

#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(ScanCommands, KeysMatchesPatterns) {
  CommandFixture f;
  f.expect({
      {"keys *", "*0\r\n"},
      {"set hello 1", "+OK\r\n"},
      {"keys *", "*1\r\n$5\r\nhello\r\n"},
      {"keys h?llo", "*1\r\n$5\r\nhello\r\n"},
      {"keys h[ae]llo", "*1\r\n$5\r\nhello\r\n"},
      {"keys h[^e]llo", "*0\r\n"},
      {"keys H*", "*0\r\n"},
      {"keys h*o", "*1\r\n$5\r\nhello\r\n"},
      {"keys \\\\*", "*0\r\n"},
      {"keys hello", "*1\r\n$5\r\nhello\r\n"},
      {"keys ''", "*0\r\n"},
      {"keys", "-ERR wrong number of arguments for 'keys' command\r\n"},
      {"keys a b", "-ERR wrong number of arguments for 'keys' command\r\n"},
  });
}

TEST(ScanCommands, TheEmptyKeyMatchesOnlyTheStarThatMeansAll) {
  CommandFixture f;
  f.expect({
      {"set '' v", "+OK\r\n"},
      {"keys *", "*1\r\n$0\r\n\r\n"},
      {"keys **", "*0\r\n"},
      {"keys ''", "*1\r\n$0\r\n\r\n"},
      {"scan 0", "*2\r\n$1\r\n0\r\n*1\r\n$0\r\n\r\n"},
      {"scan 0 match **", "*2\r\n$1\r\n0\r\n*0\r\n"},
      {"scan 0 match ''", "*2\r\n$1\r\n0\r\n*1\r\n$0\r\n\r\n"},
  });
}

TEST(ScanCommands, ScanChecksItsCursorAndOptions) {
  CommandFixture f;
  f.expect({
      {"set k v", "+OK\r\n"},
      {"scan x", "-ERR invalid cursor\r\n"},
      {"scan ' 0'", "-ERR invalid cursor\r\n"},
      {"scan 0x", "-ERR invalid cursor\r\n"},
      {"scan -", "-ERR invalid cursor\r\n"},
      {"scan +", "-ERR invalid cursor\r\n"},
      {"scan 18446744073709551616", "-ERR invalid cursor\r\n"},
      {"scan -18446744073709551616", "-ERR invalid cursor\r\n"},
      {"scan 18446744073709551615", "*2\r\n$1\r\n0\r\n*0\r\n"},
      {"scan -1", "*2\r\n$1\r\n0\r\n*0\r\n"},
      {"scan ''", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan +0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan -0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 00", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0\0x"sv, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0 count 0", "-ERR syntax error\r\n"},
      {"scan 0 count -1", "-ERR syntax error\r\n"},
      {"scan 0 count x", "-ERR value is not an integer or out of range\r\n"},
      {"scan 0 count", "-ERR syntax error\r\n"},
      {"scan 0 count 9223372036854775808", "-ERR value is not an integer or out of range\r\n"},
      {"scan 0 match", "-ERR syntax error\r\n"},
      {"scan 0 type", "-ERR syntax error\r\n"},
      {"scan 0 foo bar", "-ERR syntax error\r\n"},
      {"scan 0 count 5 foo", "-ERR syntax error\r\n"},
      {"scan 0 COUNT 9223372036854775807", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0 match k* count 100", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0 match x* count 100", "*2\r\n$1\r\n0\r\n*0\r\n"},
      {"scan 0 match a match k", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0 type string", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0 type STRING", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan 0 type list", "*2\r\n$1\r\n0\r\n*0\r\n"},
      {"scan 0 type nonsense", "*2\r\n$1\r\n0\r\n*0\r\n"},
      {"scan 0 count\0 5"sv, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"},
      {"scan", "-ERR wrong number of arguments for 'scan' command\r\n"},
  });
}

// The bulk strings in `text`, in order.
std::vector<std::string> bulks_in(std::string_view text) {
  std::vector<std::string> bulks;
  for (std::size_t at = text.find('$'); at < text.size(); at = text.find('$', at)) {
    const std::size_t line_end = text.find("\r\n", at);
    const std::size_t size = std::stoul(std::string(text.substr(at + 1, line_end - at - 1)));
    bulks.emplace_back(text.substr(line_end + 2, size));
    at = line_end + 2 + size;
  }
  return bulks;
}

std::set<std::string> fill(CommandFixture& f, int keys, std::size_t key_size) {
  std::set<std::string> names;
  for (int i = 0; i < keys; ++i) {
    std::string key = "key:" + std::to_string(i) + ":";
    if (key.size() < key_size) key.resize(key_size, 'k');
    EXPECT_EQ(f.run({"set", key, "v"}), "+OK\r\n");
    names.insert(key);
  }
  return names;
}

TEST(ScanCommands, ScanVisitsEveryKeyOnceWhenNothingChanges) {
  CommandFixture f;
  const std::set<std::string> names = fill(f, 5'000, 0);
  for (const char* count : {"1", "10", "999", "100000"}) {
    std::multiset<std::string> seen;
    std::string cursor = "0";
    int pages = 0;
    do {
      const std::vector<std::string> reply = bulks_in(f.run({"scan", cursor, "count", count}));
      cursor = reply.at(0);
      seen.insert(reply.begin() + 1, reply.end());
      ++pages;
    } while (cursor != "0");
    EXPECT_EQ(seen, std::multiset<std::string>(names.begin(), names.end())) << "count " << count;
    EXPECT_GE(pages, count == std::string("100000") ? 1 : 5'000 / (20 + std::stoi(count)));
  }
}

TEST(ScanCommands, APageOfLongKeysEndsEarly) {
  CommandFixture f;
  const std::set<std::string> names = fill(f, 300, 10'000);
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const std::string reply = f.run({"scan", cursor, "count", "100000"});
    EXPECT_LT(reply.size(), 2'000'000u);
    const std::vector<std::string> bulks = bulks_in(reply);
    cursor = bulks.at(0);
    seen.insert(bulks.begin() + 1, bulks.end());
  } while (cursor != "0");
  EXPECT_EQ(seen, names);
}

TEST(ScanCommands, PatternsLeaveKeysOutAndNotTheCount) {
  CommandFixture f;
  fill(f, 2'000, 0);
  const std::vector<std::string> page = bulks_in(f.run("scan 0 match key:1999:* count 10"));
  EXPECT_NE(page.at(0), "0");
  EXPECT_LE(page.size(), 2u);
  const std::vector<std::string> all = bulks_in(f.run("scan 0 match key:1999:* count 1000000"));
  EXPECT_EQ(all, (std::vector<std::string>{"0", "key:1999:"}));
}

TEST(ScanCommands, ExpiredKeysAreLeftOut) {
  CommandFixture f;
  f.run("set a 1 px 10");
  f.run("set b 1");
  f.now_ms += 11;
  EXPECT_EQ(f.run("keys *"), "*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(bulks_in(f.run("scan 0")), (std::vector<std::string>{"0", "b"}));
}

TEST(ScanCommands, KeysListsThousandsOnceEach) {
  CommandFixture f;
  const std::set<std::string> names = fill(f, 20'000, 0);
  const std::string reply = f.run("keys *");
  EXPECT_EQ(reply.substr(0, 8), "*20000\r\n");
  const std::vector<std::string> listed = bulks_in(reply);
  EXPECT_EQ(listed.size(), 20'000u);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), names);
  EXPECT_EQ(bulks_in(f.run("keys key:1999?:")).size(), 10u);
}

TEST(ScanCommands, TheListOfKeysIsChargedAndSentAsTheReaderHasRoom) {
  CommandFixture f;
  const std::set<std::string> names = fill(f, 3'000, 200);
  RecordedReply reply;
  bool full = false;
  Bytes most;
  const std::vector<std::string_view> args = {"keys", "*"};
  CommandContext context{.args = args,
                         .bodies = {},
                         .reply = reply,
                         .cache = f.cache,
                         .databases = f.databases,
                         .server = f.server,
                         .session = f.session,
                         .now_ms = f.now_ms,
                         .reader_is_full = [&] { return std::exchange(full, !full); }};
  int calls = 1;
  while (run_command(context) == Progress::kAgain) {
    ++calls;
    most = std::max(most, f.others.used());
    f.run("flushall");
  }
  EXPECT_GT(calls, 3);
  EXPECT_GT(most, 600'000_B);
  EXPECT_EQ(f.others.used(), 0_B);
  const std::vector<std::string> listed = bulks_in(reply.text);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), names);
}

TEST(ScanCommands, KeysEvictsRatherThanGoAboveTheLine) {
  CommandFixture f(16_MiB);
  for (int i = 0; i < 200'000; ++i) f.run({"set", "a key of some length, " + std::to_string(i), "v"});
  const std::string reply = f.run("keys *");
  ASSERT_EQ(reply.front(), '*');
  EXPECT_EQ(bulks_in(reply).size(), std::stoul(reply.substr(1)));
  EXPECT_LE(f.line.charged(), f.line.line());
  EXPECT_EQ(f.others.used(), 0_B);
  f.cache.CheckInvariants();
}

TEST(ScanCommands, KeysSaysSoWhenThereIsNoMemoryForTheList) {
  CommandFixture f(16_MiB, false);
  std::string answer;
  for (int i = 0; answer.empty() && i < 1'000'000; ++i) {
    answer = f.run({"set", "a key of some length, " + std::to_string(i), "v"});
    if (answer == "+OK\r\n") answer.clear();
  }
  Charge rest = f.others.charge(f.line.free());
  EXPECT_EQ(f.run("keys *"), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_EQ(f.run("keys nothing"), "*0\r\n");
}

}  // namespace
}  // namespace plimsoll
