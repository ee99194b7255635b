#include "plimsoll/server/internal/output_fixture.h"

namespace plimsoll {
namespace {

TEST_F(OutputTest, JoinsSmallRepliesAndHoldsNothing) {
  output_->simple("PONG");
  output_->integer(-5);
  output_->bulk("hello");
  output_->null();
  EXPECT_EQ(read_all_there_is(), "") << "sent at the end of the batch";
  EXPECT_EQ(output_->sent(), 0u);
  output_->flush();
  const std::string expected = "+PONG\r\n:-5\r\n$5\r\nhello\r\n$-1\r\n";
  EXPECT_EQ(read_all_there_is(), expected);
  EXPECT_EQ(output_->sent(), expected.size());
  expect_nothing_held();
  EXPECT_EQ(buffers_made(), 0u) << "nothing was charged";
}

TEST_F(OutputTest, SendsWhenItsBufferIsFull) {
  const std::string piece(300, 'p');
  for (int i = 0; i < 4; ++i) output_->raw(piece);
  EXPECT_EQ(read_all_there_is().size(), 900u) << "three fit";
  output_->flush();
  EXPECT_TRUE(same(read_all_there_is(), piece));
  output_->raw(std::string(kBuffer, 'q'));
  EXPECT_EQ(read_all_there_is(), "") << "it fits to the last byte";
  output_->raw("");
  EXPECT_TRUE(same(read_to_the_end(), std::string(kBuffer, 'q')));
  EXPECT_EQ(buffers_made(), 0u);
}

TEST_F(OutputTest, SendsWhatIsLongerThanItsBufferBehindWhatIsInIt) {
  output_->raw("first");
  const std::string longer = text(1, 2 * kBuffer);
  output_->raw(longer);
  EXPECT_TRUE(same(read_all_there_is(), "first" + longer)) << "at once";
  expect_nothing_held();
  EXPECT_EQ(buffers_made(), 0u) << "without a copy";
}

TEST_F(OutputTest, KeepsOnlyWhatTheSocketDoesNotTake) {
  const std::string longer = text(1, 200'000);
  output_->raw(longer);
  EXPECT_GT(output_->sent(), 0u);
  EXPECT_EQ(output_->pending(), longer.size() - output_->sent());
  EXPECT_EQ(Bytes(output_->held()), kept());
  EXPECT_GE(kept(), Bytes(output_->pending()));
  EXPECT_LT(kept(), Bytes(output_->pending()) + 16_KiB);
  EXPECT_TRUE(same(read_to_the_end(), longer));
  expect_nothing_held();
}

TEST_F(OutputTest, WritesBehindWhatIsPending) {
  std::string expected = fill_socket();
  const std::uint64_t sent = output_->sent();
  for (std::size_t size : {std::size_t{1}, kBuffer, 3 * kBuffer, std::size_t{17}, std::size_t{40'000}}) {
    read(100);  // room in the socket is for what came before
    output_->raw(text(size, size));
    expected += text(size, size);
  }
  EXPECT_EQ(output_->sent(), sent) << "nothing overtook";
  output_->flush();
  EXPECT_EQ(output_->pending(), expected.size() - output_->sent());
  const std::string rest = read_to_the_end();
  EXPECT_TRUE(same(rest, expected.substr(expected.size() - rest.size())));
  expect_nothing_held();
}

TEST_F(OutputTest, JoinsSmallPiecesThatItKeeps) {
  fill_socket();
  const Bytes before = kept();
  for (int i = 0; i < 1000; ++i) output_->raw("0123456789");
  output_->flush();
  EXPECT_LE(kept(), before + 16_KiB) << "10,000 bytes, and not a piece each";
}

TEST_F(OutputTest, ReleasesAsItsReaderReads) {
  std::string expected = fill_socket();
  for (std::uint64_t i = 0; i < 10; ++i) {
    output_->raw(text(i, 20'000));
    expected += text(i, 20'000);
  }
  Bytes charged = kept();
  EXPECT_GE(charged, 200'000_B);
  std::string got;
  int steps = 0;
  while (output_->pending() > 0) {
    got += read_all_there_is();
    output_->flush();
    EXPECT_EQ(Bytes(output_->held()), kept());
    EXPECT_GE(kept(), Bytes(output_->pending()));
    EXPECT_LE(kept(), Bytes(output_->pending()) + 40_KiB) << "what was sent is not held";
    steps += kept() < charged;
    charged = kept();
  }
  EXPECT_GE(steps, 10) << "piece by piece";
  EXPECT_EQ(kept(), 0_B) << "before the last bytes are read";
  EXPECT_TRUE(same(got + read_to_the_end(), expected));
}

TEST_F(OutputTest, SendsAValueAtOnceAndLetsItGo) {
  ExtentRef value = extent("small enough for the socket");
  output_->raw("+before\r\n");
  output_->value(PinnedValue(*value));
  EXPECT_EQ(values_.pinned(), 0_B);
  EXPECT_EQ(read_all_there_is(), "+before\r\n" + bulk("small enough for the socket"));
  output_->value(PinnedValue(*extent("")));
  EXPECT_EQ(read_to_the_end(), bulk(""));
  expect_nothing_held();
  EXPECT_EQ(buffers_made(), 0u);
}

TEST_F(OutputTest, SendsAValueFromWhereItIs) {
  std::string content = text(7, 300'000);
  ExtentRef value = extent(content);
  output_->value(PinnedValue(*value));
  EXPECT_EQ(values_.pinned(), value->charged());
  EXPECT_EQ(kept(), 16_KiB) << "for the line's end, and none of the value";
  EXPECT_EQ(output_->held(), content.size() + 16 * 1024);
  EXPECT_EQ(output_->pending(), bulk(content).size() - output_->sent());
  // Whoever wrote to it now would be seen: there is no copy.
  value->data()[299'999] = static_cast<char>(content[299'999] + 1);
  content[299'999] = static_cast<char>(content[299'999] + 1);
  value.reset();
  EXPECT_EQ(store_.live(), 1u) << "its item is gone, its pages are not";
  EXPECT_TRUE(same(read_to_the_end(), bulk(content)));
  EXPECT_EQ(store_.live(), 0u);
  expect_nothing_held();
}

TEST_F(OutputTest, SendsAValueBehindWhatIsPending) {
  std::string expected = fill_socket();
  for (std::uint64_t i = 0; i < 30; ++i) {  // more pieces than go in one call
    const std::string content = text(i, 40 + 700 * i);
    ExtentRef value = extent(content);
    output_->value(PinnedValue(*value));
    output_->integer(static_cast<std::int64_t>(i));
    expected += bulk(content) + ":" + std::to_string(i) + "\r\n";
  }
  EXPECT_EQ(store_.live(), 30u);
  EXPECT_TRUE(same(read_to_the_end(), expected));
  EXPECT_EQ(store_.live(), 0u);
  expect_nothing_held();
}

// What the socket takes ends within the value, before its line's end, within it, and behind it.
TEST_F(OutputTest, KeepsTheRestOfTheEndOfAValue) {
  output_->raw(std::string(200'000, 'x'));
  const std::uint64_t fits = output_->sent();
  for (std::uint64_t left = 0; left < 4; ++left) {
    SCOPED_TRACE(left);
    close_reader();
    ::close(socket_);
    connect();
    const std::size_t size = fits + left - (bulk(std::string(fits, 'x')).size() - fits);
    ExtentRef value = extent(text(left, size));
    output_->value(PinnedValue(*value));
    EXPECT_EQ(output_->pending(), left);
    EXPECT_TRUE(same(read_to_the_end(), bulk(value->view())));
    expect_nothing_held();
  }
}

// The socket takes some of the head in the buffer, and none of the value behind it.
TEST_F(OutputTest, KeepsTheRestOfTheHeadBeforeAValue) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    WriteBuffer large(100'000);
    Output output(socket_, large, buffers_, account_, cache_);
    const std::string head = text(seed, 99'000);
    ExtentRef value = extent(text(seed + 100, 20'000));
    output.raw(head);
    output.value(PinnedValue(*value));
    ASSERT_LT(output.sent(), head.size());
    EXPECT_EQ(output.pending(), head.size() + bulk(value->view()).size() - output.sent());
    std::string got;
    while (output.pending() > 0) {
      got += read_all_there_is();
      output.flush();
    }
    got += read_all_there_is();
    EXPECT_TRUE(same(got, head + bulk(value->view())));
  }
}

TEST_F(OutputTest, FailsWhenItsReaderIsGone) {
  close_reader();
  output_->simple("hello");
  EXPECT_EQ(output_->failure(), Output::Failure::kNone) << "nothing was sent yet";
  output_->flush();
  EXPECT_EQ(output_->failure(), Output::Failure::kSocket);
  EXPECT_EQ(output_->sent(), 0u);
  expect_nothing_held();
  output_->raw(std::string(10 * kBuffer, 'x'));
  ExtentRef value = extent(std::string(50'000, 'v'));
  output_->value(PinnedValue(*value));
  output_->flush();
  expect_nothing_held();
  EXPECT_EQ(buffers_made(), 0u) << "what is written then is dropped";
}

TEST_F(OutputTest, LetsGoOfAllItHeldWhenItsReaderGoes) {
  fill_socket();
  ExtentRef value = extent(std::string(50'000, 'v'));
  output_->value(PinnedValue(*value));
  output_->raw(std::string(50'000, 'x'));
  output_->raw("in the buffer");
  EXPECT_GT(kept(), 50'000_B);
  EXPECT_GT(values_.pinned(), 0_B);
  close_reader();
  output_->flush();
  EXPECT_EQ(output_->failure(), Output::Failure::kSocket);
  expect_nothing_held();
}

TEST_F(OutputTest, FailsWithinAValueWhenItsReaderIsGone) {
  close_reader();
  ExtentRef value = extent(std::string(50'000, 'v'));
  output_->value(PinnedValue(*value));
  EXPECT_EQ(output_->failure(), Output::Failure::kSocket);
  expect_nothing_held();
}

TEST_F(OutputTest, FailsWhenItsAccountRefuses) {
  account_.set_maximum(400_KiB);
  fill_socket();
  ExtentRef value = extent(std::string(50'000, 'v'));
  output_->value(PinnedValue(*value));
  EXPECT_EQ(output_->failure(), Output::Failure::kNone) << "a value is not charged to it";
  output_->raw(std::string(70'000, 'x'));
  EXPECT_EQ(output_->failure(), Output::Failure::kNone);
  output_->raw(std::string(500'000, 'y'));
  EXPECT_EQ(output_->failure(), Output::Failure::kRefused);
  expect_nothing_held();
  close_reader();
  output_->raw("more");
  output_->flush();
  EXPECT_EQ(output_->failure(), Output::Failure::kRefused) << "the first failure is told";
}

TEST_F(OutputTest, FailsWhenTheEndOfAValueIsRefused) {
  account_.set_maximum(1000_B);
  ExtentRef value = extent(std::string(50'000, 'v'));
  output_->value(PinnedValue(*value));
  EXPECT_EQ(output_->failure(), Output::Failure::kRefused);
  expect_nothing_held();
}

TEST_F(OutputTest, EvictsBeforeItIsRefused) {
  for (int i = 0; i < 7000; ++i)
    ASSERT_EQ(cache_.lock(std::string_view(std::to_string(i)), 0).put(std::string(10'000, 'c')),
              WriteStatus::kDone);
  ASSERT_LT(line_.free(), 2_MiB) << "the cache has the rest";
  const Bytes before = values_.used();
  const std::string reply = text(1, 5 << 20);
  output_->raw(reply);
  EXPECT_EQ(output_->failure(), Output::Failure::kNone);
  EXPECT_GT(account_.used(), 4_MiB);
  EXPECT_LT(values_.used(), before - 2_MiB);
  EXPECT_TRUE(same(read_to_the_end(), reply));
  cache_.set_evict(false);
  Charge rest = account_.charge(line_.free());
  ASSERT_TRUE(rest);
  output_->raw(reply);
  EXPECT_EQ(output_->failure(), Output::Failure::kRefused) << "the cache may give nothing up";
}

TEST_F(OutputTest, ReleasesWhatItHoldsAtItsEnd) {
  fill_socket();
  ExtentRef value = extent(std::string(50'000, 'v'));
  output_->value(PinnedValue(*value));
  output_->raw(std::string(50'000, 'x'));
  output_.reset();
  EXPECT_EQ(kept(), 0_B);
  EXPECT_EQ(values_.pinned(), 0_B);
}

TEST_F(OutputTest, SendsNothingWhileItIsHeldBack) {
  output_->raw("before ");
  output_->flush();
  output_->hold_back(true);
  const std::string replies(3 * kBuffer, 'r');
  output_->raw(replies);
  output_->raw("last");
  output_->flush();
  output_->park();
  EXPECT_EQ(buffer_.used, 0u) << "the loop's buffer is others' now";
  EXPECT_EQ(read_all_there_is(), "before ");
  output_->hold_back(false);
  output_->flush();
  EXPECT_TRUE(same(read_all_there_is(), replies + "last"));
}

}  // namespace
}  // namespace plimsoll
