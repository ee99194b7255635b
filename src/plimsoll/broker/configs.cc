// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: what a topic is told, and what this node is.
#include <algorithm>
#include <string>

#include "plimsoll/base/text.h"
#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_configs.h"

namespace plimsoll {
namespace {

using kafka::Array;
using kafka::Code;
using kafka::ConfigOperation;
using kafka::ConfigSource;
using kafka::ConfigType;
using kafka::ResourceType;
using DescribeRequest = kafka::DescribeConfigsRequest;
using DescribeResponse = kafka::DescribeConfigsResponse;

struct Entry {
  std::string_view name;
  std::string value;
  std::string_view documentation;
  ConfigSource source = ConfigSource::kDefault;
  ConfigType type = ConfigType::kString;
  bool read_only = false;
};

struct Description {
  ResourceType type = ResourceType::kUnknown;
  std::string_view name;
  Code code = Code::kNone;
  std::string message;
  std::vector<Entry> entries;
};

bool is_asked_for(const DescribeRequest::Resource& asked, std::string_view name) {
  if (asked.configuration_keys.empty()) return true;  // null, or as Apache Kafka has it an empty list: all
  bool named = false;
  asked.configuration_keys.for_each([&](std::string_view key) { named = named || key == name; });
  return named;
}

void describe_topic(RequestContext& context, const DescribeRequest::Resource& asked,
                    Description& description) {
  const std::shared_ptr<Topic> topic = context.broker.store().find(asked.resource_name);
  if (!topic) {
    description.code = Code::kUnknownTopicOrPartition;
    description.message = "there is no such topic";
    return;
  }
  const std::shared_ptr<const TopicConfig> config = topic->config();
  for (const TopicKey& key : topic_keys()) {
    if (!is_asked_for(asked, key.name)) continue;
    Entry entry{.name = key.name, .value = key.get(*config), .documentation = key.doc};
    entry.source = key.is_default(*config) ? ConfigSource::kDefault : ConfigSource::kTopic;
    entry.type = static_cast<ConfigType>(key.type);
    description.entries.push_back(std::move(entry));
  }
}

// What clients look for in a broker, under Kafka's names. It is changed by the server's own configuration.
void describe_broker(RequestContext& context, const DescribeRequest::Resource& asked,
                     Description& description) {
  if (asked.resource_name.empty())
    return;  // what all brokers have unless they say otherwise: nothing was set
  if (asked.resource_name != std::to_string(Broker::kNode)) {
    description.code = Code::kInvalidRequest;
    description.message = "there is one broker, and its name is " + std::to_string(Broker::kNode);
    return;
  }
  const Broker::Options& options = context.broker.options();
  const TopicConfig usual;
  const std::pair<std::string_view, std::string> all[] = {
      {"advertised.listeners", "PLAINTEXT://" + context.host() + ":" + std::to_string(options.port)},
      {"auto.create.topics.enable", options.auto_create ? "true" : "false"},
      {"broker.id", std::to_string(Broker::kNode)},
      {"default.replication.factor", "1"},
      {"fetch.max.bytes", std::to_string(options.fetch_maximum.count())},
      {"message.max.bytes", std::to_string(usual.max_message_bytes)},
      {"num.partitions", std::to_string(options.default_partitions)},
      {"socket.request.max.bytes", std::to_string(options.request_maximum.count())},
  };
  for (const auto& [name, value] : all) {
    if (!is_asked_for(asked, name)) continue;
    Entry entry{.name = name, .value = value, .documentation = {}};
    entry.source = ConfigSource::kStaticBroker;
    entry.read_only = true;
    description.entries.push_back(std::move(entry));
  }
}

DescribeResponse::Config shown_entry(const void* all, std::uint64_t argument, std::size_t i) {
  const auto& description = static_cast<const Description*>(all)[argument];
  const Entry& entry = description.entries[i];
  DescribeResponse::Config config;
  config.name = entry.name;
  config.value = std::string_view(entry.value);
  config.read_only = entry.read_only;
  config.config_source = entry.source;
  config.config_type = entry.type;
  if (!entry.documentation.empty()) config.documentation = entry.documentation;
  return config;
}

DescribeResponse::Result shown_description(const void* all, std::uint64_t, std::size_t i) {
  const auto& description = static_cast<const Description*>(all)[i];
  DescribeResponse::Result result;
  result.error_code = description.code;
  if (description.code != Code::kNone) result.error_message = std::string_view(description.message);
  result.resource_type = description.type;
  result.resource_name = description.name;
  result.configs =
      Array<DescribeResponse::Config>::generated(description.entries.size(), all, shown_entry, i);
  return result;
}

struct Altered {
  ResourceType type = ResourceType::kUnknown;
  std::string_view name;
  Code code = Code::kNone;
  std::string message;
};

Altered wrong(const Altered& which, Code code, std::string message) {
  return {.type = which.type, .name = which.name, .code = code, .message = std::move(message)};
}

template <typename Result>
Result shown_altered(const void* all, std::uint64_t, std::size_t i) {
  const auto& altered = static_cast<const Altered*>(all)[i];
  Result result;
  result.error_code = altered.code;
  if (altered.code != Code::kNone) result.error_message = std::string_view(altered.message);
  result.resource_type = altered.type;
  result.resource_name = altered.name;
  return result;
}

// Changes one topic's configuration by `change`, which says what is wrong or nothing.
template <typename Change>
Altered alter(RequestContext& context, ResourceType type, std::string_view name, bool validate_only,
              const Change& change) {
  const Altered which{.type = type, .name = name, .code = Code::kNone, .message = {}};
  if (type == ResourceType::kBroker)
    return wrong(which, Code::kInvalidRequest, "the broker is configured by plimsoll's own settings");
  if (type != ResourceType::kTopic)
    return wrong(which, Code::kInvalidRequest, "only topics (2) have configurations to alter");
  // Of two that are changed at once, the later would put back what the earlier has set.
  MutexLock lock(context.altering());
  const std::shared_ptr<Topic> topic = context.broker.store().find(name);
  if (!topic) return wrong(which, Code::kUnknownTopicOrPartition, "there is no such topic");
  TopicConfig config = *topic->config();
  if (std::string fault = change(config); !fault.empty())
    return wrong(which, Code::kInvalidConfig, std::move(fault));
  if (validate_only) return which;
  if (Result<void> set = context.broker.store().set_config(name, config); !set)
    return wrong(which, Code::kKafkaStorageError, set.error().message());
  return which;
}

std::string set_key(TopicConfig& config, std::string_view name, std::string_view value) {
  const TopicKey* key = find_topic_key(name);
  if (key == nullptr) return "there is no topic configuration '" + shown_name(name) + "'";
  if (const char* right = key->set(config, value)) return std::string(name) + ": " + right;
  return {};
}

bool names(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (trim(take_until(list, ',')) == word) return true;
  }
  return false;
}

// The words of `value` added to the list behind those that it has, or taken out of it.
std::string edited_list(std::string_view list, std::string_view value, bool add) {
  std::string edited;
  const auto put = [&](std::string_view word) { edited.append(edited.empty() ? "" : ",").append(word); };
  while (!list.empty()) {
    const std::string_view word = trim(take_until(list, ','));
    if (add || !names(value, word)) put(word);
  }
  while (add && !value.empty()) {
    const std::string_view word = trim(take_until(value, ','));
    if (!names(edited, word)) put(word);
  }
  return edited;
}

std::string edit_key(TopicConfig& config, std::string_view name, ConfigOperation operation,
                     std::optional<std::string_view> value) {
  const TopicKey* key = find_topic_key(name);
  if (key == nullptr) return "there is no topic configuration '" + shown_name(name) + "'";
  if (operation == ConfigOperation::kDelete) return set_key(config, name, key->get(TopicConfig()));
  if (!value) return "'" + shown_name(name) + "' needs a value";
  if (operation == ConfigOperation::kSet) return set_key(config, name, *value);
  if (operation != ConfigOperation::kAppend && operation != ConfigOperation::kSubtract)
    return "operations are 0 (set) to 3 (subtract)";
  if (key->type != TopicKeyType::kList) return "'" + std::string(name) + "' is no list";
  return set_key(config, name, edited_list(key->get(config), *value, operation == ConfigOperation::kAppend));
}

constexpr const char* kTooMany = "it named more than 65,536 resources";

}  // namespace

