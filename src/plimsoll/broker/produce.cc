// Produce and InitProducerId.
#include <string>

#include "plimsoll/broker/internal/nested.h"
#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_produce.h"

namespace plimsoll {
namespace {

using kafka::Code;
using Request = kafka::ProduceRequest;
using Response = kafka::ProduceResponse;

struct Produced {
  std::int32_t index = 0;
  Code code = Code::kNone;
  std::int64_t base_offset = -1;
  std::int64_t append_time_ms = -1;
  std::int64_t start_offset = -1;
  std::int32_t record_index = -1;
  bool compacted = false;                // the topic, whose records need keys
  std::int64_t end_offset = -1;          // behind the batch: what has to be on the disk
  std::shared_ptr<Partition> partition;  // of what was appended
};
using Results = Nested<Produced>;

std::string_view fault_in(const Produced& result) {
  return result.compacted ? "a record is malformed, or has no key, which one of a compacted topic has to have"
                          : "a record is malformed";
}

// The list of faulty records has one entry; it lies where its result does.
Response::RecordError fault_of(const void* of, std::uint64_t, std::size_t) {
  const auto& result = *static_cast<const Produced*>(of);
  Response::RecordError fault;
  fault.batch_index = result.record_index;
  fault.batch_index_error_message = fault_in(result);
  return fault;
}

Response::Partition shown(const Produced& result) {
  Response::Partition partition;
  partition.index = result.index;
  partition.error_code = result.code;
  partition.base_offset = result.base_offset;
  partition.log_append_time_ms = result.append_time_ms;
  partition.log_start_offset = result.start_offset;
  if (result.record_index >= 0) {
    partition.record_errors = kafka::Array<Response::RecordError>::generated(1, &result, fault_of);
    partition.error_message = fault_in(result);
  }
  return partition;
}

bool write_results(ReplySink& sink, const ReplyAddress& address, const Results& results,
                   std::int32_t throttle_ms) {
  Response response;
  response.throttle_time_ms = throttle_ms;
  response.responses = results.topics<Response::Topic, Response::Partition, shown>();
  return write_reply(sink, address, response);
}

// Waits until all that was appended is on the disk.
class SyncWait final : public Exchange::Wait {
 public:
  SyncWait(RequestContext& context, Results results)
      : link_(context.link()),
        store_(context.broker.store()),
        address_(context.address),
        throttle_ms_(context.throttle_ms()),
        results_(std::move(results)),
        parts_(results_.items.size()) {
    names_.reserve(results_.groups.size());
    for (Results::Group& group : results_.groups) group.name = names_.emplace_back(group.name);
  }
  ~SyncWait() override {
    for (Part& part : parts_) {
      if (part.owner != nullptr) store_.cancel(part);
    }
  }

  void begin() {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Produced& result = results_.items[i];
      if (result.partition == nullptr) continue;
      parts_[i].owner = this;
      left_.fetch_add(1, std::memory_order_relaxed);
      store_.sync_before(result.partition, result.end_offset, parts_[i]);
    }
    one_done();
  }
  bool done() const { return left_.load(std::memory_order_acquire) == 0; }

  Exchange::Step resume(ReplySink& sink) override {
    if (!done()) return Exchange::Step::kWait;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].owner != nullptr && !parts_[i].ok) results_.items[i].code = Code::kKafkaStorageError;
    }
    return write_results(sink, address_, results_, throttle_ms_) ? Exchange::Step::kReplied
                                                                 : Exchange::Step::kClose;
  }

 private:
  struct Part final : SyncWaiter {
    void synced(bool well) noexcept override {
      ok = well;
      owner->one_done();
    }
    SyncWait* owner = nullptr;
    bool ok = false;
  };

  // Release pairs with done(): whoever sees none left sees every part's outcome.
  void one_done() noexcept {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) link_.wake();
  }

  Exchange::Link& link_;
  LogStore& store_;
  const ReplyAddress address_;
  const std::int32_t throttle_ms_;
  Results results_;
  std::vector<std::string> names_;
  std::vector<Part> parts_;
  std::atomic<std::size_t> left_{1};  // begin() itself is one
};

class Producing {
 public:
  Producing(RequestContext& context, const Request& request)
      : context_(context), request_(request), now_ms_(context.broker.wall_ms()), refusal_(refusal()) {}

  // False: too many were named.
  bool run() {
    bool few = true;
    request_.topics.for_each([&](const Request::Topic& topic) { few = few && take(topic); });
    return few;
  }
  const Results& results() const { return results_; }
  bool failed() const { return failed_; }

