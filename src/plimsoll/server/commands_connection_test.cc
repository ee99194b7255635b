#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(ConnectionCommands, PingAndEchoAnswer) {
  CommandFixture f;
  f.expect({
      {"ping", "+PONG\r\n"},
      {"PING", "+PONG\r\n"},
      {"ping hello", "$5\r\nhello\r\n"},
      {"ping a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
      {"echo hello", "$5\r\nhello\r\n"},
      {"echo ''", "$0\r\n\r\n"},
      {"echo", "-ERR wrong number of arguments for 'echo' command\r\n"},
      {"echo a b", "-ERR wrong number of arguments for 'echo' command\r\n"},
  });
}

TEST(ConnectionCommands, ThereAreSixteenDatabases) {
  CommandFixture f;
  f.expect({
      {"select 0", "+OK\r\n"},
      {"select 15", "+OK\r\n"},
      {"select 16", "-ERR DB index is out of range\r\n"},
      {"select -1", "-ERR DB index is out of range\r\n"},
      {"select x", "-ERR value is not an integer or out of range\r\n"},
      {"select ''", "-ERR value is not an integer or out of range\r\n"},
      {"select 2147483648", "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"},
      {"select -2147483649", "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"},
      {"select 99999999999999999999", "-ERR value is not an integer or out of range\r\n"},
      {"select", "-ERR wrong number of arguments for 'select' command\r\n"},
      {"select 0 0", "-ERR wrong number of arguments for 'select' command\r\n"},
  });
}

TEST(ConnectionCommands, AuthWithoutAPasswordTakesAnyOfTheDefaultUser) {
  CommandFixture f;
  f.expect({
      {"auth x",
       "-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
       "configuration is correct?\r\n"},
      {"auth default x", "+OK\r\n"},
      {"auth DEFAULT x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"auth other x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"auth a b c", "-ERR syntax error\r\n"},
      {"auth", "-ERR wrong number of arguments for 'auth' command\r\n"},
  });
}

