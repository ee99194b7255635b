#include "plimsoll/broker/exchange.h"

#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_metadata.h"

namespace plimsoll {
namespace {

using kafka::ApiKey;
using Handler = Exchange::Step (*)(RequestContext&);

struct Route {
  ApiKey key;
  RequestKind kind;
  Handler handle;
};

constexpr Route kRoutes[] = {
    {ApiKey::kProduce, RequestKind::kProduce, handle_produce},
    {ApiKey::kFetch, RequestKind::kFetch, handle_fetch},
    {ApiKey::kListOffsets, RequestKind::kAdmin, handle_list_offsets},
    {ApiKey::kMetadata, RequestKind::kAdmin, handle_metadata},
    {ApiKey::kFindCoordinator, RequestKind::kAdmin, handle_find_coordinator},
    {ApiKey::kApiVersions, RequestKind::kAdmin, handle_api_versions},
    {ApiKey::kCreateTopics, RequestKind::kAdmin, handle_create_topics},
    {ApiKey::kDeleteTopics, RequestKind::kRead, handle_delete_topics},
    {ApiKey::kDeleteRecords, RequestKind::kRead, handle_delete_records},
    {ApiKey::kInitProducerId, RequestKind::kAdmin, handle_init_producer_id},
    {ApiKey::kOffsetForLeaderEpoch, RequestKind::kAdmin, handle_offset_for_leader_epoch},
    {ApiKey::kDescribeConfigs, RequestKind::kAdmin, handle_describe_configs},
    {ApiKey::kAlterConfigs, RequestKind::kAdmin, handle_alter_configs},
    {ApiKey::kIncrementalAlterConfigs, RequestKind::kAdmin, handle_incremental_alter_configs},
    {ApiKey::kCreatePartitions, RequestKind::kAdmin, handle_create_partitions},
    {ApiKey::kDescribeCluster, RequestKind::kAdmin, handle_describe_cluster},
};

const Route* find_route(std::int16_t key) {
  for (const Route& route : kRoutes) {
    if (static_cast<std::int16_t>(route.key) == key) return &route;
  }
  return nullptr;
}

// Of a version that is not served, a client of ApiVersions is told which are, in the oldest form.
Exchange::Step refuse_version(RequestContext& context, const kafka::RequestHeader& header) {
  context.counters().unknown.fetch_add(1, std::memory_order_relaxed);
  if (header.key == static_cast<std::int16_t>(ApiKey::kApiVersions)) {
    const kafka::Api& api = *kafka::find_api(header.key);
    using Response = kafka::ApiVersionsResponse;
    const Response::ApiVersion one{
        .api_key = header.key, .min_version = api.advertised_oldest, .max_version = api.newest};
    Response response;
    response.error_code = kafka::Code::kUnsupportedVersion;
    response.api_keys = kafka::Array<Response::ApiVersion>::of(std::span(&one, 1));
    context.address.version = 0;
    return context.reply(response);
  }
  return context.close("it asked for a version of a request that is not served");
}

}  // namespace

Exchange::Step Exchange::begin(std::span<char> frame, ReplySink& sink) {
  PLIMSOLL_CHECK(wait_ == nullptr, "one request at a time");
  mute_ = std::chrono::milliseconds(0);
  broker_.counters_.requests.fetch_add(1, std::memory_order_relaxed);
  std::string_view rest(frame.data(), frame.size());
  const Result<kafka::RequestHeader> header = kafka::decode_header(rest);
  if (!header) {
    broker_.counters_.malformed.fetch_add(1, std::memory_order_relaxed);
    fault_ = header.error().what;
    return Step::kClose;
  }
  const kafka::Api* api = kafka::find_api(header->key);
  const Route* route = find_route(header->key);
  if (api == nullptr || route == nullptr) {
    broker_.counters_.unknown.fetch_add(1, std::memory_order_relaxed);
    fault_ = "it sent a kind of request that is not served";
    return Step::kClose;
  }
  RequestContext context{.exchange = *this,
                         .broker = broker_,
                         .address = {header->version, header->correlation_id},
                         .body = frame.subspan(frame.size() - rest.size()),
                         .sink = sink,
                         .admission = broker_.options_.board.look(route->kind)};
  if (!api->describes(header->version)) return refuse_version(context, *header);
  if (context.admission.wait.count() > 0) {
    mute_ = context.admission.wait;
    broker_.counters_.throttled_requests.fetch_add(1, std::memory_order_relaxed);
    broker_.counters_.throttled_ms.fetch_add(static_cast<std::uint64_t>(mute_.count()),
                                             std::memory_order_relaxed);
  }
  return route->handle(context);
}

Exchange::Step Exchange::resume(ReplySink& sink) {
  PLIMSOLL_CHECK(wait_ != nullptr, "nothing waits");
  const Step step = wait_->resume(sink);
  if (step == Step::kClose) fault_ = "its reader takes no more";
  if (step != Step::kWait) wait_.reset();
  return step;
}

}  // namespace plimsoll
