// CreateTopics, DeleteTopics, CreatePartitions.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_topics.h"

namespace plimsoll {
namespace {

using kafka::Array;
using kafka::Code;
using CreateRequest = kafka::CreateTopicsRequest;
using CreateResponse = kafka::CreateTopicsResponse;

struct Outcome {
  std::string_view name;
  Code code = Code::kNone;
  std::string message;
  std::int32_t partitions = -1;
  std::shared_ptr<Topic> topic;
};

Outcome refused(std::string_view name, Code code, std::string message) {
  return {.name = name, .code = code, .message = std::move(message), .partitions = -1, .topic = nullptr};
}

std::optional<std::string_view> message_of(const Outcome& outcome) {
  if (outcome.code == Code::kNone) return std::nullopt;
  return std::string_view(outcome.message);
}

// The number of partitions that manual assignments ask for, or why they cannot be: there is one node.
Code count_assignments(const CreateRequest::Topic& asked, std::int32_t& partitions) {
  std::vector<std::int32_t> numbers;
  bool elsewhere = false;
  asked.assignments.for_each([&](const CreateRequest::Assignment& assignment) {
    numbers.push_back(assignment.partition_index);
    elsewhere = elsewhere || assignment.broker_ids.size() != 1;
    assignment.broker_ids.for_each(
        [&](std::int32_t node) { elsewhere = elsewhere || node != Broker::kNode; });
  });
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != static_cast<std::int32_t>(i)) elsewhere = true;
  }
  partitions = static_cast<std::int32_t>(numbers.size());
  return elsewhere ? Code::kInvalidReplicaAssignment : Code::kNone;
}

// Empty, or what is wrong with the configuration.
std::string take_configs(const CreateRequest::Topic& asked, TopicConfig& config) {
  std::string wrong;
  asked.configs.for_each([&](const CreateRequest::Config& entry) {
    if (!wrong.empty()) return;
    const TopicKey* key = find_topic_key(entry.name);
    if (key == nullptr) {
      wrong = "there is no topic configuration '" + shown_name(entry.name) + "'";
    } else if (!entry.value) {
      wrong = "'" + shown_name(entry.name) + "' needs a value";
    } else if (const char* right = key->set(config, *entry.value)) {
      wrong = std::string(entry.name) + ": " + right;
    }
  });
  return wrong;
}

Outcome create(RequestContext& context, const CreateRequest::Topic& asked, bool validate_only) {
  const std::string_view name = asked.name;
  if (!LogStore::valid_name(name)) {
    return refused(name, Code::kInvalidTopic,
                   "a topic's name is of 1 to 249 letters, digits, '.', '_' and '-', and not . or ..");
  }
  if (context.broker.store().find(name)) {
    return refused(name, Code::kTopicAlreadyExists, "topic '" + std::string(name) + "' already exists");
  }
  std::int32_t partitions = asked.num_partitions;
  if (asked.assignments.size() > 0) {
    if (asked.num_partitions != -1 || asked.replication_factor != -1) {
      return refused(name, Code::kInvalidRequest, "with assignments, both numbers have to be -1");
    }
    if (const Code wrong = count_assignments(asked, partitions); wrong != Code::kNone)
      return refused(name, wrong, "partitions are numbered from 0, and node 1 has all of them");
  } else if (asked.replication_factor != -1 && asked.replication_factor != 1) {
    return refused(name, Code::kInvalidReplicationFactor, "there is one node: the replication factor is 1");
  }
  if (partitions == -1) partitions = context.broker.options().default_partitions;
  if (partitions < 1 || partitions > Broker::kMostPartitions)
    return refused(name, Code::kInvalidPartitions, "a topic has 1 to 10,000 partitions");
  TopicConfig config;
  if (std::string wrong = take_configs(asked, config); !wrong.empty())
    return refused(name, Code::kInvalidConfig, std::move(wrong));
  Outcome outcome{
      .name = name, .code = Code::kNone, .message = {}, .partitions = partitions, .topic = nullptr};
  if (validate_only) return outcome;
  Result<std::shared_ptr<Topic>> made = context.broker.store().create(name, partitions, config);
  if (made) {
    outcome.topic = *made;
    return outcome;
  }
  if (context.broker.store().find(name))
    return refused(name, Code::kTopicAlreadyExists, "topic '" + std::string(name) + "' already exists");
  const bool full = made.error().errno_value == ENOMEM;
  return refused(name, full ? Code::kPolicyViolation : Code::kKafkaStorageError, made.error().message());
}

