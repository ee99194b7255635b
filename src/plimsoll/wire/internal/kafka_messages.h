// with_message: calls `visit` with the message that a key names, for tests that go through all of them.
#pragma once

#include <type_traits>
#include <utility>

#include "plimsoll/wire/kafka_configs.h"
#include "plimsoll/wire/kafka_fetch.h"
#include "plimsoll/wire/kafka_groups.h"
#include "plimsoll/wire/kafka_metadata.h"
#include "plimsoll/wire/kafka_produce.h"
#include "plimsoll/wire/kafka_topics.h"

namespace plimsoll::kafka::detail {

template <class Request, class Response>
struct Exchange {
  static constexpr ApiKey kKey = Request::kKey;
  static_assert(Response::kKey == kKey);

  template <class Visit>
  static void call(bool request, Visit& visit) {
    if (request) {
      visit(std::type_identity<Request>{});
    } else {
      visit(std::type_identity<Response>{});
    }
  }
};

template <class... Exchanges>
struct ExchangeList {
  template <class Visit>
  static bool call(ApiKey key, bool request, Visit& visit) {
    return ((Exchanges::kKey == key && (Exchanges::call(request, visit), true)) || ...);
  }
};

using AllExchanges = ExchangeList<
    Exchange<ProduceRequest, ProduceResponse>, Exchange<FetchRequest, FetchResponse>,
    Exchange<FindCoordinatorRequest, FindCoordinatorResponse>,
    Exchange<ListOffsetsRequest, ListOffsetsResponse>, Exchange<MetadataRequest, MetadataResponse>,
    Exchange<ApiVersionsRequest, ApiVersionsResponse>, Exchange<CreateTopicsRequest, CreateTopicsResponse>,
    Exchange<DeleteTopicsRequest, DeleteTopicsResponse>,
    Exchange<DeleteRecordsRequest, DeleteRecordsResponse>,
    Exchange<InitProducerIdRequest, InitProducerIdResponse>,
    Exchange<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>,
    Exchange<DescribeConfigsRequest, DescribeConfigsResponse>,
    Exchange<AlterConfigsRequest, AlterConfigsResponse>,
    Exchange<CreatePartitionsRequest, CreatePartitionsResponse>,
    Exchange<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>,
    Exchange<DescribeClusterRequest, DescribeClusterResponse>>;

// `visit` is called with std::type_identity<M>. False when no message has that key.
template <class Visit>
bool with_message(ApiKey key, bool request, Visit&& visit) {
  return AllExchanges::call(key, request, visit);
}

}  // namespace plimsoll::kafka::detail
