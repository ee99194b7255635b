#include "plimsoll/wire/resp_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace plimsoll {
namespace {

template <typename Write>
std::string written(Write write) {
  std::string text;
  StringSink sink(text);
  RespWriter writer(sink);
  EXPECT_TRUE(write(writer));
  return text;
}

TEST(RespWriter, WritesEveryKindOfReply) {
  EXPECT_EQ(written([](auto& w) { return w.simple("PONG"); }), "+PONG\r\n");
  EXPECT_EQ(written([](auto& w) { return w.ok(); }), "+OK\r\n");
  EXPECT_EQ(written([](auto& w) { return w.error("ERR no"); }), "-ERR no\r\n");
  EXPECT_EQ(written([](auto& w) { return w.integer(7); }), ":7\r\n");
  EXPECT_EQ(written([](auto& w) { return w.bulk("value"); }), "$5\r\nvalue\r\n");
  EXPECT_EQ(written([](auto& w) { return w.bulk(""); }), "$0\r\n\r\n");
  EXPECT_EQ(written([](auto& w) { return w.bulk(std::string(100, 'x')); }),
            "$100\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(written([](auto& w) { return w.bulk_integer(-12); }), "$3\r\n-12\r\n");
  EXPECT_EQ(written([](auto& w) { return w.null_bulk(); }), "$-1\r\n");
  EXPECT_EQ(written([](auto& w) { return w.null_array(); }), "*-1\r\n");
  EXPECT_EQ(written([](auto& w) { return w.array(0); }), "*0\r\n");
  EXPECT_EQ(written([](auto& w) { return w.array(1024); }), "*1024\r\n");
  EXPECT_EQ(written([](auto& w) { return w.raw(":1\r\n"); }), ":1\r\n");
}

TEST(RespWriter, LeavesThePayloadOfABulkToTheCaller) {
  EXPECT_EQ(written([](auto& w) { return w.bulk_header(3) && w.raw("abc") && w.line_end(); }),
            "$3\r\nabc\r\n");
}

TEST(RespWriter, WritesRequestsToo) {
  const std::vector<std::string_view> args = {"SET", "k", ""};
  EXPECT_EQ(written([&](auto& w) { return w.request(args); }), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
}

TEST(RespWriter, KeepsErrorsOnOneLine) {
  EXPECT_EQ(written([](auto& w) { return w.error("ERR unknown command 'a\r\nb'"); }),
            "-ERR unknown command 'a  b'\r\n");
}

TEST(RespWriter, WritesIntegersOfEveryLength) {
  std::vector<std::int64_t> values = {std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max()};
  for (std::int64_t power = 1; power <= 1'000'000'000'000'000'000; power *= 10) {
    for (std::int64_t near : {power - 1, power, power + 1}) {
      values.push_back(near);
      values.push_back(-near);
    }
    if (power == 1'000'000'000'000'000'000) break;
  }
  for (std::int64_t value : values) {
    EXPECT_EQ(written([&](auto& w) { return w.integer(value); }), ":" + std::to_string(value) + "\r\n");
    EXPECT_EQ(written([&](auto& w) { return w.bulk_integer(value); }),
              "$" + std::to_string(std::to_string(value).size()) + "\r\n" + std::to_string(value) + "\r\n");
  }
}

TEST(RespWriter, WritesAnItemWholeOrNotAtAll) {
  std::vector<char> memory(100);
  for (std::size_t room = 0; room < memory.size(); ++room) {
    SpanSink sink({memory.data(), room});
    RespWriter writer(sink);
    const bool all = writer.simple("OK") && writer.integer(12) && writer.bulk("abc") &&
                     writer.error("ERR e") && writer.array(3) && writer.null_bulk();
    const std::string whole = "+OK\r\n:12\r\n$3\r\nabc\r\n-ERR e\r\n*3\r\n$-1\r\n";
    EXPECT_EQ(all, sink.written() == whole);
    EXPECT_EQ(whole.substr(0, sink.written().size()), sink.written());
    EXPECT_TRUE(sink.written().empty() || sink.written().back() == '\n');
    EXPECT_EQ(all, !sink.overflowed());
  }
}

}  // namespace
}  // namespace plimsoll
