#include "plimsoll/wire/resp_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/wire/resp_writer.h"

namespace plimsoll {
namespace {

// The replies a scanner cuts `bytes` into, in pieces of at most `piece` bytes; "failed" ends it.
std::vector<std::string> scan(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> replies(1);
  RespReplyScanner scanner;
  while (!bytes.empty()) {
    const std::size_t taken = scanner.feed(bytes.substr(0, piece));
    replies.back() += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (scanner.failed()) {
      replies.back() = "failed";
      return replies;
    }
    if (scanner.complete()) replies.emplace_back();
  }
  if (replies.back().empty()) replies.pop_back();
  return replies;
}

RespReplyScanner fed(std::string_view bytes) {
  RespReplyScanner scanner;
  EXPECT_EQ(scanner.feed(bytes), bytes.size());
  return scanner;
}

TEST(RespReplyScanner, FindsTheEndOfEveryKind) {
  const std::vector<std::string> replies = {"+OK\r\n",
                                            "+\r\n",
                                            "-ERR no\r\n",
                                            ":12\r\n",
                                            ":-1\r\n",
                                            "$5\r\nva\r\ne\r\n",
                                            "$0\r\n\r\n",
                                            "$-1\r\n",
                                            "*0\r\n",
                                            "*-1\r\n",
                                            "*3\r\n:1\r\n$1\r\na\r\n+x\r\n",
                                            "*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n$-1\r\n",
                                            "*1\r\n*1\r\n*1\r\n:1\r\n"};
  std::string stream;
  for (const std::string& reply : replies) stream += reply;
  for (std::size_t piece = 1; piece <= stream.size(); ++piece)
    ASSERT_EQ(scan(stream, piece), replies) << piece;
}

TEST(RespReplyScanner, SaysWhatTheReplyWas) {
  EXPECT_EQ(fed("+OK\r\n").type(), RespType::kSimple);
  EXPECT_EQ(fed("-ERR\r\n").type(), RespType::kError);
  EXPECT_EQ(fed(":-42\r\n").number(), -42);
  EXPECT_EQ(fed("$3\r\nabc\r\n").number(), 3);
  EXPECT_EQ(fed("$-1\r\n").number(), -1);
  const RespReplyScanner array = fed("*1\r\n*2\r\n:7\r\n$1\r\na\r\n");
  EXPECT_EQ(array.type(), RespType::kArray);
  EXPECT_EQ(array.number(), 1) << "not a number of its elements";
}

TEST(RespReplyScanner, FailsOnWhatIsNoReply) {
  for (std::string_view bytes : {"x", "\r\n", "+OK\rx", ":\r\n", ":1x\r\n", ":+1\r\n", ":1\rx", "$-2\r\n",
                                 "$4294967297\r\n", "$1\r\nabc", "$1\r\na\rb", "*-2\r\n", "*99999999999\r\n",
                                 ":123456789012345678901", "*1\r\nx", "$0\r\nx", "%1\r\n"}) {
    for (std::size_t piece : {std::size_t{1}, bytes.size()}) {
      EXPECT_EQ(scan(bytes, piece), std::vector<std::string>{"failed"}) << bytes;
    }
  }
}

TEST(RespReplyScanner, FailsOnMoreValuesThanItCanCount) {
  std::string bytes;
  for (int i = 0; i < 3; ++i) bytes += "*4294967295\r\n";
  EXPECT_EQ(scan(bytes, 5), std::vector<std::string>{"failed"});
}

TEST(RespReplyScanner, StaysFailed) {
  RespReplyScanner scanner;
  scanner.feed(std::string_view("x"));
  EXPECT_EQ(scanner.feed(std::string_view("+OK\r\n")), 0u);
  EXPECT_TRUE(scanner.failed());
}

TEST(RespValue, IsTakenOffTheFront) {
  std::string_view bytes = "+OK\r\n-ERR e\r\n:-5\r\n$2\r\nhi\r\n$-1\r\n*-1\r\n*0\r\nrest";
  std::optional<RespValue> value = take_resp_value(bytes);
  EXPECT_EQ(value->text, "OK");
  value = take_resp_value(bytes);
  EXPECT_EQ(value->type, RespType::kError);
  EXPECT_EQ(value->text, "ERR e");
  value = take_resp_value(bytes);
  EXPECT_EQ(value->number, -5);
  EXPECT_FALSE(value->null);
  EXPECT_EQ(value->text, "");
  value = take_resp_value(bytes);
  EXPECT_EQ(value->text, "hi");
  value = take_resp_value(bytes);
  EXPECT_EQ(value->type, RespType::kBulk);
  EXPECT_TRUE(value->null);
  value = take_resp_value(bytes);
  EXPECT_EQ(value->type, RespType::kArray);
  EXPECT_TRUE(value->null);
  value = take_resp_value(bytes);
  EXPECT_FALSE(value->null);
  EXPECT_EQ(value->number, 0);
  EXPECT_FALSE(take_resp_value(bytes));
  EXPECT_EQ(bytes, "rest");
}

TEST(RespValue, OfAnArrayIsItsElements) {
  std::string_view bytes = "*3\r\n:1\r\n*2\r\n+a\r\n+b\r\n$1\r\nc\r\n:9\r\n";
  const std::optional<RespValue> array = take_resp_value(bytes);
  EXPECT_EQ(bytes, ":9\r\n");
  EXPECT_EQ(array->number, 3);
  std::string_view elements = array->text;
  EXPECT_EQ(take_resp_value(elements)->number, 1);
  EXPECT_EQ(take_resp_value(elements)->text, "+a\r\n+b\r\n");
  EXPECT_EQ(take_resp_value(elements)->text, "c");
  EXPECT_TRUE(elements.empty());
}

TEST(RespValue, IsNothingUntilItIsAllThere) {
  constexpr std::string_view kWhole = "*2\r\n$3\r\nabc\r\n:12\r\n";
  for (std::size_t size = 0; size < kWhole.size(); ++size) {
    std::string_view bytes = kWhole.substr(0, size);
    EXPECT_FALSE(take_resp_value(bytes));
    EXPECT_EQ(bytes.size(), size);
  }
}

void write_random(Random& random, RespWriter<StringSink>& writer, int depth) {
  switch (random.below(depth > 0 ? 7 : 6)) {
    case 0:
      writer.simple("text");
      return;
    case 1:
      writer.error("ERR text");
      return;
    case 2:
      writer.integer(static_cast<std::int64_t>(random()));
      return;
    case 3:
      writer.bulk(std::string(random.below(40), "\r\n$:"[random.below(4)]));
      return;
    case 4:
      writer.null_bulk();
      return;
    case 5:
      writer.null_array();
      return;
    default:
      break;
  }
  const std::uint64_t size = random.below(5);
  writer.array(size);
  for (std::uint64_t i = 0; i < size; ++i) write_random(random, writer, depth - 1);
}

TEST(RespReplyScanner, CutsRandomRepliesWhereTheyWereWritten) {
  Random random(11);
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::string> replies(1 + random.below(6));
    std::string stream;
    for (std::string& reply : replies) {
      StringSink sink(reply);
      RespWriter writer(sink);
      write_random(random, writer, 4);
      stream += reply;
    }
    ASSERT_EQ(scan(stream, stream.size()), replies);
    ASSERT_EQ(scan(stream, 1 + random.below(20)), replies);
  }
}

}  // namespace
}  // namespace plimsoll