CreateResponse::Topic shown_created(const void* all, std::uint64_t, std::size_t i) {
  const Outcome& outcome = static_cast<const Outcome*>(all)[i];
  CreateResponse::Topic topic;
  topic.name = outcome.name;
  topic.error_code = outcome.code;
  topic.error_message = message_of(outcome);
  topic.num_partitions = outcome.partitions;
  topic.replication_factor = outcome.code == Code::kNone ? std::int16_t{1} : std::int16_t{-1};
  if (outcome.topic) std::copy_n(outcome.topic->id().begin(), 16, topic.topic_id.bytes.begin());
  // What was set is told by DescribeConfigs; here Kafka's clients only look whether there is a list.
  topic.configs = Array<CreateResponse::Config>();
  return topic;
}

using DeleteResponse = kafka::DeleteTopicsResponse;

DeleteResponse::Topic shown_deleted(const void* all, std::uint64_t, std::size_t i) {
  const Outcome& outcome = static_cast<const Outcome*>(all)[i];
  DeleteResponse::Topic topic;
  if (outcome.code != Code::kUnknownTopicId) topic.name = outcome.name;
  topic.error_code = outcome.code;
  topic.error_message = message_of(outcome);
  if (outcome.topic) std::copy_n(outcome.topic->id().begin(), 16, topic.topic_id.bytes.begin());
  return topic;
}

void remove(RequestContext& context, Outcome& outcome) {
  if (!outcome.topic) {
    if (outcome.code == Code::kNone) outcome.code = Code::kUnknownTopicOrPartition;
    outcome.message = "there is no such topic";
    return;
  }
  if (Result<void> gone = context.broker.store().remove(outcome.topic->name()); !gone) {
    outcome.code =
        gone.error().code == ErrorCode::kNotFound ? Code::kUnknownTopicOrPartition : Code::kKafkaStorageError;
    outcome.message = gone.error().message();
  }
}

std::shared_ptr<Topic> topic_with_id(LogStore& store, const kafka::Uuid& id) {
  std::shared_ptr<Topic> found;
  store.for_each_topic([&](const std::shared_ptr<Topic>& topic) {
    if (std::memcmp(id.bytes.data(), topic->id().data(), id.bytes.size()) == 0) found = topic;
  });
  return found;
}

using GrowRequest = kafka::CreatePartitionsRequest;
using GrowResponse = kafka::CreatePartitionsResponse;

bool assigned_elsewhere(const GrowRequest::Topic& asked, std::int32_t added) {
  if (asked.assignments.empty()) return false;
  bool elsewhere = asked.assignments.size() != static_cast<std::size_t>(added);
  asked.assignments.for_each([&](const GrowRequest::Assignment& assignment) {
    elsewhere = elsewhere || assignment.broker_ids.size() != 1;
    assignment.broker_ids.for_each(
        [&](std::int32_t node) { elsewhere = elsewhere || node != Broker::kNode; });
  });
  return elsewhere;
}

Outcome grow(RequestContext& context, const GrowRequest::Topic& asked, bool validate_only) {
  LogStore& store = context.broker.store();
  const std::shared_ptr<Topic> topic = store.find(asked.name);
  if (!topic) return refused(asked.name, Code::kUnknownTopicOrPartition, "there is no such topic");
  if (asked.count <= topic->partition_count() || asked.count > Broker::kMostPartitions) {
    return refused(asked.name, Code::kInvalidPartitions,
                   "it has " + std::to_string(topic->partition_count()) +
                       " partitions; write a larger number, of at most 10,000");
  }
  if (assigned_elsewhere(asked, asked.count - topic->partition_count())) {
    return refused(asked.name, Code::kInvalidReplicaAssignment,
                   "each partition that is added is assigned once, to node 1");
  }
  Outcome outcome{
      .name = asked.name, .code = Code::kNone, .message = {}, .partitions = asked.count, .topic = topic};
  if (validate_only) return outcome;
  if (Result<void> grown = store.add_partitions(asked.name, asked.count); !grown) {
    const bool full = grown.error().errno_value == ENOMEM;
    return refused(asked.name, full ? Code::kPolicyViolation : Code::kKafkaStorageError,
                   grown.error().message());
  }
  return outcome;
}

