#include <gtest/gtest.h>

#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

TEST(Transactions, RunAllCommandsAtExec) {
  CommandFixture f;
  f.expect(
      {{"exec", "-ERR EXEC without MULTI\r\n"},
       {"discard", "-ERR DISCARD without MULTI\r\n"},
       {"multi", "+OK\r\n"},
       {"multi", "-ERR MULTI calls can not be nested\r\n"},
       {"set a 1", "+QUEUED\r\n"},
       {"incr a", "+QUEUED\r\n"},
       {"append a x", "+QUEUED\r\n"},
       {"incr a", "+QUEUED\r\n"},
       {"mget a b", "+QUEUED\r\n"},
       {"exec",
        "*5\r\n+OK\r\n:2\r\n:2\r\n-ERR value is not an integer or out of range\r\n*2\r\n$2\r\n2x\r\n$-1\r\n"},
       {"get a", "$2\r\n2x\r\n"},
       {"multi", "+OK\r\n"},
       {"exec", "*0\r\n"},
       {"multi", "+OK\r\n"},
       {"del a", "+QUEUED\r\n"},
       {"discard", "+OK\r\n"},
       {"exists a", ":1\r\n"}});
  EXPECT_EQ(f.session.last_command, "exists");
}

TEST(Transactions, AnErrorOnTheWayInEndsThem) {
  CommandFixture f;
  f.expect({{"multi", "+OK\r\n"},
            {"set a 1", "+QUEUED\r\n"},
            {"get", "-ERR wrong number of arguments for 'get' command\r\n"},
            {"exec", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
            {"multi", "+OK\r\n"},
            {"nothing", "-ERR unknown command 'nothing', with args beginning with: \r\n"},
            {"exec", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
            {"multi", "+OK\r\n"},
            {"watch a", "-ERR WATCH inside MULTI is not allowed\r\n"},
            {"exec x",
             "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"},
            {"exec", "-ERR EXEC without MULTI\r\n"},
            {"exists a", ":0\r\n"}});
}

TEST(Transactions, NestedCommandsNameThemselvesInErrors) {
  CommandFixture f;
  f.expect({{"multi", "+OK\r\n"},
            {"ping a b", "+QUEUED\r\n"},
            {"exec", "*1\r\n-ERR wrong number of arguments for 'ping' command\r\n"}});
  EXPECT_EQ(f.session.last_command, "exec");
}

TEST(Transactions, SwitchProtocolAndDatabaseWithinThemselves) {
  CommandFixture f;
  f.expect({{"multi", "+OK\r\n"},
            {"get a", "+QUEUED\r\n"},
            {"hello 3 setname me", "+QUEUED\r\n"},
            {"get a", "+QUEUED\r\n"},
            {"select 2", "+QUEUED\r\n"},
            {"set a two", "+QUEUED\r\n"}});
  const std::string reply = f.run("exec");
  EXPECT_EQ(reply.substr(0, 23), "*5\r\n$-1\r\n%7\r\n$6\r\nserver");
  EXPECT_EQ(reply.substr(reply.size() - 13), "_\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(f.session.name, "me");
  EXPECT_EQ(f.run("get a"), "$3\r\ntwo\r\n");
  EXPECT_EQ(f.run("get none"), "_\r\n");
}

// Steps between WATCH and EXEC of one client, done by another, and whether they end the transaction.
struct Change {
  const char* commands;
  bool ends;
};

TEST(Transactions, WatchedKeysEndThemWhenTheyChange) {
  const Change changes[] = {{"set k 1", true},
                            {"set k other", true},
                            {"append k x", true},
                            {"append k ''", true},
                            {"setrange k 0 x", true},
                            {"setrange k 0 ''", false},
                            {"incr n", false},
                            {"incrby k x", false},
                            {"del k", true},
                            {"del none", false},
                            {"expire k 100", true},
                            {"persist k", false},
                            {"expire k -1", true},
                            {"expire none 1", false},
                            {"get k", false},
                            {"touch k", false},
                            {"getex k", false},
                            {"getex k ex 10", true},
                            {"getdel k", true},
                            {"getset k 1", true},
                            {"setnx k 2", false},
                            {"setnx absent 2", true},
                            {"set k 2 nx", false},
                            {"mset x 1 k 2", true},
                            {"msetnx x 1 k 2", false},
                            {"rename k z", true},
                            {"rename n k", true},
                            {"rename n absent", true},
                            {"copy k z", false},
                            {"copy n absent", true},
                            {"move k 1", true},
                            {"flushdb", true},
                            {"flushall", true},
                            {"swapdb 0 1", true},
                            {"swapdb 1 2", false},
                            {"set large x", true},
                            {"setrange large 0 y", true},
                            {"expire large 100", true},
                            {"set absent x pxat 1", true}};
  for (const Change& change : changes) {
    CommandFixture f;
    f.run("mset k 1 n 5");
    f.run({"set", "large", std::string(20'000, 'l')});
    Session other;
    f.server.sessions.push_back(&other);
    EXPECT_EQ(f.run("watch k absent large"), "+OK\r\n");
    f.run_as(other, change.commands);
    f.run("multi");
    f.run("ping");
    EXPECT_EQ(f.run("exec"), change.ends ? "*-1\r\n" : "*1\r\n+PONG\r\n") << change.commands;
    f.cache.CheckInvariants();
  }
}

TEST(Transactions, WatchedKeysEndThemWhenTheyExpireOrAreDropped) {
  CommandFixture f;
  f.run("set k 1 px 100");
  f.run("watch k");
  f.run("multi");
  f.now_ms += 101;
  EXPECT_EQ(f.run("exec"), "*-1\r\n") << "expired on the way";
  f.run("watch k");
  f.run("multi");
  EXPECT_EQ(f.run("exec"), "*0\r\n") << "was expired when it was watched";
  CommandFixture small(16_MiB);
  small.run("set k 1");
  small.run("watch k");
  const std::string value(1000, 'v');
  for (int i = 0; i < 40'000; ++i) small.run({"set", "other:" + std::to_string(i), value});
  ASSERT_EQ(small.run("exists k"), ":0\r\n");
  small.run("multi");
  EXPECT_EQ(small.run("exec"), "*-1\r\n") << "evicted on the way";
}

TEST(Transactions, WatchesEndWithExecDiscardAndUnwatch) {
  CommandFixture f;
  f.expect({{"watch k", "+OK\r\n"},
            {"set k 1", "+OK\r\n"},
            {"unwatch", "+OK\r\n"},
            {"multi", "+OK\r\n"},
            {"exec", "*0\r\n"},
            {"watch k", "+OK\r\n"},
            {"multi", "+OK\r\n"},
            {"discard", "+OK\r\n"},
            {"set k 1", "+OK\r\n"},
            {"multi", "+OK\r\n"},
            {"exec", "*0\r\n"},
            {"watch k", "+OK\r\n"},
            {"set k 1", "+OK\r\n"},
            {"multi", "+OK\r\n"},
            {"unwatch", "+QUEUED\r\n"},
            {"exec", "*-1\r\n"},
            {"multi", "+OK\r\n"},
            {"exec", "*0\r\n"}});
}

TEST(Transactions, WatchedKeysStayWatchedWhenTheirDatabaseIsSwapped) {
  CommandFixture f;
  Session other;
  f.run("watch k");
  f.run_as(other, "swapdb 0 4");
  f.run("multi");
  EXPECT_EQ(f.run("exec"), "*0\r\n") << "the key is in neither";
  f.run("watch k");
  f.run_as(other, "swapdb 0 4");
  f.run_as(other, "set k 1");
  f.run("multi");
  EXPECT_EQ(f.run("exec"), "*-1\r\n");
}

TEST(Transactions, WatchedKeysEndThemWhenTheirDatabaseIsSwappedWhileExecWaitsItsTurn) {
  CommandFixture f;
  Session other;
  f.run("set k mine");
  f.run("watch k");
  f.run_as(other, "select 1");
  f.run_as(other, "set k theirs");
  f.run("multi");
  f.run("ping");
  f.server.before_alone = [&] { f.run_as(other, "swapdb 0 1"); };
  EXPECT_EQ(f.run("exec"), "*-1\r\n");
  EXPECT_EQ(f.run("exec"), "-ERR EXEC without MULTI\r\n");
}

TEST(Transactions, WhatTheyKeepIsChargedAndBounded) {
  CommandFixture f;
  const Bytes before = f.others.used();
  f.run("watch some keys");
  f.run("multi");
  const std::string value(10'000, 'v');
  int queued = 0;
  while (f.run({"set", "k", value}) == "+QUEUED\r\n") ++queued;
  EXPECT_GE(queued, 100);
  EXPECT_LE(queued, 105) << "the fixture allows 1 MiB";
  EXPECT_GE(f.others.used(), before + Bytes(static_cast<std::uint64_t>(queued) * 10'000));
  EXPECT_EQ(f.run("exec"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_EQ(f.others.used(), before);
  EXPECT_EQ(f.run("exists k"), ":0\r\n");
}

TEST(Transactions, LargeValuesWaitInTheirPages) {
  CommandFixture f;
  const std::string large(100'000, 'v');
  f.run("multi");
  std::vector<ExtentRef> bodies;
  bodies.resize(3);
  bodies[2] = f.body(large);
  const std::vector<std::string_view> args = {"set", "k", bodies[2]->view()};
  EXPECT_EQ(f.run(std::span<const std::string_view>(args), bodies), "+QUEUED\r\n");
  EXPECT_FALSE(bodies[2]) << "its pages were not taken";
  EXPECT_TRUE(f.session.transaction->holds_bodies());
  f.run("strlen k");
  EXPECT_EQ(f.run("exec"), "*2\r\n+OK\r\n:100000\r\n");
  EXPECT_EQ(f.run("get k"), bulk_of(large));
}

TEST(Transactions, AreNotOpenToThoseWhoHaveNotShownThePassword) {
  CommandFixture f;
  f.server.secret = "secret";
  f.session.authenticated = false;
  f.expect({{"multi", "-NOAUTH Authentication required.\r\n"},
            {"exec", "-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n"}});
}

}  // namespace
}  // namespace plimsoll
