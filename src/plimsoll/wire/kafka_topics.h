// CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords: what makes, grows and removes.
//
// Topics are deleted by their names up to version 5, and by name or id in version 6.
//
// Thread-safety: values. Cost: kafka_codec.h. Limits: the versions of kafka_api.h. Errors: kafka_codec.h.
// Ownership: views of the caller's bytes.
#pragma once

#include <cstdint>

#include "plimsoll/wire/kafka_codec.h"
#include "plimsoll/wire/kafka_configs.h"

namespace plimsoll::kafka {

struct CreateTopicsRequest {
  static constexpr ApiKey kKey = ApiKey::kCreateTopics;

  struct Assignment {
    std::int32_t partition_index = 0;
    Array<std::int32_t> broker_ids;

    template <class F>
    void describe(F& f) {
      f(partition_index);
      f(broker_ids);
    }
  };
  struct Config {
    String name;
    NullableString value;

    template <class F>
    void describe(F& f) {
      f(name);
      f(value);
    }
  };
  struct Topic {
    String name;
    std::int32_t num_partitions = 0;      // -1: the default, or as assigned
    std::int16_t replication_factor = 0;  // -1: the same
    Array<Assignment> assignments;
    Array<Config> configs;

    template <class F>
    void describe(F& f) {
      f(name);
      f(num_partitions);
      f(replication_factor);
      f(assignments);
      f(configs);
    }
  };

  Array<Topic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  template <class F>
  void describe(F& f) {
    f(topics);
    f(timeout_ms);
    f(validate_only);
  }
};

struct CreateTopicsResponse {
  static constexpr ApiKey kKey = ApiKey::kCreateTopics;

  struct Config {
    String name;
    NullableString value;
    bool read_only = false;
    ConfigSource config_source = ConfigSource::kUnset;
    bool is_sensitive = false;

    template <class F>
    void describe(F& f) {
      f(name);
      f(value);
      f(read_only);
      f(config_source);
      f(is_sensitive);
    }
  };
  struct Topic {
    String name;
    Uuid topic_id;
    Code error_code = Code::kNone;
    NullableString error_message;
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    Array<Config> configs;

    template <class F>
    void describe(F& f) {
      f(name);
      f(topic_id, since(7));
      f(error_code);
      f(error_message);
      f(num_partitions, since(5));
      f(replication_factor, since(5));
      f(configs, since(5).nullable());
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

struct DeleteTopicsRequest {
  static constexpr ApiKey kKey = ApiKey::kDeleteTopics;

  struct Topic {
    NullableString name;  // null: by its id
    Uuid topic_id;

    template <class F>
    void describe(F& f) {
      f(name);
      f(topic_id);
    }
  };

  Array<Topic> topics;
  Array<String> topic_names;
  std::int32_t timeout_ms = 0;

  template <class F>
  void describe(F& f) {
    f(topics, since(6));
    f(topic_names, until(5));
    f(timeout_ms);
  }
};

struct DeleteTopicsResponse {
  static constexpr ApiKey kKey = ApiKey::kDeleteTopics;

  struct Topic {
    NullableString name;
    Uuid topic_id;
    Code error_code = Code::kNone;
    NullableString error_message;

    template <class F>
    void describe(F& f) {
      f(name, nullable_since(6));
      f(topic_id, since(6));
      f(error_code);
      f(error_message, since(5));
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> responses;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(responses);
  }
};

struct CreatePartitionsRequest {
  static constexpr ApiKey kKey = ApiKey::kCreatePartitions;

  struct Assignment {
    Array<std::int32_t> broker_ids;

    template <class F>
    void describe(F& f) {
      f(broker_ids);
    }
  };
  struct Topic {
    String name;
    std::int32_t count = 0;  // that there are to be in all
    Array<Assignment> assignments;

    template <class F>
    void describe(F& f) {
      f(name);
      f(count);
      f(assignments, nullable());
    }
  };

  Array<Topic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  template <class F>
  void describe(F& f) {
    f(topics);
    f(timeout_ms);
    f(validate_only);
  }
};

struct CreatePartitionsResponse {
  static constexpr ApiKey kKey = ApiKey::kCreatePartitions;

  struct Topic {
    String name;
    Code error_code = Code::kNone;
    NullableString error_message;

    template <class F>
    void describe(F& f) {
      f(name);
      f(error_code);
      f(error_message);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> results;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(results);
  }
};

struct DeleteRecordsRequest {
  static constexpr ApiKey kKey = ApiKey::kDeleteRecords;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t offset = 0;  // -1: all there are

    template <class F>
    void describe(F& f) {
      f(partition_index);
      f(offset);
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

  Array<Topic> topics;
  std::int32_t timeout_ms = 0;

  template <class F>
  void describe(F& f) {
    f(topics);
    f(timeout_ms);
  }
};

struct DeleteRecordsResponse {
  static constexpr ApiKey kKey = ApiKey::kDeleteRecords;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t low_watermark = 0;
    Code error_code = Code::kNone;

    template <class F>
    void describe(F& f) {
      f(partition_index);
      f(low_watermark);
      f(error_code);
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
    f(throttle_time_ms);
    f(topics);
  }
};

}  // namespace plimsoll::kafka
