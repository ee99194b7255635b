#include "plimsoll/wire/glob.h"

#include <gtest/gtest.h>

#include <string>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

struct Case {
  const char* pattern;
  const char* text;
  bool matches;
};

void expect_all(std::initializer_list<Case> cases, GlobCase letters = GlobCase::kRegard) {
  for (const Case& c : cases)
    EXPECT_EQ(glob_matches(c.pattern, c.text, letters), c.matches) << c.pattern << ' ' << c.text;
}

TEST(Glob, MatchesLiteralsAndWildcards) {
  expect_all({
      {"abc", "abc", true},      {"abc", "abd", false},   {"abc", "ab", false},     {"abc", "abcd", false},
      {"?", "a", true},          {"?", "ab", false},      {"a?c", "abc", true},     {"??", "a", false},
      {"*", "anything", true},   {"**", "x", true},       {"a*", "a", true},        {"a**", "a", true},
      {"*a", "a", true},         {"*a", "ba", true},      {"*a", "ab", false},      {"a*b*c", "a1b2c", true},
      {"a*b*c", "a1c2b", false}, {"*:*", "user:1", true}, {"user:*", "use", false}, {"*aab", "aaaab", true},
      {"*a?c*", "xabcz", true},  {"a*a", "a", false},     {"*?", "a", true},        {"?*?", "a", false},
  });
}

TEST(Glob, MatchesTheEmptyTextOnlyWithTheEmptyPattern) {
  expect_all({{"", "", true}, {"", "a", false}, {"*", "", false}, {"**", "", false}, {"a", "", false}});
}

TEST(Glob, MatchesClasses) {
  expect_all({
      {"[abc]", "b", true},         {"[abc]", "d", false},    {"[a-c]", "b", true},
      {"[a-c]", "d", false},        {"[c-a]", "b", true},     {"[^a]", "b", true},
      {"[^a]", "a", false},         {"[^a-c]", "d", true},    {"[^a-c]", "b", false},
      {"[a-cx-z]", "y", true},      {"[-a]", "-", true},      {"[]", "a", false},
      {"[]a]", "a]", false},        {"[^]", "a", true},       {"[a\\]]", "]", true},
      {"[a\\-c]", "-", true},       {"[a\\-c]", "b", false},  {"h[ae]llo", "hello", true},
      {"h[^e]llo", "hello", false}, {"*[0-9]", "key7", true}, {"*[0-9]", "key", false},
      {"[^^]", "^", false},         {"[a^]", "^", true},
  });
}

TEST(Glob, LetsAClassThatIsNotClosedEndWithThePattern) {
  expect_all({
      {"[", "a", false},
      {"[", "[", false},
      {"[^", "a", true},
      {"[a", "a", true},
      {"[a", "b", false},
      {"[a-", "a", true},
      {"[a-", "-", true},
      {"[a-", "b", false},
      {"[a-c", "b", true},
      {"[a-]", "_", true},
      {"[a-]", "]", true},
      {"[a-]", "b", false},
      {"[\\", "\\", true},
      {"[\\a", "a", true},
      {"[abc", "abc", false},
  });
}

TEST(Glob, TakesEscapes) {
  expect_all({
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"\\?", "?", true},
      {"\\[a]", "[a]", true},
      {"\\a", "a", true},
      {"\\\\", "\\", true},
      {"\\", "\\", true},
      {"a\\", "a\\", true},
      {"a\\", "a", false},
      {"*\\*", "a*", true},
  });
}

TEST(Glob, CanIgnoreTheCaseOfLetters) {
  expect_all({{"ABC", "abc", false}, {"[A-Z]", "b", false}});
  expect_all({{"ABC", "abc", true},
              {"max*", "MaxMemory", true},
              {"[A-C]", "b", true},
              {"[a-c]", "B", true},
              {"[AB]", "a", true},
              {"[^a]", "A", false},
              {"\\A", "a", true},
              {"[Z-a]", "z", false},   // the ends change places before their case is dropped
              {"[\\A]", "a", false}},  // an escape in a class regards it always
             GlobCase::kIgnore);
}

TEST(Glob, ComparesRangesAsSignedBytes) {
  EXPECT_TRUE(glob_matches("[\x80-z]", "a"));
  EXPECT_TRUE(glob_matches("[z-\x80]", "\xff"));
  EXPECT_FALSE(glob_matches("[a-z]", "\xe1"));
}

TEST(Glob, TakesANulAsAnyByte) {
  using namespace std::literals;
  EXPECT_TRUE(glob_matches("a?c"sv, "a\0c"sv));
  EXPECT_TRUE(glob_matches("a\0*"sv, "a\0c"sv));
  EXPECT_FALSE(glob_matches("a"sv, "a\0"sv));
}

TEST(Glob, HasNoExponentialCase) {
  std::string pattern;
  for (int i = 0; i < 5000; ++i) pattern += "a*";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(10'000, 'a')));
  EXPECT_TRUE(glob_matches(pattern, std::string(10'000, 'a')));
}

// Tries everything: the meaning of a pattern, without regard to cost. Classes are left to the tables above.
bool matches_slowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return matches_slowly(pattern.substr(1), text) ||
           (!text.empty() && matches_slowly(pattern, text.substr(1)));
  }
  if (text.empty()) return false;
  if (pattern[0] == '\\' && pattern.size() > 1)
    pattern.remove_prefix(1);
  else if (pattern[0] == '?')
    return matches_slowly(pattern.substr(1), text.substr(1));
  return pattern[0] == text[0] && matches_slowly(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithAMatcherThatTriesEverything) {
  Random random(5);
  int matched = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string pattern;
    std::string text;
    for (std::uint64_t size = random.below(9); pattern.size() < size;) pattern += "ab**?\\"[random.below(6)];
    for (std::uint64_t size = 1 + random.below(10); text.size() < size;) text += "aab*"[random.below(4)];
    const bool expected = matches_slowly(pattern, text);
    ASSERT_EQ(glob_matches(pattern, text), expected) << pattern << ' ' << text;
    matched += expected;
  }
  EXPECT_GT(matched, 2'000) << "or nothing was tested";
}

}  // namespace
}  // namespace plimsoll
