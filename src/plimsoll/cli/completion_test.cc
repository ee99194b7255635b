#include "plimsoll/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/cli/man_page.h"
#include "plimsoll/cli/run_test.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Verb verb_with(std::vector<Flag> flags) {
  return {.name = "lift",
          .summary = "It's a: test",
          .example = "  plimsoll lift",
          .flags = std::move(flags),
          .positional = {},
          .run = nullptr};
}

TEST(Completion, SeesAChoiceByItsBars) {
  EXPECT_THAT(choices_of("never|interval|always"), ElementsAre("never", "interval", "always"));
  EXPECT_THAT(choices_of("FILE"), IsEmpty());
}

TEST(Completion, OfEveryShellHasEveryVerbAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Outcome outcome = run({"completion", shell});
    ASSERT_EQ(outcome.code, kDone) << shell;
    for (const Verb& verb : verbs()) {
      EXPECT_THAT(outcome.out, HasSubstr(std::string(verb.name))) << shell;
      for (const Flag& flag : verb.flags) {
        const std::string name =
            std::string(shell) == "fish" ? " -l " + flag.name.substr(2) + " " : flag.name;
        EXPECT_THAT(outcome.out, HasSubstr(name)) << shell << " " << verb.name;
      }
      for (const std::string_view action : verb.actions)
        EXPECT_THAT(outcome.out, HasSubstr(std::string(action))) << shell;
    }
  }
}

TEST(Completion, QuotesWhatAShellWouldTakeForItsOwn) {
  const std::vector<Verb> table = {verb_with({{"--up", "HOW:FAR", "it's [far]: \\"}})};
  EXPECT_THAT(completion_of(Shell::kZsh, table), HasSubstr(R"('*--up=[it'\''s \[far\]\: \\]:HOW\:FAR:')"));
  EXPECT_THAT(completion_of(Shell::kZsh, table), HasSubstr(R"('lift:It'\''s a\: test')"));
  EXPECT_THAT(completion_of(Shell::kFish, table), HasSubstr(R"(-l up -d 'it'\''s [far]: \\' -x)"));
}

TEST(Completion, WantsToKnowTheShell) {
  EXPECT_EQ(run({"completion"}).code, kWrongUsage);
  EXPECT_EQ(run({"completion", "csh"}).err,
            "plimsoll: completion: for which shell? Write bash, zsh or fish\n");
}

TEST(ManPage, TakesNoTextForARequestOrAnEscape) {
  EXPECT_EQ(as_roff(".TH\n'x \\fB a-b"), "\\&.TH\n\\&\\(aqx \\efB a\\-b");
}

TEST(ManPage, OfAVerbHasItsFlagsExampleAndExitCodes) {
  for (const Verb& verb : verbs()) {
    const std::string name(verb.name);
    const std::string page = run({"man", name.c_str()}).out;
    for (const char* section :
         {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"})
      EXPECT_THAT(page, HasSubstr(std::string("\n.SH ") + section + "\n")) << name;
    EXPECT_THAT(page, HasSubstr("\nplimsoll\\-" + as_roff(name) + " \\- ")) << name;
    for (const Flag& flag : verb.flags)
      EXPECT_THAT(page, HasSubstr("\\fB" + as_roff(flag.name) + "\\fR")) << name;
    for (const Exit& exit : exits_of(verb))
      EXPECT_THAT(page, HasSubstr("\\fB" + std::to_string(exit.code) + "\\fR\n")) << name;
  }
  EXPECT_EQ(run({"man", "sevre"}).err, "plimsoll: there is no verb sevre; did you mean serve?\n");
}

TEST(ManPage, OfServeHasEverySettingAsFlagAndVariable) {
  const std::string page = run({"man", "serve"}).out;
  for (const SettingKey& key : setting_keys()) {
    EXPECT_THAT(page, HasSubstr("\\fB" + as_roff(key.flag()) + "\\fR"));
    EXPECT_THAT(page, HasSubstr("\\fB" + key.environment() + "\\fR"));
  }
}

TEST(ManPage, OfTheProgramNamesEveryVerb) {
  const std::string page = run({"man"}).out;
  for (const Verb& verb : verbs()) EXPECT_THAT(page, HasSubstr("\\fB" + std::string(verb.name) + "\\fR\n"));
  EXPECT_THAT(page, HasSubstr("NO_COLOR"));
}

}  // namespace
}  // namespace plimsoll
