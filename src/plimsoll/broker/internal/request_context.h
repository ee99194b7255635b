// RequestContext: what a handler is given of one request, and how it replies.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/broker/exchange.h"
#include "plimsoll/wire/kafka_api.h"
#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll {

// What the codec writes to: the sink, with the plans that its tags stand for.
class PlannedSink {
 public:
  PlannedSink(ReplySink& sink, std::span<const SendPlan* const> plans) : sink_(sink), plans_(plans) {}

  char* reserve(std::size_t size) { return sink_.reserve(size); }
  void commit(std::size_t size) { sink_.commit(size); }
  bool splice(std::uint32_t tag, std::uint64_t size) {
    PLIMSOLL_CHECK(tag < plans_.size() && plans_[tag]->size.count() == size);
    return sink_.file(*plans_[tag]);
  }

 private:
  ReplySink& sink_;
  std::span<const SendPlan* const> plans_;
};

// What of a request is still needed when its reply is written.
struct ReplyAddress {
  std::int16_t version;
  std::int32_t correlation_id;
};

// The reply with its length in front. False: the sink took no more.
template <typename Response>
bool write_reply(ReplySink& to, const ReplyAddress& address, const Response& response,
                 std::span<const SendPlan* const> plans = {}) {
  PlannedSink sink(to, plans);
  return kafka::encode_response_frame(sink, response, address.version, address.correlation_id);
}

struct RequestContext {
  Exchange& exchange;
  Broker& broker;
  ReplyAddress address;
  std::span<char> body;  // of the request, behind its header
  ReplySink& sink;
  Admission admission;

  std::string_view text() const { return {body.data(), body.size()}; }
  Exchange::Link& link() const { return exchange.link_; }
  // Where clients are told to connect: as it was set, or as this one did.
  std::string host() const {
    return broker.options().host.empty() ? link().address() : broker.options().host;
  }
  Mutex& altering() const { return broker.altering_; }
  Broker::Counters& counters() const { return broker.counters_; }
  // What the client is told of the pause that follows.
  std::int32_t throttle_ms() const { return static_cast<std::int32_t>(exchange.mute_.count()); }
  void mute(std::chrono::milliseconds pause) { exchange.mute_ = pause; }

  Exchange::Step close(const char* fault) {
    exchange.fault_ = fault;
    return Exchange::Step::kClose;
  }
  template <typename Response>
  Exchange::Step reply(const Response& response) {
    return write_reply(sink, address, response) ? Exchange::Step::kReplied
                                                : close("its reader takes no more");
  }
  Exchange::Step wait(std::unique_ptr<Exchange::Wait> wait) {
    exchange.wait_ = std::move(wait);
    return Exchange::Step::kWait;
  }
};

// The request's body, or the connection's end.
template <typename Request, typename Handle>
Exchange::Step with_request(RequestContext& context, const Handle& handle) {
  Result<Request> request =
      kafka::decode<Request>(context.text(), context.address.version, kafka::Rest::kIgnored);
  if (!request) {
    context.counters().malformed.fetch_add(1, std::memory_order_relaxed);
    return context.close(request.error().what);
  }
  return handle(*request);
}

// A name of the client's within a message, which would be longer than a string may be.
inline std::string shown_name(std::string_view name) {
  constexpr std::size_t kMost = 249;
  return name.size() <= kMost ? std::string(name) : std::string(name.substr(0, kMost)) + "...";
}

// Handlers, one a kind of request.
Exchange::Step handle_api_versions(RequestContext& context);
Exchange::Step handle_metadata(RequestContext& context);
Exchange::Step handle_find_coordinator(RequestContext& context);
Exchange::Step handle_describe_cluster(RequestContext& context);
Exchange::Step handle_produce(RequestContext& context);
Exchange::Step handle_init_producer_id(RequestContext& context);
Exchange::Step handle_fetch(RequestContext& context);
Exchange::Step handle_list_offsets(RequestContext& context);
Exchange::Step handle_offset_for_leader_epoch(RequestContext& context);
Exchange::Step handle_create_topics(RequestContext& context);
Exchange::Step handle_delete_topics(RequestContext& context);
Exchange::Step handle_create_partitions(RequestContext& context);
Exchange::Step handle_delete_records(RequestContext& context);
Exchange::Step handle_describe_configs(RequestContext& context);
Exchange::Step handle_alter_configs(RequestContext& context);
Exchange::Step handle_incremental_alter_configs(RequestContext& context);

}  // namespace plimsoll
