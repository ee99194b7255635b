#include "plimsoll/server/memory_text.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

Status well() {
  Status status;
  status.line = 100_MiB;
  status.charged = 90_MiB;
  status.droppable = 80_MiB;
  status.governor.slow.process.resident = 95_MiB;
  status.cache.hits = 90;
  status.cache.misses = 10;
  return status;
}

TEST(MemoryText, SaysThatNothingIsWrong) {
  EXPECT_EQ(advice_text(well()), "Nothing is wrong with memory.\n");
}

TEST(MemoryText, NamesWhatIsTight) {
  Status pressed = well();
  pressed.droppable = {};
  pressed.charged = 95_MiB;
  EXPECT_NE(advice_text(pressed).find("What cannot be dropped takes 95"), std::string::npos);
  Status full = well();
  full.policy.evicts = false;
  full.cache.refused = 3;
  EXPECT_NE(advice_text(full).find("3 writes were refused"), std::string::npos);
  Status missing = well();
  missing.cache.misses = 900;
  missing.cache.evicted = 10;
  EXPECT_NE(advice_text(missing).find("of reads find nothing"), std::string::npos);
  Status fragmented = well();
  fragmented.governor.slow.process.resident = 300_MiB;
  EXPECT_NE(advice_text(fragmented).find("The process holds 300"), std::string::npos);
  Status advised = well();
  advised.analysis.advice = {
      {.what = "twice the memory", .evidence = "seen", .command = "do it", .gain = 0.1}};
  EXPECT_NE(advice_text(advised).find("* twice the memory (seen): do it\n"), std::string::npos);
  Status slow = well();
  slow.traffic.readers_closed = 2;
  EXPECT_NE(advice_text(slow).find("2 clients were closed"), std::string::npos);
}

TEST(MemoryText, TellsEachAccount) {
  Status status = well();
  status.accounts.push_back({.name = "cache", .used = 80_MiB, .peak = 85_MiB, .refused = 4});
  const std::string text = accounts_text(status);
  EXPECT_NE(text.find("cache"), std::string::npos);
  EXPECT_NE(text.find("80"), std::string::npos);
  EXPECT_NE(text.find("free"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll
