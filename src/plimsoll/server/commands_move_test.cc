#include <gtest/gtest.h>

#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

TEST(MoveCommands, RenameTakesTheValueAndItsTimeToLive) {
  CommandFixture f;
  f.expect({{"rename a b", "-ERR no such key\r\n"},
            {"set a 1 px 5000", "+OK\r\n"},
            {"set b 2", "+OK\r\n"},
            {"rename a b", "+OK\r\n"},
            {"exists a", ":0\r\n"},
            {"get b", "$1\r\n1\r\n"},
            {"pttl b", ":5000\r\n"},
            {"rename b b", "+OK\r\n"},
            {"renamenx b b", ":0\r\n"},
            {"set c 3", "+OK\r\n"},
            {"renamenx b c", ":0\r\n"},
            {"renamenx b d", ":1\r\n"},
            {"mget b c d", "*3\r\n$-1\r\n$1\r\n3\r\n$1\r\n1\r\n"}});
}

TEST(MoveCommands, CopyAndMoveReachOtherDatabases) {
  CommandFixture f;
  f.expect({{"copy a b", ":0\r\n"},
            {"set a 1 px 5000", "+OK\r\n"},
            {"copy a a", "-ERR source and destination objects are the same\r\n"},
            {"copy a b", ":1\r\n"},
            {"pttl b", ":5000\r\n"},
            {"set a 2", "+OK\r\n"},
            {"copy a b", ":0\r\n"},
            {"copy a b replace", ":1\r\n"},
            {"get b", "$1\r\n2\r\n"},
            {"pttl b", ":-1\r\n"},
            {"copy a a db 1", ":1\r\n"},
            {"copy a a db 16", "-ERR DB index is out of range\r\n"},
            {"copy a a db", "-ERR syntax error\r\n"},
            {"move a 0", "-ERR source and destination objects are the same\r\n"},
            {"move a 1", ":0\r\n"},
            {"move b 1", ":1\r\n"},
            {"move b 1", ":0\r\n"},
            {"keys *", "*1\r\n$1\r\na\r\n"},
            {"select 1", "+OK\r\n"},
            {"mget a b", "*2\r\n$1\r\n2\r\n$1\r\n2\r\n"}});
}

