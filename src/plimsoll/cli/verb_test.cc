#include "plimsoll/cli/verb.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/run_test.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(CommandLine, WithoutAVerbSaysWhatThereIsAndFails) {
  Outcome outcome = run({});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, HasSubstr("plimsoll serve\n"));
}

TEST(CommandLine, AnUnknownVerbIsAnsweredWithTheNearestOne) {
  Outcome outcome = run({"stauts"});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_EQ(outcome.err, "plimsoll: there is no verb stauts; did you mean status?\n");
  EXPECT_EQ(run({"frobnicate"}).err, "plimsoll: there is no verb frobnicate; plimsoll help lists them\n");
}

TEST(CommandLine, AnUnknownFlagIsAnsweredWithTheNearestOne) {
  Outcome outcome = run({"serve", "--resp-prot", "1"});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_EQ(outcome.err,
            "plimsoll: serve: there is no flag --resp-prot; did you mean --resp-port?\n"
            "plimsoll: plimsoll serve --help lists its flags\n");
}

TEST(CommandLine, EveryVerbExplainsItselfWithAnExample) {
  for (const Verb& verb : verbs()) {
    std::string name(verb.name);
    Outcome outcome = run({name.c_str(), "--help"});
    EXPECT_EQ(outcome.code, kDone) << name;
    EXPECT_THAT(outcome.out, StartsWith("plimsoll " + name)) << name;
    EXPECT_THAT(outcome.out, HasSubstr("\nExample:\n\n  ")) << name;
    EXPECT_EQ(run({"help", name.c_str()}).out, outcome.out) << name;
    EXPECT_THAT(run({"help"}).out, HasSubstr("  " + name + " ")) << name;
    for (const Flag& flag : verb.flags) EXPECT_THAT(outcome.out, HasSubstr("  " + flag.name)) << name;
  }
  EXPECT_EQ(run({"--help"}).out, run({"help"}).out);
  EXPECT_EQ(run({"help", "nothing"}).code, kWrongUsage);
  EXPECT_EQ(run({"help", "stauts"}).err, run({"stauts"}).err);
}

TEST(CommandLine, EveryVerbsExampleUsesItAndIsNotTheSummaryAgain) {
  for (const Verb& verb : verbs()) {
    EXPECT_THAT(std::string(verb.example), HasSubstr("plimsoll " + std::string(verb.name))) << verb.name;
    EXPECT_THAT(std::string(verb.example), StartsWith("  ")) << verb.name;
    EXPECT_FALSE(verb.summary.ends_with('.')) << verb.name;
  }
}

TEST(CommandLine, EveryVerbSaysItsExitCodes) {
  for (const Verb& verb : verbs()) {
    const std::string help = help_text(verb);
    const std::string exits = help.substr(help.find("\nExit codes:\n"));
    for (const char* code : {"  0  ", "  1  ", "  2  "}) EXPECT_THAT(exits, HasSubstr(code)) << verb.name;
  }
  EXPECT_THAT(help_text(demo_verb()), HasSubstr("\n  130  interrupted\n"));
  EXPECT_THAT(help_text(doctor_verb()), HasSubstr("  1  no limit of memory could be found"));
  EXPECT_THAT(help_text(), HasSubstr("NO_COLOR"));
}

// What is longer than the terminal is words that cannot be broken, and examples.
TEST(CommandLine, HelpFitsIntoTheTerminal) {
  std::vector<std::string> texts;
  for (const std::size_t columns : {std::size_t{40}, std::size_t{60}, std::size_t{80}, std::size_t{200}}) {
    texts = {help_text(columns)};
    for (const Verb& verb : verbs()) texts.push_back(help_text(verb, columns));
    for (const std::string& text : texts) {
      std::string_view rest = text;
      bool example = false;
      while (!rest.empty()) {
        const std::string_view line = take_until(rest, '\n');
        if (line == "Example:") example = true;
        if (line == "Exit codes:") example = false;
        const std::string_view words = line.substr(std::min(line.size(), line.find_first_not_of(' ')));
        const bool flag = words.starts_with("--") && words.find("  ") == std::string_view::npos;
        EXPECT_TRUE(example || flag || line.size() <= columns || words.find(' ') == std::string_view::npos)
            << columns << ": " << line;
      }
    }
  }
  EXPECT_THAT(help_text(top_verb(), 60),
              HasSubstr("\n  --once\n      one picture, after one interval, and no terminal\n"
                        "      needed\n"));
  EXPECT_THAT(help_text(top_verb(), 72), HasSubstr("\n  129  the terminal went away\n"));
  EXPECT_EQ(help_text(top_verb(), 200), help_text(top_verb()));
}

TEST(CommandLine, HelpNamesTheActions) {
  EXPECT_THAT(run({"config", "--help"}).out, HasSubstr("\n\nACTION is show or check.\n\n"));
  EXPECT_THAT(run({"completion", "--help"}).out, HasSubstr("\n\nSHELL is bash, zsh or fish.\n\n"));
}

// The long ones are written before the end, and their failure was forgotten.
TEST(CommandLine, AFullDiskIsTold) {
  for (const char* verb : {"version", "help", "man"}) {
    std::FILE* full = std::fopen("/dev/full", "w");
    ASSERT_NE(full, nullptr);
    std::FILE* err = std::tmpfile();
    const char* const none[] = {nullptr};
    const std::vector<const char*> words = {verb, verb == std::string_view("version") ? "--json" : "serve"};
    EXPECT_EQ(run_command_line(words, none, full, err), kFailed) << verb;
    EXPECT_EQ(contents_of(err), "plimsoll: the output cannot be written: No space left on device\n") << verb;
    std::fclose(full);
  }
}

