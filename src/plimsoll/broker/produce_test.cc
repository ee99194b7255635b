#include "plimsoll/broker/broker_fixture_test.h"
#include "plimsoll/wire/kafka_produce.h"

namespace plimsoll {
namespace {

using kafka::Code;
using Request = kafka::ProduceRequest;
using Response = kafka::ProduceResponse;

class ProduceTest : public BrokerFixture {
 protected:
  using BrokerFixture::BrokerFixture;

  struct Part {
    std::int32_t index = 0;
    std::string batch;
  };
  Step produce(std::string_view topic, const std::vector<Part>& parts, std::int16_t acks = -1,
               std::int16_t version = 9) {
    std::vector<Request::Partition> all;
    for (const Part& part : parts) all.push_back({.index = part.index, .records = {.bytes = part.batch}});
    const Request::Topic one{.name = topic, .partitions = kafka::Array<Request::Partition>::of(all)};
    Request request;
    request.acks = acks;
    request.timeout_ms = 1000;
    request.topics = kafka::Array<Request::Topic>::of(std::span(&one, 1));
    return ask(request, version);
  }
  // The results of the only topic of the last reply.
  std::vector<Response::Partition> results(std::int16_t version = 9) {
    std::vector<Response::Partition> all;
    for (const auto& topic : answer<Request, Response>(version).responses)
      for (const auto& part : topic.partition_responses) all.push_back(part);
    return all;
  }
};

TEST_F(ProduceTest, GivesOffsetsInOrderPerPartition) {
  make("t", 2);
  ASSERT_EQ(produce("t", {{0, batch("a")}, {1, batch("b")}}), Step::kReplied);
  ASSERT_EQ(results().size(), 2u);
  for (const auto& result : results()) {
    EXPECT_EQ(result.error_code, Code::kNone);
    EXPECT_EQ(result.base_offset, 0);
    EXPECT_EQ(result.log_start_offset, 0);
  }
  ASSERT_EQ(produce("t", {{1, batch("c")}}), Step::kReplied);
  EXPECT_EQ(results()[0].base_offset, 1);
  EXPECT_EQ(store_->find("t")->partition(1).end_offset(), 2);
  EXPECT_EQ(broker_->stats().produce_requests, 2u);
}

TEST_F(ProduceTest, TellsOfEachPartitionWhatIsWrongWithItsBatch) {
  make("t", 2);
  std::string torn = batch("value");
  torn[torn.size() - 1] ^= 1;
  ASSERT_EQ(
      produce("t", {{0, torn}, {1, batch("fine")}, {7, batch("nowhere")}, {-1, batch("nor here")}, {0, ""}}),
      Step::kReplied);
  const auto all = results();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].error_code, Code::kCorruptMessage);
  EXPECT_EQ(all[1].error_code, Code::kNone);
  EXPECT_EQ(all[2].error_code, Code::kUnknownTopicOrPartition);
  EXPECT_EQ(all[3].error_code, Code::kUnknownTopicOrPartition);
  EXPECT_EQ(all[4].error_code, Code::kInvalidRecord);
}

TEST_F(ProduceTest, MakesItsTopicByItself) {
  ASSERT_EQ(produce("made", {{1, batch("a")}}), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kNone);
  EXPECT_EQ(store_->find("made")->partition_count(), 2);
  ASSERT_EQ(produce("not allowed!", {{0, batch("a")}}), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kInvalidTopic);
}

TEST_F(ProduceTest, WithoutAcksThereIsNoReplyAndAFaultEndsTheConnection) {
  make("t");
  EXPECT_EQ(produce("t", {{0, batch("a")}}, 0), Step::kNoReply);
  EXPECT_EQ(store_->find("t")->partition(0).end_offset(), 1);
  EXPECT_EQ(produce("t", {{5, batch("a")}}, 0), Step::kClose);
  EXPECT_TRUE(sink_.bytes.empty());
}

TEST_F(ProduceTest, RefusesOddAcksTransactionsAndOldFormats) {
  make("t");
  ASSERT_EQ(produce("t", {{0, batch("a")}}, 2), Step::kReplied);
  EXPECT_EQ(results()[0].error_code, Code::kInvalidRequiredAcks);
  ASSERT_EQ(produce("t", {{0, batch("a")}}, 1, 0), Step::kReplied);
  EXPECT_EQ(results(0)[0].error_code, Code::kUnsupportedVersion);
  EXPECT_EQ(store_->find("t")->partition(0).end_offset(), 0);
}

