#include <algorithm>

#include "plimsoll/broker/broker_fixture_test.h"
#include "plimsoll/wire/kafka_fetch.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;
using kafka::Code;
using Request = kafka::FetchRequest;
using Response = kafka::FetchResponse;

class FetchTest : public BrokerFixture {
 protected:
  struct Part {
    std::int32_t index = 0;
    std::int64_t offset = 0;
    std::int32_t most = 1 << 20;
  };
  Step fetch(std::string_view topic, const std::vector<Part>& parts, std::chrono::milliseconds wait = 0ms,
             std::int32_t least = 1, std::int32_t most = 50 << 20) {
    std::vector<Request::Partition> all;
    for (const Part& part : parts) {
      Request::Partition partition;
      partition.partition = part.index;
      partition.fetch_offset = part.offset;
      partition.partition_max_bytes = part.most;
      all.push_back(partition);
    }
    const Request::Topic one{.topic = topic, .partitions = kafka::Array<Request::Partition>::of(all)};
    Request request;
    request.max_wait_ms = static_cast<std::int32_t>(wait.count());
    request.min_bytes = least;
    request.max_bytes = most;
    request.topics = kafka::Array<Request::Topic>::of(std::span(&one, 1));
    return ask(request, 12);
  }
  std::vector<Response::Partition> results() {
    std::vector<Response::Partition> all;
    for (const auto& topic : answer<Request, Response>(12).responses)
      for (const auto& part : topic.partitions) all.push_back(part);
    return all;
  }
  std::string append(const std::shared_ptr<Topic>& topic, std::int32_t index, std::string_view value) {
    std::string bytes = batch(value);
    EXPECT_EQ(topic->partition(index).append(bytes, clock_.wall_ms()).error, LogError::kNone);
    return bytes;
  }
};

TEST_F(FetchTest, SendsBatchesAsTheyWereAppendedOutOfTheirFile) {
  auto topic = make("t", 2);
  const std::string first = append(topic, 0, "one");
  const std::string second = append(topic, 0, "two");
  const std::string other = append(topic, 1, "three");
  ASSERT_EQ(fetch("t", {{0, 0}, {1, 0}}), Step::kReplied);
  const auto all = results();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].records.bytes, first + second);
  EXPECT_EQ(all[1].records.bytes, other);
  EXPECT_EQ(all[0].high_watermark, 2);
  EXPECT_EQ(all[0].last_stable_offset, 2);
  EXPECT_EQ(sink_.files, 2);
  ASSERT_EQ(fetch("t", {{0, 1}}), Step::kReplied);
  EXPECT_EQ(results()[0].records.bytes, second);
}

TEST_F(FetchTest, WaitsWithoutItsFrameUntilThereIsSomething) {
  auto topic = make("t");
  ASSERT_EQ(fetch("t", {{0, 0}}, 500ms), Step::kWait);
  EXPECT_EQ(broker_->stats().fetches_waiting, 1u);
  frame_.assign(frame_.size(), '!');
  EXPECT_EQ(exchange_->resume(sink_), Step::kWait) << "woken for nothing";
  wakes_ = 0;
  const std::string bytes = append(topic, 0, "now");
  EXPECT_EQ(wakes_, 1);
  ASSERT_EQ(exchange_->resume(sink_), Step::kReplied);
  EXPECT_EQ(results()[0].records.bytes, bytes);
  EXPECT_EQ(broker_->stats().fetches_waiting, 0u);
}

TEST_F(FetchTest, ItsWaitIsPaidForAndWithoutMemoryTheClientWaitsItself) {
  make("t", 100);
  std::vector<Part> all;
  for (int partition = 0; partition < 100; ++partition) all.push_back({partition, 0});
  ASSERT_EQ(fetch("t", all, 500ms), Step::kWait);
  EXPECT_GT(waits_.used(), 5_KiB);
  clock_.advance(500ms);
  ASSERT_EQ(exchange_->resume(sink_), Step::kReplied);
  EXPECT_EQ(waits_.used(), 0_B);
  waits_.set_maximum(1_KiB);
  ASSERT_EQ(fetch("t", all, 500ms), Step::kReplied);
  EXPECT_GT(exchange_->mute(), 0ms);
  EXPECT_GT((answer<Request, Response>(12).throttle_time_ms), 0);
}

TEST_F(FetchTest, IsAnsweredWithNothingWhenItsTimeIsOver) {
  make("t");
  ASSERT_EQ(fetch("t", {{0, 0}}, 500ms), Step::kWait);
  EXPECT_EQ(exchange_->deadline(), clock_.monotonic_now() + 500ms);
  clock_.advance(500ms);
  ASSERT_EQ(exchange_->resume(sink_), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kNone);
  EXPECT_TRUE(results()[0].records.bytes.empty());
}

TEST_F(FetchTest, WaitsForAsManyBytesAsItWants) {
  auto topic = make("t");
  append(topic, 0, "some");
  ASSERT_EQ(fetch("t", {{0, 0}}, 500ms, 1000), Step::kWait);
  append(topic, 0, std::string(100, 'x'));
  EXPECT_EQ(exchange_->resume(sink_), Step::kWait);
  append(topic, 0, std::string(1000, 'x'));
  EXPECT_EQ(exchange_->resume(sink_), Step::kReplied);
}

