#include "plimsoll/wire/resp_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/wire/internal/resp_transcript.h"

namespace plimsoll {
namespace {

using ::testing::ElementsAre;
using Events = std::vector<std::string>;

Events decode(std::string_view bytes, const RespDecoder::Options& options = {}) {
  detail::RespTranscript transcript(options);
  transcript.feed(bytes);
  return transcript.events();
}

Events decode_bytewise(std::string_view bytes, const RespDecoder::Options& options = {}) {
  detail::RespTranscript transcript(options);
  for (std::size_t i = 0; i < bytes.size(); ++i) transcript.feed(bytes.substr(i, 1));
  return transcript.events();
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string request(const std::vector<std::string>& args) {
  std::string bytes = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args) bytes += bulk(arg);
  return bytes;
}

std::string text_of(std::string_view bytes) { return std::string(bytes); }

struct Case {
  const char* why;
  std::string bytes;
  Events events;
};

void expect_all(const std::vector<Case>& cases, const RespDecoder::Options& options = {}) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(decode(c.bytes, options), c.events);
    EXPECT_EQ(decode_bytewise(c.bytes, options), c.events);
  }
}

TEST(RespDecoder, ReadsArraysOfBulkStrings) {
  expect_all({
      {"one argument", "*1\r\n$4\r\nPING\r\n", {"PING"}},
      {"three", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n", {"SET|k|value"}},
      {"an empty argument", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", {"ECHO|"}},
      {"line ends within an argument", "*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n", {"ECHO|\r\n\r\n"}},
      {"lengths of two and three digits",
       "*1\r\n" + bulk(std::string(99, 'a')) + "*1\r\n" + bulk(std::string(100, 'b')),
       {std::string(99, 'a'), std::string(100, 'b')}},
      {"a NUL in an argument", text_of({"*1\r\n$3\r\na\0b\r\n", 13}), {text_of({"a\0b", 3})}},
      {"a pipeline",
       request({"GET", "a"}) + request({"GET", "b"}) + "PING\r\n" + request({"GET", "c"}),
       {"GET|a", "GET|b", "PING", "GET|c"}},
  });
}

TEST(RespDecoder, IgnoresRequestsWithoutArguments) {
  expect_all({
      {"none", "*0\r\n*1\r\n$4\r\nPING\r\n", {"empty", "PING"}},
      {"the null array", "*-1\r\n", {"empty"}},
      {"any negative number", "*-9223372036854775808\r\n", {"empty"}},
      {"an empty line", "\r\n\n", {"empty", "empty"}},
      {"blanks", " \t\v\f \r\n", {"empty"}},
  });
}

TEST(RespDecoder, AnswersMalformedRequestsInRedissWords) {
  const std::string bad_count = "error: ERR Protocol error: invalid multibulk length";
  const std::string bad_length = "error: ERR Protocol error: invalid bulk length";
  expect_all({
      {"no count", "*\r\n", {bad_count}},
      {"a count that is not a number", "*abc\r\n", {bad_count}},
      {"a plus sign", "*+1\r\n", {bad_count}},
      {"a leading zero", "*01\r\n", {bad_count}},
      {"minus zero", "*-0\r\n", {bad_count}},
      {"a space", "* 1\r\n", {bad_count}},
      {"a newline alone is part of the number", "*1\n$4\r\n", {bad_count}},
      {"more than 2^31-1", "*2147483648\r\n", {bad_count}},
      {"more than 2^63-1", "*9223372036854775808\r\n", {bad_count}},
      {"no dollar", "*1\r\nPING\r\n", {"error: ERR Protocol error: expected '$', got 'P'"}},
      {"an empty line", "*1\r\n\r\n", {"error: ERR Protocol error: expected '$', got ' '"}},
      {"a newline", "*1\r\n\nx\r\n", {"error: ERR Protocol error: expected '$', got ' '"}},
      {"a nested array", "*1\r\n*1\r\n$1\r\na\r\n", {"error: ERR Protocol error: expected '$', got '*'"}},
      {"no length", "*1\r\n$\r\n", {bad_length}},
      {"a negative length", "*1\r\n$-1\r\n", {bad_length}},
      {"a length that is not a number", "*1\r\n$4x\r\nPING\r\n", {bad_length}},
      {"a length with a leading zero", "*1\r\n$04\r\nPING\r\n", {bad_length}},
      {"a length above the limit", "*1\r\n$536870913\r\n", {bad_length}},
      {"a length above 2^63-1", "*1\r\n$99999999999999999999\r\n", {bad_length}},
      {"what was read before is answered", "PING\r\n*1\r\n$-1\r\nPING\r\n", {"PING", bad_length}},
  });
}

TEST(RespDecoder, DoesNotLookAtBytesRedisDoesNotLookAt) {
  expect_all({
      {"the byte after a carriage return", "*1\rx$4\ryPING\r\n", {"PING"}},
      {"the two bytes after an argument", "*2\r\n$4\r\nECHOxy$2\r\nhizw", {"ECHO|hi"}},
  });
}

TEST(RespDecoder, WaitsForTheByteAfterACarriageReturn) {
  EXPECT_THAT(decode("*abc\r"), ElementsAre());
  EXPECT_THAT(decode("*1\r\nx\r"), ElementsAre());
  EXPECT_THAT(decode("*1\r\nx\r\n"), ElementsAre("error: ERR Protocol error: expected '$', got 'x'"));
}

TEST(RespDecoder, ReadsInlineRequests) {
  expect_all({
      {"a line", "PING\r\n", {"PING"}},
      {"a newline alone", "PING\n", {"PING"}},
      {"blanks around", "  SET\tk \v v  \r\n", {"SET|k|v"}},
      {"vertical tab and form feed belong to a word they are in", "ECHO a\vb\fc\n", {"ECHO|a\vb\fc"}},
      {"a carriage return within", "a\rb\n", {"a|b"}},
      {"double quotes", "SET k \"hello world\"\r\n", {"SET|k|hello world"}},
      {"escapes",
       R"(ECHO "\n\r\t\b\a\x41\x0a\q\\\"")"
       "\r\n",
       {"ECHO|\n\r\t\b\aA\nq\\\""}},
      {"half a hexadecimal escape is none", "ECHO \"\\x4\"\r\n", {"ECHO|x4"}},
      {"a hexadecimal escape of no digits", "ECHO \"\\xzz\"\r\n", {"ECHO|xzz"}},
      {"upper and lower digits", "ECHO \"\\xaF\\xFa\"\r\n", {"ECHO|\xaf\xfa"}},
      {"single quotes take one escape",
       R"(ECHO 'a\'b\n"')"
       "\r\n",
       {R"(ECHO|a'b\n")"}},
      {"an empty argument", "SET k \"\" ''\r\n", {"SET|k||"}},
      {"a quote opens within a word", "ECHO ab\"c d\"\r\n", {"ECHO|abc d"}},
      {"backslashes mean nothing outside quotes", "ECHO a\\nb\r\n", {"ECHO|a\\nb"}},
      {"a dollar sign first", "$4\r\n", {"$4"}},
      {"nine arguments", "a b c d e f g h i\r\n", {"a|b|c|d|e|f|g|h|i"}},
      {"nine with quotes", "a b c d e f g h \"\\x41\"\r\nPING\r\n", {"a|b|c|d|e|f|g|h|A", "PING"}},
  });
}

TEST(RespDecoder, RefusesUnbalancedQuotes) {
  const std::string unbalanced = "error: ERR Protocol error: unbalanced quotes in request";
  expect_all({
      {"open double", "GET \"a\r\n", {unbalanced}},
      {"open single", "GET 'a\r\n", {unbalanced}},
      {"a word after a closing quote", "GET \"a\"b\r\n", {unbalanced}},
      {"a word after a closing single quote", "GET 'a'b\r\n", {unbalanced}},
      {"two quoted words together", "GET \"a\"\"b\"\r\n", {unbalanced}},
      {"an escape at the end", "GET \"a\\\r\n", {unbalanced}},
      {"an escaped closing quote", "GET \"a\\\"\r\n", {unbalanced}},
      {"an escaped closing single quote", "GET 'a\\'\r\n", {unbalanced}},
  });
}

TEST(RespDecoder, RefusesLinesThatDoNotEnd) {
  const std::string line(65536, '1');
  EXPECT_THAT(decode(line), ElementsAre());
  EXPECT_THAT(decode(line + "1"), ElementsAre("error: ERR Protocol error: too big inline request"));
  EXPECT_THAT(decode("*" + line), ElementsAre("error: ERR Protocol error: too big mbulk count string"));
  EXPECT_THAT(decode("*1\r\n$" + line), ElementsAre("error: ERR Protocol error: too big bulk count string"));
  EXPECT_THAT(decode(line + "1\r\n"), ElementsAre(line + "1"));  // but a whole one may be long
}

TEST(RespDecoder, TakesANulForTheEndOfItsInputWhileItLooksForALineEnd) {
  EXPECT_THAT(decode(text_of({"PI\0NG\r\n", 7})), ElementsAre());
  EXPECT_THAT(decode(text_of({"*1\0\r\n", 5})), ElementsAre());
  EXPECT_THAT(decode_bytewise(text_of({"*1\r\n\0$4\r\nPING\r\n", 15})), ElementsAre());
  EXPECT_THAT(decode(text_of({"PI\0NG\r\n", 7}) + std::string(65536, 'x')),
              ElementsAre("error: ERR Protocol error: too big inline request"));
}

TEST(RespDecoder, LimitsWhatStrangersMaySend) {
  const RespDecoder::Options stranger{.authenticated = false};
  const std::string most(16384, 'x');
  expect_all(
      {
          {"ten arguments",
           request({"1", "2", "3", "4", "5", "6", "7", "8", "9", "0"}),
           {"1|2|3|4|5|6|7|8|9|0"}},
          {"eleven", "*11\r\n", {"error: ERR Protocol error: unauthenticated multibulk length"}},
          {"16 KiB", request({most}), {most}},
          {"a byte more", "*1\r\n$16385\r\n", {"error: ERR Protocol error: unauthenticated bulk length"}},
          {"malformed comes first", "*x\r\n", {"error: ERR Protocol error: invalid multibulk length"}},
      },
      stranger);
}

TEST(RespDecoder, TrustsAClientFromTheRequestAfterItsPassword) {
  detail::RespTranscript transcript({.authenticated = false});
  transcript.feed(request({"AUTH", "x"}));
  const_cast<RespDecoder&>(transcript.decoder()).set_authenticated(true);
  transcript.feed("*11\r\n");
  EXPECT_THAT(transcript.events(), ElementsAre("AUTH|x"));
  EXPECT_EQ(transcript.decoder().announced_args(), 11u);
}

TEST(RespDecoder, HoldsItsOwnLimitOfArguments) {
  const RespDecoder::Options options{.max_args = 3};
  EXPECT_EQ(decode(request({"1", "2", "3"}), options), Events{"1|2|3"});
  EXPECT_EQ(decode("*4\r\n", options), Events{"error: ERR Protocol error: invalid multibulk length"});
}

TEST(RespDecoder, FollowsAChangedSizeLimit) {
  RespDecoder decoder;
  decoder.set_max_bulk(1_KiB);
  std::string bytes = "*1\r\n$1025\r\n";
  EXPECT_EQ(decoder.next(bytes), RespDecoder::Status::kError);
  EXPECT_EQ(decoder.error().view(), "ERR Protocol error: invalid bulk length");
  EXPECT_EQ(decoder.next(bytes), RespDecoder::Status::kError) << "an error is final";
}

TEST(RespDecoder, RefusesMoreBytesThanOneRequestMayHave) {
  RespDecoder decoder;
  char first = '*';  // what lies behind is not read
  EXPECT_EQ(decoder.next({&first, RespDecoder::kMaxRequest + 1}), RespDecoder::Status::kError);
  EXPECT_EQ(decoder.error().view(), "ERR Protocol error: too big request");
}

TEST(RespDecoder, AnnouncesALargeArgumentThatIsNotAllThere) {
  RespDecoder decoder({.body_threshold = 10_B});
  std::string bytes = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nabc";
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kBody);
  EXPECT_EQ(decoder.body_size(), 12u);
  EXPECT_EQ(decoder.body_index(), 0u);
  EXPECT_EQ(bytes.substr(decoder.body_offset()), "abc");
  ASSERT_EQ(decoder.args().size(), 2u);
  EXPECT_EQ(decoder.args()[0].view(bytes), "SET");
  EXPECT_EQ(decoder.announced_args(), 3u);
  EXPECT_EQ(decoder.consumed(), 0u);
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kBody) << "until it was taken";

  bytes.resize(decoder.body_offset());
  decoder.body_done();
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kNeedMore);
  bytes += "\r\nPING\r\n";
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kCommand);
  EXPECT_EQ(bytes.substr(decoder.consumed()), "PING\r\n");
  ASSERT_EQ(decoder.args().size(), 3u);
  EXPECT_EQ(decoder.args()[1].view(bytes), "k");
  EXPECT_TRUE(decoder.args()[2].is_body);
  EXPECT_EQ(decoder.args()[2].size, 12u);
  EXPECT_EQ(decoder.args()[2].offset, 0u);
}

