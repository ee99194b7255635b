#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(ExpireCommands, TellWhenAKeyEnds) {
  CommandFixture f;
  f.expect({
      {"ttl k", ":-2\r\n"},
      {"pttl k", ":-2\r\n"},
      {"expiretime k", ":-2\r\n"},
      {"pexpiretime k", ":-2\r\n"},
      {"persist k", ":0\r\n"},
      {"expire k 100", ":0\r\n"},
      {"set k v", "+OK\r\n"},
      {"ttl k", ":-1\r\n"},
      {"pttl k", ":-1\r\n"},
      {"expiretime k", ":-1\r\n"},
      {"pexpiretime k", ":-1\r\n"},
      {"persist k", ":0\r\n"},
      {"expire k 100", ":1\r\n"},
      {"ttl k", ":100\r\n"},
      {"persist k", ":1\r\n"},
      {"ttl k", ":-1\r\n"},
      {"pexpire k 100000", ":1\r\n"},
      {"ttl k", ":100\r\n"},
      {"expireat k 9000000000", ":1\r\n"},
      {"expiretime k", ":9000000000\r\n"},
      {"pexpiretime k", ":9000000000000\r\n"},
      {"pexpireat k 9000000000499", ":1\r\n"},
      {"expiretime k", ":9000000000\r\n"},
      {"pexpireat k 9000000000500", ":1\r\n"},
      {"expiretime k", ":9000000001\r\n"},
      {"pexpireat k 9223372036854775807", ":1\r\n"},
      {"pexpiretime k", ":9223372036854775807\r\n"},
      {"expiretime k", ":9223372036854776\r\n"},
      {"expireat k 9223372036854775", ":1\r\n"},
      {"pexpiretime k", ":9223372036854775000\r\n"},
  });
}

TEST(ExpireCommands, ATimeInThePastDeletes) {
  CommandFixture f;
  f.expect({
      {"set k v", "+OK\r\n"},       {"expire k 0", ":1\r\n"},
      {"exists k", ":0\r\n"},       {"set k v", "+OK\r\n"},
      {"expire k -1", ":1\r\n"},    {"exists k", ":0\r\n"},
      {"set k v", "+OK\r\n"},       {"pexpire k -9223372036854775808", ":1\r\n"},
      {"exists k", ":0\r\n"},       {"set k v", "+OK\r\n"},
      {"expireat k 1", ":1\r\n"},   {"exists k", ":0\r\n"},
      {"set k v", "+OK\r\n"},       {"pexpireat k 1000", ":1\r\n"},
      {"exists k", ":0\r\n"},       {"set k v", "+OK\r\n"},
      {"expire k -1 gt", ":0\r\n"}, {"expire k -1 lt", ":1\r\n"},
      {"exists k", ":0\r\n"},       {"expire k -1", ":0\r\n"},
  });
}

TEST(ExpireCommands, AddConditions) {
  CommandFixture f;
  f.expect({
      {"set k v", "+OK\r\n"},
      {"expire k 100 xx", ":0\r\n"},
      {"expire k 100 gt", ":0\r\n"},
      {"expire k 100 nx", ":1\r\n"},
      {"expire k 200 nx", ":0\r\n"},
      {"ttl k", ":100\r\n"},
      {"expire k 50 gt", ":0\r\n"},
      {"expire k 100000 gt", ":1\r\n"},
      {"ttl k", ":100000\r\n"},
      {"expire k 200000 lt", ":0\r\n"},
      {"expire k 50 lt", ":1\r\n"},
      {"ttl k", ":50\r\n"},
      {"expire k 60 xx", ":1\r\n"},
      {"ttl k", ":60\r\n"},
      {"expire k 70 xx gt", ":1\r\n"},
      {"expire k 65 xx lt", ":1\r\n"},
      {"ttl k", ":65\r\n"},
      {"persist k", ":1\r\n"},
      {"expire k 100 lt", ":1\r\n"},
      {"ttl k", ":100\r\n"},
      {"expireat k 9000000000 XX Gt", ":1\r\n"},
      {"pexpireat k 9000000000000 gt", ":0\r\n"},
      {"pexpireat k 9000000000000 lt", ":0\r\n"},
      {"expiretime k", ":9000000000\r\n"},
      {"expire absent 100 nx", ":0\r\n"},
  });
}

TEST(ExpireCommands, CheckConditionsThenTheNumberThenTheKey) {
  CommandFixture f;
  f.expect({
      {"expire k x foo", "-ERR Unsupported option foo\r\n"},
      {"expire k x nx xx", "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n"},
      {"expire k x", "-ERR value is not an integer or out of range\r\n"},
      {"expire k ''", "-ERR value is not an integer or out of range\r\n"},
      {"expire k 1.5", "-ERR value is not an integer or out of range\r\n"},
      {"expire k 1 nx xx", "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n"},
      {"expire k 1 nx gt", "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n"},
      {"expire k 1 lt nx", "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n"},
      {"expire k 1 gt lt", "-ERR GT and LT options at the same time are not compatible\r\n"},
      {"expire k 1 nx gt lt", "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n"},
      {"expire k 1 xx gt lt", "-ERR GT and LT options at the same time are not compatible\r\n"},
      {"expire k 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"},
      {"expire k 9223372036854776", "-ERR invalid expire time in 'expire' command\r\n"},
      {"expire k 9223372036854775", "-ERR invalid expire time in 'expire' command\r\n"},
      {"expire k -9223372036854776", "-ERR invalid expire time in 'expire' command\r\n"},
      {"expire k -9223372036854775808", "-ERR invalid expire time in 'expire' command\r\n"},
      {"expire k -9223372036854775", ":0\r\n"},
      {"pexpire k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n"},
      {"expireat k 9223372036854776", "-ERR invalid expire time in 'expireat' command\r\n"},
      {"expireat k 9223372036854775", ":0\r\n"},
      {"pexpireat k 9223372036854775807", ":0\r\n"},
      {"expire k 1 'a\r\nb'", "-ERR Unsupported option a  b\r\n"},
      {"expire k 1 'a\r\n'", "-ERR Unsupported option a\r\n"},
      {"expire k 1 NX\0"sv, ":0\r\n"},
      {"expire k", "-ERR wrong number of arguments for 'expire' command\r\n"},
      {"pexpire k", "-ERR wrong number of arguments for 'pexpire' command\r\n"},
      {"ttl", "-ERR wrong number of arguments for 'ttl' command\r\n"},
      {"persist", "-ERR wrong number of arguments for 'persist' command\r\n"},
  });
}

