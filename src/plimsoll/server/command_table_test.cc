#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(CommandTable, UnknownCommandsAreQuoted) {
  CommandFixture f;
  f.expect({
      {"nothing", "-ERR unknown command 'nothing', with args beginning with: \r\n"},
      {"nothing a b", "-ERR unknown command 'nothing', with args beginning with: 'a' 'b' \r\n"},
      {"NoThing 'a\r\nb' c\0d ''"sv,
       "-ERR unknown command 'NoThing', with args beginning with: 'a  b' 'c' '' \r\n"},
      {"n\0x"sv, "-ERR unknown command 'n', with args beginning with: \r\n"},
      {"get\0 k"sv, "-ERR unknown command 'get', with args beginning with: 'k' \r\n"},
      {"get|x", "-ERR unknown command 'get|x', with args beginning with: \r\n"},
      {"config|get x", "-ERR unknown command 'config|get', with args beginning with: 'x' \r\n"},
      {"'' a", "-ERR unknown command '', with args beginning with: 'a' \r\n"},
      {"'\r\n' a", "-ERR unknown command '  ', with args beginning with: 'a' \r\n"},
  });
}

TEST(CommandTable, KeysAreFoundInArguments) {
  CommandFixture f;
  f.expect({
      {"command getkeys get a", "*1\r\n$1\r\na\r\n"},
      {"command getkeys GET a", "*1\r\n$1\r\na\r\n"},
      {"command getkeys mset a b c d", "*2\r\n$1\r\na\r\n$1\r\nc\r\n"},
      {"command getkeys mset a b c", "*2\r\n$1\r\na\r\n$1\r\nc\r\n"},
      {"command getkeys mget a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
      {"command getkeys del a", "*1\r\n$1\r\na\r\n"},
      {"command getkeys set x y get", "*1\r\n$1\r\nx\r\n"},
      {"command getkeys memory usage k", "*1\r\n$1\r\nk\r\n"},
      {"command getkeys scan 0", "-ERR The command has no key arguments\r\n"},
      {"command getkeys ping a", "-ERR The command has no key arguments\r\n"},
      {"command getkeys nothing a", "-ERR Invalid command specified\r\n"},
      {"command getkeys get a b", "-ERR Invalid number of arguments specified for command\r\n"},
      {"command getkeys get", "-ERR wrong number of arguments for 'command|getkeys' command\r\n"},
      {"command getkeys config get", "-ERR The command has no key arguments\r\n"},
      {"command getkeys config nothing", "-ERR Invalid command specified\r\n"},
      {"command getkeysandflags get a", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n"},
      {"command getkeysandflags set a b", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"},
      {"command getkeysandflags set a b get", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
      {"command getkeysandflags set a b nx GET",
       "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
      {"command getkeysandflags set get get", "*1\r\n*2\r\n$3\r\nget\r\n*2\r\n+OW\r\n+update\r\n"},
      {"command getkeysandflags mset a b c d",
       "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\nc\r\n*2\r\n+OW\r\n+update\r\n"},
      {"command getkeysandflags del a b",
       "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+RM\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+RM\r\n+delete\r\n"},
      {"command getkeysandflags expire a 1", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RW\r\n+update\r\n"},
      {"command getkeysandflags nothing a", "-ERR Invalid command specified\r\n"},
  });
}

TEST(CommandTable, CommandChecksItsSubcommands) {
  CommandFixture f;
  f.expect({
      {"command nothing", "-ERR unknown subcommand 'nothing'. Try COMMAND HELP.\r\n"},
      {"command count x", "-ERR wrong number of arguments for 'command|count' command\r\n"},
      {"command list x", "-ERR syntax error\r\n"},
      {"command list filterby", "-ERR syntax error\r\n"},
      {"command list filterby pattern", "-ERR syntax error\r\n"},
      {"command list filterby pattern g 5", "-ERR syntax error\r\n"},
      {"command list filterby foo get", "-ERR syntax error\r\n"},
      {"command list filterby pattern get", "*1\r\n$3\r\nget\r\n"},
      {"command list filterby pattern GE[T]", "*1\r\n$3\r\nget\r\n"},
      {"command list FILTERBY Pattern config|g*", "*1\r\n$10\r\nconfig|get\r\n"},
      {"command list filterby pattern get\0"sv, "*0\r\n"},
      {"command list filterby aclcat nothing", "*0\r\n"},
      {"command list filterby module x", "*0\r\n"},
      {"command docs nothing", "*0\r\n"},
      {"command info nothing", "*1\r\n$-1\r\n"},
      {"command getkeys", "-ERR wrong number of arguments for 'command|getkeys' command\r\n"},
      {"command help x", "-ERR wrong number of arguments for 'command|help' command\r\n"},
  });
}

TEST(CommandTable, DescribesCommandsAsRedisDoes) {
  CommandFixture f;
  f.expect({
      {"command info get",
       "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@"
       "string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*"
       "4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$"
       "4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$"
       "5\r\nlimit\r\n:0\r\n*0\r\n"},
      {"command info mset nothing SETNX",
       "*3\r\n*10\r\n$4\r\nmset\r\n:-3\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:-1\r\n:2\r\n*3\r\n+@write\r\n+@"
       "string\r\n+@slow\r\n*2\r\n$26\r\nrequest_policy:multi_shard\r\n$29\r\nresponse_policy:all_"
       "succeeded\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+OW\r\n+update\r\n$12\r\nbegin_search\r\n*4\r\n$"
       "4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$"
       "4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:-1\r\n$7\r\nkeystep\r\n:2\r\n$"
       "5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n*10\r\n$5\r\nsetnx\r\n:3\r\n*3\r\n+write\r\n+denyoom\r\n+fast\r\n:"
       "1\r\n:1\r\n:1\r\n*3\r\n+@write\r\n+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+"
       "OW\r\n+insert\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$"
       "5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$"
       "7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n"},
      {"command info CLIENT|LIST memory|usage",
       "*2\r\n*10\r\n$11\r\nclient|list\r\n:-2\r\n*4\r\n+admin\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:"
       "0\r\n:0\r\n*4\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n+@connection\r\n*1\r\n$23\r\nnondeterministic_"
       "output\r\n*0\r\n*0\r\n*10\r\n$12\r\nmemory|usage\r\n:-3\r\n*1\r\n+readonly\r\n:2\r\n:2\r\n:1\r\n*"
       "2\r\n+@read\r\n+@slow\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*1\r\n+RO\r\n$12\r\nbegin_search\r\n*4\r\n$"
       "4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:2\r\n$9\r\nfind_keys\r\n*4\r\n$"
       "4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$"
       "5\r\nlimit\r\n:0\r\n*0\r\n"},
  });
}

TEST(CommandTable, LongUnknownCommandsAreCut) {
  CommandFixture f;
  const std::string x(200, 'x');
  EXPECT_EQ(f.run({x, "y"}),
            "-ERR unknown command '" + x.substr(0, 128) + "', with args beginning with: 'y' \r\n");
  EXPECT_EQ(f.run({"nothing", x, "y"}),
            "-ERR unknown command 'nothing', with args beginning with: '" + x.substr(0, 128) + "' \r\n");
  EXPECT_EQ(f.run({"nothing", x.substr(0, 60), x.substr(0, 60), "y"}),
            "-ERR unknown command 'nothing', with args beginning with: '" + x.substr(0, 60) + "' '" +
                x.substr(0, 60) + "' 'y' \r\n");
  EXPECT_EQ(f.run({"nothing", x.substr(0, 124), "yyyy"}),
            "-ERR unknown command 'nothing', with args beginning with: '" + x.substr(0, 124) + "' 'y' \r\n");
  EXPECT_EQ(f.run({"client", x}), "-ERR unknown subcommand '" + x.substr(0, 128) + "'. Try CLIENT HELP.\r\n");
}

TEST(CommandTable, FindsEveryNameInAnyCaseAndNothingElse) {
  std::set<std::string_view> names;
  for (const Command& row : command_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_command(row.name), &row) << row.name;
    std::string upper(row.name);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(find_command(upper), &row) << upper;
    EXPECT_EQ(find_command(upper + " "), nullptr);
    EXPECT_EQ(find_command(upper.substr(0, upper.size() - 1) + "\xc3"), nullptr);
  }
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_command("nothing"), nullptr);
  EXPECT_EQ(find_command(std::string(1'000'000, 'x')), nullptr);
}

TEST(CommandTable, RowsAreSound) {
  const std::span<const Command> table = command_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Command& row = table[i];
    EXPECT_NE(row.arity, 0) << row.name;
    EXPECT_TRUE(row.run != nullptr || row.subcommands > 0) << row.name;
    EXPECT_FALSE(row.summary.empty() || row.group.empty() || row.since.empty() || row.categories.empty())
        << row.name;
    EXPECT_EQ(row.first_key != 0, !row.key_flags.empty()) << row.name;
    for (const Command& child : row.children()) {
      EXPECT_TRUE(child.name.starts_with(std::string(row.name) + "|")) << child.name;
      EXPECT_EQ(child.subcommands, 0u) << child.name;
    }
    EXPECT_FALSE(row.has_flag("write") && row.has_flag("readonly")) << row.name;
  }
  EXPECT_TRUE(find_command("auth")->has_flag("no_auth"));
  EXPECT_FALSE(find_command("get")->has_flag("read"));
}

TEST(CommandTable, CountsCommandsAndListsSubcommandsByTheirFullNames) {
  CommandFixture f;
  const auto commands = std::count_if(command_table().begin(), command_table().end(), [](const Command& row) {
    return row.name.find('|') == std::string_view::npos;
  });
  const std::string count = std::to_string(commands);
  EXPECT_EQ(f.run("command count"), ":" + count + "\r\n");
  for (const char* list : {"command", "command info"}) {
    EXPECT_EQ(f.run(list).substr(0, count.size() + 3), "*" + count + "\r\n") << list;
  }
  // Redis 7.0.15 lists both.
  EXPECT_EQ(f.run("command list").find("*" + std::to_string(command_table().size()) + "\r\n"), 0u);
  EXPECT_NE(f.run("command list").find("$10\r\nconfig|get\r\n"), std::string::npos);
  EXPECT_NE(f.run("command").find("config|get"), std::string::npos);
}

TEST(CommandTable, DocsHaveASummaryOfEach) {
  CommandFixture f;
  EXPECT_EQ(f.run("command docs GET nothing"),
            "*2\r\n$3\r\nget\r\n*6\r\n$7\r\nsummary\r\n$28\r\nReturns the string of a key.\r\n$5\r\nsince\r\n"
            "$5\r\n1.0.0\r\n$5\r\ngroup\r\n$6\r\nstring\r\n");
  const std::string memory = f.run("command docs memory");
  EXPECT_NE(memory.find("$11\r\nsubcommands\r\n*12\r\n$13\r\nmemory|doctor\r\n*6\r\n"), std::string::npos)
      << memory;
}

TEST(CommandTable, RemembersTheCommandForTheListOfClients) {
  CommandFixture f;
  EXPECT_EQ(f.session.last_command, "NULL");
  f.run("GET k");
  EXPECT_EQ(f.session.last_command, "get");
  f.run("Client Id");
  EXPECT_EQ(f.session.last_command, "client|id");
  f.run("nothing");
  EXPECT_EQ(f.session.last_command, "NULL");
}

TEST(CommandTable, HelpOfACommandNamesItsSubcommands) {
  CommandFixture f;
  const std::string help = f.run("config HELP");
  EXPECT_EQ(help.substr(0, 75),
            "*9\r\n+CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n+GET\r");
  EXPECT_NE(help.find("\r\n+HELP\r\n+    Prints this help.\r\n"), std::string::npos);
}

// The slot keeps a view of its key, where the cache has it as it was sent.
template <typename Key, typename... Database>
concept CanBeLocked = requires(CommandContext& context, Key&& key, Database... database) {
  context.lock(std::forward<Key>(key), database...);
};
static_assert(CanBeLocked<std::string&> && CanBeLocked<const std::string&> && CanBeLocked<std::string_view> &&
              CanBeLocked<const char*> && CanBeLocked<std::string&, unsigned>);
static_assert(!CanBeLocked<std::string> && !CanBeLocked<const std::string> &&
              !CanBeLocked<std::string, unsigned>);

}  // namespace
}  // namespace plimsoll