TEST(RespDecoder, PresentsALargeArgumentThatIsThereAsAnyOther) {
  detail::RespTranscript transcript({.body_threshold = 10_B});
  transcript.feed(request({"SET", "k", "0123456789"}));
  EXPECT_THAT(transcript.events(), ElementsAre("SET|k|0123456789"));
  EXPECT_EQ(transcript.bodies_seen(), 0u);
  // Nor when only its line end is missing: there would be nothing left to read into it.
  transcript.feed("*1\r\n$10\r\n0123456789");
  transcript.feed("\r\n");
  EXPECT_EQ(transcript.bodies_seen(), 0u);
  EXPECT_EQ(transcript.events().size(), 2u);
}

TEST(RespDecoder, TakesSeveralBodiesInOneRequest) {
  const RespDecoder::Options options{.body_threshold = 4_B};
  const Events expected = {"MSET|a|first|b|xy|c|second", "PING"};
  const std::string bytes = request({"MSET", "a", "first", "b", "xy", "c", "second"}) + "PING\r\n";
  detail::RespTranscript transcript(options);
  for (char c : bytes) transcript.feed({&c, 1});
  EXPECT_EQ(transcript.events(), expected);
  EXPECT_EQ(transcript.bodies_seen(), 3u);
}

TEST(RespDecoder, AsksBeforeItsArgumentListGrows) {
  RespDecoder decoder;
  std::string bytes = request(std::vector<std::string>(200, "x"));
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kGrow);
  EXPECT_EQ(decoder.args().size(), RespDecoder::kInlineArgs);
  EXPECT_EQ(decoder.memory(), 0_B);
  EXPECT_EQ(decoder.growth(), 64 * Bytes(sizeof(RespArg)));
  EXPECT_EQ(decoder.next(bytes), RespDecoder::Status::kGrow) << "until it was granted";
  EXPECT_TRUE(decoder.grow());
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kGrow);
  EXPECT_TRUE(decoder.grow());
  EXPECT_EQ(decoder.memory(), 128 * Bytes(sizeof(RespArg)));
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kGrow);
  EXPECT_TRUE(decoder.grow());
  EXPECT_EQ(decoder.memory(), 200 * Bytes(sizeof(RespArg))) << "never more than was announced";
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kCommand);
  EXPECT_EQ(decoder.args().size(), 200u);
  EXPECT_EQ(decoder.args()[199].view(bytes), "x");
  decoder.trim();
  EXPECT_EQ(decoder.memory(), 0_B);
}

