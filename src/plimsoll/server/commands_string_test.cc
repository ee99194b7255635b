#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(StringCommands, SetReplacesAndGetReturnsWhatWasSet) {
  CommandFixture f;
  f.expect({
      {"get k", "$-1\r\n"},
      {"set k v", "+OK\r\n"},
      {"get k", "$1\r\nv\r\n"},
      {"set k ''", "+OK\r\n"},
      {"get k", "$0\r\n\r\n"},
      {"set '' x", "+OK\r\n"},
      {"get ''", "$1\r\nx\r\n"},
      {"GeT k", "$0\r\n\r\n"},
      {"get k extra", "-ERR wrong number of arguments for 'get' command\r\n"},
      {"get", "-ERR wrong number of arguments for 'get' command\r\n"},
      {"set k", "-ERR wrong number of arguments for 'set' command\r\n"},
  });
}

TEST(StringCommands, SetObeysNxAndXx) {
  CommandFixture f;
  f.expect({
      {"set k v xx", "$-1\r\n"},
      {"get k", "$-1\r\n"},
      {"set k v nx", "+OK\r\n"},
      {"set k w nx", "$-1\r\n"},
      {"get k", "$1\r\nv\r\n"},
      {"set k w XX", "+OK\r\n"},
      {"get k", "$1\r\nw\r\n"},
      {"set k v nx nx", "$-1\r\n"},
      {"set k v nx xx", "-ERR syntax error\r\n"},
      {"set k v xx nx", "-ERR syntax error\r\n"},
      {"set k v xx xx", "+OK\r\n"},
  });
}

TEST(StringCommands, SetWithGetReturnsTheOldValueWhetherItSetsOrNot) {
  CommandFixture f;
  f.expect({
      {"set k a get", "$-1\r\n"},
      {"set k b get", "$1\r\na\r\n"},
      {"set k c nx get", "$1\r\nb\r\n"},
      {"get k", "$1\r\nb\r\n"},
      {"set absent c xx get", "$-1\r\n"},
      {"get absent", "$-1\r\n"},
      {"set k d xx get", "$1\r\nb\r\n"},
      {"set k e get get", "$1\r\nd\r\n"},
      {"get k", "$1\r\ne\r\n"},
  });
}

TEST(StringCommands, SetTakesOneExpiryAndOnlyOne) {
  CommandFixture f;
  f.expect({
      {"set k v ex 100 px 100", "-ERR syntax error\r\n"},
      {"set k v ex 100 exat 100", "-ERR syntax error\r\n"},
      {"set k v pxat 100 exat 100", "-ERR syntax error\r\n"},
      {"set k v ex", "-ERR syntax error\r\n"},
      {"set k v ex 100 px", "-ERR syntax error\r\n"},
      {"set k v keepttl ex 100", "-ERR syntax error\r\n"},
      {"set k v ex 100 keepttl", "-ERR syntax error\r\n"},
      {"set k v persist", "-ERR syntax error\r\n"},
      {"set k v foo", "-ERR syntax error\r\n"},
      {"set k v ex 100 ex 200", "+OK\r\n"},
      {"set k v px 1 PX 200000", "+OK\r\n"},
      {"set k v e\0 100"sv, "-ERR syntax error\r\n"},
      {"set k v keepttl keepttl", "+OK\r\n"},
      {"ttl k", ":200\r\n"},
      {"set k w", "+OK\r\n"},
      {"ttl k", ":-1\r\n"},
  });
}

