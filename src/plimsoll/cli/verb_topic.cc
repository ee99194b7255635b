// plimsoll topic: the topics of a running broker, listed, described, made, changed and deleted over Kafka's
// own protocol, so that it works on any broker that speaks it.
#include <algorithm>
#include <optional>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/kafka_client.h"
#include "plimsoll/cli/progress.h"
#include "plimsoll/cli/verb.h"
#include "plimsoll/report/json_writer.h"
#include "plimsoll/report/table.h"
#include "plimsoll/wire/kafka_configs.h"
#include "plimsoll/wire/kafka_fetch.h"
#include "plimsoll/wire/kafka_metadata.h"
#include "plimsoll/wire/kafka_topics.h"

namespace plimsoll {
namespace {

using kafka::Array;
using kafka::Code;

constexpr std::chrono::seconds kPatience{10};

// What one run of the verb works with.
struct Job {
  const Call& call;
  KafkaClient& broker;
  std::string name;  // of the topic; empty for list
  bool json;

  template <typename Response, typename Request>
  Result<Response> ask(const Request& request, std::int16_t version) const {
    const Waiting waiting(call, "waiting for the broker");
    return broker.ask<Response>(request, version, std::chrono::steady_clock::now() + kPatience);
  }
  int failed(const Error& error) const {
    call.complain("topic: " + error.message());
    return kFailed;
  }
  int refused(Code code, const kafka::NullableString& message) const {
    std::string text = "topic " + name + ": " + std::string(kafka::name_of(code));
    if (message && !message->empty())
      text += ": " + std::string(*message);
    else if (code == Code::kUnknownTopicOrPartition)
      text += ": there is no such topic; plimsoll topic list names those there are";
    call.complain(text);
    return kFailed;
  }
  int done(const std::string& words) const {
    if (json) {
      JsonWriter writer;
      writer.begin_object().field("topic", name).field("result", words).end();
      call.print(writer.take() + "\n");
    } else {
      call.print(name + ": " + words + "\n");
    }
    return kDone;
  }
};

struct Pair {
  std::string name;
  std::string value;
};

// The values of a flag that may be given often, as key=value.
tl::expected<std::vector<Pair>, std::string> pairs_of(const Call& call, std::string_view flag) {
  std::vector<Pair> pairs;
  for (const Arguments::Given& given : call.arguments.given()) {
    if (given.name != flag) continue;
    std::string_view value = *given.value;
    if (value.find('=') == std::string_view::npos)
      return tl::unexpected(std::string(flag) + " " + *given.value +
                            ": write KEY=VALUE, as in retention.ms=60000");
    const std::string_view name = take_until(value, '=');
    pairs.push_back({std::string(name), std::string(value)});
  }
  return pairs;
}

std::optional<std::int32_t> partitions_of(const Call& call, bool& wrong) {
  wrong = false;
  const std::optional<std::string> text = call.arguments.value("--partitions");
  if (!text) return std::nullopt;
  const std::optional<std::uint64_t> number = parse_uint64(*text);
  wrong = !number || *number < 1 || *number > 10'000;
  if (wrong) {
    call.complain("topic: --partitions " + *text + ": write a number from 1 to 10000");
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*number);
}

int list(const Job& job) {
  kafka::MetadataRequest request;
  request.topics = Array<kafka::MetadataRequest::Topic>::none();
  auto answer = job.ask<kafka::MetadataResponse>(request, 9);
  if (!answer) return job.failed(answer.error());
  if (job.json) {
    JsonWriter writer;
    writer.begin_object().begin_array("topics");
    for (const auto& topic : answer->topics) {
      writer.begin_object().field("name", topic.name).field("partitions", topic.partitions.size()).end();
    }
    writer.end().end();
    job.call.print(writer.take() + "\n");
    return kDone;
  }
  Table table({{"topic"}, {"partitions", Align::kRight}});
  for (const auto& topic : answer->topics)
    table.row({std::string(topic.name), std::to_string(topic.partitions.size())});
  job.call.print(table.rows() == 0 ? std::string("no topics yet; plimsoll topic create NAME makes one\n")
                                   : table.text());
  return kDone;
}

int create(const Job& job) {
  bool wrong = false;
  const std::optional<std::int32_t> partitions = partitions_of(job.call, wrong);
  const auto pairs = pairs_of(job.call, "--config");
  if (!pairs) job.call.complain("topic: " + pairs.error());
  if (wrong || !pairs) return kWrongUsage;
  std::vector<kafka::CreateTopicsRequest::Config> configs;
  for (const Pair& pair : *pairs) configs.push_back({.name = pair.name, .value = pair.value});
  const kafka::CreateTopicsRequest::Topic topic{
      .name = job.name,
      .num_partitions = partitions.value_or(-1),
      .replication_factor = -1,
      .assignments = {},
      .configs = Array<kafka::CreateTopicsRequest::Config>::of(configs)};
  kafka::CreateTopicsRequest request;
  request.topics = Array<kafka::CreateTopicsRequest::Topic>::of(std::span(&topic, 1));
  auto answer = job.ask<kafka::CreateTopicsResponse>(request, 5);
  if (!answer) return job.failed(answer.error());
  std::int32_t made = 0;
  for (const auto& result : answer->topics) {
    if (result.error_code != Code::kNone) return job.refused(result.error_code, result.error_message);
    made = result.num_partitions;
  }
  return job.done("created, with " + std::to_string(made) + " partitions");
}

int remove(const Job& job) {
  const std::string_view name = job.name;
  kafka::DeleteTopicsRequest request;
  request.topic_names = Array<kafka::String>::of(std::span(&name, 1));
  request.timeout_ms = 10'000;
  auto answer = job.ask<kafka::DeleteTopicsResponse>(request, 5);
  if (!answer) return job.failed(answer.error());
  for (const auto& result : answer->responses) {
    if (result.error_code != Code::kNone) return job.refused(result.error_code, result.error_message);
  }
  return job.done("deleted");
}

int add_partitions(const Job& job, std::int32_t count) {
  const kafka::CreatePartitionsRequest::Topic topic{
      .name = job.name,
      .count = count,
      .assignments = Array<kafka::CreatePartitionsRequest::Assignment>::none()};
  kafka::CreatePartitionsRequest request;
  request.topics = Array<kafka::CreatePartitionsRequest::Topic>::of(std::span(&topic, 1));
  auto answer = job.ask<kafka::CreatePartitionsResponse>(request, 2);
  if (!answer) return job.failed(answer.error());
  for (const auto& result : answer->results) {
    if (result.error_code != Code::kNone) return job.refused(result.error_code, result.error_message);
  }
  return kDone;
}

int alter(const Job& job) {
  bool wrong = false;
  const std::optional<std::int32_t> partitions = partitions_of(job.call, wrong);
  const auto pairs = pairs_of(job.call, "--config");
  if (!pairs) job.call.complain("topic: " + pairs.error());
  if (wrong || !pairs) return kWrongUsage;
  using Request = kafka::IncrementalAlterConfigsRequest;
  std::vector<Request::Config> configs;
  for (const Pair& pair : *pairs)
    configs.push_back(
        {.name = pair.name, .config_operation = kafka::ConfigOperation::kSet, .value = pair.value});
  for (const Arguments::Given& given : job.call.arguments.given()) {
    if (given.name == "--default") {
      configs.push_back(
          {.name = *given.value, .config_operation = kafka::ConfigOperation::kDelete, .value = std::nullopt});
    }
  }
  if (configs.empty() && !partitions) {
    job.call.complain(
        "topic alter: say what to change: --config KEY=VALUE, --default KEY or --partitions NUMBER");
    return kWrongUsage;
  }
  if (!configs.empty()) {
    const Request::Resource resource{.resource_type = kafka::ResourceType::kTopic,
                                     .resource_name = job.name,
                                     .configs = Array<Request::Config>::of(configs)};
    Request request;
    request.resources = Array<Request::Resource>::of(std::span(&resource, 1));
    auto answer = job.ask<kafka::IncrementalAlterConfigsResponse>(request, 1);
    if (!answer) return job.failed(answer.error());
    for (const auto& result : answer->responses) {
      if (result.error_code != Code::kNone) return job.refused(result.error_code, result.error_message);
    }
  }
  if (partitions) {
    if (const int failed = add_partitions(job, *partitions)) return failed;
  }
  return job.done("changed");
}

struct Bounds {
  std::int64_t first = -1;
  std::int64_t next = -1;
};

// Where each of `count` partitions begins or ends; or what to exit with.
std::optional<int> ask_offsets(const Job& job, std::int32_t count, std::int64_t which,
                               std::vector<Bounds>& bounds, std::int64_t Bounds::* into) {
  using Request = kafka::ListOffsetsRequest;
  std::vector<Request::Partition> parts;
  for (std::int32_t i = 0; i < count; ++i) parts.push_back({.partition_index = i, .timestamp = which});
  const Request::Topic topic{.name = job.name, .partitions = Array<Request::Partition>::of(parts)};
  Request request;
  request.replica_id = -1;
  request.topics = Array<Request::Topic>::of(std::span(&topic, 1));
  auto answer = job.ask<kafka::ListOffsetsResponse>(request, 5);
  if (!answer) return job.failed(answer.error());
  bounds.resize(static_cast<std::size_t>(count));
  for (const auto& result : answer->topics) {
    for (const auto& part : result.partitions) {
      if (part.error_code != Code::kNone)
        return job.refused(part.error_code, "of partition " + std::to_string(part.partition_index));
      if (part.partition_index >= 0 && part.partition_index < count)
        bounds[static_cast<std::size_t>(part.partition_index)].*into = part.offset;
    }
  }
  return std::nullopt;
}

struct Setting {
  std::string name;
  std::string value;
  bool usual;
};

std::optional<int> ask_settings(const Job& job, std::vector<Setting>& settings) {
  using Request = kafka::DescribeConfigsRequest;
  const Request::Resource resource{.resource_type = kafka::ResourceType::kTopic,
                                   .resource_name = job.name,
                                   .configuration_keys = Array<kafka::String>::none()};
  Request request;
  request.resources = Array<Request::Resource>::of(std::span(&resource, 1));
  auto answer = job.ask<kafka::DescribeConfigsResponse>(request, 4);
  if (!answer) return job.failed(answer.error());
  for (const auto& result : answer->results) {
    if (result.error_code != Code::kNone) return job.refused(result.error_code, result.error_message);
    for (const auto& config : result.configs) {
      settings.push_back({std::string(config.name), std::string(config.value.value_or("")),
                          config.config_source == kafka::ConfigSource::kDefault});
    }
  }
  return std::nullopt;
}

void print_json(const Job& job, const std::vector<Bounds>& bounds, const std::vector<Setting>& settings) {
  JsonWriter writer;
  writer.begin_object().field("topic", job.name).begin_array("partitions");
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    writer.begin_object().field("partition", i).field("first_offset", bounds[i].first);
    writer.field("next_offset", bounds[i].next).end();
  }
  writer.end().begin_object("config");
  for (const Setting& setting : settings) writer.field(setting.name, setting.value);
  writer.end().end();
  job.call.print(writer.take() + "\n");
}

int describe(const Job& job) {
  const kafka::MetadataRequest::Topic asked{.name = job.name};
  kafka::MetadataRequest request;
  request.topics = Array<kafka::MetadataRequest::Topic>::of(std::span(&asked, 1));
  request.allow_auto_topic_creation = false;
  auto answer = job.ask<kafka::MetadataResponse>(request, 9);
  if (!answer) return job.failed(answer.error());
  std::int32_t count = 0;
  for (const auto& topic : answer->topics) {
    if (topic.error_code != Code::kNone) return job.refused(topic.error_code, std::nullopt);
    count = static_cast<std::int32_t>(topic.partitions.size());
  }
  std::vector<Bounds> bounds;
  for (const auto& [which, into] :
       {std::pair(kafka::kEarliestOffset, &Bounds::first), std::pair(kafka::kLatestOffset, &Bounds::next)}) {
    if (const std::optional<int> failed = ask_offsets(job, count, which, bounds, into)) return *failed;
  }
  std::vector<Setting> settings;
  if (std::optional<int> failed = ask_settings(job, settings)) return *failed;
  if (job.json) {
    print_json(job, bounds, settings);
    return kDone;
  }
  Table parts(
      {{"partition", Align::kRight}, {"first offset", Align::kRight}, {"next offset", Align::kRight}});
  for (std::size_t i = 0; i < bounds.size(); ++i)
    parts.row({std::to_string(i), std::to_string(bounds[i].first), std::to_string(bounds[i].next)});
  Table keys({{"configuration"}, {"value"}, {""}});
  for (const Setting& setting : settings) keys.row({setting.name, setting.value, setting.usual ? "" : "set"});
  job.call.print(parts.text() + "\n" + keys.text());
  return kDone;
}

struct Action {
  std::string_view name;
  int (*run)(const Job&);
  bool needs_topic = true;
};
constexpr Action kActions[] = {{"list", &list, false},
                               {"create", &create},
                               {"describe", &describe},
                               {"alter", &alter},
                               {"delete", &remove}};

Result<KafkaClient> connect(const Call& call, const Endpoint& server) {
  const Waiting waiting(call, "waiting for " + server.text());
  return KafkaClient::connect(server, std::chrono::steady_clock::now() + kPatience);
}

int run_topic(const Call& call) {
  const std::vector<std::string>& words = call.arguments.positional();
  const Action* action = nullptr;
  for (const Action& known : kActions) {
    if (!words.empty() && words[0] == known.name) action = &known;
  }
  if (action == nullptr) {
    const std::vector<std::string_view> known = topic_verb().actions;
    const std::string_view near = words.empty() ? "" : nearest(words[0], known);
    if (!near.empty()) {
      call.complain("topic: there is no " + words[0] + "; did you mean " + std::string(near) + "?");
      return kWrongUsage;
    }
    call.complain("topic: say what to do: list, create NAME, describe NAME, alter NAME or delete NAME");
    return kWrongUsage;
  }
  if (action->needs_topic != (words.size() == 2)) {
    call.complain("topic " + words[0] +
                  (action->needs_topic ? ": which topic? Write its name" : ": takes no name"));
    return kWrongUsage;
  }
  const std::string where = call.arguments.value("--kafka").value_or("127.0.0.1:9092");
  Result<Endpoint> server = Endpoint::parse(where);
  if (!server) {
    call.complain("topic: --kafka " + where + ": " + server.error().message());
    return kWrongUsage;
  }
  Result<KafkaClient> broker = connect(call, *server);
  if (!broker) {
    call.complain(
        "topic: " + server->text() + ": " + broker.error().message() +
        "; is plimsoll serve running with --data-dir, and is that its Kafka port (--kafka ADDRESS:PORT)?");
    return kFailed;
  }
  return action->run({.call = call,
                      .broker = *broker,
                      .name = words.size() == 2 ? words[1] : std::string(),
                      .json = call.arguments.has("--json")});
}

}  // namespace

Verb topic_verb() {
  return {.name = "topic",
          .summary = "The log's topics: list, create, describe, alter or delete them",
          .example =
              "  plimsoll topic create orders --partitions 8 --config retention.ms=3600000\n"
              "  plimsoll topic describe orders\n"
              "  plimsoll topic alter orders --default retention.ms\n"
              "  plimsoll topic list --json",
          .flags = {{"--partitions", "NUMBER", "how many there are to be (create, alter)"},
                    {"--config", "KEY=VALUE",
                     "what is set, as Kafka names it; may be given often (create, alter)"},
                    {"--default", "KEY", "what goes back to its default; may be given often (alter)"},
                    {"--json", "", "as one JSON object"},
                    {"--kafka", "ADDRESS:PORT", "where the broker is [127.0.0.1:9092]"}},
          .positional = "ACTION [NAME]",
          .run = &run_topic,
          .words = 2,
          .actions = {"list", "create", "describe", "alter", "delete"},
          .exits = {{kFailed, "no broker answers there, or it refused"}}};
}

}  // namespace plimsoll
