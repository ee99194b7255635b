#include "plimsoll/broker/exchange.h"

#include <gmock/gmock.h>

#include <fstream>

#include "plimsoll/base/random.h"
#include "plimsoll/broker/broker_fixture_test.h"
#include "plimsoll/wire/kafka_metadata.h"
#include "plimsoll/wire/kafka_produce.h"

namespace plimsoll {
namespace {

using kafka::Code;
using ::testing::ElementsAre;

class ExchangeTest : public BrokerFixture {};

TEST_F(ExchangeTest, ToldAVersionThatItDoesNotKnowItSaysWhichItDoesInTheOldestForm) {
  std::string bytes = frame(kafka::ApiVersionsRequest(), 0);
  bytes[3] = 99;
  ASSERT_EQ(exchange_->begin(bytes, sink_), Step::kReplied);
  const auto response = answer<kafka::ApiVersionsRequest, kafka::ApiVersionsResponse>(0);
  EXPECT_EQ(response.error_code, Code::kUnsupportedVersion);
  ASSERT_EQ(response.api_keys.size(), 1u);
  EXPECT_EQ((*response.api_keys.begin()).api_key, 18);
  EXPECT_EQ((*response.api_keys.begin()).max_version, 3);
  // And the connection stays usable.
  EXPECT_EQ(get<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest(), 3).error_code, Code::kNone);
}

TEST_F(ExchangeTest, TellsOfEveryRequestThatItServes) {
  for (std::int16_t version = 0; version <= 3; ++version) {
    const auto response = get<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest(), version);
    EXPECT_EQ(response.api_keys.size(), kafka::served_apis().size());
    for (const auto& api : response.api_keys) {
      if (api.api_key == 0) {
        EXPECT_EQ(api.min_version, 0) << "some clients turn codecs off without it";
      }
    }
  }
}

TEST_F(ExchangeTest, ClosesOnWhatItDoesNotServe) {
  std::string bytes = frame(kafka::ApiVersionsRequest(), 0);
  bytes[1] = 11;  // JoinGroup
  EXPECT_EQ(exchange_->begin(bytes, sink_), Step::kClose);
  EXPECT_STRNE(exchange_->fault(), "");
  bytes = frame(kafka::MetadataRequest(), 9);
  bytes[3] = 77;
  EXPECT_EQ(exchange_->begin(bytes, sink_), Step::kClose);
  EXPECT_EQ(broker_->stats().unknown, 2u);
  EXPECT_TRUE(sink_.bytes.empty());
}

TEST_F(ExchangeTest, MetadataOfAllTopicsOfNoneAndOfNamedOnes) {
  make("b", 3);
  make("a");
  kafka::MetadataRequest request;
  request.topics = kafka::Array<kafka::MetadataRequest::Topic>::none();
  auto all = get<kafka::MetadataResponse>(request, 9);
  std::vector<std::string> names;
  for (const auto& topic : all.topics) names.emplace_back(topic.name);
  EXPECT_THAT(names, ElementsAre("a", "b"));
  request.topics = {};
  EXPECT_EQ(get<kafka::MetadataResponse>(request, 1).topics.size(), 0u) << "an empty list is none";
  EXPECT_EQ(get<kafka::MetadataResponse>(request, 0).topics.size(), 2u)
      << "but it was all, in the first version";
  const kafka::MetadataRequest::Topic named{.name = "b"};
  request.topics = kafka::Array<kafka::MetadataRequest::Topic>::of(std::span(&named, 1));
  const auto one = get<kafka::MetadataResponse>(request, 9);
  ASSERT_EQ(one.topics.size(), 1u);
  EXPECT_EQ((*one.topics.begin()).partitions.size(), 3u);
  EXPECT_EQ(one.cluster_id, "cluster-of-the-fixture");
  EXPECT_EQ((*one.brokers.begin()).host, "broker.example");
}

