#include "plimsoll/os/internal/parse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/os/internal/parse_everything.h"
#include "plimsoll/os/internal/recorded_machines.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

TEST(Parse, Numbers) {
  EXPECT_EQ(*parse_number("12\n"), 12u);
  EXPECT_EQ(*parse_number(" 0 "), 0u);
  EXPECT_EQ(*parse_number("99999999999999999999999\n"), ~std::uint64_t{0});
  for (const char* bad : {"", "\n", "x", "-1", "1x", "1 2", "0x1"}) EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(Parse, LimitsThatAreNone) {
  EXPECT_EQ(*parse_limit("max\n"), Bytes::max());
  EXPECT_EQ(*parse_limit("9223372036854771712\n"), Bytes::max());
  EXPECT_EQ(*parse_limit("9223372036854710272\n"), Bytes::max());  // pages of 64 KiB
  EXPECT_EQ(*parse_limit("18446744073709551615\n"), Bytes::max());
  EXPECT_EQ(*parse_limit("0\n"), 0_B);
  EXPECT_EQ(*parse_limit("268435456"), 256_MiB);
  EXPECT_FALSE(parse_limit("maximum"));
}

TEST(Parse, FieldsInAnyOrder) {
  std::uint64_t a = 1, b = 2, c = 3;
  const Field fields[] = {{"a", &a}, {"bb", &b}, {"c", &c}};
  EXPECT_EQ(parse_fields("c 30\nx 9\na: 10 kB\nb 7\nbbb 8\n", fields), 2u);
  EXPECT_EQ(a, 10240u);
  EXPECT_EQ(b, 2u);
  EXPECT_EQ(c, 30u);
  EXPECT_EQ(parse_fields("bb:\t\t 5\n", fields), 1u);
  EXPECT_EQ(b, 5u);
  EXPECT_EQ(parse_fields("a\nbb x\nc:\n", fields), 0u);
  EXPECT_EQ(parse_fields("a 18446744073709551615 kB\n", fields), 1u);
  EXPECT_EQ(a, ~std::uint64_t{0});
  EXPECT_EQ(parse_fields("a 1", {}), 0u);
}

TEST(Parse, WordsAndRows) {
  EXPECT_EQ(parse_word("UDP: mem 3\nTCP: inuse 1 mem 110\n", "TCP", "mem"), 110u);
  EXPECT_EQ(parse_word("TCP: inuse 1 mem\n", "TCP", "mem"), std::nullopt);
  EXPECT_EQ(parse_word("TCP6: mem 1\n", "TCP", "mem"), std::nullopt);
  std::uint64_t row[3] = {};
  EXPECT_EQ(parse_row("1 2 3 4", row), 3u);
  EXPECT_EQ(row[2], 3u);
  EXPECT_EQ(parse_row("1 x", row), 1u);
  EXPECT_EQ(parse_row("1\t2", row), 1u);
  EXPECT_EQ(parse_row("", row), 0u);
  EXPECT_TRUE(has_word("rw,cpu,memory", "memory", ','));
  EXPECT_FALSE(has_word("rw,memory2", "memory", ','));
  EXPECT_FALSE(has_word("", "", ','));
}

TEST(Parse, FiguresAreCutWhereSumsWouldOverflow) {
  EXPECT_EQ(trusted(5), 5_B);
  EXPECT_EQ(trusted(~std::uint64_t{0}), Bytes(kMostBytes));
  EXPECT_EQ(trusted_pages(2), system_page_size() * 2);
  EXPECT_EQ(trusted_pages(~std::uint64_t{0}), Bytes(kMostBytes));
  EXPECT_EQ(trusted_pages(kMostBytes / 2), Bytes(kMostBytes));
}

// The recordings, cut and altered at random: no parser may fall over any of them.
TEST(Parse, AlteredRecordingsAreNoHarm) {
  RecordedTree tree;
  recorded::put_v1_host(tree, "268435456\n");
  recorded::put_group_v2(tree, "/v2");
  std::vector<std::string> texts;
  for (const char* path :
       {"/proc/self/cgroup", "/proc/self/mountinfo", "/proc/self/status", "/proc/self/stat", "/proc/meminfo",
        "/proc/net/sockstat", "/v2/memory.stat", "/sys/fs/cgroup/memory/memory.stat",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    texts.push_back(tree.get(path));
    ASSERT_FALSE(texts.back().empty());
  }
  static constexpr std::string_view kSpice = "\n\n  ::/..\\0189-,kBmax\t";
  Random random(20261121);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = texts[random.below(texts.size())];
    std::uint64_t changes = random.below(6);
    for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
      std::size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text[at] = kSpice[random.below(kSpice.size())];
          break;
        case 1:
          text.erase(at, random.below(12));
          break;
        case 2:
          text.insert(at, text.substr(random.below(text.size()), random.below(40)));
          break;
        default:
          text.resize(at);
      }
    }
    parse_everything(text);
  }
}

}  // namespace
}  // namespace plimsoll