TEST(RespDecoder, KeepsItsArgumentListWhileARequestIsUnderWay) {
  RespDecoder decoder;
  std::string bytes = request(std::vector<std::string>(20, "x"));
  const std::string part = bytes.substr(0, bytes.size() - 1);
  std::string in = part;
  ASSERT_EQ(decoder.next(in), RespDecoder::Status::kGrow);
  ASSERT_TRUE(decoder.grow());
  ASSERT_EQ(decoder.next(in), RespDecoder::Status::kNeedMore);
  EXPECT_FALSE(decoder.between_requests());
  decoder.trim();
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kCommand);
  EXPECT_EQ(decoder.args().size(), 20u);
}

TEST(RespDecoder, SaysHowManyBytesItNeeds) {
  RespDecoder decoder;
  std::string bytes = "*1\r\n$1000\r\nabc";
  ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kNeedMore);
  EXPECT_EQ(decoder.needed(), 11u + 1000 + 2);
}

TEST(RespDecoder, SkipsARequestFromAnyPlace) {
  const std::string before = request({"GET", "before"});
  const std::string after = request({"GET", "after"});
  const std::vector<std::string> skipped = {
      request({"SET", "key", std::string(300, 'v')}),
      request(std::vector<std::string>(30, "argument")),
      request({"MSET", "a", std::string(200, 'v'), "b", std::string(200, 'w')}),
      "a b c d e f g h i j k l\r\n",
  };
  for (const std::string& middle : skipped) {
    const std::string bytes = before + middle + after;
    for (std::size_t piece = 1; piece < 80; ++piece) {
      detail::RespTranscript transcript({.body_threshold = 100_B});
      transcript.skip = [] { return true; };
      for (std::size_t at = 0; at < bytes.size(); at += piece)
        transcript.feed(std::string_view(bytes).substr(at, piece));
      ASSERT_THAT(transcript.events(), ElementsAre("GET|before", "skipped", "GET|after"))
          << piece << ' ' << middle;
    }
  }
}