TEST_F(ProduceTest, ADuplicateGetsItsFirstOffsetAndAGapIsRefused) {
  make("t");
  const auto id = get<kafka::InitProducerIdResponse>(kafka::InitProducerIdRequest(), 4);
  ASSERT_EQ(id.error_code, Code::kNone);
  const BatchBuilder::Producer first{.id = id.producer_id, .epoch = id.producer_epoch, .base_sequence = 0};
  produce("t", {{0, batch("a", first)}});
  produce("t", {{0, batch("a", first)}});
  EXPECT_EQ(results()[0].error_code, Code::kNone);
  EXPECT_EQ(results()[0].base_offset, 0);
  EXPECT_EQ(store_->find("t")->partition(0).end_offset(), 1);
  produce("t", {{0, batch("c", {.id = id.producer_id, .epoch = 0, .base_sequence = 5})}});
  EXPECT_EQ(results()[0].error_code, Code::kOutOfOrderSequenceNumber);
  EXPECT_NE(get<kafka::InitProducerIdResponse>(kafka::InitProducerIdRequest(), 4).producer_id,
            id.producer_id);
}

TEST_F(ProduceTest, ARecordWithoutAKeyIsNamedWhereTheTopicIsCompacted) {
  TopicConfig config;
  ASSERT_EQ(find_topic_key("cleanup.policy")->set(config, "compact"), nullptr);
  ASSERT_TRUE(store_->create("c", 1, config));
  std::string bytes(512, '\0');
  BatchBuilder builder(bytes);
  ASSERT_TRUE(builder.add({.timestamp = 1, .key = "k", .value = "v", .headers = {}}));
  ASSERT_TRUE(builder.add({.timestamp = 1, .key = std::nullopt, .value = "v", .headers = {}}));
  const std::span<char> done = builder.finish({});
  ASSERT_EQ(produce("c", {{0, std::string(done.data(), done.size())}}), Step::kReplied);
  const auto all = results();
  EXPECT_EQ(all[0].error_code, Code::kInvalidRecord);
  ASSERT_EQ(all[0].record_errors.size(), 1u);
  EXPECT_EQ((*all[0].record_errors.begin()).batch_index, 1);
  EXPECT_NE(all[0].error_message->find("has no key"), std::string_view::npos);
}

TEST_F(ProduceTest, AMalformedRecordIsNotSaidToLackAKey) {
  make("t");
  std::string bytes = batch("value");
  bytes[BatchHeader::kSize + 3] = 2;  // the offset of its only record, as a zigzag: 1
  const std::uint32_t crc = batch_crc(bytes);
  for (std::size_t i = 0; i < 4; ++i) bytes[17 + i] = static_cast<char>(crc >> (24 - 8 * i));
  ASSERT_EQ(produce("t", {{0, bytes}}), Step::kReplied);
  const auto all = results();
  EXPECT_EQ(all[0].error_code, Code::kInvalidRecord);
  EXPECT_EQ(all[0].error_message, "a record is malformed");
}

TEST_F(ProduceTest, PausesProducersAndThenRefusesThemSoThatTheyTryAgain) {
  make("t");
  board_.publish(Level::kHigh, true, 0.5);
  produce("t", {{0, batch("a")}});
  EXPECT_EQ(results()[0].error_code, Code::kNone);
  EXPECT_EQ(exchange_->mute(), std::chrono::milliseconds(5));
  EXPECT_EQ((answer<Request, Response>(9).throttle_time_ms), 5);
  board_.publish(Level::kEmergency, true, 1);
  produce("t", {{0, batch("b")}});
  EXPECT_EQ(results()[0].error_code, Code::kNotEnoughReplicas);
  EXPECT_TRUE(kafka::retriable(results()[0].error_code));
  EXPECT_EQ(store_->find("t")->partition(0).end_offset(), 1);
  EXPECT_EQ(broker_->stats().produce_refused, 1u);
}

class SyncedProduceTest : public ProduceTest {
 protected:
  SyncedProduceTest() : ProduceTest(LogStore::Sync::kAlways) {}
};

TEST_F(SyncedProduceTest, AnswersOnlyWhenTheDiskHasIt) {
  make("t", 2);
  ASSERT_EQ(produce("t", {{0, batch("a")}, {1, batch("b")}}), Step::kWait);
  EXPECT_TRUE(sink_.bytes.empty());
  frame_.assign(frame_.size(), '!');  // what waits keeps nothing of its frame
  for (int i = 0; i < 10 && wakes_ == 0; ++i) store_->tick();
  ASSERT_GT(wakes_, 0);
  ASSERT_EQ(exchange_->resume(sink_), Step::kReplied);
  ASSERT_EQ(results().size(), 2u);
  EXPECT_EQ(results()[1].error_code, Code::kNone);
  EXPECT_EQ(store_->find("t")->partition(1).durable_offset(), 1);
}

TEST_F(SyncedProduceTest, MayBeAbandonedWhileItWaits) {
  make("t");
  ASSERT_EQ(produce("t", {{0, batch("a")}}), Step::kWait);
  exchange_->abandon();
  for (int i = 0; i < 3; ++i) store_->tick();
  EXPECT_EQ(produce("t", {{0, batch("b")}}, 0), Step::kNoReply) << "and used again";
}

}  // namespace
}  // namespace plimsoll
