// Produce and InitProducerId: what appends records to partitions.
//
// Versions 0 to 2 of Produce are those of the old record formats: they are read and answered with an error,
// nothing else. With acks = 0 there is no answer at all.
//
// Thread-safety: values. Cost: kafka_codec.h. Limits: the versions of kafka_api.h. Errors: kafka_codec.h.
// Ownership: views of the caller's bytes.
#pragma once

#include <cstdint>

#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll::kafka {

struct ProduceRequest {
  static constexpr ApiKey kKey = ApiKey::kProduce;

  struct Partition {
    std::int32_t index = 0;
    Records records;

    template <class F>
    void describe(F& f) {
      f(index);
      f(records);
    }
  };
  struct Topic {
    String name;
    Array<Partition> partitions;

    template <class F>
    void describe(F& f) {
      f(name);
      f(partitions);
    }
  };

  NullableString transactional_id;
  std::int16_t acks = 0;  // 0 none, 1 the leader's, -1 all in sync
  std::int32_t timeout_ms = 0;
  Array<Topic> topics;

  template <class F>
  void describe(F& f) {
    f(transactional_id, since(3));
    f(acks);
    f(timeout_ms);
    f(topics);
  }
};

struct ProduceResponse {
  static constexpr ApiKey kKey = ApiKey::kProduce;

  struct RecordError {
    std::int32_t batch_index = 0;  // of the record within its batch
    NullableString batch_index_error_message;

    template <class F>
    void describe(F& f) {
      f(batch_index);
      f(batch_index_error_message);
    }
  };
  struct Partition {
    std::int32_t index = 0;
    Code error_code = Code::kNone;
    std::int64_t base_offset = 0;
    std::int64_t log_append_time_ms = -1;  // unless the topic's time is the log's
    std::int64_t log_start_offset = -1;
    Array<RecordError> record_errors;
    NullableString error_message;

    template <class F>
    void describe(F& f) {
      f(index);
      f(error_code);
      f(base_offset);
      f(log_append_time_ms, since(2));
      f(log_start_offset, since(5));
      f(record_errors, since(8));
      f(error_message, since(8));
    }
  };
  struct Topic {
    String name;
    Array<Partition> partition_responses;

    template <class F>
    void describe(F& f) {
      f(name);
      f(partition_responses);
    }
  };

  Array<Topic> responses;
  std::int32_t throttle_time_ms = 0;

  template <class F>
  void describe(F& f) {
    f(responses);
    f(throttle_time_ms, since(1));
  }
};

struct InitProducerIdRequest {
  static constexpr ApiKey kKey = ApiKey::kInitProducerId;

  NullableString transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  template <class F>
  void describe(F& f) {
    f(transactional_id);
    f(transaction_timeout_ms);
    f(producer_id, since(3));
    f(producer_epoch, since(3));
  }
};

struct InitProducerIdResponse {
  static constexpr ApiKey kKey = ApiKey::kInitProducerId;

  std::int32_t throttle_time_ms = 0;
  Code error_code = Code::kNone;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(error_code);
    f(producer_id);
    f(producer_epoch);
  }
};

}  // namespace plimsoll::kafka
