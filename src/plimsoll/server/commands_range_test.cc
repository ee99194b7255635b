#include <atomic>
#include <thread>

#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(RangeCommands, AppendLengthens) {
  CommandFixture f;
  f.expect({
      {"append k ab", ":2\r\n"},
      {"append k ''", ":2\r\n"},
      {"append k cd", ":4\r\n"},
      {"get k", "$4\r\nabcd\r\n"},
      {"append new ''", ":0\r\n"},
      {"exists new", ":1\r\n"},
      {"get new", "$0\r\n\r\n"},
      {"setex k 100 v", "+OK\r\n"},
      {"append k w", ":2\r\n"},
      {"ttl k", ":100\r\n"},
      {"append k", "-ERR wrong number of arguments for 'append' command\r\n"},
  });
}

TEST(RangeCommands, StrlenCounts) {
  CommandFixture f;
  f.expect({
      {"strlen k", ":0\r\n"},
      {"set k hello", "+OK\r\n"},
      {"strlen k", ":5\r\n"},
      {"strlen", "-ERR wrong number of arguments for 'strlen' command\r\n"},
  });
}

TEST(RangeCommands, GetrangeCountsFromEitherEnd) {
  CommandFixture f;
  f.expect({
      {"set k 'This is a string'", "+OK\r\n"},
      {"getrange k 0 3", "$4\r\nThis\r\n"},
      {"getrange k -3 -1", "$3\r\ning\r\n"},
      {"getrange k 0 -1", "$16\r\nThis is a string\r\n"},
      {"getrange k 10 100", "$6\r\nstring\r\n"},
      {"getrange k 5 4", "$0\r\n\r\n"},
      {"getrange k -5 -7", "$0\r\n\r\n"},
      {"getrange k -100 -90", "$1\r\nT\r\n"},
      {"getrange k -100 2", "$3\r\nThi\r\n"},
      {"getrange k 16 20", "$0\r\n\r\n"},
      {"getrange k 15 20", "$1\r\ng\r\n"},
      {"getrange k 3 -100", "$0\r\n\r\n"},
      {"getrange k -9223372036854775808 9223372036854775807", "$16\r\nThis is a string\r\n"},
      {"getrange k 9223372036854775807 -9223372036854775808", "$0\r\n\r\n"},
      {"getrange k 9223372036854775808 1", "-ERR value is not an integer or out of range\r\n"},
      {"getrange k x 1", "-ERR value is not an integer or out of range\r\n"},
      {"getrange k 1 x", "-ERR value is not an integer or out of range\r\n"},
      {"getrange absent 0 1", "$0\r\n\r\n"},
      {"getrange absent x 1", "-ERR value is not an integer or out of range\r\n"},
      {"getrange k 0", "-ERR wrong number of arguments for 'getrange' command\r\n"},
      {"substr k 0 3", "$4\r\nThis\r\n"},
      {"set e ''", "+OK\r\n"},
      {"getrange e 0 -1", "$0\r\n\r\n"},
  });
}

