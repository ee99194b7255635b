#include "plimsoll/server/level_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plimsoll/server/cache_page.h"
#include "plimsoll/server/info.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LevelStatus disk() {
  LevelStatus level{.name = "disk", .size = 20_GiB, .charged = 22_MiB, .stats = {}};
  level.stats.state = LowerLevel::State::kOpen;
  level.stats.demoted = 5000;
  level.stats.promoted = 300;
  level.stats.absent = 100;
  level.stats.queue_full = 4;
  level.stats.too_large = 3;
  level.stats.late = 2;
  level.stats.stored = 3_GiB;
  return level;
}

TEST(LevelStatus, ItsNameIsWholeOnTheStatusPage) {
  Status s;
  s.level = disk();
  EXPECT_THAT(status_text(s), HasSubstr("\ndisk level   open; 3 GiB of 20 GiB below"));
  s.level->name = "disk+remote";
  EXPECT_THAT(status_text(s), HasSubstr("\ndisk+remote level  open; 3 GiB of 20 GiB below"));
}

TEST(LevelStatus, ReadsAsTwoLines) {
  EXPECT_EQ(
      level_words(disk(), 2),
      "open; 3 GiB of 20 GiB below, 22 MiB of memory for it; 5,000 items went down, 300 came back\n"
      "  100 look-ups found nothing there (75.0 % did); 0 items were not admitted, 7 had no room; 2 requests "
      "waited in vain, 0 records were damaged, 0 failures");
}

TEST(LevelStatus, SaysThatItFailsAndWhy) {
  LevelStatus level = disk();
  level.stats.state = LowerLevel::State::kFailing;
  level.stats.failures = 1;
  level.stats.words = "No space left on device";
  EXPECT_THAT(level_words(level, 0), HasSubstr("failing: memory goes on alone until it works again"));
  EXPECT_THAT(level_words(level, 0), HasSubstr("1 failures, the last: No space left on device"));
  EXPECT_THAT(level_info(level), HasSubstr("state=failing,"));
}

TEST(LevelStatus, IsTheSameOnEveryFace) {
  Status s;
  EXPECT_THAT(status_text(s), Not(HasSubstr("\ndisk level")));
  EXPECT_THAT(status_json(s), HasSubstr("\"level\":null,\"analysis\""));
  EXPECT_THAT(info_text(s, "default"), Not(HasSubstr("# Levels")));
  EXPECT_EQ(info_text(s, "levels"), "# Levels\r\n");
  s.level = disk();
  EXPECT_THAT(status_text(s), HasSubstr("\ndisk level   open; 3 GiB of 20 GiB below"));
  const std::string object =
      "\"level\":{\"name\":\"disk\",\"state\":\"open\",\"size_bytes\":21474836480,\"stored_bytes\":"
      "3221225472,";
  EXPECT_THAT(status_json(s), HasSubstr(object));
  EXPECT_THAT(cache_json({}, {}, s.level), HasSubstr(object));
  EXPECT_THAT(cache_json({}, {}, s.level), HasSubstr("\"hit_ratio\":0.75"));
  EXPECT_THAT(cache_text({}, {}, {}, s.level), HasSubstr("\nbelow (disk)  open; 3 GiB of 20 GiB below"));
  EXPECT_THAT(info_text(s, "default"),
              HasSubstr("\r\n\r\n# Levels\r\nlevel_disk:state=open,size=21474836480,stored=3221225472,"
                        "charged=23068672,demoted=5000,promoted=300,absent=100,dropped=7,"));
}

}  // namespace
}  // namespace plimsoll
