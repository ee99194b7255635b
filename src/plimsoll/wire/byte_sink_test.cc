#include "plimsoll/wire/byte_sink.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

static_assert(ByteSink<SpanSink> && ByteSink<StringSink>);

TEST(SpanSink, SaysHowMuchRoomWouldHaveBeenEnough) {
  char memory[5];
  SpanSink sink(memory);
  EXPECT_TRUE(write_bytes(sink, "abc"));
  EXPECT_TRUE(write_bytes(sink, ""));
  EXPECT_TRUE(write_bytes(sink, "de"));
  EXPECT_FALSE(sink.overflowed());
  EXPECT_FALSE(write_bytes(sink, "fgh"));
  EXPECT_TRUE(sink.overflowed());
  EXPECT_EQ(sink.written(), "abcde");
  EXPECT_EQ(sink.needed(), 8u);
}

TEST(SpanSink, StaysAPrefixOnceItHasRefused) {
  char memory[4];
  SpanSink sink(memory);
  EXPECT_TRUE(write_bytes(sink, "ab"));
  EXPECT_FALSE(write_bytes(sink, "too long"));
  EXPECT_FALSE(write_bytes(sink, "c")) << "there would be room, but not behind what was refused";
  EXPECT_EQ(sink.written(), "ab");
  EXPECT_EQ(sink.needed(), 11u);
}

TEST(StringSink, KeepsWhatWasThereAndWhatWasCommitted) {
  std::string text = "kept,";
  StringSink sink(text);
  char* to = sink.reserve(10);
  to[0] = 'a';
  sink.commit(1);
  EXPECT_TRUE(write_bytes(sink, "bc"));
  EXPECT_EQ(text, "kept,abc");
}

}  // namespace
}  // namespace plimsoll