TEST(RangeCommands, SetrangePadsWithZeros) {
  CommandFixture f;
  f.expect({
      {"setrange k 5 ''", ":0\r\n"},
      {"exists k", ":0\r\n"},
      {"setrange k 2 ab", ":4\r\n"},
      {"get k", "$4\r\n\0\0ab\r\n"sv},
      {"setrange k 1 x", ":4\r\n"},
      {"get k", "$4\r\n\0xab\r\n"sv},
      {"setrange k 6 yz", ":8\r\n"},
      {"get k", "$8\r\n\0xab\0\0yz\r\n"sv},
      {"setrange k 0 ''", ":8\r\n"},
      {"setrange k -1 x", "-ERR offset is out of range\r\n"},
      {"setrange k x y", "-ERR value is not an integer or out of range\r\n"},
      {"setrange k 1.0 y", "-ERR value is not an integer or out of range\r\n"},
      {"setrange k 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"},
      {"setrange k 536870911 xy", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"},
      {"setrange k 9223372036854775807 x",
       "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"},
      {"setrange k 9223372036854775807 ''", ":8\r\n"},
      {"setrange absent 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"},
      {"setrange absent -1 ''", "-ERR offset is out of range\r\n"},
      {"exists absent", ":0\r\n"},
      {"setrange k 1", "-ERR wrong number of arguments for 'setrange' command\r\n"},
      {"expire k 100", ":1\r\n"},
      {"setrange k 0 zz", ":8\r\n"},
      {"ttl k", ":100\r\n"},
  });
}

TEST(RangeCommands, AppendGrowsAcrossTheSizeWhereValuesGetTheirOwnPages) {
  CommandFixture f;
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string piece(1'000, static_cast<char>('a' + i % 26));
    expected += piece;
    EXPECT_EQ(f.run({"append", "k", piece}), ":" + std::to_string(expected.size()) + "\r\n");
  }
  EXPECT_EQ(f.run("get k"), bulk_of(expected));
  EXPECT_EQ(f.run("setrange k 20000 XYZ"), ":40000\r\n");
  expected.replace(20'000, 3, "XYZ");
  EXPECT_EQ(f.run("get k"), bulk_of(expected));
  EXPECT_EQ(f.run("getrange k 19999 20003"), bulk_of(expected.substr(19'999, 5)));
  f.cache.CheckInvariants();
}

TEST(RangeCommands, AppendOfABodyToNothingTakesItOver) {
  CommandFixture f;
  const std::string value(50'000, 'v');
  std::vector<ExtentRef> bodies(3);
  bodies[2] = f.body(value);
  const std::vector<std::string_view> args = {"append", "k", bodies[2]->view()};
  EXPECT_EQ(f.run(args, bodies), ":50000\r\n");
  EXPECT_FALSE(bodies[2]);
  bodies[2] = f.body(value);
  const std::vector<std::string_view> again = {"append", "k", bodies[2]->view()};
  EXPECT_EQ(f.run(again, bodies), ":100000\r\n");
  EXPECT_EQ(f.run("get k"), bulk_of(value + value));
}

TEST(RangeCommands, ALargeRangeIsSentAsTheReaderHasRoom) {
  CommandFixture f;
  std::string value;
  for (int i = 0; value.size() < 300'000; ++i) value += std::to_string(i);
  f.run({"set", "k", value});
  RecordedReply reply;
  bool full = false;
  const std::vector<std::string_view> args = {"getrange", "k", "1000", "-1001"};
  CommandContext context{.args = args,
                         .bodies = {},
                         .reply = reply,
                         .cache = f.cache,
                         .databases = f.databases,
                         .server = f.server,
                         .session = f.session,
                         .now_ms = f.now_ms,
                         .reader_is_full = [&] { return std::exchange(full, !full); }};
  int calls = 1;
  while (run_command(context) == Progress::kAgain) {
    ++calls;
    // The reply has begun: it goes on with the value it began with.
    f.run("set k changed");
  }
  EXPECT_GT(calls, 3);
  EXPECT_EQ(reply.text, bulk_of(value.substr(1000, value.size() - 2000)));
  EXPECT_FALSE(context.kept);
}

TEST(RangeCommands, AnAppendThatWouldPassTheLimitIsRefused) {
  CommandFixture f(2_GiB);
  EXPECT_EQ(f.run("setrange k 536870911 x"), ":536870912\r\n");
  EXPECT_EQ(f.run("append k x"), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
  EXPECT_EQ(f.run("append k ''"), ":536870912\r\n");
  EXPECT_EQ(f.run("strlen k"), ":536870912\r\n");
}

// To keep the headroom free, a value may be given up as soon as it is written: its bytes went to where no
// item is.
TEST(RangeCommands, AValueMayBeGivenUpWhileItIsMadeLonger) {
  CommandFixture f(16_MiB);
  std::atomic<bool> ended{false};
  std::thread other([&] {
    while (!ended.load()) {
      static_cast<void>(f.others.charge(f.line.free()));  // and gives it back
      for (int i = 0; i < 20; ++i) std::this_thread::yield();
    }
  });
  int done = 0;
  for (std::size_t i = 0; done < 2000; ++i) {
    const std::size_t at = 20'000 + i % 1000 * 1000;
    f.run("del k");
    const std::string reply = f.run({"setrange", "k", std::to_string(at), "x"});
    const bool written = reply.starts_with(':');
    EXPECT_TRUE(written || reply.starts_with("-OOM")) << reply;
    done += written ? 1 : 0;
  }
  ended.store(true);
  other.join();
  f.cache.CheckInvariants();
}

}  // namespace
}  // namespace plimsoll
