// ListOffsets, OffsetForLeaderEpoch, DeleteRecords: where a partition begins and ends.
#include "plimsoll/broker/internal/nested.h"
#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_fetch.h"
#include "plimsoll/wire/kafka_topics.h"

namespace plimsoll {
namespace {

using kafka::Code;

struct Found {
  std::int32_t index = 0;
  Code code = Code::kNone;
  std::int64_t offset = -1;
  std::int64_t timestamp = -1;
};

kafka::ListOffsetsResponse::Partition shown_offset(const Found& found) {
  kafka::ListOffsetsResponse::Partition partition;
  partition.partition_index = found.index;
  partition.error_code = found.code;
  partition.offset = found.offset;
  partition.timestamp = found.timestamp;
  partition.leader_epoch = found.offset < 0 ? -1 : Broker::kLeaderEpoch;
  return partition;
}

kafka::OffsetForLeaderEpochResponse::Partition shown_epoch(const Found& found) {
  kafka::OffsetForLeaderEpochResponse::Partition partition;
  partition.partition = found.index;
  partition.error_code = found.code;
  partition.leader_epoch = found.offset < 0 ? -1 : Broker::kLeaderEpoch;
  partition.end_offset = found.offset;
  return partition;
}

kafka::DeleteRecordsResponse::Partition shown_deleted(const Found& found) {
  kafka::DeleteRecordsResponse::Partition partition;
  partition.partition_index = found.index;
  partition.error_code = found.code;
  partition.low_watermark = found.offset;
  return partition;
}

void find_offset(Partition& partition, std::int64_t timestamp, std::int16_t version, Found& found) {
  if (timestamp == kafka::kLatestOffset || timestamp == kafka::kEarliestOffset) {
    found.offset = timestamp == kafka::kLatestOffset ? partition.end_offset() : partition.start_offset();
    if (found.offset < 0) found.code = Code::kKafkaStorageError;
    return;
  }
  if (timestamp < 0 && (timestamp != kafka::kMaxTimestampOffset || version < 7)) {
    found.code = Code::kInvalidRequest;
    return;
  }
  const OffsetAt at =
      timestamp == kafka::kMaxTimestampOffset ? partition.latest_time() : partition.find_time(timestamp);
  found.code = code_of(at.error);
  found.offset = at.offset;
  found.timestamp = at.timestamp;
}

// Looks at every partition that the request names, and answers with what was found. `look` is called with the
// partition, what was asked of it, and where its result goes.
template <typename Request, typename Response, auto kShown, typename Look>
Exchange::Step answer_each(RequestContext& context, const Look& look) {
  return with_request<Request>(context, [&](const Request& request) {
    Nested<Found> results;
    bool few = true;
    request.topics.for_each([&](const auto& asked) {
      few = few && results.items.size() + asked.partitions.size() <= Broker::kMostNamed;
      if (!few) return;
      results.begin_topic(name_of(asked));
      Code why = Code::kNone;
      const std::shared_ptr<Topic> topic = context.broker.topic(name_of(asked), false, why);
      asked.partitions.for_each([&](const auto& part) {
        Found found{.index = number_of(part), .code = topic ? Code::kNone : why};
        if (topic && (found.index < 0 || found.index >= topic->partition_count()))
          found.code = Code::kUnknownTopicOrPartition;
        if (found.code == Code::kNone) {
          Partition& partition = topic->partition(found.index);
          look(partition, part, found);
          if (found.code == Code::kKafkaStorageError && partition.removed())
            found.code = Code::kUnknownTopicOrPartition;
        }
        results.add(found);
      });
    });
    if (!few) return context.close("it named more than 65,536 partitions");
    Response response;
    response.throttle_time_ms = context.throttle_ms();
    response.topics = results.topics<typename Response::Topic, typename Response::Partition, kShown>();
    return context.reply(response);
  });
}

}  // namespace

Exchange::Step handle_list_offsets(RequestContext& context) {
  using Request = kafka::ListOffsetsRequest;
  auto look = [&](Partition& partition, const Request::Partition& asked, Found& found) {
    if (asked.current_leader_epoch > Broker::kLeaderEpoch) {
      found.code = Code::kUnknownLeaderEpoch;
    } else {
      find_offset(partition, asked.timestamp, context.address.version, found);
    }
  };
  return answer_each<Request, kafka::ListOffsetsResponse, shown_offset>(context, look);
}

Exchange::Step handle_offset_for_leader_epoch(RequestContext& context) {
  using Request = kafka::OffsetForLeaderEpochRequest;
  auto look = [](Partition& partition, const Request::Partition& asked, Found& found) {
    if (asked.current_leader_epoch > Broker::kLeaderEpoch) {
      found.code = Code::kUnknownLeaderEpoch;
    } else if (asked.leader_epoch == Broker::kLeaderEpoch) {
      found.offset = partition.end_offset();
      if (found.offset < 0) found.code = Code::kKafkaStorageError;
    }
  };
  return answer_each<Request, kafka::OffsetForLeaderEpochResponse, shown_epoch>(context, look);
}

Exchange::Step handle_delete_records(RequestContext& context) {
  using Request = kafka::DeleteRecordsRequest;
  auto look = [](Partition& partition, const Request::Partition& asked, Found& found) {
    found.code = code_of(partition.delete_before(asked.offset));
    if (found.code == Code::kNone) found.offset = partition.start_offset();
  };
  return answer_each<Request, kafka::DeleteRecordsResponse, shown_deleted>(context, look);
}

}  // namespace plimsoll
