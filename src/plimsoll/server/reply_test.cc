#include "plimsoll/server/reply.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace plimsoll {
namespace {

class CountedReply final : public Reply {
 public:
  void raw(std::string_view bytes) override {
    text += bytes;
    ++calls;
  }
  void value(PinnedValue) override { ++values; }

  std::string text;
  int calls = 0;
  int values = 0;
};

TEST(Reply, WritesWhatEachProtocolHas) {
  const auto all = [](int protocol) {
    CountedReply reply;
    reply.set_protocol(protocol);
    reply.null();
    reply.null_array();
    reply.map(2);
    reply.set(3);
    reply.number(0.5);
    reply.verbatim("abc");
    reply.verbatim_header(12);
    return reply.text;
  };
  EXPECT_EQ(all(2), "$-1\r\n*-1\r\n*4\r\n*3\r\n$3\r\n0.5\r\n$3\r\nabc\r\n$12\r\n");
  EXPECT_EQ(all(3), "_\r\n_\r\n%2\r\n~3\r\n,0.5\r\n=7\r\ntxt:abc\r\n=16\r\ntxt:");
}

TEST(Reply, WritesEveryKindOfItem) {
  CountedReply reply;
  reply.simple("PONG");
  reply.error("ERR no");
  reply.integer(0);
  reply.integer(-7);
  reply.bulk("");
  reply.bulk("ab");
  reply.bulk_header(12);
  reply.null();
  reply.null_array();
  reply.array(0);
  reply.array(2);
  reply.ok();
  EXPECT_EQ(
      reply.text,
      "+PONG\r\n-ERR no\r\n:0\r\n:-7\r\n$0\r\n\r\n$2\r\nab\r\n$12\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n+OK\r\n");
}

TEST(Reply, WritesTheGreatestNumbers) {
  CountedReply reply;
  reply.integer(std::numeric_limits<std::int64_t>::min());
  reply.integer(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(reply.text, ":-9223372036854775808\r\n:9223372036854775807\r\n");
}

TEST(Reply, HandsSmallItemsOverInOneCall) {
  CountedReply reply;
  reply.bulk(std::string(100, 'x'));
  reply.error(std::string(100, 'x'));
  EXPECT_EQ(reply.calls, 2);
}

TEST(Reply, WritesItemsOfAnySizeWhole) {
  for (std::size_t size : {480u, 500u, 505u, 506u, 507u, 508u, 509u, 510u, 511u, 512u, 513u, 5'000u}) {
    const std::string bytes(size, 'x');
    CountedReply reply;
    reply.bulk(bytes);
    EXPECT_EQ(reply.text, "$" + std::to_string(size) + "\r\n" + bytes + "\r\n");
    reply.text.clear();
    reply.simple(bytes);
    EXPECT_EQ(reply.text, "+" + bytes + "\r\n");
    reply.text.clear();
    reply.error(bytes);
    EXPECT_EQ(reply.text, "-" + bytes + "\r\n");
  }
}

TEST(Reply, ErrorsAreOneLineWhateverTheyQuote) {
  CountedReply reply;
  reply.error("ERR a\r\nb");
  EXPECT_EQ(reply.text, "-ERR a  b\r\n");
  reply.text.clear();
  reply.error("ERR a\nb" + std::string(1'000, 'x'));
  EXPECT_EQ(reply.text, "-ERR a b" + std::string(1'000, 'x') + "\r\n");
}

}  // namespace
}  // namespace plimsoll