  Exchange::Step answer() {
    if (request_.acks == 0) {
      // There is no reply to say it in: the client sees that its connection ends.
      return failed_ ? context_.close("a batch that it sent with acks=0 was refused")
                     : Exchange::Step::kNoReply;
    }
    if (context_.broker.options().sync_before_reply && appended_) {
      auto wait = std::make_unique<SyncWait>(context_, std::move(results_));
      SyncWait& waiting = *wait;
      const Exchange::Step step = context_.wait(std::move(wait));
      waiting.begin();
      return step;
    }
    return write_results(context_.sink, context_.address, results_, context_.throttle_ms())
               ? Exchange::Step::kReplied
               : context_.close("its reader takes no more");
  }

 private:
  // What every batch of the request is refused with, if it is.
  Code refusal() {
    // Told as served, because some clients decide by it what else to use, but their batches are of old
    // formats.
    if (context_.address.version < 3) return Code::kUnsupportedVersion;
    if (request_.acks < -1 || request_.acks > 1) return Code::kInvalidRequiredAcks;
    if (request_.transactional_id) return Code::kTransactionalIdAuthorizationFailed;
    if (context_.admission.verdict != Admission::Verdict::kReject) return Code::kNone;
    context_.counters().produce_refused.fetch_add(1, std::memory_order_relaxed);
    return Code::kNotEnoughReplicas;  // nothing was appended, and to try again is right
  }

  bool take(const Request::Topic& asked) {
    if (results_.items.size() + asked.partitions.size() > Broker::kMostNamed) return false;
    results_.begin_topic(asked.name);
    Code why = refusal_;
    std::shared_ptr<Topic> topic;
    if (why == Code::kNone) topic = context_.broker.topic(asked.name, true, why);
    asked.partitions.for_each([&](const Request::Partition& part) {
      Produced result{.index = part.index, .code = topic ? Code::kNone : why};
      if (topic) append(*topic, part, result);
      failed_ = failed_ || result.code != Code::kNone;
      results_.add(std::move(result));
    });
    return true;
  }

  void append(Topic& topic, const Request::Partition& part, Produced& result) {
    if (part.index < 0 || part.index >= topic.partition_count()) {
      result.code = Code::kUnknownTopicOrPartition;
      return;
    }
    if (part.records.null || part.records.bytes.empty()) {
      result.code = Code::kInvalidRecord;
      return;
    }
    // The frame is ours to change: the log writes offsets and epoch into it.
    const auto at = static_cast<std::size_t>(part.records.bytes.data() - context_.body.data());
    const std::span<char> batch = context_.body.subspan(at, part.records.bytes.size());
    const std::shared_ptr<Partition>& partition = topic.shared_partition(part.index);
    const AppendOutcome outcome = partition->append(batch, now_ms_);
    result.code = code_of(outcome.error);
    if (outcome.error == LogError::kStorage && partition->removed())
      result.code = Code::kUnknownTopicOrPartition;
    result.record_index = outcome.record_index;
    result.compacted = topic.config()->compact;
    if (outcome.error != LogError::kNone) return;
    result.base_offset = outcome.base_offset;
    result.end_offset = outcome.last_offset + 1;
    result.append_time_ms = outcome.append_time_ms;
    result.start_offset = outcome.start_offset;
    if (context_.broker.options().sync_before_reply) result.partition = partition;
    appended_ = true;
    context_.counters().produced_bytes.fetch_add(batch.size(), std::memory_order_relaxed);
  }

  RequestContext& context_;
  const Request& request_;
  const std::int64_t now_ms_;
  const Code refusal_;
  Results results_;
  bool failed_ = false;
  bool appended_ = false;
};

}  // namespace

Exchange::Step handle_produce(RequestContext& context) {
  context.counters().produce_requests.fetch_add(1, std::memory_order_relaxed);
  return with_request<Request>(context, [&](const Request& request) {
    Producing producing(context, request);
    if (!producing.run()) return context.close("it named more than 65,536 partitions");
    return producing.answer();
  });
}

Exchange::Step handle_init_producer_id(RequestContext& context) {
  return with_request<kafka::InitProducerIdRequest>(
      context, [&](const kafka::InitProducerIdRequest& request) {
        kafka::InitProducerIdResponse response;
        response.throttle_time_ms = context.throttle_ms();
        response.producer_id = -1;
        response.producer_epoch = -1;
        if (request.transactional_id) {
          response.error_code = Code::kTransactionalIdAuthorizationFailed;  // there are no transactions
        } else if (const Result<std::int64_t> id = context.broker.store().new_producer_id(); !id) {
          response.error_code = Code::kKafkaStorageError;
        } else {
          response.producer_id = *id;
          response.producer_epoch = 0;
        }
        return context.reply(response);
      });
}

}  // namespace plimsoll
