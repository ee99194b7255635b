#include "plimsoll/server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

template <typename Body>
std::string written_by(Body body) {
  ::testing::internal::CaptureStderr();
  body();
  return ::testing::internal::GetCapturedStderr();
}

auto lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(Log, WritesTimeLevelAndText) {
  std::string text =
      written_by([] { Log(LogLevel::kInfo).warning("closed %s: %d bytes", "127.0.0.1:9", 17); });
  EXPECT_THAT(text, MatchesRegex("....-..-.. ..:..:..\\.... warning  closed 127.0.0.1:9: 17 bytes\n"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  std::string text = written_by([] {
    Log log(LogLevel::kWarning);
    log.debug("one");
    log.info("two");
    log.error("three");
    log.set_level(LogLevel::kDebug);
    log.debug("four");
    log.set_level(LogLevel::kOff);
    log.error("five");
  });
  EXPECT_EQ(lines_of(text), 2);
  EXPECT_THAT(text, HasSubstr("error    three\n"));
  EXPECT_THAT(text, HasSubstr("debug    four\n"));
}

TEST(Log, KnowsItsLevelsByName) {
  for (LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    EXPECT_EQ(log_level_named(name_of(level)), level);
  }
  EXPECT_EQ(log_level_named("loud"), std::nullopt);
}

TEST(Log, CutsLongLinesAndMakesNoLinesOfWhatClientsSend) {
  std::string text = written_by([] {
    Log log(LogLevel::kInfo);
    log.info("%s", std::string(5000, 'x').c_str());
    log.info("name a\nb {} %%");
  });
  EXPECT_EQ(lines_of(text), 2);
  EXPECT_LT(text.size(), 1200U);
  EXPECT_THAT(text, HasSubstr("name a b {} %\n"));
}

TEST(Log, CutsAFloodAndSaysHowMuchItLeftOut) {
  ManualClock clock;
  std::string text = written_by([&clock] {
    Log log(LogLevel::kInfo, &clock);
    for (int i = 0; i < 1000; ++i) log.info("flood %d", i);
    EXPECT_EQ(log.left_out(), 800U);
    clock.advance(std::chrono::milliseconds(20));  // two lines
    log.info("after");
  });
  EXPECT_EQ(lines_of(text), 202);
  EXPECT_THAT(text, HasSubstr("flood 199\n"));
  EXPECT_THAT(text, Not(HasSubstr("flood 200\n")));
  EXPECT_THAT(text, HasSubstr("800 lines were left out here\n"));
  EXPECT_THAT(text, HasSubstr("after\n"));
}

TEST(Log, KeepsLinesWholeWhenManyThreadsWrite) {
  std::string text = written_by([] {
    Log log(LogLevel::kInfo);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 40; ++i) log.info("%s", std::string(100, 'y').c_str());
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_EQ(lines_of(text), 160);
  std::string whole = "  " + std::string(100, 'y') + "\n";
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(whole, at)) != std::string::npos; at += whole.size()) ++found;
  EXPECT_EQ(found, 160U);
}

}  // namespace
}  // namespace plimsoll
