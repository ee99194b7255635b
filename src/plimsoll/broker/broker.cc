#include "plimsoll/broker/broker.h"

#include <cerrno>

namespace plimsoll {

using kafka::Code;

kafka::Code code_of(LogError error) {
  switch (error) {
    case LogError::kNone:
      return Code::kNone;
    case LogError::kOffsetOutOfRange:
      return Code::kOffsetOutOfRange;
    case LogError::kCorrupt:
      return Code::kCorruptMessage;
    case LogError::kTooLarge:
      return Code::kMessageTooLarge;
    case LogError::kInvalidRecord:
      return Code::kInvalidRecord;
    case LogError::kUnsupportedFormat:
      return Code::kUnsupportedForMessageFormat;
    case LogError::kUnsupportedCodec:
      return Code::kUnsupportedCompressionType;
    case LogError::kOutOfOrderSequence:
      return Code::kOutOfOrderSequenceNumber;
    case LogError::kInvalidProducerEpoch:
      return Code::kInvalidProducerEpoch;
    case LogError::kInvalidTimestamp:
      return Code::kInvalidTimestamp;
    case LogError::kNoMemory:
      // Nothing was appended, and to try again is right.
      return Code::kNotEnoughReplicas;
    case LogError::kStorage:
      return Code::kKafkaStorageError;
  }
  return Code::kUnknownServerError;
}

std::shared_ptr<Topic> Broker::topic(std::string_view name, bool create, kafka::Code& why) {
  if (std::shared_ptr<Topic> found = store().find(name)) return found;
  why = !LogStore::valid_name(name) ? Code::kInvalidTopic : Code::kUnknownTopicOrPartition;
  if (why == Code::kInvalidTopic || !create || !options_.auto_create) return nullptr;
  Result<std::shared_ptr<Topic>> made = store().create(name, options_.default_partitions, TopicConfig());
  if (made) return *made;
  // Another connection may have made it meanwhile.
  if (std::shared_ptr<Topic> found = store().find(name)) return found;
  why = made.error().errno_value == ENOMEM ? Code::kPolicyViolation : Code::kKafkaStorageError;
  return nullptr;
}

Broker::Stats Broker::stats() const {
  auto of = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  const Counters& c = counters_;
  return {.requests = of(c.requests),
          .unknown = of(c.unknown),
          .malformed = of(c.malformed),
          .produce_requests = of(c.produce_requests),
          .produced_bytes = of(c.produced_bytes),
          .produce_refused = of(c.produce_refused),
          .fetch_requests = of(c.fetch_requests),
          .fetched_bytes = of(c.fetched_bytes),
          .fetches_waiting = of(c.fetches_waiting),
          .fetches_cut = of(c.fetches_cut),
          .throttled_requests = of(c.throttled_requests),
          .throttled = std::chrono::milliseconds(of(c.throttled_ms))};
}

void Broker::Describe(StatSink& sink) const {
  const Stats s = stats();
  auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    sink.counter(name, help, static_cast<double>(value));
  };
  counter("kafka_requests_total", "Requests of Kafka's protocol", s.requests);
  counter("kafka_requests_unknown_total", "Requests of a kind or version that is not served", s.unknown);
  counter("kafka_requests_malformed_total", "Requests that could not be read; their connections were closed",
          s.malformed);
  counter("kafka_produce_requests_total", "Produce requests", s.produce_requests);
  counter("kafka_produced_bytes_total", "Bytes of batches appended for producers", s.produced_bytes);
  counter("kafka_produce_refused_total", "Produce requests refused because memory is short",
          s.produce_refused);
  counter("kafka_fetch_requests_total", "Fetch requests", s.fetch_requests);
  counter("kafka_fetched_bytes_total", "Bytes of batches sent to those who fetch", s.fetched_bytes);
  sink.gauge("kafka_fetches_waiting", "Fetch requests that wait for records",
             static_cast<double>(s.fetches_waiting));
  counter("kafka_fetches_cut_total", "Fetches answered with less than asked for, because memory is short",
          s.fetches_cut);
  counter("kafka_throttled_requests_total", "Requests whose connection was paused because memory is short",
          s.throttled_requests);
  sink.counter("kafka_throttled_seconds_total", "Pauses of connections because memory is short",
               std::chrono::duration<double>(s.throttled).count());
}

}  // namespace plimsoll