TEST(RespDecoder, SkipsTheRestOfABodyThatWasTakenInPart) {
  const std::string bytes = request({"SET", "k", std::string(1000, 'v')}) + "PING\r\n";
  for (int patience = 0; patience < 20; ++patience) {
    detail::RespTranscript transcript({.body_threshold = 100_B});
    int asked = 0;
    transcript.skip = [&] { return ++asked > patience; };
    for (std::size_t at = 0; at < bytes.size(); at += 90)
      transcript.feed(std::string_view(bytes).substr(at, 90));
    EXPECT_THAT(transcript.events(),
                ElementsAre(patience < 12 ? "skipped" : "SET|k|" + std::string(1000, 'v'), "PING"));
  }
}

TEST(RespDecoder, SkipsWithoutHoldingMoreThanALine) {
  detail::RespTranscript transcript({.body_threshold = 100_B});
  transcript.skip = [] { return true; };
  transcript.feed("*2\r\n$3\r\nSET\r\n$1000000\r\n");
  for (int i = 0; i < 10; ++i) {
    transcript.feed(std::string(50'000, 'v'));
    EXPECT_EQ(transcript.pending(), 0u);
  }
  EXPECT_EQ(transcript.decoder().memory(), 0_B);
}

TEST(RespDecoder, MaySkipBeforeOrAfterABody) {
  for (const bool after : {false, true}) {
    RespDecoder decoder({.body_threshold = 4_B});
    std::string bytes = after ? "*2\r\n$5\r\n" : "*2\r\n$1\r\nx";
    ASSERT_EQ(decoder.next(bytes), after ? RespDecoder::Status::kBody : RespDecoder::Status::kNeedMore);
    if (after) decoder.body_done();
    decoder.skip();
    bytes += after ? "\r\n$1\r\ny\r\n" : "\r\n$5\r\nabcde\r\n";
    ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kSkipped);
    EXPECT_EQ(decoder.consumed(), bytes.size());
    EXPECT_TRUE(decoder.args().empty());
  }
}

TEST(RespDecoder, MaySkipALineThatHasNotEnded) {
  for (const char* line : {"PING hello", "*3", "*0", "*"}) {
    RespDecoder decoder;
    std::string bytes = line;
    ASSERT_EQ(decoder.next(bytes), RespDecoder::Status::kNeedMore);
    decoder.skip();
    bytes += bytes == "*3" ? "\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n" : "\r\n";
    EXPECT_EQ(decoder.next(bytes),
              bytes == "*\r\n" ? RespDecoder::Status::kError : RespDecoder::Status::kSkipped);
  }
}

TEST(RespDecoder, FindsErrorsWhileSkipping) {
  detail::RespTranscript transcript({.body_threshold = 4_B});
  transcript.skip = [] { return true; };
  transcript.feed("*2\r\n$5\r\nabc");
  transcript.feed("de\r\n$-1\r\n");
  EXPECT_THAT(transcript.events(), ElementsAre("error: ERR Protocol error: invalid bulk length"));
}

TEST(RespDecoder, IsSmallSinceEveryIdleConnectionHasOne) { EXPECT_LE(sizeof(RespDecoder), 192u); }

TEST(RespDecoderDeathTest, MisuseIsFound) {
  RespDecoder decoder;
  EXPECT_DEATH(decoder.body_done(), "check failed");
  EXPECT_DEATH(decoder.skip(), "check failed");
  EXPECT_DEATH(decoder.error(), "check failed");
}

// A stream of requests and what a reader that is not incremental makes of them.
struct Stream {
  std::string bytes;
  Events events;
};

Stream random_stream(Random& random) {
  Stream stream;
  for (std::uint64_t requests = 1 + random.below(8); requests > 0; --requests) {
    std::vector<std::string> args(1 + random.below(random.below(4) == 0 ? 100 : 5));
    std::string joined;
    for (std::string& arg : args) {
      arg.resize(random.below(4) == 0 ? random.below(300) : random.below(8));
      for (char& c : arg)
        c = static_cast<char>(random.below(3) == 0 ? "\r\n$*\0"[random.below(5)] : random.below(256));
      if (&arg != &args[0]) joined += '|';
      joined += arg;
    }
    if (random.below(8) == 0) {
      stream.bytes += "*0\r\n\r\n";
      stream.events.insert(stream.events.end(), 2, "empty");
    }
    stream.bytes += request(args);
    stream.events.push_back(joined);
  }
  return stream;
}

TEST(RespDecoder, GivesTheSameRequestsHoweverTheBytesAreCut) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    const Stream stream = random_stream(random);
    const RespDecoder::Options options{.body_threshold = Bytes(1 + random.below(200))};
    ASSERT_EQ(decode(stream.bytes, options), stream.events);
    detail::RespTranscript transcript(options);
    const std::uint64_t most = 1 + random.below(round % 10 == 0 ? 1 : 60);
    for (std::size_t at = 0; at < stream.bytes.size();) {
      const std::size_t piece = 1 + random.below(most);
      transcript.feed(std::string_view(stream.bytes).substr(at, piece));
      at += piece;
    }
    ASSERT_EQ(transcript.events(), stream.events) << "round " << round;
  }
}