TEST(StringCommands, SetChecksExpiriesBeforeItLooks) {
  CommandFixture f;
  f.expect({
      {"set k v ex 0", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v ex -1", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v px 0", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v ex x", "-ERR value is not an integer or out of range\r\n"},
      {"set k v ex 1.5", "-ERR value is not an integer or out of range\r\n"},
      {"set k v ex ''", "-ERR value is not an integer or out of range\r\n"},
      {"set k v ex 9223372036854776", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v ex 9223372036854775", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v px 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v px 9223372036854775808", "-ERR value is not an integer or out of range\r\n"},
      {"set k v exat 9223372036854776", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v exat 0", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v pxat -5", "-ERR invalid expire time in 'set' command\r\n"},
      {"set k v ex x get", "-ERR value is not an integer or out of range\r\n"},
      {"set k v ex x foo", "-ERR syntax error\r\n"},
      {"exists k", ":0\r\n"},
      {"set k v pxat 9223372036854775807", "+OK\r\n"},
      {"pexpiretime k", ":9223372036854775807\r\n"},
      {"set k v exat 9223372036854775", "+OK\r\n"},
      {"pexpiretime k", ":9223372036854775000\r\n"},
  });
}

TEST(StringCommands, ValuesWithAnExpiryInThePastAreNotThere) {
  CommandFixture f;
  f.expect({
      {"set k v", "+OK\r\n"},
      {"set k w exat 1", "+OK\r\n"},
      {"get k", "$-1\r\n"},
      {"set k w pxat 1 get", "$-1\r\n"},
      {"set k v", "+OK\r\n"},
      {"set k w pxat 1000 get", "$1\r\nv\r\n"},
      {"exists k", ":0\r\n"},
      {"set k v exat 1 nx", "+OK\r\n"},
      {"exists k", ":0\r\n"},
  });
}

TEST(StringCommands, SetexAndPsetexCheckTheTimeFirst) {
  CommandFixture f;
  f.expect({
      {"setex k 100 v", "+OK\r\n"},
      {"get k", "$1\r\nv\r\n"},
      {"setex k 0 v", "-ERR invalid expire time in 'setex' command\r\n"},
      {"setex k -1 v", "-ERR invalid expire time in 'setex' command\r\n"},
      {"setex k x v", "-ERR value is not an integer or out of range\r\n"},
      {"setex k 9223372036854775807 v", "-ERR invalid expire time in 'setex' command\r\n"},
      {"psetex k 0 v", "-ERR invalid expire time in 'psetex' command\r\n"},
      {"psetex k 9223372036854775807 v", "-ERR invalid expire time in 'psetex' command\r\n"},
      {"psetex k 100000 w", "+OK\r\n"},
      {"get k", "$1\r\nw\r\n"},
      {"ttl k", ":100\r\n"},
      {"setex k 100", "-ERR wrong number of arguments for 'setex' command\r\n"},
      {"SETEX k 0 v", "-ERR invalid expire time in 'setex' command\r\n"},
  });
}

TEST(StringCommands, SetnxSetsOnce) {
  CommandFixture f;
  f.expect({
      {"setnx k v", ":1\r\n"},
      {"setnx k w", ":0\r\n"},
      {"get k", "$1\r\nv\r\n"},
      {"setnx k", "-ERR wrong number of arguments for 'setnx' command\r\n"},
  });
}

TEST(StringCommands, GetsetForgetsTheTimeToLive) {
  CommandFixture f;
  f.expect({
      {"getset k a", "$-1\r\n"},
      {"setex k 100 b", "+OK\r\n"},
      {"getset k c", "$1\r\nb\r\n"},
      {"ttl k", ":-1\r\n"},
      {"get k", "$1\r\nc\r\n"},
  });
}

TEST(StringCommands, GetdelReadsAndDeletes) {
  CommandFixture f;
  f.expect({
      {"getdel k", "$-1\r\n"},
      {"set k v", "+OK\r\n"},
      {"getdel k", "$1\r\nv\r\n"},
      {"getdel k", "$-1\r\n"},
      {"getdel k v", "-ERR wrong number of arguments for 'getdel' command\r\n"},
  });
}

TEST(StringCommands, GetexChangesTheTimeToLive) {
  CommandFixture f;
  f.expect({
      {"getex k", "$-1\r\n"},
      {"getex k ex 0", "$-1\r\n"},
      {"getex k foo", "-ERR syntax error\r\n"},
      {"set k v", "+OK\r\n"},
      {"getex k", "$1\r\nv\r\n"},
      {"ttl k", ":-1\r\n"},
      {"getex k ex 100", "$1\r\nv\r\n"},
      {"ttl k", ":100\r\n"},
      {"getex k", "$1\r\nv\r\n"},
      {"ttl k", ":100\r\n"},
      {"getex k persist", "$1\r\nv\r\n"},
      {"ttl k", ":-1\r\n"},
      {"getex k persist persist", "$1\r\nv\r\n"},
      {"getex k pxat 9223372036854775807", "$1\r\nv\r\n"},
      {"pexpiretime k", ":9223372036854775807\r\n"},
      {"getex k exat 9000000000", "$1\r\nv\r\n"},
      {"expiretime k", ":9000000000\r\n"},
      {"getex k px 9223372036854775807", "-ERR invalid expire time in 'getex' command\r\n"},
      {"getex k ex 0", "-ERR invalid expire time in 'getex' command\r\n"},
      {"getex k ex x", "-ERR value is not an integer or out of range\r\n"},
      {"getex k ex", "-ERR syntax error\r\n"},
      {"getex k persist ex 1", "-ERR syntax error\r\n"},
      {"getex k ex 1 persist", "-ERR syntax error\r\n"},
      {"getex k ex 1 px 1", "-ERR syntax error\r\n"},
      {"getex k nx", "-ERR syntax error\r\n"},
      {"getex k keepttl", "-ERR syntax error\r\n"},
      {"getex k get", "-ERR syntax error\r\n"},
      {"getex k exat 1", "$1\r\nv\r\n"},
      {"get k", "$-1\r\n"},
  });
}

TEST(StringCommands, MgetAndMsetTakeSeveralKeys) {
  CommandFixture f;
  f.expect({
      {"mset a 1 b 2", "+OK\r\n"},
      {"mget a b c a", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n$1\r\n1\r\n"},
      {"mset a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"},
      {"mset a", "-ERR wrong number of arguments for 'mset' command\r\n"},
      {"mset", "-ERR wrong number of arguments for 'mset' command\r\n"},
      {"mget", "-ERR wrong number of arguments for 'mget' command\r\n"},
      {"mset a 1 a 2", "+OK\r\n"},
      {"get a", "$1\r\n2\r\n"},
      {"setex b 100 x", "+OK\r\n"},
      {"mset b 3", "+OK\r\n"},
      {"ttl b", ":-1\r\n"},
  });
}

TEST(StringCommands, NulsInValuesAndKeysAreBytesLikeOthers) {
  CommandFixture f;
  EXPECT_EQ(f.run({"set", "k\0a"sv, "v\0\r\n"sv}), "+OK\r\n");
  EXPECT_EQ(f.run({"get", "k\0a"sv}), "$4\r\nv\0\r\n\r\n"sv);
  EXPECT_EQ(f.run("get k"), "$-1\r\n");
}

TEST(StringCommands, OptionsEndAtTheFirstNul) {
  CommandFixture f;
  EXPECT_EQ(f.run({"set", "k", "v", "ex\0junk"sv, "100"}), "+OK\r\n");
  EXPECT_EQ(f.run("ttl k"), ":100\r\n");
}

TEST(StringCommands, KeysExpireWhenTheirTimeHasPassed) {
  CommandFixture f;
  f.run("set k v px 100");
  f.now_ms += 100;
  EXPECT_EQ(f.run("get k"), "$1\r\nv\r\n");
  f.now_ms += 1;
  EXPECT_EQ(f.run("set k w xx"), "$-1\r\n");
  EXPECT_EQ(f.run("get k"), "$-1\r\n");
  EXPECT_EQ(f.run("set k w nx get"), "$-1\r\n");
  EXPECT_EQ(f.run("mget k"), "*1\r\n$1\r\nw\r\n");
}

TEST(StringCommands, SetForgetsTheTimeToLiveUnlessTold) {
  CommandFixture f;
  f.run("set k v px 5000");
  f.run("set k w keepttl");
  EXPECT_EQ(f.run("pttl k"), ":5000\r\n");
  f.run("set k w nx");
  EXPECT_EQ(f.run("pttl k"), ":5000\r\n");
  f.run("set k w");
  EXPECT_EQ(f.run("pttl k"), ":-1\r\n");
}

TEST(StringCommands, LargeValuesAreSentFromWhereTheyAre) {
  CommandFixture f;
  const std::string large(100'000, 'x');
  EXPECT_EQ(f.run({"set", "k", large}), "+OK\r\n");
  RecordedReply reply;
  const std::vector<std::string_view> args = {"get", "k"};
  CommandContext context{.args = args,
                         .bodies = {},
                         .reply = reply,
                         .cache = f.cache,
                         .databases = f.databases,
                         .server = f.server,
                         .session = f.session,
                         .now_ms = f.now_ms};
  run_command(context);
  EXPECT_EQ(reply.text, bulk_of(large));
  ASSERT_EQ(reply.pinned.size(), 1u);
  // What a client has not read yet stays as it was, whatever happens to the key.
  EXPECT_EQ(f.run({"set", "k", std::string(100'000, 'y')}), "+OK\r\n");
  EXPECT_EQ(f.run("append k z"), ":100001\r\n");
  EXPECT_EQ(f.run("del k"), ":1\r\n");
  EXPECT_EQ(reply.pinned[0].view(), large);
}

TEST(StringCommands, ReplacedAndDeletedLargeValuesAreReturnedWhole) {
  CommandFixture f;
  const std::string a(20'000, 'a'), b(30'000, 'b'), c(40'000, 'c');
  f.run({"set", "k", a});
  EXPECT_EQ(f.run({"getset", "k", b}), bulk_of(a));
  EXPECT_EQ(f.run({"set", "k", c, "get"}), bulk_of(b));
  EXPECT_EQ(f.run("getex k ex 100"), bulk_of(c));
  EXPECT_EQ(f.run("ttl k"), ":100\r\n");
  EXPECT_EQ(f.run("getex k persist"), bulk_of(c));
  EXPECT_EQ(f.run("ttl k"), ":-1\r\n");
  EXPECT_EQ(f.run("getdel k"), bulk_of(c));
  EXPECT_EQ(f.run("get k"), "$-1\r\n");
  EXPECT_EQ(f.account.pinned(), 0_B);
  f.cache.CheckInvariants();
}

TEST(StringCommands, BodiesAreTakenOverAndNotCopied) {
  CommandFixture f;
  const std::string value(50'000, 'v');
  std::vector<ExtentRef> bodies(3);
  bodies[2] = f.body(value);
  const char* const pages = bodies[2]->data();
  const std::vector<std::string_view> args = {"set", "k", bodies[2]->view()};
  EXPECT_EQ(f.run(args, bodies), "+OK\r\n");
  EXPECT_FALSE(bodies[2]);
  EXPECT_EQ(f.cache.lock("k", f.now_ms).value().data(), pages);
  EXPECT_EQ(f.run("get k"), bulk_of(value));
}

TEST(StringCommands, ABodyThatIsNotWantedStaysItsOwners) {
  CommandFixture f;
  f.run("set k old");
  std::vector<ExtentRef> bodies(4);
  bodies[2] = f.body(std::string(50'000, 'v'));
  const std::vector<std::string_view> args = {"set", "k", bodies[2]->view(), "nx"};
  EXPECT_EQ(f.run(args, bodies), "$-1\r\n");
  EXPECT_TRUE(bodies[2]);
  EXPECT_EQ(f.run("get k"), "$3\r\nold\r\n");
}

TEST(StringCommands, MsetTakesBodiesWhereThereAreSome) {
  CommandFixture f;
  const std::string value(50'000, 'v');
  std::vector<ExtentRef> bodies(5);
  bodies[4] = f.body(value);
  const std::vector<std::string_view> args = {"mset", "a", "small", "b", bodies[4]->view()};
  EXPECT_EQ(f.run(args, bodies), "+OK\r\n");
  EXPECT_EQ(f.run("mget a b"), "*2\r\n$5\r\nsmall\r\n" + bulk_of(value));
}

TEST(StringCommands, AreInOnePieceWhenTheyHaveSeveralKeys) {
  CommandFixture f;
  const std::vector<Several> reads{Several::kRead}, writes{Several::kWrite}, none;
  for (const auto& [command, wanted] :
       std::initializer_list<std::pair<std::string_view, std::vector<Several>>>{{"MSET a 1 b 2", writes},
                                                                                {"MSET a 1", none},
                                                                                {"MGET a b", reads},
                                                                                {"MGET a", none},
                                                                                {"GET a", none},
                                                                                {"SET a 3", none},
                                                                                {"EXISTS a b", reads},
                                                                                {"EXISTS a", none},
                                                                                {"TOUCH a b", reads},
                                                                                {"TOUCH a", none},
                                                                                {"DEL a", none},
                                                                                {"DEL a b", writes},
                                                                                {"UNLINK a b", writes},
                                                                                {"MSET a 1 b", none},
                                                                                {"MULTI", none},
                                                                                {"MGET a b", none},
                                                                                {"MSET a 1 b 2", none},
                                                                                {"EXEC", none}}) {
    f.server.pieces.clear();
    f.run(command);
    EXPECT_EQ(f.server.pieces, wanted) << command;
  }
  EXPECT_EQ(f.run("MGET a b"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
}

TEST(StringCommands, MgetWaitsForAReaderWhoHoldsItsShare) {
  CommandFixture f;
  f.run("mset a 1 b 2 c 3");
  RecordedReply reply;
  bool full = true;
  const std::vector<std::string_view> args = {"mget", "a", "b", "nothing", "c"};
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
  while (run_command(context) == Progress::kAgain) ++calls;
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(reply.text, "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n$1\r\n3\r\n");
}

TEST(StringCommands, WritesAreRefusedWhenTheCacheIsFullAndMayNotEvict) {
  CommandFixture f(16_MiB, false);
  const std::string value(8'000, 'v');
  std::string reply;
  int written = 0;
  for (; written < 10'000 && reply.empty(); ++written) {
    std::string answer = f.run({"set", "key" + std::to_string(written), value});
    if (answer != "+OK\r\n") reply = answer;
  }
  const std::string oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  EXPECT_EQ(reply, oom);
  EXPECT_GT(written, 100);
  EXPECT_EQ(f.run({"set", "new", std::string(100'000, 'v'), "get"}), oom);
  EXPECT_EQ(f.run({"mset", "new", std::string(100'000, 'v')}), oom);
  EXPECT_EQ(f.run({"append", "key0", std::string(1'000'000, 'v')}), oom);
  EXPECT_EQ(f.run("setrange key0 8000000 x"), oom);
  // Reads and deletes pass, and what was there is unharmed.
  EXPECT_EQ(f.run("get key0"), bulk_of(value));
  EXPECT_EQ(f.run("del key0"), ":1\r\n");
  f.cache.CheckInvariants();
}

TEST(StringCommands, KeysAndValuesOverTheLimitsAreRefused) {
  CommandFixture f;
  const std::string key(ByteCache::kMaxKey + 1, 'k');
  const std::string error = "-ERR key exceeds maximum allowed size (32768 bytes)\r\n";
  EXPECT_EQ(f.run({"set", key, "v"}), error);
  EXPECT_EQ(f.run({"incr", key}), error);
  EXPECT_EQ(f.run({"append", key, "v"}), error);
  EXPECT_EQ(f.run({"setrange", key, "1", "v"}), error);
  EXPECT_EQ(f.run({"mset", "a", "1", key, "v"}), error);
  EXPECT_EQ(f.run({"get", key}), "$-1\r\n");
  EXPECT_EQ(f.run({"del", key}), ":0\r\n");
}

}  // namespace
}  // namespace plimsoll
