#include "plimsoll/cli/arguments.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

const std::vector<Flag> kFlags = {
    {"--line", "SIZE", "the line"}, {"--json", "", "JSON"}, {"--resp-port", "PORT", "x"}};

auto parse(std::vector<const char*> words, std::size_t positional = 0) {
  return Arguments::parse(words, kFlags, positional);
}

TEST(Arguments, ReadValuesBehindABlankAndBehindAnEqualsSign) {
  auto arguments = parse({"--line", "64MiB", "--resp-port=7", "--json"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->value("--line"), "64MiB");
  EXPECT_EQ(arguments->value("--resp-port"), "7");
  EXPECT_TRUE(arguments->has("--json"));
  EXPECT_FALSE(arguments->value("--json"));
  EXPECT_FALSE(arguments->help());
}

TEST(Arguments, KeepTheLastOfAFlagGivenTwice) {
  EXPECT_EQ(parse({"--line", "1GiB", "--line", "2GiB"})->value("--line"), "2GiB");
}

TEST(Arguments, TakeAnEmptyValueAsGiven) { EXPECT_EQ(parse({"--line="})->value("--line"), ""); }

TEST(Arguments, TakeAValueThatLooksLikeAFlag) { EXPECT_EQ(parse({"--line", "-1"})->value("--line"), "-1"); }

TEST(Arguments, NameTheNearestFlagToAnUnknownOne) {
  EXPECT_EQ(parse({"--resp-prot=7"}).error(), "there is no flag --resp-prot; did you mean --resp-port?");
  EXPECT_EQ(parse({"-x"}).error(), "there is no flag -x");
}

// --json=off meant on.
TEST(Arguments, TakeNoValueWhereTheFlagHasNone) {
  EXPECT_EQ(parse({"--json=off"}).error(), "--json takes no value; it is given or left away");
  EXPECT_EQ(parse({"--json="}).error(), "--json takes no value; it is given or left away");
}

TEST(Arguments, WantAValueWhereTheFlagDoes) {
  EXPECT_EQ(parse({"--json", "--line"}).error(), "--line wants a value: --line SIZE");
}

TEST(Arguments, RefuseMoreWordsThanTheVerbTakes) {
  EXPECT_EQ(parse({"serve"}, 1)->positional(), std::vector<std::string>{"serve"});
  EXPECT_EQ(parse({"serve", "now"}, 1).error(), "\"now\" is one word too many");
  EXPECT_EQ(parse({"serve"}).error(), "\"serve\" is one word too many");
}

TEST(Arguments, KnowHelpInBothSpellings) {
  EXPECT_TRUE(parse({"-h"})->help());
  EXPECT_TRUE(parse({"--line", "1GiB", "--help"})->help());
}

}  // namespace
}  // namespace plimsoll