TEST(MoveCommands, LargeValuesTakeTheirPagesWithThem) {
  CommandFixture f;
  const std::string large(300'000, 'v');
  f.run({"set", "a", large, "px", "5000"});
  const Bytes before = f.account.used();
  EXPECT_EQ(f.run("rename a b"), "+OK\r\n");
  EXPECT_EQ(f.run("get b"), bulk_of(large));
  EXPECT_EQ(f.run("pttl b"), ":5000\r\n");
  EXPECT_LT(f.account.used(), before + 200'000_B) << "the pages were copied";
  EXPECT_EQ(f.run("copy b c"), ":1\r\n");
  f.run({"setrange", "b", "0", "w"});
  EXPECT_EQ(f.run("get c"), bulk_of(large)) << "the copy shares its pages";
  f.cache.CheckInvariants();
}

// The pages went to the new key before it had its record, and there was no memory to put them back either.
TEST(MoveCommands, LargeValuesStayWhereThereIsNoMemoryForTheNewKey) {
  CommandFixture f(16_MiB, false);
  const std::string large(4'000'000, 'v');
  ASSERT_EQ(f.run({"set", "from", large}), "+OK\r\n");
  for (std::size_t size : {4000, 200, 1}) {
    int refused = 0;  // in a row, so that every shard is full
    for (int i = 0; refused < 200; ++i) {
      const std::string key = std::to_string(size) + ":" + std::to_string(i);
      refused = f.run({"set", key, std::string(size, 'x')}) == "+OK\r\n" ? 0 : refused + 1;
    }
  }
  const std::string refusal = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  const std::string to(300, 't');
  EXPECT_EQ(f.run({"rename", "from", to}), refusal);
  EXPECT_EQ(f.run("get from"), bulk_of(large));
  EXPECT_EQ(f.run("move from 3"), refusal);
  EXPECT_EQ(f.run("get from"), bulk_of(large));
  f.cache.CheckInvariants();
}

TEST(MoveCommands, LargeValuesStayWhereTheNewKeyIsTooLong) {
  for (const bool evict : {true, false}) {
    CommandFixture f(16_MiB, evict);
    const std::string large(10'000'000, 'v');  // twice is more than there is
    ASSERT_EQ(f.run({"set", "from", large, "px", "5000"}), "+OK\r\n");
    EXPECT_EQ(f.run({"rename", "from", std::string(40'000, 'k')}).substr(0, 8), "-ERR key");
    EXPECT_EQ(f.run("get from"), bulk_of(large));
    EXPECT_EQ(f.run("pttl from"), ":5000\r\n");
    f.cache.CheckInvariants();
  }
}

TEST(MoveCommands, MsetnxSetsAllOrNone) {
  CommandFixture f;
  f.expect({{"msetnx a 1 b 2", ":1\r\n"},
            {"msetnx c 3 b 4", ":0\r\n"},
            {"mget a b c", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n"},
            {"msetnx c 3 c 4", ":1\r\n"},
            {"get c", "$1\r\n4\r\n"},
            {"msetnx a", "-ERR wrong number of arguments for 'msetnx' command\r\n"},
            {"msetnx a 1 b", "-ERR wrong number of arguments for 'msetnx' command\r\n"}});
}

TEST(MoveCommands, MsetnxTakesBackWhatItWroteWhenMemoryEnds) {
  CommandFixture f(16_MiB, false);
  const std::string large(6'000'000, 'v');
  EXPECT_EQ(f.run({"msetnx", "a", large, "b", large, "c", large}),
            "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_EQ(f.run("exists a b c"), ":0\r\n");
}

TEST(ObjectCommands, EncodingsAreThoseOfRedis) {
  CommandFixture f;
  f.run({"set", "long", std::string(45, 'x')});
  f.run({"set", "short", std::string(44, 'x')});
  f.expect({{"set n -12", "+OK\r\n"},
            {"set zeros 012", "+OK\r\n"},
            {"object encoding n", "$3\r\nint\r\n"},
            {"object encoding zeros", "$6\r\nembstr\r\n"},
            {"object encoding short", "$6\r\nembstr\r\n"},
            {"object encoding long", "$3\r\nraw\r\n"},
            {"object encoding none", "$-1\r\n"},
            {"object refcount n", ":1\r\n"},
            {"object idletime none", "$-1\r\n"},
            {"object", "-ERR wrong number of arguments for 'object' command\r\n"},
            {"object nothing n", "-ERR unknown subcommand 'nothing'. Try OBJECT HELP.\r\n"}});
  EXPECT_EQ(f.run("object idletime n").substr(0, 43), "-ERR Idle time is not tracked for this key.");
  EXPECT_EQ(f.run("object freq n").substr(0, 45), "-ERR An LFU maxmemory policy is not selected,");
  EXPECT_EQ(f.run("object freq none"), "$-1\r\n");
  f.server.settings["maxmemory-policy"] = "allkeys-lfu";
  EXPECT_EQ(f.run("object freq n"), ":1\r\n");
  f.run("get n");
  EXPECT_EQ(f.run("object freq n"), ":2\r\n") << "as the policy counts";
  EXPECT_EQ(f.run("object idletime n").substr(0, 41), "-ERR An LFU maxmemory policy is selected,");
}

// A few bytes that begin as a sound or an image does threw, which closed the connection.
TEST(ObjectCommands, WhatIsKnownOfAnEntryNeedsNoWholeFileInIt) {
  CommandFixture f;
  f.run("set k RIFF");
  EXPECT_NE(f.run("plimsoll.entry k").find("$4\r\ntype\r\n$4\r\ntext\r\n"), std::string::npos);
}

TEST(ObjectCommands, IdleTimeAndWhatIsKnownOfAnEntryAreTrueWhereFactsAreKept) {
  CommandFixture f;
  f.run("set plain {\"a\":1}");
  f.expect({{"plimsoll.entry none", "$-1\r\n"},
            {"plimsoll.entry", "-ERR wrong number of arguments for 'plimsoll.entry' command\r\n"}});
  EXPECT_EQ(f.run("plimsoll.entry plain").substr(0, 44),
            "*16\r\n$4\r\ntype\r\n$4\r\njson\r\n$4\r\nsize\r\n:7\r\n$11\r\n");
  f.cache.set_describe_entries(true);
  f.run("set kept abc");
  f.now_ms += 7000;
  EXPECT_EQ(f.run("object idletime kept"), ":7\r\n");
  EXPECT_EQ(f.run("object idletime kept"), ":7\r\n") << "asking is no use";
  f.run("get kept");
  f.now_ms += 2000;
  EXPECT_EQ(f.run("object idletime kept"), ":2\r\n");
  const std::string entry = f.run("plimsoll.entry kept");
  EXPECT_EQ(entry.substr(0, 5), "*22\r\n");
  EXPECT_NE(entry.find("$8\r\naccesses\r\n:1\r\n"), std::string::npos) << entry;
  EXPECT_NE(entry.find("$4\r\nxxh3\r\n$16\r\n78af5f94892f3950\r\n"), std::string::npos) << entry;
}

}  // namespace
}  // namespace plimsoll
