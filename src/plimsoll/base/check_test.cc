#include "plimsoll/base/check.h"

#include <gtest/gtest.h>

#include <string>

namespace plimsoll {
namespace {

TEST(Check, AConditionThatHoldsIsEvaluatedOnceAndPasses) {
  int evaluated = 0;
  PLIMSOLL_CHECK(++evaluated == 1, "never printed");
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, AFailureNamesPlaceExpressionAndValues) {
  int begin = 3;
  EXPECT_DEATH(PLIMSOLL_CHECK(begin < 2, "begin %d, end %d", begin, 2),
               "check_test\\.cc:[0-9]+: check failed: begin < 2: begin 3, end 2");
  EXPECT_DEATH(PLIMSOLL_CHECK(begin < 2), "check failed: begin < 2:");
}

TEST(CheckDeathTest, ALongMessageIsCut) {
  std::string words(600, 'x');
  // 512 with the blank before it and the terminator.
  EXPECT_EXIT(PLIMSOLL_CHECK(false, "%s", words.c_str()), testing::KilledBySignal(SIGABRT),
              "false: x{510}\n");
}

TEST(CheckDeathTest, TheDebugFormChecksOnlyWithoutNdebug) {
#ifdef NDEBUG
  int evaluated = 0;
  PLIMSOLL_DCHECK(++evaluated == 2, "never printed");
  EXPECT_EQ(evaluated, 0);
#else
  EXPECT_DEATH(PLIMSOLL_DCHECK(1 == 2, "one is %d", 1), "1 == 2: one is 1");
#endif
}

}  // namespace
}  // namespace plimsoll