TEST_F(FetchTest, IsWokenWhenItsTopicGoes) {
  auto topic = make("t");
  ASSERT_EQ(fetch("t", {{0, 0}}, 500ms), Step::kWait);
  wakes_ = 0;
  ASSERT_TRUE(store_->remove("t"));
  EXPECT_GT(wakes_, 0);
  ASSERT_EQ(exchange_->resume(sink_), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kUnknownTopicOrPartition);
}

TEST_F(FetchTest, ABatchLargerThanTheLimitStillComesSoThatItsReaderGetsOn) {
  auto topic = make("t", 2);
  const std::string large = append(topic, 0, std::string(5000, 'x'));
  append(topic, 1, std::string(5000, 'y'));
  ASSERT_EQ(fetch("t", {{0, 0, 100}, {1, 0, 100}}, 0ms, 1, 100), Step::kReplied);
  EXPECT_EQ(results()[0].records.bytes, large);
  // A part of a batch and nothing else is an error to clients: one that is larger than they can ever read.
  EXPECT_EQ(results()[1].records.bytes, "") << "the first made progress already";
  EXPECT_EQ(results()[1].error_code, Code::kNone);
  EXPECT_EQ(results()[1].high_watermark, 1);
  ASSERT_EQ(fetch("t", {{1, 0, 0}}, 0ms, 1, 0), Step::kReplied);
  EXPECT_GT(results()[0].records.bytes.size(), 5000u) << "whatever the limit is";
}

TEST_F(FetchTest, AReplyHoldsOnlySoManyFilesOpen) {
  auto topic = make("t", 300);
  std::vector<Part> all;
  for (int partition = 0; partition < 300; ++partition) {
    append(topic, partition, "x");
    all.push_back({partition, 0});
  }
  ASSERT_EQ(fetch("t", all, 500ms, 1 << 20), Step::kReplied) << "no more than this will come in one reply";
  std::size_t with = 0;
  for (const auto& result : results()) {
    EXPECT_EQ(result.error_code, Code::kNone);
    EXPECT_EQ(result.high_watermark, 1);
    with += result.records.bytes.empty() ? 0 : 1;
  }
  EXPECT_EQ(with, 256u);
  std::rotate(all.begin(), all.begin() + 256, all.end());
  ASSERT_EQ(fetch("t", all), Step::kReplied);
  EXPECT_FALSE(results()[0].records.bytes.empty()) << "clients begin where they were left";
}

TEST_F(FetchTest, DoesNotWaitForMoreThanItMayHave) {
  auto topic = make("t");
  for (int i = 0; i < 10; ++i) append(topic, 0, std::string(1000, 'x'));
  EXPECT_EQ(fetch("t", {{0, 0}}, 500ms, 5000, 2000), Step::kReplied);
}

TEST_F(FetchTest, KeepsToTheLimitOverAllPartitions) {
  auto topic = make("t", 3);
  for (int partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 10; ++i) append(topic, partition, std::string(1000, 'x'));
  }
  ASSERT_EQ(fetch("t", {{0, 0}, {1, 0}, {2, 0}}, 0ms, 1, 15'000), Step::kReplied);
  std::size_t sum = 0;
  for (const auto& result : results()) sum += result.records.bytes.size();
  EXPECT_LE(sum, 15'000u);
  EXPECT_GT(sum, 10'000u);
}

TEST_F(FetchTest, GetsLessWhenMemoryIsShort) {
  auto topic = make("t");
  for (int i = 0; i < 100; ++i) append(topic, 0, std::string(1000, 'x'));
  auto size_at = [&](Level level) {
    board_.publish(level, true, 0);
    EXPECT_EQ(fetch("t", {{0, 0}}, 0ms, 1, 80'000), Step::kReplied);
    return results()[0].records.bytes.size();
  };
  const std::size_t normal = size_at(Level::kNormal);
  EXPECT_GT(normal, 70'000u);
  EXPECT_EQ(size_at(Level::kHigh), normal);
  EXPECT_LE(size_at(Level::kCritical), 40'000u);
  EXPECT_LE(size_at(Level::kEmergency), 20'000u);
  EXPECT_GT(size_at(Level::kEmergency), 10'000u);
  EXPECT_EQ(broker_->stats().fetches_cut, 3u);
}

TEST_F(FetchTest, TellsWhatIsWrongAtOnce) {
  auto topic = make("t");
  append(topic, 0, "x");
  ASSERT_EQ(fetch("t", {{0, 5}, {3, 0}}, 500ms), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kOffsetOutOfRange);
  EXPECT_EQ(results()[1].error_code, Code::kUnknownTopicOrPartition);
  ASSERT_EQ(fetch("none", {{0, 0}}, 500ms), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kUnknownTopicOrPartition);
  EXPECT_EQ(store_->find("none"), nullptr) << "reading makes no topic";
}

TEST_F(FetchTest, KeepsNoSessions) {
  Request request;
  request.session_id = 12;
  request.session_epoch = 1;
  EXPECT_EQ(get<Response>(request, 12).error_code, Code::kFetchSessionIdNotFound);
  // Epoch -1 ends a session, or says that none is wanted: the fetch itself is answered.
  for (const std::int32_t id : {-1, 0, 12}) {
    request.session_id = id;
    request.session_epoch = -1;
    EXPECT_EQ(get<Response>(request, 12).error_code, Code::kNone) << id;
  }
}

}  // namespace
}  // namespace plimsoll
