// Fetch, ListOffsets and OffsetForLeaderEpoch: what reads partitions.
//
// A fetch session is never granted (session_id 0 in the answer), so that each request names all its
// partitions. The records of an answer are usually a range of a file: Records::elsewhere. The tagged fields
// of version 12 are for replicas, and are skipped.
//
// Thread-safety: values. Cost: kafka_codec.h. Limits: the versions of kafka_api.h. Errors: kafka_codec.h.
// Ownership: views of the caller's bytes.
#pragma once

#include <cstdint>
#include <limits>

#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll::kafka {

// Timestamps of ListOffsets that are no time.
inline constexpr std::int64_t kLatestOffset = -1;
inline constexpr std::int64_t kEarliestOffset = -2;
inline constexpr std::int64_t kMaxTimestampOffset = -3;  // since version 7

struct FetchRequest {
  static constexpr ApiKey kKey = ApiKey::kFetch;

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t fetch_offset = 0;
    std::int32_t last_fetched_epoch = -1;
    std::int64_t log_start_offset = -1;
    std::int32_t partition_max_bytes = 0;

    template <class F>
    void describe(F& f) {
      f(partition);
      f(current_leader_epoch, since(9));
      f(fetch_offset);
      f(last_fetched_epoch, since(12));
      f(log_start_offset, since(5));
      f(partition_max_bytes);
    }
  };
  struct Topic {
    String topic;
    Array<Partition> partitions;

    template <class F>
    void describe(F& f) {
      f(topic);
      f(partitions);
    }
  };
  struct ForgottenTopic {
    String topic;
    Array<std::int32_t> partitions;

    template <class F>
    void describe(F& f) {
      f(topic);
      f(partitions);
    }
  };

  std::int32_t replica_id = 0;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
  std::int8_t isolation_level = 0;  // 0 read uncommitted, 1 read committed
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  Array<Topic> topics;
  Array<ForgottenTopic> forgotten_topics_data;
  String rack_id;

  template <class F>
  void describe(F& f) {
    f(replica_id);
    f(max_wait_ms);
    f(min_bytes);
    f(max_bytes);
    f(isolation_level);
    f(session_id, since(7));
    f(session_epoch, since(7));
    f(topics);
    f(forgotten_topics_data, since(7));
    f(rack_id, since(11));
  }
};

struct FetchResponse {
  static constexpr ApiKey kKey = ApiKey::kFetch;

  struct AbortedTransaction {
    std::int64_t producer_id = 0;
    std::int64_t first_offset = 0;

    template <class F>
    void describe(F& f) {
      f(producer_id);
      f(first_offset);
    }
  };
  struct Partition {
    std::int32_t partition_index = 0;
    Code error_code = Code::kNone;
    std::int64_t high_watermark = 0;
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
    Array<AbortedTransaction> aborted_transactions;
    std::int32_t preferred_read_replica = -1;
    Records records;

    template <class F>
    void describe(F& f) {
      f(partition_index);
      f(error_code);
      f(high_watermark);
      f(last_stable_offset);
      f(log_start_offset, since(5));
      f(aborted_transactions, nullable());
      f(preferred_read_replica, since(11));
      f(records);
    }
  };
  struct Topic {
    String topic;
    Array<Partition> partitions;

    template <class F>
    void describe(F& f) {
      f(topic);
      f(partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Code error_code = Code::kNone;
  std::int32_t session_id = 0;
  Array<Topic> responses;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(error_code, since(7));
    f(session_id, since(7));
    f(responses);
  }
};

struct ListOffsetsRequest {
  static constexpr ApiKey kKey = ApiKey::kListOffsets;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t timestamp = 0;

    template <class F>
    void describe(F& f) {
      f(partition_index);
      f(current_leader_epoch, since(4));
      f(timestamp);
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

  std::int32_t replica_id = 0;
  std::int8_t isolation_level = 0;
  Array<Topic> topics;

  template <class F>
  void describe(F& f) {
    f(replica_id);
    f(isolation_level, since(2));
    f(topics);
  }
};

struct ListOffsetsResponse {
  static constexpr ApiKey kKey = ApiKey::kListOffsets;

  struct Partition {
    std::int32_t partition_index = 0;
    Code error_code = Code::kNone;
    std::int64_t timestamp = -1;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;

    template <class F>
    void describe(F& f) {
      f(partition_index);
      f(error_code);
      f(timestamp);
      f(offset);
      f(leader_epoch, since(4));
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

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms, since(2));
    f(topics);
  }
};

struct OffsetForLeaderEpochRequest {
  static constexpr ApiKey kKey = ApiKey::kOffsetForLeaderEpoch;

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int32_t leader_epoch = 0;

    template <class F>
    void describe(F& f) {
      f(partition);
      f(current_leader_epoch);
      f(leader_epoch);
    }
  };
  struct Topic {
    String topic;
    Array<Partition> partitions;

    template <class F>
    void describe(F& f) {
      f(topic);
      f(partitions);
    }
  };

  std::int32_t replica_id = -2;
  Array<Topic> topics;

  template <class F>
  void describe(F& f) {
    f(replica_id, since(3));
    f(topics);
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr ApiKey kKey = ApiKey::kOffsetForLeaderEpoch;

  struct Partition {
    Code error_code = Code::kNone;
    std::int32_t partition = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t end_offset = -1;

    template <class F>
    void describe(F& f) {
      f(error_code);
      f(partition);
      f(leader_epoch);
      f(end_offset);
    }
  };
  struct Topic {
    String topic;
    Array<Partition> partitions;

    template <class F>
    void describe(F& f) {
      f(topic);
      f(partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(topics);
  }
};

}  // namespace plimsoll::kafka
