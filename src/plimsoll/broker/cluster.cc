// ApiVersions, Metadata, FindCoordinator, DescribeCluster: what there is, and who serves it.
#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_groups.h"
#include "plimsoll/wire/kafka_metadata.h"

namespace plimsoll {
namespace {

using kafka::Array;
using kafka::Code;

const std::int32_t kReplicas[] = {Broker::kNode};

using MetadataTopic = kafka::MetadataResponse::Topic;
using MetadataPartition = kafka::MetadataResponse::Partition;

// A topic as it was found for this reply: what it has may grow while the reply is written.
struct Seen {
  std::shared_ptr<Topic> topic;
  std::string_view name;
  std::int32_t partitions = 0;
  Code code = Code::kNone;
};

MetadataPartition partition_of(std::size_t index) {
  MetadataPartition partition;
  partition.partition_index = static_cast<std::int32_t>(index);
  partition.leader_id = Broker::kNode;
  partition.leader_epoch = Broker::kLeaderEpoch;
  partition.replica_nodes = Array<std::int32_t>::of(kReplicas);
  partition.isr_nodes = Array<std::int32_t>::of(kReplicas);
  return partition;
}

MetadataTopic topic_of(const Seen& seen) {
  MetadataTopic topic;
  topic.error_code = seen.code;
  topic.name = seen.name;
  topic.partitions = Array<MetadataPartition>::generated(
      static_cast<std::size_t>(seen.partitions), nullptr,
      [](const void*, std::uint64_t, std::size_t i) { return partition_of(i); });
  return topic;
}

std::vector<Seen> topics_asked_for(RequestContext& context, const kafka::MetadataRequest& request) {
  std::vector<Seen> seen;
  const bool all = request.topics.null() || (context.address.version == 0 && request.topics.size() == 0);
  if (all) {
    context.broker.store().for_each_topic([&](const std::shared_ptr<Topic>& topic) {
      seen.push_back({topic, topic->name(), topic->partition_count(), Code::kNone});
    });
    return seen;
  }
  const bool create = context.address.version < 4 || request.allow_auto_topic_creation;
  request.topics.for_each([&](const kafka::MetadataRequest::Topic& asked) {
    Seen one{.topic = nullptr, .name = asked.name};
    one.topic = context.broker.topic(asked.name, create, one.code);
    if (one.topic) {
      one.partitions = one.topic->partition_count();
      one.code = Code::kNone;
    }
    seen.push_back(std::move(one));
  });
  return seen;
}

}  // namespace

Exchange::Step handle_api_versions(RequestContext& context) {
  return with_request<kafka::ApiVersionsRequest>(context, [&](const kafka::ApiVersionsRequest&) {
    using Version = kafka::ApiVersionsResponse::ApiVersion;
    const std::span<const kafka::Api> served = kafka::served_apis();
    kafka::ApiVersionsResponse response;
    response.throttle_time_ms = context.throttle_ms();
    response.api_keys = Array<Version>::generated(
        served.size(), served.data(), [](const void* all, std::uint64_t, std::size_t i) {
          const kafka::Api& api = static_cast<const kafka::Api*>(all)[i];
          return Version{.api_key = static_cast<std::int16_t>(api.key),
                         .min_version = api.advertised_oldest,
                         .max_version = api.newest};
        });
    return context.reply(response);
  });
}

Exchange::Step handle_metadata(RequestContext& context) {
  return with_request<kafka::MetadataRequest>(context, [&](const kafka::MetadataRequest& request) {
    if (request.topics.size() > Broker::kMostNamed) return context.close("it named more than 65,536 topics");
    const std::vector<Seen> seen = topics_asked_for(context, request);
    const Broker::Options& options = context.broker.options();
    const std::string host = context.host();
    const kafka::MetadataResponse::Broker self{
        .node_id = Broker::kNode, .host = host, .port = options.port, .rack = {}};
    kafka::MetadataResponse response;
    response.throttle_time_ms = context.throttle_ms();
    response.brokers = Array<kafka::MetadataResponse::Broker>::of(std::span(&self, 1));
    response.cluster_id = options.cluster_id;
    response.controller_id = Broker::kNode;
    response.topics = Array<MetadataTopic>::generated(seen.size(), seen.data(),
                                                      [](const void* all, std::uint64_t, std::size_t i) {
                                                        return topic_of(static_cast<const Seen*>(all)[i]);
                                                      });
    return context.reply(response);
  });
}

// There are no groups yet. It is answered all the same, because clients take a broker without it for one so
// old that they compress nothing with lz4.
Exchange::Step handle_find_coordinator(RequestContext& context) {
  using Response = kafka::FindCoordinatorResponse;
  static constexpr std::string_view kNone = "consumer groups are not served yet";
  return with_request<kafka::FindCoordinatorRequest>(
      context, [&](const kafka::FindCoordinatorRequest& request) {
        if (request.coordinator_keys.size() > Broker::kMostNamed)
          return context.close("it named more than 65,536 groups");
        std::vector<Response::Coordinator> all;
        request.coordinator_keys.for_each([&](kafka::String key) {
          Response::Coordinator one{.key = key};
          one.error_code = Code::kCoordinatorNotAvailable;
          one.error_message = kNone;
          all.push_back(one);
        });
        Response response;
        response.throttle_time_ms = context.throttle_ms();
        response.error_code = Code::kCoordinatorNotAvailable;
        response.error_message = kNone;
        response.coordinators = Array<Response::Coordinator>::of(all);
        return context.reply(response);
      });
}

Exchange::Step handle_describe_cluster(RequestContext& context) {
  return with_request<kafka::DescribeClusterRequest>(context, [&](const kafka::DescribeClusterRequest&) {
    using Response = kafka::DescribeClusterResponse;
    const Broker::Options& options = context.broker.options();
    const std::string host = context.host();
    const Response::Broker self{.broker_id = Broker::kNode, .host = host, .port = options.port, .rack = {}};
    Response response;
    response.throttle_time_ms = context.throttle_ms();
    response.cluster_id = options.cluster_id;
    response.controller_id = Broker::kNode;
    response.brokers = Array<Response::Broker>::of(std::span(&self, 1));
    return context.reply(response);
  });
}

}  // namespace plimsoll