GrowResponse::Topic shown_grown(const void* all, std::uint64_t, std::size_t i) {
  const Outcome& outcome = static_cast<const Outcome*>(all)[i];
  GrowResponse::Topic result;
  result.name = outcome.name;
  result.error_code = outcome.code;
  result.error_message = message_of(outcome);
  return result;
}

constexpr const char* kTooMany = "it named more than 65,536 topics";

}  // namespace

Exchange::Step handle_create_topics(RequestContext& context) {
  return with_request<CreateRequest>(context, [&](const CreateRequest& request) {
    if (request.topics.size() > Broker::kMostNamed) return context.close(kTooMany);
    std::vector<std::string_view> sorted;  // what is named twice is refused both times
    request.topics.for_each([&](const CreateRequest::Topic& topic) { sorted.push_back(topic.name); });
    std::sort(sorted.begin(), sorted.end());
    std::vector<Outcome> outcomes;
    request.topics.for_each([&](const CreateRequest::Topic& topic) {
      const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), topic.name);
      outcomes.push_back(last - first > 1
                             ? refused(topic.name, Code::kInvalidRequest, "the request names it twice")
                             : create(context, topic, request.validate_only));
    });
    CreateResponse response;
    response.throttle_time_ms = context.throttle_ms();
    response.topics =
        Array<CreateResponse::Topic>::generated(outcomes.size(), outcomes.data(), shown_created);
    return context.reply(response);
  });
}

Exchange::Step handle_delete_topics(RequestContext& context) {
  using Request = kafka::DeleteTopicsRequest;
  return with_request<Request>(context, [&](const Request& request) {
    if (request.topics.size() + request.topic_names.size() > Broker::kMostNamed)
      return context.close(kTooMany);
    LogStore& store = context.broker.store();
    std::vector<Outcome> outcomes;
    request.topic_names.for_each([&](std::string_view name) {
      outcomes.push_back(
          {.name = name, .code = Code::kNone, .message = {}, .partitions = -1, .topic = store.find(name)});
    });
    request.topics.for_each([&](const Request::Topic& asked) {
      Outcome outcome;
      outcome.topic = asked.name ? store.find(*asked.name) : topic_with_id(store, asked.topic_id);
      if (!outcome.topic && !asked.name) outcome.code = Code::kUnknownTopicId;
      outcome.name = outcome.topic ? std::string_view(outcome.topic->name()) : asked.name.value_or("");
      outcomes.push_back(std::move(outcome));
    });
    for (Outcome& outcome : outcomes) remove(context, outcome);
    DeleteResponse response;
    response.throttle_time_ms = context.throttle_ms();
    response.responses =
        Array<DeleteResponse::Topic>::generated(outcomes.size(), outcomes.data(), shown_deleted);
    return context.reply(response);
  });
}

Exchange::Step handle_create_partitions(RequestContext& context) {
  return with_request<GrowRequest>(context, [&](const GrowRequest& request) {
    if (request.topics.size() > Broker::kMostNamed) return context.close(kTooMany);
    std::vector<Outcome> outcomes;
    request.topics.for_each([&](const GrowRequest::Topic& topic) {
      outcomes.push_back(grow(context, topic, request.validate_only));
    });
    GrowResponse response;
    response.throttle_time_ms = context.throttle_ms();
    response.results = Array<GrowResponse::Topic>::generated(outcomes.size(), outcomes.data(), shown_grown);
    return context.reply(response);
  });
}

}  // namespace plimsoll