TEST(ExpireCommands, TtlRoundsToTheNearestSecond) {
  CommandFixture f;
  f.run("set k v px 10000");
  f.now_ms += 499;
  EXPECT_EQ(f.run("ttl k"), ":10\r\n");
  EXPECT_EQ(f.run("pttl k"), ":9501\r\n");
  f.now_ms += 2;
  EXPECT_EQ(f.run("ttl k"), ":9\r\n");
  f.now_ms += 9'499;
  EXPECT_EQ(f.run("ttl k"), ":0\r\n");
  EXPECT_EQ(f.run("pttl k"), ":0\r\n");
  f.now_ms += 1;
  EXPECT_EQ(f.run("ttl k"), ":-2\r\n");
}

TEST(DefaultTtl, IsOfWritesThatSayNothing) {
  CommandFixture f;
  f.default_ttl_ms = 60'000;
  for (const char* write : {"set k v", "setnx k v", "getset k v", "set k v get", "mset k v", "msetnx k v",
                            "append k v", "setrange k 3 v", "incr k", "decrby k 2", "incrbyfloat k 1.5"}) {
    f.run("del k");
    f.run(write);
    EXPECT_EQ(f.run("pttl k"), ":60000\r\n") << write;
  }
  f.run({"set", "k", std::string(100'000, 'x')});
  EXPECT_EQ(f.run("pttl k"), ":60000\r\n");
  f.expect({{"multi", "+OK\r\n"},
            {"set k v", "+QUEUED\r\n"},
            {"pttl k", "+QUEUED\r\n"},
            {"exec", "*2\r\n+OK\r\n:60000\r\n"}});
}

TEST(DefaultTtl, GivesWayToWhatACommandSays) {
  CommandFixture f;
  f.default_ttl_ms = 60'000;
  f.expect({{"set k v px 500", "+OK\r\n"}, {"pttl k", ":500\r\n"}, {"psetex k 700 v", "+OK\r\n"}});
  f.expect({{"pttl k", ":700\r\n"}, {"getex k px 900", "$1\r\nv\r\n"}, {"pttl k", ":900\r\n"}});
  // Whoever persists wants it to stay; so does a write that keeps what there is.
  f.expect({{"persist k", ":1\r\n"}, {"pttl k", ":-1\r\n"}});
  f.expect({{"set k w keepttl", "+OK\r\n"}, {"pttl k", ":-1\r\n"}});
  f.expect({{"append k x", ":2\r\n"}, {"set n 1 px 500", "+OK\r\n"}, {"incr n", ":2\r\n"}});
  f.expect({{"pttl k", ":-1\r\n"}, {"pttl n", ":500\r\n"}});
  f.expect({{"rename k r", "+OK\r\n"}, {"pttl r", ":-1\r\n"}, {"copy n m", ":1\r\n"}});
  f.expect({{"pttl m", ":500\r\n"}, {"set absent v keepttl", "+OK\r\n"}, {"pttl absent", ":60000\r\n"}});
  f.expect({{"getex n persist", "$1\r\n2\r\n"}, {"pttl n", ":-1\r\n"}, {"set n 3", "+OK\r\n"}});
  f.expect({{"pttl n", ":60000\r\n"}});
}

TEST(DefaultTtl, IsOfWritesAfterItWasSet) {
  CommandFixture f;
  f.run("set before v");
  f.default_ttl_ms = 1'000;
  f.run("set k v");
  f.default_ttl_ms = 0;
  f.run("set after v");
  f.expect({{"pttl before", ":-1\r\n"}, {"pttl k", ":1000\r\n"}, {"pttl after", ":-1\r\n"}});
  f.now_ms += 2'000;
  EXPECT_EQ(f.cache.expire(f.now_ms), 1u);
  EXPECT_EQ(f.run("dbsize"), ":2\r\n");
}

TEST(DefaultTtl, LeavesNothingBehindWhereTheWriteIsRefused) {
  CommandFixture f(16_MiB, false);
  f.default_ttl_ms = 1'000;
  EXPECT_EQ(f.run("setrange k 400000000 v").substr(0, 4), "-OOM");
  EXPECT_EQ(f.run("exists k"), ":0\r\n");
}

TEST(ExpireCommands, LargeValuesExpireToo) {
  CommandFixture f;
  const std::string large(100'000, 'x');
  f.run({"set", "k", large});
  EXPECT_EQ(f.run("pexpire k 10"), ":1\r\n");
  EXPECT_EQ(f.run("get k"), bulk_of(large));
  EXPECT_EQ(f.run("persist k"), ":1\r\n");
  EXPECT_EQ(f.run("pexpire k 10"), ":1\r\n");
  f.now_ms += 11;
  EXPECT_EQ(f.run("get k"), "$-1\r\n");
  f.cache.CheckInvariants();
}

}  // namespace
}  // namespace plimsoll
