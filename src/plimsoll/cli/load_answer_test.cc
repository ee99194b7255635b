#include "plimsoll/cli/load_answer.h"

#include <gtest/gtest.h>

#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

using State = AnswerScanner::State;

struct Got {
  AnswerKind kind;
  std::string line;
  std::uint64_t size;
  bool right;
  friend bool operator==(const Got&, const Got&) = default;
};

// All answers of `stream`, fed in pieces that `random` cuts; `broken` is added as an answer of its own.
std::vector<Got> scan(std::string_view stream, const ExpectedValue& expected, Random* random) {
  AnswerScanner scanner;
  std::vector<Got> all;
  while (!stream.empty()) {
    std::size_t size = random == nullptr ? stream.size() : 1 + random->below(stream.size());
    std::string_view piece = stream.substr(0, size);
    stream.remove_prefix(size);
    Answer answer;
    State state;
    while ((state = scanner.next(piece, expected, answer)) == State::kAnswer) {
      all.push_back({answer.kind, std::string(answer.line), answer.size, answer.right});
    }
    if (state == State::kBroken) {
      all.push_back({AnswerKind::kError, "broken", 0, false});
      break;
    }
  }
  return all;
}

std::string bulk(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}

TEST(AnswerScanner, TellsTheKindsApart) {
  auto got = scan("+OK\r\n-OOM no\r\n:-12\r\n$2\r\nab\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n", {}, nullptr);
  std::vector<Got> want{{AnswerKind::kStatus, "OK", 0, true},   {AnswerKind::kError, "OOM no", 0, true},
                        {AnswerKind::kInteger, "-12", 0, true}, {AnswerKind::kBulk, "2", 2, true},
                        {AnswerKind::kNil, "-1", 0, true},      {AnswerKind::kNil, "-1", 0, true},
                        {AnswerKind::kArray, "0", 0, true},     {AnswerKind::kBulk, "0", 0, true}};
  EXPECT_EQ(got, want);
}

TEST(AnswerScanner, AnArrayOfArraysIsOneAnswer) {
  auto got = scan("*3\r\n*2\r\n+a\r\n$1\r\nb\r\n:1\r\n$-1\r\n+next\r\n", {}, nullptr);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].kind, AnswerKind::kArray);
  EXPECT_EQ(got[0].size, 3U);
  EXPECT_EQ(got[1].line, "next");
}

TEST(AnswerScanner, AcceptsEachVersionAndNothingBetweenThem) {
  ValueSource values;
  ExpectedValue expected{&values, 7, 3, 5000};
  for (std::uint32_t version = 0; version < 3; ++version) {
    EXPECT_TRUE(scan(bulk(values.value(7, version, 5000)), expected, nullptr).at(0).right);
  }
  EXPECT_FALSE(scan(bulk(values.value(7, 3, 5000)), expected, nullptr).at(0).right);
  EXPECT_FALSE(scan(bulk(values.value(8, 0, 5000)), expected, nullptr).at(0).right);
  EXPECT_FALSE(scan(bulk(values.value(7, 0, 4999)), expected, nullptr).at(0).right) << "too short";
  std::string torn(values.value(7, 0, 5000));
  torn.replace(4000, 1000, values.value(7, 1, 5000).substr(4000));
  EXPECT_FALSE(scan(bulk(torn), expected, nullptr).at(0).right);
}

TEST(AnswerScanner, ReportsTheSameHoweverTheStreamIsCut) {
  ValueSource values;
  Random random(42);
  for (int round = 0; round < 300; ++round) {
    std::string stream;
    ExpectedValue expected{&values, random.below(3), 2, random.below(300)};
    for (int i = 0; i < 20; ++i) {
      switch (random.below(5)) {
        case 0:
          stream += "+OK\r\n";
          break;
        case 1:
          stream += "-ERR text\r\n";
          break;
        case 2:
          stream += "*2\r\n:1\r\n$3\r\nabc\r\n";
          break;
        case 3:
          stream += "$-1\r\n";
          break;
        default:
          stream +=
              bulk(values.value(random.below(3), static_cast<std::uint32_t>(random.below(3)), expected.size));
      }
    }
    auto whole = scan(stream, expected, nullptr);
    EXPECT_EQ(whole.size(), 20U);
    EXPECT_EQ(scan(stream, expected, &random), whole);
  }
}

TEST(AnswerScanner, SaysBrokenForWhatIsNotRespAndStaysSo) {
  for (std::string_view text :
       {"hello\r\n", "\r\n", "$x\r\n", "$-2\r\n", "$3\r\nabcdef", "+no return\n", "*\r\n"}) {
    auto got = scan(text, {}, nullptr);
    ASSERT_FALSE(got.empty()) << text;
    EXPECT_EQ(got.back().line, "broken") << text;
  }
  EXPECT_EQ(scan("+" + std::string(5000, 'a'), {}, nullptr).back().line, "broken");
  AnswerScanner scanner;
  std::string_view bad = "?\r\n";
  std::string_view good = "+OK\r\n";
  Answer answer;
  EXPECT_EQ(scanner.next(bad, {}, answer), State::kBroken);
  EXPECT_EQ(scanner.next(good, {}, answer), State::kBroken);
  scanner.reset();
  EXPECT_EQ(scanner.next(good, {}, answer), State::kAnswer);
}

}  // namespace
}  // namespace plimsoll
