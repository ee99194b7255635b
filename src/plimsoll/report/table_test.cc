#include "plimsoll/report/table.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

TEST(Table, AlignsColumnsByTheirWidestCell) {
  Table table({{"account"}, {"used", Align::kRight}, {"kind"}});
  table.row({"cache", "188 MiB", "droppable"}).row({"connections", "1 KiB", "pinned"});
  EXPECT_EQ(table.text(),
            "account         used  kind\n"
            "cache        188 MiB  droppable\n"
            "connections    1 KiB  pinned\n");
}

TEST(Table, PrintsNoHeaderWhenAllAreEmpty) {
  Table table({{}, {}});
  table.row({"limit", "256 MiB"}).row({"line", "246 MiB"});
  EXPECT_EQ(table.text(2), "  limit  256 MiB\n  line   246 MiB\n");
}

TEST(Table, EndsNoLineInSpaces) {
  Table table({{"a"}, {"b"}});
  table.row({"long", ""}).row({"x"}).row({});
  EXPECT_EQ(table.text(), "a     b\nlong\nx\n\n");
}

TEST(Table, CountsCodePointsAndNotBytes) {
  Table table({{}, {}});
  table.row({"Grüße", "1"}).row({"ab", "2"});
  EXPECT_EQ(table.text(), "Grüße  1\nab     2\n");
}

TEST(TableDeathTest, AbortsOnMoreCellsThanColumns) {
  Table table({{"a"}});
  EXPECT_DEATH(table.row({"1", "2"}), "2 cells in 1 columns");
}

}  // namespace
}  // namespace plimsoll