TEST(ConnectionCommands, HelloChecksItsOptionsInOrder) {
  CommandFixture f;
  f.expect({
      {"hello x", "-ERR Protocol version is not an integer or out of range\r\n"},
      {"hello 1", "-NOPROTO unsupported protocol version\r\n"},
      {"hello 4", "-NOPROTO unsupported protocol version\r\n"},
      {"hello -9223372036854775809", "-ERR Protocol version is not an integer or out of range\r\n"},
      {"hello 2 foo", "-ERR Syntax error in HELLO option 'foo'\r\n"},
      {"hello 2 setname", "-ERR Syntax error in HELLO option 'setname'\r\n"},
      {"hello 2 auth default", "-ERR Syntax error in HELLO option 'auth'\r\n"},
      {"hello 2 setname a b", "-ERR Syntax error in HELLO option 'b'\r\n"},
      {"hello 2 setname 'a b'",
       "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
      {"hello 2 auth other x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"client getname", "$1\r\na\r\n"},
      {"hello 2 setname me foo", "-ERR Syntax error in HELLO option 'foo'\r\n"},
      {"client getname", "$2\r\nme\r\n"},
      {"hello 2 'a\r\nb'", "-ERR Syntax error in HELLO option 'a  b'\r\n"},
      {"hello 2 ''", "-ERR Syntax error in HELLO option ''\r\n"},
  });
}

TEST(ClientCommands, NamesHaveNoBlanks) {
  CommandFixture f;
  f.expect({
      {"client getname", "$-1\r\n"},
      {"client setname me", "+OK\r\n"},
      {"client getname", "$2\r\nme\r\n"},
      {"client setname 'a b'",
       "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
      {"client setname 'a\n'",
       "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
      {"client setname \377", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
      {"client getname", "$2\r\nme\r\n"},
      {"client setname ''", "+OK\r\n"},
      {"client getname", "$-1\r\n"},
      {"client setname", "-ERR wrong number of arguments for 'client|setname' command\r\n"},
      {"client setname a b", "-ERR wrong number of arguments for 'client|setname' command\r\n"},
      {"client getname x", "-ERR wrong number of arguments for 'client|getname' command\r\n"},
      {"client id x", "-ERR wrong number of arguments for 'client|id' command\r\n"},
  });
}

TEST(ClientCommands, ListChecksItsOptions) {
  CommandFixture f;
  f.expect({
      {"client list type foo", "-ERR Unknown client type 'foo'\r\n"},
      {"client list type master", "$0\r\n\r\n"},
      {"client list TYPE replica", "$0\r\n\r\n"},
      {"client list type slave", "$0\r\n\r\n"},
      {"client list type pubsub", "$0\r\n\r\n"},
      {"client list type", "-ERR syntax error\r\n"},
      {"client list id", "-ERR syntax error\r\n"},
      {"client list id x", "-ERR Invalid client ID\r\n"},
      {"client list id 1 x", "-ERR Invalid client ID\r\n"},
      {"client list id 999999", "$0\r\n\r\n"},
      {"client list foo", "-ERR syntax error\r\n"},
      {"client list type normal foo", "-ERR syntax error\r\n"},
      {"client nothing", "-ERR unknown subcommand 'nothing'. Try CLIENT HELP.\r\n"},
      {"client", "-ERR wrong number of arguments for 'client' command\r\n"},
      {"client nothing more", "-ERR unknown subcommand 'nothing'. Try CLIENT HELP.\r\n"},
      {"client 'a\r\nb'", "-ERR unknown subcommand 'a  b'. Try CLIENT HELP.\r\n"},
      {"client list\0"sv, "-ERR unknown subcommand 'list'. Try CLIENT HELP.\r\n"},
  });
}

TEST(ConnectionCommands, QuitClosesAfterItsReply) {
  CommandFixture f;
  EXPECT_EQ(f.run("quit whatever"), "+OK\r\n");
  EXPECT_TRUE(f.session.close_after_reply);
}

TEST(ConnectionCommands, FirstLinesOfABrowserCloseTheConnection) {
  for (const char* line : {"POST / HTTP/1.1", "Host: localhost:6379"}) {
    CommandFixture f;
    EXPECT_EQ(f.run(line), "");
    EXPECT_TRUE(f.session.close_after_reply) << line;
  }
}

TEST(ConnectionCommands, ALargeEchoIsNotCopied) {
  CommandFixture f;
  const std::string large(50'000, 'e');
  std::vector<ExtentRef> bodies(2);
  bodies[1] = f.body(large);
  const std::vector<std::string_view> args = {"echo", bodies[1]->view()};
  EXPECT_EQ(f.run(args, bodies), bulk_of(large));
  EXPECT_EQ(f.run({"ping", large}), bulk_of(large));
}

TEST(ConnectionCommands, WithAPasswordNothingRunsBeforeIt) {
  CommandFixture f;
  f.server.secret = "secret";
  f.session.authenticated = false;
  f.expect({
      {"get k", "-NOAUTH Authentication required.\r\n"},
      {"ping", "-NOAUTH Authentication required.\r\n"},
      {"get", "-ERR wrong number of arguments for 'get' command\r\n"},
      {"nothing", "-ERR unknown command 'nothing', with args beginning with: \r\n"},
      {"config nothing", "-ERR unknown subcommand 'nothing'. Try CONFIG HELP.\r\n"},
      {"command", "-NOAUTH Authentication required.\r\n"},
      {"hello",
       "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> "
       "<pass> "
       "option can be used to authenticate the client and select the RESP protocol version at the same "
       "time\r\n"},
      {"auth wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"auth secre", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"auth secrets", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"auth ''", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"auth other secret", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"hello 2 auth default wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"get k", "-NOAUTH Authentication required.\r\n"},
      {"auth secret", "+OK\r\n"},
      {"get k", "$-1\r\n"},
      {"auth wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"get k", "$-1\r\n"},
  });
}

TEST(ConnectionCommands, HelloAuthenticatesAndNames) {
  CommandFixture f;
  f.server.secret = "secret";
  f.session.authenticated = false;
  const std::string hello = f.run("HELLO 2 AUTH default secret SETNAME me");
  EXPECT_EQ(hello,
            "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n$"
            "2\r\nid\r\n"
            ":4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
  EXPECT_TRUE(f.session.authenticated);
  EXPECT_EQ(f.session.name, "me");
  EXPECT_EQ(f.run("hello"), hello);
  EXPECT_EQ(f.run("hello 4"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(f.run("hello 3 zz"), "-ERR Syntax error in HELLO option 'zz'\r\n");
  EXPECT_EQ(f.session.protocol, 2);
}

TEST(ConnectionCommands, HelloSwitchesTheProtocolBothWays) {
  CommandFixture f;
  const std::string hello = f.run("hello 3 auth default any setname me");
  EXPECT_EQ(hello,
            "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$"
            "2\r\nid\r\n"
            ":4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
  EXPECT_EQ(f.run("hello"), hello);
  f.expect({{"get none", "_\r\n"},
            {"mget none", "*1\r\n_\r\n"},
            {"set k v nx get", "_\r\n"},
            {"set k v nx", "_\r\n"},
            {"client getname", "$2\r\nme\r\n"},
            {"config get maxmemory", "%1\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"},
            {"info modules", "=15\r\ntxt:# modules\r\n\r\n"},
            {"client tracking on",
             "-ERR CLIENT TRACKING is not supported by this server, which sends no invalidations\r\n"}});
  EXPECT_EQ(f.run("command info get").substr(0, 28), "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+r");
  EXPECT_EQ(f.run("command docs get").substr(0, 15), "%1\r\n$3\r\nget\r\n%3");
  EXPECT_EQ(f.run("hello 2").substr(0, 5), "*14\r\n");
  EXPECT_EQ(f.run("get none"), "$-1\r\n");
}

TEST(ClientCommands, KnowTheirOwnConnection) {
  CommandFixture f;
  f.server.lines = {"id=3 addr=127.0.0.1:1 name=", "id=4 addr=127.0.0.1:2 name=me",
                    "id=40 addr=127.0.0.1:3 name="};
  EXPECT_EQ(f.run("client id"), ":4\r\n");
  EXPECT_EQ(f.run("client info"), bulk_of(f.server.lines[1] + "\n"));
  EXPECT_EQ(f.session.last_command, "client|info");
}

TEST(ClientCommands, ListsByIdInTheOrderAskedFor) {
  CommandFixture f;
  f.server.lines = {"id=3 a", "id=4 b", "id=40 c"};
  EXPECT_EQ(f.run("client list"), bulk_of("id=3 a\nid=4 b\nid=40 c\n"));
  EXPECT_EQ(f.run("client list type NORMAL"), bulk_of("id=3 a\nid=4 b\nid=40 c\n"));
  EXPECT_EQ(f.run("client list id 40 7 3"), bulk_of("id=40 c\nid=3 a\n"));
}

TEST(ClientCommands, KillTakesWhatRedisTakes) {
  CommandFixture f;
  Session other;
  other.id = 9;
  other.peer = "1.2.3.4:5";
  other.local = "1.2.3.4:6379";
  f.session.peer = "1.2.3.4:4";
  f.session.local = other.local;
  f.server.sessions.push_back(&other);
  f.expect({{"client kill", "-ERR wrong number of arguments for 'client|kill' command\r\n"},
            {"client kill 9.9.9.9:9", "-ERR No such client\r\n"},
            {"client kill id 10 wrong", "-ERR syntax error\r\n"},
            {"client kill id x", "-ERR client-id should be greater than 0\r\n"},
            {"client kill id 0", "-ERR client-id should be greater than 0\r\n"},
            {"client kill type x", "-ERR Unknown client type 'x'\r\n"},
            {"client kill user x", "-ERR No such user 'x'\r\n"},
            {"client kill skipme x", "-ERR syntax error\r\n"},
            {"client kill type pubsub", ":0\r\n"},
            {"client kill id 9 addr 1.2.3.4:4", ":0\r\n"},
            {"client kill addr 1.2.3.4:4", ":0\r\n"}});
  EXPECT_EQ(f.server.closed, 0u);
  EXPECT_FALSE(f.session.close_after_reply) << "SKIPME is the rule";
  f.expect({{"client kill 1.2.3.4:5", "+OK\r\n"},
            {"client kill ID 9 TYPE normal USER default LADDR 1.2.3.4:6379", ":1\r\n"},
            {"client kill laddr 1.2.3.4:6379 skipme yes", ":1\r\n"}});
  EXPECT_EQ(f.server.closed, 3u);
  EXPECT_EQ(f.run("client kill laddr 1.2.3.4:6379 skipme no"), ":2\r\n");
  EXPECT_TRUE(f.session.close_after_reply);
}

TEST(ClientCommands, KillByAddressDoesNotSpareTheOneThatAsks) {
  CommandFixture f;
  f.session.peer = "1.2.3.4:4";
  EXPECT_EQ(f.run("client kill 1.2.3.4:4"), "+OK\r\n");
  EXPECT_TRUE(f.session.close_after_reply);
}

TEST(ClientCommands, ReplyOffAndSkipHaveNoReplyThemselves) {
  CommandFixture f;
  using Replies = Session::Replies;
  EXPECT_EQ(f.run("client reply maybe"), "-ERR syntax error\r\n");
  EXPECT_EQ(f.run("client reply skip"), "");
  EXPECT_FALSE(f.session.silenced()) << "the one after it is meant";
  f.session.pass_skip();
  EXPECT_TRUE(f.session.silenced());
  f.session.pass_skip();
  EXPECT_EQ(f.session.replies, Replies::kOn);
  EXPECT_EQ(f.run("client reply off"), "");
  EXPECT_EQ(f.run("client reply skip"), "");
  f.session.pass_skip();
  EXPECT_EQ(f.session.replies, Replies::kOff) << "SKIP changes nothing where nothing is told";
  EXPECT_EQ(f.run("client reply on"), "+OK\r\n");
  EXPECT_EQ(f.session.replies, Replies::kOn);
  f.run("client reply off");
  f.run("reset");
  EXPECT_EQ(f.session.replies, Replies::kOn);
}

TEST(ClientCommands, AnswerForWhatIsNotHereAsRedisDoesWhereNobodyUsesIt) {
  CommandFixture f;
  f.expect({{"client no-evict on", "+OK\r\n"},
            {"client no-evict OFF", "+OK\r\n"},
            {"client no-evict x", "-ERR syntax error\r\n"},
            {"client getredir", ":-1\r\n"},
            {"client tracking off", "+OK\r\n"},
            {"client tracking x", "-ERR syntax error\r\n"},
            {"client trackinginfo",
             "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n"},
            {"client unblock 1", ":0\r\n"},
            {"client unblock 1 error", ":0\r\n"},
            {"client unblock 1 x", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n"},
            {"client unblock x", "-ERR value is not an integer or out of range\r\n"}});
}

TEST(ScriptCommands, EmptyWhatIsEmpty) {
  CommandFixture f;
  f.expect(
      {{"function flush", "+OK\r\n"},
       {"function flush ASYNC", "+OK\r\n"},
       {"function flush x", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n"},
       {"function flush sync x",
        "-ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION HELP.\r\n"},
       {"function list", "*0\r\n"},
       {"function list libraryname x WITHCODE", "*0\r\n"},
       {"function list libraryname", "-ERR library name argument was not given\r\n"},
       {"function list withcode withcode", "-ERR Unknown argument withcode\r\n"},
       {"function load x", "-ERR unknown subcommand 'load'. Try FUNCTION HELP.\r\n"},
       {"script exists a b", "*2\r\n:0\r\n:0\r\n"},
       {"script flush", "+OK\r\n"},
       {"script flush sync", "+OK\r\n"},
       {"script flush x", "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n"},
       {"eval 'return 1' 0", "-ERR unknown command 'eval', with args beginning with: 'return 1' '0' \r\n"}});
}

TEST(ClientCommands, SetinfoIsTakenAsRedis72Does) {
  CommandFixture f;
  f.expect({
      {"client setinfo LIB-NAME redis-py", "+OK\r\n"},
      {"client setinfo lib-ver 5.0.1", "+OK\r\n"},
      {"client setinfo lib-ver '5 0'",
       "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n"},
      {"client setinfo lib-age 5", "-ERR Unrecognized option 'lib-age'\r\n"},
      {"client setinfo lib-name", "-ERR wrong number of arguments for 'client|setinfo' command\r\n"},
  });
  EXPECT_EQ(f.session.library_name, "redis-py");
  EXPECT_EQ(f.session.library_version, "5.0.1");
}

TEST(ClientCommands, NamesAreShort) {
  CommandFixture f;
  EXPECT_EQ(f.run({"client", "setname", std::string(1'024, 'n')}), "+OK\r\n");
  EXPECT_EQ(f.run({"client", "setname", std::string(1'025, 'n')}),
            "-ERR Client names cannot be longer than 1024 bytes.\r\n");
  EXPECT_EQ(f.session.name.size(), 1'024u);
}

TEST(ConnectionCommands, ResetForgetsAllThatTheConnectionHasSet) {
  CommandFixture f;
  f.server.secret = "s";
  f.session.database = 3;
  f.session.name = "me";
  f.run("hello 3");
  f.run("multi");
  f.run("set k v");
  EXPECT_EQ(f.run("reset"), "+RESET\r\n");
  EXPECT_FALSE(f.session.queues());
  EXPECT_EQ(f.session.database, 0u);
  EXPECT_EQ(f.session.name, "");
  EXPECT_EQ(f.session.protocol, 2);
  EXPECT_EQ(f.run("get k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(f.run("reset"), "+RESET\r\n") << "allowed to whoever is not known yet";
}

}  // namespace
}  // namespace plimsoll
