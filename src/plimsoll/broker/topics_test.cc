// CreateTopics, DeleteTopics, CreatePartitions, the configurations, and where partitions begin and end.
#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "plimsoll/broker/broker_fixture_test.h"
#include "plimsoll/wire/kafka_configs.h"
#include "plimsoll/wire/kafka_fetch.h"
#include "plimsoll/wire/kafka_groups.h"
#include "plimsoll/wire/kafka_topics.h"

namespace plimsoll {
namespace {

using kafka::Array;
using kafka::Code;
using ::testing::HasSubstr;

class TopicsTest : public BrokerFixture {
 protected:
  using Create = kafka::CreateTopicsRequest;

  Code create(const Create::Topic& topic, bool validate_only = false) {
    Create request;
    request.topics = Array<Create::Topic>::of(std::span(&topic, 1));
    request.validate_only = validate_only;
    const auto response = get<kafka::CreateTopicsResponse>(request, 7);
    EXPECT_EQ(response.topics.size(), 1u);
    message_ = std::string((*response.topics.begin()).error_message.value_or(""));
    return (*response.topics.begin()).error_code;
  }
  static Create::Topic named(std::string_view name, std::int32_t partitions = 1, std::int16_t replicas = 1) {
    return {.name = name,
            .num_partitions = partitions,
            .replication_factor = replicas,
            .assignments = {},
            .configs = {}};
  }

  using Alter = kafka::IncrementalAlterConfigsRequest;
  Code alter(std::string_view topic, std::string_view key, kafka::ConfigOperation operation,
             std::optional<std::string_view> value) {
    const Alter::Config config{.name = key, .config_operation = operation, .value = value};
    const Alter::Resource resource{.resource_type = kafka::ResourceType::kTopic,
                                   .resource_name = topic,
                                   .configs = Array<Alter::Config>::of(std::span(&config, 1))};
    Alter request;
    request.resources = Array<Alter::Resource>::of(std::span(&resource, 1));
    const auto response = get<kafka::IncrementalAlterConfigsResponse>(request, 1);
    message_ = std::string((*response.responses.begin()).error_message.value_or(""));
    return (*response.responses.begin()).error_code;
  }