TEST_F(ExchangeTest, MakesATopicThatIsAskedForOnlyWhereThatIsAllowed) {
  const kafka::MetadataRequest::Topic named{.name = "new"};
  kafka::MetadataRequest request;
  request.topics = kafka::Array<kafka::MetadataRequest::Topic>::of(std::span(&named, 1));
  request.allow_auto_topic_creation = false;
  auto response = get<kafka::MetadataResponse>(request, 9);
  EXPECT_EQ((*response.topics.begin()).error_code, Code::kUnknownTopicOrPartition);
  request.allow_auto_topic_creation = true;
  response = get<kafka::MetadataResponse>(request, 9);
  EXPECT_EQ((*response.topics.begin()).error_code, Code::kNone);
  EXPECT_EQ((*response.topics.begin()).partitions.size(), 2u) << "as many as there are by default";
  EXPECT_EQ((*(*response.topics.begin()).partitions.begin()).leader_id, Broker::kNode) << "it leads at once";
  const kafka::MetadataRequest::Topic bad{.name = "no/path"};
  request.topics = kafka::Array<kafka::MetadataRequest::Topic>::of(std::span(&bad, 1));
  response = get<kafka::MetadataResponse>(request, 9);
  EXPECT_EQ((*response.topics.begin()).error_code, Code::kInvalidTopic);
}

TEST_F(ExchangeTest, TellsClientsTheAddressThatTheyReachedWhereNoneIsSet) {
  exchange_.reset();
  broker_.reset();
  store_.reset();
  host_.clear();
  open();
  const auto response = get<kafka::MetadataResponse>(kafka::MetadataRequest(), 9);
  EXPECT_EQ((*response.brokers.begin()).host, "192.0.2.7");
  const auto cluster = get<kafka::DescribeClusterResponse>(kafka::DescribeClusterRequest(), 0);
  EXPECT_EQ((*cluster.brokers.begin()).host, "192.0.2.7");
  EXPECT_EQ(cluster.controller_id, Broker::kNode);
}

TEST_F(ExchangeTest, AnswersEveryRequestThatApachesOwnClientEncodes) {
  int answered = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(PLIMSOLL_SOURCE_DIR "/src/plimsoll/wire/corpus/kafka_frames")) {
    const std::string name = file.path().filename();
    if (name.find("request") == std::string::npos) continue;
    SCOPED_TRACE(name);
    std::ifstream stream(file.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    ASSERT_GT(bytes.size(), 4u);
    if (big_endian(std::string_view(bytes).substr(0, 4)) == bytes.size() - 4) bytes.erase(0, 4);
    sink_ = MemorySink();
    Step step = exchange_->begin(bytes, sink_);
    for (int i = 0; step == Step::kWait && i < 100; ++i) {
      clock_.advance(std::chrono::minutes(10));
      step = exchange_->resume(sink_);
    }
    // Produce with acks=0 is answered by nothing, or by the connection's end.
    EXPECT_TRUE(step == Step::kReplied || name.starts_with("0_")) << exchange_->fault();
    answered += step == Step::kReplied ? 1 : 0;
  }
  EXPECT_GT(answered, 60);
}

TEST_F(ExchangeTest, SurvivesRandomBytesAndRequestsWithAByteChanged) {
  Random random(11);
  make("t", 2);
  const kafka::MetadataRequest::Topic named{.name = "t"};
  kafka::MetadataRequest metadata;
  metadata.topics = kafka::Array<kafka::MetadataRequest::Topic>::of(std::span(&named, 1));
  const std::string good = frame(metadata, 9);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    if (i % 2 == 0) {
      bytes.resize(random.below(64));
      for (char& c : bytes) c = static_cast<char>(random.below(256));
      if (bytes.size() > 3) bytes[0] = bytes[2] = 0;
      if (bytes.size() > 3)
        bytes[1] = static_cast<char>(random.below(61)), bytes[3] = static_cast<char>(random.below(13));
    } else {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    sink_ = MemorySink();
    if (exchange_->begin(bytes, sink_) == Step::kWait) exchange_->abandon();
  }
  EXPECT_EQ(get<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest(), 3).error_code, Code::kNone);
}

TEST_F(ExchangeTest, ClosesWhenItsReaderTakesNoMore) {
  frame_ = frame(kafka::ApiVersionsRequest(), 3);
  sink_.broken = true;
  EXPECT_EQ(exchange_->begin(frame_, sink_), Step::kClose);
}

TEST_F(ExchangeTest, PausesWhoAsksForOtherThingsWhenMemoryIsCritical) {
  board_.publish(Level::kCritical, true, 0);
  EXPECT_EQ(get<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest(), 3).throttle_time_ms, 100);
  EXPECT_EQ(exchange_->mute(), std::chrono::milliseconds(100));
  board_.publish(Level::kNormal, true, 0);
  EXPECT_EQ(get<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest(), 3).throttle_time_ms, 0);
  EXPECT_EQ(exchange_->mute(), std::chrono::milliseconds(0));
  EXPECT_EQ(broker_->stats().throttled_requests, 1u);
}

}  // namespace
}  // namespace plimsoll
