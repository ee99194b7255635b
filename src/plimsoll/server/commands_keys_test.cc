#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

TEST(KeyCommands, DelAndUnlinkCountWhatTheyDelete) {
  CommandFixture f;
  f.expect({
      {"del a", ":0\r\n"},
      {"mset a 1 b 2 c 3", "+OK\r\n"},
      {"del a b a", ":2\r\n"},
      {"unlink c a", ":1\r\n"},
      {"dbsize", ":0\r\n"},
      {"del", "-ERR wrong number of arguments for 'del' command\r\n"},
      {"unlink", "-ERR wrong number of arguments for 'unlink' command\r\n"},
  });
}

TEST(KeyCommands, ExistsAndTouchCountRepeats) {
  CommandFixture f;
  f.expect({
      {"exists a", ":0\r\n"},
      {"mset a 1 b 2", "+OK\r\n"},
      {"exists a b c a", ":3\r\n"},
      {"touch a b c a", ":3\r\n"},
      {"exists", "-ERR wrong number of arguments for 'exists' command\r\n"},
      {"touch", "-ERR wrong number of arguments for 'touch' command\r\n"},
  });
}

TEST(KeyCommands, TypeKnowsStrings) {
  CommandFixture f;
  f.expect({
      {"type a", "+none\r\n"},
      {"set a 1", "+OK\r\n"},
      {"type a", "+string\r\n"},
      {"type", "-ERR wrong number of arguments for 'type' command\r\n"},
  });
}

TEST(KeyCommands, FlushTakesOneWord) {
  CommandFixture f;
  f.expect({
      {"set a 1", "+OK\r\n"},
      {"flushall foo", "-ERR syntax error\r\n"},
      {"flushall async sync", "-ERR syntax error\r\n"},
      {"dbsize", ":1\r\n"},
      {"flushall", "+OK\r\n"},
      {"dbsize", ":0\r\n"},
      {"set a 1", "+OK\r\n"},
      {"flushdb ASYNC", "+OK\r\n"},
      {"dbsize", ":0\r\n"},
      {"flushdb SYNC", "+OK\r\n"},
      {"flushall Async", "+OK\r\n"},
      {"flushdb x", "-ERR syntax error\r\n"},
      {"dbsize x", "-ERR wrong number of arguments for 'dbsize' command\r\n"},
  });
}

TEST(KeyCommands, RandomkeyOfNothingIsNothing) {
  CommandFixture f;
  f.expect({
      {"randomkey", "$-1\r\n"},
      {"set only v", "+OK\r\n"},
      {"randomkey", "$4\r\nonly\r\n"},
      {"randomkey x", "-ERR wrong number of arguments for 'randomkey' command\r\n"},
  });
}

TEST(KeyCommands, MemoryUsageChecksItsOptions) {
  CommandFixture f;
  f.expect({
      {"memory usage k", "$-1\r\n"},
      {"memory usage k samples", "-ERR syntax error\r\n"},
      {"memory usage k samples x", "-ERR value is not an integer or out of range\r\n"},
      {"memory usage k samples -1", "-ERR syntax error\r\n"},
      {"memory usage k foo", "-ERR syntax error\r\n"},
      {"memory usage k samples 5 foo", "-ERR syntax error\r\n"},
      {"memory usage k samples 5 samples 0", "$-1\r\n"},
      {"memory usage k SAMPLES 0", "$-1\r\n"},
      {"memory usage", "-ERR wrong number of arguments for 'memory|usage' command\r\n"},
      {"memory", "-ERR wrong number of arguments for 'memory' command\r\n"},
      {"memory nothing", "-ERR unknown subcommand 'nothing'. Try MEMORY HELP.\r\n"},
      {"Memory NOTHING", "-ERR unknown subcommand 'NOTHING'. Try MEMORY HELP.\r\n"},
  });
}

TEST(KeyCommands, ExpiredKeysAreNotThere) {
  CommandFixture f;
  f.run("set k v px 10");
  f.now_ms += 11;
  EXPECT_EQ(f.run("exists k"), ":0\r\n");
  EXPECT_EQ(f.run("type k"), "+none\r\n");
  EXPECT_EQ(f.run("del k"), ":0\r\n");
  EXPECT_EQ(f.run("randomkey"), "$-1\r\n");
}

TEST(KeyCommands, ReadsCountAsUseAndLooksDoNot) {
  CommandFixture f;
  f.run("set k v");
  const auto reads = [&] { return f.cache.stats().hits + f.cache.stats().misses; };
  for (const char* look :
       {"exists k", "type k", "ttl k", "memory usage k", "keys *", "scan 0", "expire k 100"}) {
    const std::uint64_t before = reads();
    f.run(look);
    EXPECT_EQ(reads(), before) << look;
  }
  for (const char* read : {"get k", "strlen k", "getrange k 0 1", "touch k", "getex k", "mget k",
                           "get absent", "set k v get", "getset k v", "getdel k"}) {
    const std::uint64_t before = reads();
    f.run(read);
    EXPECT_EQ(reads(), before + 1) << read;
  }
}

TEST(KeyCommands, MemoryUsageIsMoreThanThePayload) {
  CommandFixture f;
  f.run({"set", "small", std::string(100, 'x')});
  f.run({"set", "large", std::string(100'000, 'x')});
  const auto usage = [&](std::string_view key) {
    return std::stol(f.run({"memory", "usage", key}).substr(1));
  };
  EXPECT_GT(usage("small"), 105);
  EXPECT_LT(usage("small"), 300);
  EXPECT_GT(usage("large"), 100'000);
  EXPECT_LT(usage("large"), 110'000);
}

TEST(KeyCommands, MemoryHelpNamesWhatThereIs) {
  CommandFixture f;
  const std::string help = f.run("memory help");
  EXPECT_EQ(help.substr(0, 73),
            "*13\r\n+MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n+D");
  EXPECT_NE(help.find("+USAGE\r\n+    Returns how many bytes a key and its value take.\r\n+HELP\r\n"),
            std::string::npos);
}

TEST(KeyCommands, MemoryIsToldInFiguresAndWords) {
  CommandFixture f;
  f.server.figures = {.charged = 1000_B, .peak = 2000_B, .payload = 500_B, .resident = 1500_B};
  const std::string empty = f.run("memory stats");
  EXPECT_EQ(empty.substr(0, 31), "*54\r\n$14\r\npeak.allocated\r\n:2000");
  EXPECT_NE(empty.find("$15\r\npeak.percentage\r\n$2\r\n50\r\n"), std::string::npos);
  EXPECT_NE(empty.find("$19\r\nfragmentation.bytes\r\n:500\r\n"), std::string::npos);
  f.server.figures.keys = 10;
  f.server.figures.cache = 900_B;
  f.run("hello 3");
  const std::string stats = f.run("memory stats");
  EXPECT_EQ(stats.substr(0, 5), "%28\r\n");
  EXPECT_NE(stats.find("$4\r\ndb.0\r\n%3\r\n"), std::string::npos);
  EXPECT_NE(stats.find("$18\r\nkeys.bytes-per-key\r\n:90\r\n"), std::string::npos);
  EXPECT_NE(stats.find("$13\r\nfragmentation\r\n,1.5\r\n"), std::string::npos);
  f.expect({{"memory doctor", "=16\r\ntxt:all is well\n\r\n"},
            {"memory malloc-stats", "=16\r\ntxt:cache 1 MiB\n\r\n"},
            {"memory purge", "+OK\r\n"}});
  EXPECT_EQ(f.server.purges, 1);
}

}  // namespace
}  // namespace plimsoll