  std::string message_;
};

TEST_F(TopicsTest, MakesWhatIsAskedForAndSaysWhyNot) {
  EXPECT_EQ(create(named("a", 3)), Code::kNone);
  EXPECT_EQ(store_->find("a")->partition_count(), 3);
  EXPECT_EQ(create(named("a", 3)), Code::kTopicAlreadyExists);
  EXPECT_EQ(create(named("b", -1, -1)), Code::kNone);
  EXPECT_EQ(store_->find("b")->partition_count(), 2) << "as many as by default";
  EXPECT_EQ(create(named("c", 1, 3)), Code::kInvalidReplicationFactor);
  EXPECT_EQ(create(named("c", 0)), Code::kInvalidPartitions);
  EXPECT_EQ(create(named("c", 20'000)), Code::kInvalidPartitions);
  EXPECT_EQ(create(named("../etc")), Code::kInvalidTopic);
  EXPECT_EQ(create(named("only-tried"), true), Code::kNone);
  EXPECT_EQ(store_->find("only-tried"), nullptr);
}

TEST_F(TopicsTest, TakesTheConfigurationsThatItKnows) {
  const Create::Config good{.name = "retention.ms", .value = "1000"};
  const Create::Config odd{.name = "retention.eons", .value = "1"};
  const Create::Config bad{.name = "retention.ms", .value = "soon"};
  Create::Topic topic = named("a");
  topic.configs = Array<Create::Config>::of(std::span(&odd, 1));
  EXPECT_EQ(create(topic), Code::kInvalidConfig);
  EXPECT_THAT(message_, HasSubstr("retention.eons"));
  topic.configs = Array<Create::Config>::of(std::span(&bad, 1));
  EXPECT_EQ(create(topic), Code::kInvalidConfig);
  topic.configs = Array<Create::Config>::of(std::span(&good, 1));
  EXPECT_EQ(create(topic), Code::kNone);
  EXPECT_EQ(store_->find("a")->config()->retention_ms, 1000);
}

TEST_F(TopicsTest, AssignmentsHaveToBeToTheOnlyNodeThereIs) {
  const std::int32_t here[] = {Broker::kNode};
  const std::int32_t there[] = {7};
  Create::Assignment parts[] = {{.partition_index = 0, .broker_ids = Array<std::int32_t>::of(here)},
                                {.partition_index = 1, .broker_ids = Array<std::int32_t>::of(here)}};
  Create::Topic topic = named("a", -1, -1);
  topic.assignments = Array<Create::Assignment>::of(parts);
  EXPECT_EQ(create(topic), Code::kNone);
  EXPECT_EQ(store_->find("a")->partition_count(), 2);
  parts[1].broker_ids = Array<std::int32_t>::of(there);
  topic.name = "b";
  EXPECT_EQ(create(topic), Code::kInvalidReplicaAssignment);
  topic.num_partitions = 2;
  EXPECT_EQ(create(topic), Code::kInvalidRequest);
}

TEST_F(TopicsTest, WhatIsNamedTwiceIsMadeNeitherTime) {
  const Create::Topic twice[] = {named("a"), named("a")};
  Create request;
  request.topics = Array<Create::Topic>::of(twice);
  const auto response = get<kafka::CreateTopicsResponse>(request, 5);
  for (const auto& topic : response.topics) EXPECT_EQ(topic.error_code, Code::kInvalidRequest);
  EXPECT_EQ(store_->find("a"), nullptr);
}

TEST_F(TopicsTest, DeletesByNameAndById) {
  make("a");
  const auto id = make("b")->id();
  const std::string_view names[] = {"a", "none"};
  kafka::DeleteTopicsRequest request;
  request.topic_names = Array<kafka::String>::of(names);
  std::vector<Code> codes;
  const auto by_name = get<kafka::DeleteTopicsResponse>(request, 5);
  for (const auto& topic : by_name.responses) codes.push_back(topic.error_code);
  EXPECT_EQ(codes, (std::vector<Code>{Code::kNone, Code::kUnknownTopicOrPartition}));
  kafka::DeleteTopicsRequest::Topic known{.name = std::nullopt, .topic_id = {}};
  std::copy(id.begin(), id.end(), known.topic_id.bytes.begin());
  const kafka::DeleteTopicsRequest::Topic both[] = {known, {.name = std::nullopt, .topic_id = {}}};
  kafka::DeleteTopicsRequest by_id;
  by_id.topics = Array<kafka::DeleteTopicsRequest::Topic>::of(both);
  codes.clear();
  const auto gone = get<kafka::DeleteTopicsResponse>(by_id, 6);
  for (const auto& topic : gone.responses) codes.push_back(topic.error_code);
  EXPECT_EQ(codes, (std::vector<Code>{Code::kNone, Code::kUnknownTopicId}));
  EXPECT_EQ(store_->find("b"), nullptr);
}

TEST_F(TopicsTest, PartitionsAreAddedAndNeverTaken) {
  make("a", 2);
  auto grow = [&](std::int32_t count, bool validate_only = false) {
    const kafka::CreatePartitionsRequest::Topic topic{.name = "a", .count = count, .assignments = {}};
    kafka::CreatePartitionsRequest request;
    request.topics = Array<kafka::CreatePartitionsRequest::Topic>::of(std::span(&topic, 1));
    request.validate_only = validate_only;
    const auto response = get<kafka::CreatePartitionsResponse>(request, 3);
    return (*response.results.begin()).error_code;
  };
  EXPECT_EQ(grow(5, true), Code::kNone);
  EXPECT_EQ(store_->find("a")->partition_count(), 2);
  EXPECT_EQ(grow(5), Code::kNone);
  EXPECT_EQ(store_->find("a")->partition_count(), 5);
  EXPECT_EQ(grow(5), Code::kInvalidPartitions);
  EXPECT_EQ(grow(2), Code::kInvalidPartitions);

  const auto assigned = [&](std::initializer_list<std::int32_t> nodes) {
    using Grow = kafka::CreatePartitionsRequest;
    std::vector<Grow::Assignment> all;
    for (const std::int32_t& node : nodes)
      all.push_back({.broker_ids = Array<std::int32_t>::of(std::span(&node, 1))});
    const Grow::Topic topic{.name = "a", .count = 7, .assignments = Array<Grow::Assignment>::of(all)};
    Grow request;
    request.topics = Array<Grow::Topic>::of(std::span(&topic, 1));
    return (*get<kafka::CreatePartitionsResponse>(request, 3).results.begin()).error_code;
  };
  EXPECT_EQ(assigned({1, 2}), Code::kInvalidReplicaAssignment);
  EXPECT_EQ(assigned({1}), Code::kInvalidReplicaAssignment);
  EXPECT_EQ(assigned({1, 1}), Code::kNone);
}

TEST_F(TopicsTest, ConfigurationsAreSetTakenBackAndDescribed) {
  make("a");
  using Operation = kafka::ConfigOperation;
  EXPECT_EQ(alter("a", "retention.ms", Operation::kSet, "5000"), Code::kNone);
  EXPECT_EQ(store_->find("a")->config()->retention_ms, 5000);
  EXPECT_EQ(alter("a", "cleanup.policy", Operation::kAppend, "compact"), Code::kNone);
  EXPECT_TRUE(store_->find("a")->config()->compact && store_->find("a")->config()->delete_old);
  const auto policy = [&] { return find_topic_key("cleanup.policy")->get(*store_->find("a")->config()); };
  EXPECT_EQ(policy(), "delete,compact");
  EXPECT_EQ(alter("a", "cleanup.policy", Operation::kAppend, "compact,delete"), Code::kNone);
  EXPECT_EQ(policy(), "delete,compact") << "what is there stays where it is";
  EXPECT_EQ(alter("a", "cleanup.policy", Operation::kSet, "compact, delete"), Code::kNone);
  EXPECT_EQ(policy(), "compact,delete") << "in the order in which they were given";
  EXPECT_EQ(alter("a", "cleanup.policy", Operation::kSubtract, "delete,compact"), Code::kInvalidConfig);
  EXPECT_EQ(policy(), "compact,delete");
  EXPECT_EQ(alter("a", "cleanup.policy", Operation::kSubtract, "delete"), Code::kNone);
  EXPECT_FALSE(store_->find("a")->config()->delete_old);
  EXPECT_EQ(alter("a", "retention.ms", Operation::kAppend, "1"), Code::kInvalidConfig);
  EXPECT_EQ(alter("a", "no.such.key", Operation::kSet, "1"), Code::kInvalidConfig);
  EXPECT_EQ(alter("none", "retention.ms", Operation::kSet, "1"), Code::kUnknownTopicOrPartition);

  using Describe = kafka::DescribeConfigsRequest;
  const std::string_view keys[] = {"retention.ms", "segment.bytes"};
  const Describe::Resource resource{.resource_type = kafka::ResourceType::kTopic,
                                    .resource_name = "a",
                                    .configuration_keys = Array<kafka::String>::of(keys)};
  Describe request;
  request.resources = Array<Describe::Resource>::of(std::span(&resource, 1));
  const auto described = get<kafka::DescribeConfigsResponse>(request, 4);
  const auto result = *described.results.begin();
  ASSERT_EQ(result.configs.size(), 2u);
  for (const auto& config : result.configs) {
    const bool set = config.name == "retention.ms";
    EXPECT_EQ(config.config_source, set ? kafka::ConfigSource::kTopic : kafka::ConfigSource::kDefault);
    if (set) {
      EXPECT_EQ(config.value, "5000");
    }
  }
  EXPECT_EQ(alter("a", "retention.ms", Operation::kDelete, std::nullopt), Code::kNone);
  EXPECT_EQ(store_->find("a")->config()->retention_ms, TopicConfig().retention_ms);
  // No keys are all of them, as a null is.
  const Describe::Resource any{
      .resource_type = kafka::ResourceType::kTopic, .resource_name = "a", .configuration_keys = {}};
  request.resources = Array<Describe::Resource>::of(std::span(&any, 1));
  EXPECT_EQ((*get<kafka::DescribeConfigsResponse>(request, 4).results.begin()).configs.size(),
            topic_keys().size());
}

TEST_F(TopicsTest, TwoWhoAlterATopicAtOnceLoseNothing) {
  make("a");
  const auto set = [this](const char* key, const std::string& value) {
    MemorySink sink;
    Exchange exchange(*broker_, *this);
    const Alter::Config config{.name = key, .config_operation = kafka::ConfigOperation::kSet, .value = value};
    const Alter::Resource resource{.resource_type = kafka::ResourceType::kTopic,
                                   .resource_name = "a",
                                   .configs = Array<Alter::Config>::of(std::span(&config, 1))};
    Alter request;
    request.resources = Array<Alter::Resource>::of(std::span(&resource, 1));
    std::string asked = frame(request, 1);
    EXPECT_EQ(exchange.begin(asked, sink), Step::kReplied);
  };
  for (std::int64_t value = 1000; value < 1050; ++value) {
    std::thread other([&] { set("retention.ms", std::to_string(value)); });
    set("retention.bytes", std::to_string(value));
    other.join();
    ASSERT_EQ(store_->find("a")->config()->retention_ms, value);
    ASSERT_EQ(store_->find("a")->config()->retention_bytes, value);
  }
}

TEST_F(TopicsTest, ALongOrEmptyNameIsRefusedAndNotTheEnd) {
  make("a");
  const std::string name(32'767, 'x');
  EXPECT_EQ(alter("a", name, kafka::ConfigOperation::kSet, "1"), Code::kInvalidConfig);
  EXPECT_THAT(message_, HasSubstr("no topic configuration 'xxx"));
  Create::Topic topic = named("b");
  const Create::Config config{.name = name, .value = "1"};
  topic.configs = Array<Create::Config>::of(std::span(&config, 1));
  EXPECT_EQ(create(topic), Code::kInvalidConfig);
  const std::string_view nameless[] = {""};
  kafka::DeleteTopicsRequest request;
  request.topic_names = Array<kafka::String>::of(nameless);
  EXPECT_EQ((*get<kafka::DeleteTopicsResponse>(request, 5).responses.begin()).error_code,
            Code::kUnknownTopicOrPartition);
}

TEST_F(TopicsTest, ALogThatCannotBeOpenedHasNoOffsets) {
  make("t");
  std::ofstream(directory_ + "/topics/t/0") << "where a folder should be";
  using Request = kafka::ListOffsetsRequest;
  for (const std::int64_t timestamp : {kafka::kEarliestOffset, kafka::kLatestOffset, std::int64_t{7}}) {
    const Request::Partition part{.partition_index = 0, .timestamp = timestamp};
    const Request::Topic one{.name = "t", .partitions = Array<Request::Partition>::of(std::span(&part, 1))};
    Request request;
    request.topics = Array<Request::Topic>::of(std::span(&one, 1));
    const auto response = get<kafka::ListOffsetsResponse>(request, 7);
    EXPECT_EQ((*(*response.topics.begin()).partitions.begin()).error_code, Code::kKafkaStorageError);
  }
}

TEST_F(TopicsTest, AlterConfigsReplacesAllThatWasSet) {
  make("a");
  ASSERT_EQ(alter("a", "retention.ms", kafka::ConfigOperation::kSet, "5000"), Code::kNone);
  using Request = kafka::AlterConfigsRequest;
  const Request::Config config{.name = "segment.bytes", .value = "1048576"};
  Request::Resource resource{.resource_type = kafka::ResourceType::kTopic,
                             .resource_name = "a",
                             .configs = Array<Request::Config>::of(std::span(&config, 1))};
  Request request;
  request.resources = Array<Request::Resource>::of(std::span(&resource, 1));
  EXPECT_EQ((*get<kafka::AlterConfigsResponse>(request, 2).responses.begin()).error_code, Code::kNone);
  EXPECT_EQ(store_->find("a")->config()->segment_bytes, 1 << 20);
  EXPECT_EQ(store_->find("a")->config()->retention_ms, TopicConfig().retention_ms);
  resource.resource_type = kafka::ResourceType::kBroker;
  EXPECT_EQ((*get<kafka::AlterConfigsResponse>(request, 2).responses.begin()).error_code,
            Code::kInvalidRequest);
}

TEST_F(TopicsTest, TellsWhatTheBrokerIs) {
  using Describe = kafka::DescribeConfigsRequest;
  Describe::Resource resource{.resource_type = kafka::ResourceType::kBroker,
                              .resource_name = "1",
                              .configuration_keys = Array<kafka::String>::none()};
  Describe request;
  request.resources = Array<Describe::Resource>::of(std::span(&resource, 1));
  const auto described = get<kafka::DescribeConfigsResponse>(request, 4);
  const auto result = *described.results.begin();
  EXPECT_EQ(result.error_code, Code::kNone);
  bool found = false;
  for (const auto& config : result.configs) {
    EXPECT_TRUE(config.read_only);
    found = found || (config.name == "num.partitions" && config.value == "2");
  }
  EXPECT_TRUE(found);
  resource.resource_name = "2";
  EXPECT_EQ((*get<kafka::DescribeConfigsResponse>(request, 4).results.begin()).error_code,
            Code::kInvalidRequest);
  // Without a name: what was set for all brokers. kafka-configs.sh asks for it after each broker's own.
  resource.resource_name = "";
  const auto of_all = *get<kafka::DescribeConfigsResponse>(request, 4).results.begin();
  EXPECT_EQ(of_all.error_code, Code::kNone);
  EXPECT_EQ(of_all.configs.size(), 0u);
}

TEST_F(TopicsTest, OffsetsByTimeAndAtTheEndsAndBehindDeletedRecords) {
  auto topic = make("t");
  for (int i = 0; i < 10; ++i) {
    std::string bytes = batch("v");
    ASSERT_EQ(topic->partition(0).append(bytes, clock_.wall_ms()).error, LogError::kNone);
    clock_.advance(std::chrono::seconds(1));
  }
  const std::int64_t first = clock_.wall_ms() - 10'000;
  auto offset_of = [&](std::int64_t timestamp) {
    using Request = kafka::ListOffsetsRequest;
    const Request::Partition part{.partition_index = 0, .timestamp = timestamp};
    const Request::Topic one{.name = "t", .partitions = Array<Request::Partition>::of(std::span(&part, 1))};
    Request request;
    request.topics = Array<Request::Topic>::of(std::span(&one, 1));
    const auto response = get<kafka::ListOffsetsResponse>(request, 7);
    return (*(*response.topics.begin()).partitions.begin()).offset;
  };
  EXPECT_EQ(offset_of(kafka::kEarliestOffset), 0);
  EXPECT_EQ(offset_of(kafka::kLatestOffset), 10);
  EXPECT_EQ(offset_of(kafka::kMaxTimestampOffset), 9);
  EXPECT_EQ(offset_of(first + 3500), 4);
  EXPECT_EQ(offset_of(first + 60'000), -1) << "nothing is as late";

  using Delete = kafka::DeleteRecordsRequest;
  const Delete::Partition part{.partition_index = 0, .offset = 6};
  const Delete::Topic one{.name = "t", .partitions = Array<Delete::Partition>::of(std::span(&part, 1))};
  Delete request;
  request.topics = Array<Delete::Topic>::of(std::span(&one, 1));
  const auto deleted = get<kafka::DeleteRecordsResponse>(request, 2);
  EXPECT_EQ((*(*deleted.topics.begin()).partitions.begin()).low_watermark, 6);
  EXPECT_EQ(offset_of(kafka::kEarliestOffset), 6);

  using Epoch = kafka::OffsetForLeaderEpochRequest;
  const Epoch::Partition epoch{.partition = 0, .current_leader_epoch = 0, .leader_epoch = 0};
  const Epoch::Topic of{.topic = "t", .partitions = Array<Epoch::Partition>::of(std::span(&epoch, 1))};
  Epoch ask_epoch;
  ask_epoch.topics = Array<Epoch::Topic>::of(std::span(&of, 1));
  const auto end = get<kafka::OffsetForLeaderEpochResponse>(ask_epoch, 4);
  EXPECT_EQ((*(*end.topics.begin()).partitions.begin()).end_offset, 10);
}

TEST_F(TopicsTest, ThereAreNoGroupsYet) {
  const std::string_view groups[] = {"g"};
  kafka::FindCoordinatorRequest request;
  request.coordinator_keys = Array<kafka::String>::of(groups);
  EXPECT_EQ((*get<kafka::FindCoordinatorResponse>(request, 4).coordinators.begin()).error_code,
            Code::kCoordinatorNotAvailable);
  EXPECT_EQ(get<kafka::FindCoordinatorResponse>(request, 0).error_code, Code::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace plimsoll