TEST(RespDecoder, GivesTheSameAnswersHoweverDamagedBytesAreCut) {
  Random random(8);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = random_stream(random).bytes;
    for (std::uint64_t damage = 1 + random.below(4); damage > 0; --damage) {
      bytes[random.below(bytes.size())] = "\r\n$*0129-\"' x"[random.below(13)];
    }
    const RespDecoder::Options options{.body_threshold = Bytes(1 + random.below(200))};
    detail::RespTranscript transcript(options);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = 1 + random.below(40);
      transcript.feed(std::string_view(bytes).substr(at, piece));
      at += piece;
    }
    ASSERT_EQ(transcript.events(), decode(bytes, options)) << "round " << round;
  }
}

// Processor time, so that a busy machine does not fail it. It takes a tenth of what it asserts; were each
// call to look at everything that is there, it would take minutes.
TEST(RespDecoder, ReadsAByteAtATimeInLinearTime) {
  constexpr std::clock_t kMost = 5 * CLOCKS_PER_SEC;
  const std::clock_t start = std::clock();
  const auto in_time = [&](std::size_t size) { return size % 1024 != 0 || std::clock() - start < kMost; };
  RespDecoder line({.max_line = 1_GiB});
  std::string bytes(2'000'000, 'x');
  for (std::size_t size = 1; size <= bytes.size() && in_time(size); ++size) {
    ASSERT_EQ(line.next({bytes.data(), size}), RespDecoder::Status::kNeedMore);
  }
  RespDecoder args;
  bytes = request(std::vector<std::string>(250'000, "ab"));
  for (std::size_t size = 1; size < bytes.size() && in_time(size); ++size) {
    RespDecoder::Status status = args.next({bytes.data(), size});
    if (status == RespDecoder::Status::kGrow) {
      ASSERT_TRUE(args.grow());
      status = args.next({bytes.data(), size});
    }
    ASSERT_EQ(status, RespDecoder::Status::kNeedMore);
  }
  EXPECT_LT(std::clock() - start, kMost);
}

}  // namespace
}  // namespace plimsoll
