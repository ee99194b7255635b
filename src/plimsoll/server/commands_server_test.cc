#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

TEST(ServerCommands, ConfigSubcommandsAreChecked) {
  CommandFixture f;
  f.expect({
      {"config", "-ERR wrong number of arguments for 'config' command\r\n"},
      {"config get", "-ERR wrong number of arguments for 'config|get' command\r\n"},
      {"config set", "-ERR wrong number of arguments for 'config|set' command\r\n"},
      {"config set maxmemory", "-ERR wrong number of arguments for 'config|set' command\r\n"},
      {"config set maxmemory 0 maxmemory-policy", "-ERR syntax error\r\n"},
      {"config nothing", "-ERR unknown subcommand 'nothing'. Try CONFIG HELP.\r\n"},
      {"CONFIG Nothing", "-ERR unknown subcommand 'Nothing'. Try CONFIG HELP.\r\n"},
      {"config resetstat", "+OK\r\n"},
      {"config resetstat x", "-ERR wrong number of arguments for 'config|resetstat' command\r\n"},
      {"config set nonsense 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'\r\n"},
      {"config set maxmemory 0 nonsense 1",
       "-ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'\r\n"},
      {"config set maxmem* 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'maxmem*'\r\n"},
      {"config set maxmemory 0 MAXMEMORY 1",
       "-ERR CONFIG SET failed (possibly related to argument 'MAXMEMORY') - duplicate parameter\r\n"},
      {"config set 'a\r\nb' 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'a  b'\r\n"},
  });
}

TEST(ServerCommands, InfoAsksForSectionsOnceAndInOrder) {
  CommandFixture f;
  EXPECT_EQ(f.run("info"), bulk_of("# default\r\n"));
  EXPECT_EQ(f.run("INFO Memory"), bulk_of("# memory\r\n"));
  EXPECT_EQ(f.run("info keyspace server KEYSPACE own cpu"),
            bulk_of("# server\r\n\r\n# cpu\r\n\r\n# keyspace\r\n\r\n# own\r\n"));
  EXPECT_EQ(f.run("info server everything"), bulk_of("# everything\r\n"));
  f.server.usual = "\r\n# server\r\nport:1\r\n";
  EXPECT_EQ(f.run("info server default own"),
            bulk_of("# default\r\n\r\n# server\r\nport:1\r\n\r\n# own\r\n"));
}

TEST(ServerCommands, ConfigGetAnswersInTheClientsWords) {
  CommandFixture f;
  f.expect({
      {"config get maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"},
      {"config get MaxMemory", "*2\r\n$9\r\nMaxMemory\r\n$1\r\n0\r\n"},
      {"config get nonsense", "*0\r\n"},
      {"config get maxmemory MAXMEMORY max*y m?xmemory",
       "*4\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lru\r\n"},
  });
}

TEST(ServerCommands, ConfigSetIsAllOrNothing) {
  CommandFixture f;
  EXPECT_EQ(f.run("config set MAXMEMORY 100 maxmemory-policy noeviction"), "+OK\r\n");
  EXPECT_EQ(f.server.settings["maxmemory"], "100");
  EXPECT_EQ(f.server.settings["maxmemory-policy"], "noeviction");
  EXPECT_EQ(
      f.run("config set maxmemory 200 Maxmemory-Policy bad"),
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument must be good\r\n");
  EXPECT_EQ(f.server.settings["maxmemory"], "100");
  EXPECT_EQ(f.server.settings["maxmemory-policy"], "noeviction");
}

TEST(ServerCommands, TimeIsOfTheClockAndRoleOfAServerAlone) {
  CommandFixture f;
  const std::string time = f.run("time");
  ASSERT_EQ(time.substr(0, 9), "*2\r\n$10\r\n");
  EXPECT_GT(std::stoll(time.substr(9)), 1'700'000'000);
  EXPECT_EQ(f.run("role"), "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
}

TEST(ServerCommands, ConfigResetstatReachesTheServer) {
  CommandFixture f;
  f.run("config resetstat");
  EXPECT_EQ(f.server.resets, 1);
}

}  // namespace
}  // namespace plimsoll