Exchange::Step handle_describe_configs(RequestContext& context) {
  return with_request<DescribeRequest>(context, [&](const DescribeRequest& request) {
    if (request.resources.size() > Broker::kMostNamed) return context.close(kTooMany);
    std::vector<Description> all;
    request.resources.for_each([&](const DescribeRequest::Resource& asked) {
      Description description{.type = asked.resource_type, .name = asked.resource_name};
      if (asked.resource_type == ResourceType::kTopic) {
        describe_topic(context, asked, description);
      } else if (asked.resource_type == ResourceType::kBroker) {
        describe_broker(context, asked, description);
      } else {
        description.code = Code::kInvalidRequest;
        description.message = "topics (2) and brokers (4) have configurations";
      }
      all.push_back(std::move(description));
    });
    DescribeResponse response;
    response.throttle_time_ms = context.throttle_ms();
    response.results = Array<DescribeResponse::Result>::generated(all.size(), all.data(), shown_description);
    return context.reply(response);
  });
}

namespace {

// Changes each topic that the request names; `change` is called with what was asked and the configuration.
template <typename Request, typename Response, typename Change>
Exchange::Step alter_each(RequestContext& context, const Change& change) {
  return with_request<Request>(context, [&](const Request& request) {
    if (request.resources.size() > Broker::kMostNamed) return context.close(kTooMany);
    std::vector<Altered> all;
    request.resources.for_each([&](const typename Request::Resource& asked) {
      auto change_one = [&](TopicConfig& config) { return change(asked, config); };
      all.push_back(
          alter(context, asked.resource_type, asked.resource_name, request.validate_only, change_one));
    });
    Response response;
    response.throttle_time_ms = context.throttle_ms();
    using Resource = typename Response::Resource;
    response.responses = Array<Resource>::generated(all.size(), all.data(), shown_altered<Resource>);
    return context.reply(response);
  });
}

}  // namespace

// Replaces all that was set: what is not named goes back to its default.
Exchange::Step handle_alter_configs(RequestContext& context) {
  using Request = kafka::AlterConfigsRequest;
  auto change = [](const Request::Resource& asked, TopicConfig& config) {
    config = TopicConfig();
    std::string fault;
    asked.configs.for_each([&](const Request::Config& entry) {
      if (!fault.empty()) return;
      fault = entry.value ? set_key(config, entry.name, *entry.value)
                          : "'" + shown_name(entry.name) + "' needs a value";
    });
    return fault;
  };
  return alter_each<Request, kafka::AlterConfigsResponse>(context, change);
}

Exchange::Step handle_incremental_alter_configs(RequestContext& context) {
  using Request = kafka::IncrementalAlterConfigsRequest;
  auto change = [](const Request::Resource& asked, TopicConfig& config) {
    std::string fault;
    asked.configs.for_each([&](const Request::Config& entry) {
      if (fault.empty()) fault = edit_key(config, entry.name, entry.config_operation, entry.value);
    });
    return fault;
  };
  return alter_each<Request, kafka::IncrementalAlterConfigsResponse>(context, change);
}

}  // namespace plimsoll