TEST(CommandLine, ServeHasAFlagForEverySetting) {
  std::string help = run({"serve", "--help"}).out;
  for (const SettingKey& key : setting_keys()) EXPECT_THAT(help, HasSubstr("  " + key.flag())) << key.name;
  EXPECT_THAT(help, HasSubstr("--config FILE"));
}

TEST(CommandLine, ServeTellsAllFaultsOfItsConfigurationAndDoesNotStart) {
  Outcome outcome = run({"serve", "--loops", "many", "--config", "/no/such.toml"}, {"PLIMSOLL_LIEN=1GiB"});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_THAT(outcome.err, HasSubstr("plimsoll: /no/such.toml: "));
  EXPECT_THAT(outcome.err,
              HasSubstr("plimsoll: environment: there is no PLIMSOLL_LIEN; did you mean PLIMSOLL_LINE?\n"));
  EXPECT_THAT(outcome.err, HasSubstr("plimsoll: --loops: loops = \"many\": write a number from 0"));
}

TEST(CommandLine, ServeRefusesAPublicAddressWithoutAPassword) {
  Outcome outcome = run({"serve", "--bind", "0.0.0.0"});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_THAT(outcome.err, HasSubstr("there is no password"));
}

TEST(CommandLine, ServeReadsTheFileThatTheEnvironmentNames) {
  Outcome outcome = run({"serve"}, {"PLIMSOLL_CONFIG=/no/such.toml"});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_THAT(outcome.err, HasSubstr("/no/such.toml"));
}

TEST(CommandLine, VersionIsThatOfTheBuildOnOneLineOrInOneObject) {
  EXPECT_THAT(run({"version"}).out, StartsWith("plimsoll " PLIMSOLL_BUILD_VERSION " ("));
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
  EXPECT_THAT(run({"version", "--json"}).out, StartsWith("{\"version\":\"" PLIMSOLL_BUILD_VERSION "\","));
}

TEST(CommandLine, StatusSaysWhenNobodyAnswers) {
  Outcome outcome = run({"status", "--http", "127.0.0.1:1"});
  EXPECT_EQ(outcome.code, kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("127.0.0.1:1: "));
  EXPECT_THAT(outcome.err, HasSubstr("is plimsoll serve running"));
  EXPECT_EQ(run({"status", "--http", "nowhere"}).code, kWrongUsage);
}

TEST(CommandLine, DemoChecksItsFlagsBeforeItFloodsAnything) {
  for (auto words : {std::vector<const char*>{"demo", "--seconds", "0"},
                     {"demo", "--limit", "1MiB"},
                     {"demo", "--limit", "apples"},
                     {"demo", "--governor", "maybe"}}) {
    Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, kWrongUsage) << words[1];
    EXPECT_THAT(outcome.err, StartsWith(std::string("plimsoll: demo: ") + words[1])) << words[1];
  }
}

TEST(CommandLine, DemoLooksForRedisBeforeItFloodsAnything) {
  Outcome outcome = run({"demo", "--redis", "no-such-server"}, {"PATH=/usr/bin:/bin"});
  EXPECT_EQ(outcome.code, kFailed);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_EQ(outcome.err, "plimsoll: demo: --redis no-such-server: there is no such program\n");
}

TEST(Call, IsNotColouredWhereItIsNotWanted) {
  const char* no_color[] = {"NO_COLOR=1", nullptr};
  Call call{Arguments(), no_color, stdout, stderr};
  EXPECT_FALSE(call.coloured());
  const char* none[] = {nullptr};
  std::FILE* file = std::tmpfile();
  Call to_file{Arguments(), none, file, stderr};
  EXPECT_FALSE(to_file.coloured());
  EXPECT_EQ(to_file.painted("level", Paint::kRed), "level");
  std::fclose(file);
}

TEST(Call, IsColouredOnATerminalOnly) {
  int controller = posix_openpt(O_RDWR | O_NOCTTY);
  if (controller < 0 || grantpt(controller) != 0 || unlockpt(controller) != 0)
    GTEST_SKIP() << "no terminal here";
  std::FILE* terminal = std::fopen(ptsname(controller), "w");
  ASSERT_NE(terminal, nullptr);
  const char* none[] = {nullptr};
  const char* dumb[] = {"TERM=dumb", nullptr};
  EXPECT_EQ((Call{Arguments(), none, terminal, stderr}.painted("level", Paint::kRed)),
            "\x1b[31mlevel\x1b[0m");
  EXPECT_EQ((Call{Arguments(), dumb, terminal, stderr}.painted("level", Paint::kRed)), "level");
  std::fclose(terminal);
  close(controller);
}

TEST(TopicVerb, SaysWhatItCanDoWhereItIsNotTold) {
  Outcome outcome = run({"topic"});
  EXPECT_EQ(outcome.code, kWrongUsage);
  EXPECT_EQ(outcome.err,
            "plimsoll: topic: say what to do: list, create NAME, describe NAME, alter NAME or delete NAME\n");
  EXPECT_EQ(run({"topic", "creat"}).err, "plimsoll: topic: there is no creat; did you mean create?\n");
  EXPECT_EQ(run({"topic", "create"}).err, "plimsoll: topic create: which topic? Write its name\n");
  EXPECT_EQ(run({"topic", "list", "orders"}).err, "plimsoll: topic list: takes no name\n");
  EXPECT_EQ(run({"topic", "list", "--kafka", "nowhere"}).code, kWrongUsage);
}

TEST(TopicVerb, SaysWhatIsWrongWhereNobodyListens) {
  Outcome outcome = run({"topic", "list", "--kafka", "127.0.0.1:1"});
  EXPECT_EQ(outcome.code, kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("is plimsoll serve running with --data-dir"));
}

}  // namespace
}  // namespace plimsoll
