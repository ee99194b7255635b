#include "plimsoll/cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/base/random.h"
#include "plimsoll/cli/run_test.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ProgressLine, SaysHowMuchIsDoneAndHowLongItStillTakes) {
  EXPECT_EQ(progress_line({"reading web.csv", 0.25}, seconds(10), 80),
            "reading web.csv  [#####---------------]  25 %, about 30 s left");
  EXPECT_EQ(progress_line({"reading web.csv", 0.001}, seconds(3), 80),
            "reading web.csv  [--------------------]  0 %");
  EXPECT_EQ(progress_line({"reading web.csv", 1}, seconds(10), 80),
            "reading web.csv  [####################]  100 %");
}

TEST(ProgressLine, SaysWhatWasDoneWhereNobodyKnowsHowMuchThereIs) {
  EXPECT_EQ(progress_line({"reading standard input", std::nullopt, "1,234 rows"}, milliseconds(5'700), 80),
            "reading standard input  1,234 rows, 5 s");
  EXPECT_EQ(progress_line({"waiting", std::nullopt}, seconds(3), 80), "waiting  3 s");
}

TEST(ProgressLine, SaysWhatIsCountedBesidesWhereThereIsRoom) {
  const ProgressStep step{"flooding", 0.5, "231 MiB of 256 MiB, 0 kills, 1,234 served"};
  EXPECT_EQ(
      progress_line(step, seconds(10), 120),
      "flooding  [##########----------]  50 %, about 10 s left  231 MiB of 256 MiB, 0 kills, 1,234 served");
  EXPECT_EQ(progress_line(step, seconds(10), 80),
            "flooding  50 %, about 10 s left  231 MiB of 256 MiB, 0 kills, 1,234 served");
  EXPECT_EQ(progress_line(step, seconds(10), 70),
            "flooding  50 %, about 10 s left  231 MiB of 256 MiB, 0 kills");
  EXPECT_EQ(progress_line(step, seconds(10), 45), "flooding  50 %, about 10 s left");
}

TEST(ProgressLine, KeepsTheNumbersWhereThereIsNoRoomForMore) {
  EXPECT_EQ(progress_line({"reading web.csv", 0.25}, seconds(10), 40),
            "reading web.csv  25 %, about 30 s left");
  EXPECT_EQ(progress_line({"reading web.csv", 0.25}, seconds(10), 30), "reading  25 %, about 30 s left");
  Random random(2);
  for (int round = 0; round < 1'000; ++round) {
    const ProgressStep step{std::string(random.below(100), 'x'),
                            static_cast<double>(random.below(200)) / 100 - 0.5,
                            random.below(2) == 0 ? "" : std::string(random.below(60), 'y') + ", 0 z"};
    const std::size_t columns = random.below(120);
    ASSERT_LE(progress_line(step, seconds(random.below(1'000'000)), columns).size(), columns);
  }
}

// A terminal that is a file, and a clock that is told the time.
struct Stage {
  std::FILE* file = std::tmpfile();
  MonotonicTime now{seconds(1'000)};

  Progress progress(bool terminal = true) {
    return Progress({.to = file, .terminal = terminal, .now = [this] { return now; }});
  }
};

TEST(Progress, IsNotSeenBeforeTwoSecondsHavePassed) {
  Stage stage;
  {
    Progress progress = stage.progress();
    progress.at({"work", 0.1});
    stage.now += milliseconds(1'999);
    progress.at({"work", 0.5});
  }
  EXPECT_THAT(contents_of(stage.file), IsEmpty());
}

TEST(Progress, IsDrawnOverTenTimesASecondAtMostAndErasedAtTheEnd) {
  Stage stage;
  {
    Progress progress = stage.progress();
    stage.now += seconds(2);
    for (int step = 0; step < 250; ++step) {
      progress.at({"work", 0.5});
      stage.now += milliseconds(1);
    }
  }
  const std::string drawn = "\rwork  [##########----------]  50 %, about 2 s left\x1b[K";
  const std::string later = "\rwork  [##########----------]  50 %, about 3 s left\x1b[K";
  EXPECT_EQ(contents_of(stage.file), drawn + later + later + "\r\x1b[K");
}

TEST(Progress, MeasuresThePaceOfTheWorkThatIsDoneNow) {
  Stage stage;
  {
    Progress progress = stage.progress();
    stage.now += seconds(30);
    progress.restart();
    stage.now += seconds(1);
    progress.at({"more", 0.5});
  }
  EXPECT_THAT(contents_of(stage.file), HasSubstr("50 %, about 1 s left"));
}

TEST(Progress, WritesNothingWhereNoTerminalIs) {
  Stage stage;
  {
    Progress progress = stage.progress(false);
    stage.now += seconds(20);
    progress.at({"work", 0.5});
  }
  EXPECT_THAT(contents_of(stage.file), IsEmpty());
}

}  // namespace
}  // namespace plimsoll
