// ApiVersions, Metadata and DescribeCluster: how clients learn what the server speaks and where topics are.
//
// An unknown version of ApiVersions is answered in the body of version 0, with error 35 and the one entry
// 18:0-3. In Metadata version 0 no topics are all topics; later null is all, and none is none.
//
// Thread-safety: values. Cost: kafka_codec.h. Limits: the versions of kafka_api.h. Errors: kafka_codec.h.
// Ownership: views of the caller's bytes.
#pragma once

#include <cstdint>
#include <limits>

#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll::kafka {

// What `..._authorized_operations` says when nobody asked.
inline constexpr std::int32_t kOperationsNotAsked = std::numeric_limits<std::int32_t>::min();

struct ApiVersionsRequest {
  static constexpr ApiKey kKey = ApiKey::kApiVersions;

  String client_software_name;
  String client_software_version;

  template <class F>
  void describe(F& f) {
    f(client_software_name, since(3));
    f(client_software_version, since(3));
  }
};

struct ApiVersionsResponse {
  static constexpr ApiKey kKey = ApiKey::kApiVersions;

  struct ApiVersion {
    std::int16_t api_key = 0;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    template <class F>
    void describe(F& f) {
      f(api_key);
      f(min_version);
      f(max_version);
    }
  };

  Code error_code = Code::kNone;
  Array<ApiVersion> api_keys;
  std::int32_t throttle_time_ms = 0;

  template <class F>
  void describe(F& f) {
    f(error_code);
    f(api_keys);
    f(throttle_time_ms, since(1));
  }
};

struct MetadataRequest {
  static constexpr ApiKey kKey = ApiKey::kMetadata;

  struct Topic {
    String name;

    template <class F>
    void describe(F& f) {
      f(name);
    }
  };

  Array<Topic> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  template <class F>
  void describe(F& f) {
    f(topics, nullable_since(1));
    f(allow_auto_topic_creation, since(4));
    f(include_cluster_authorized_operations, since(8));
    f(include_topic_authorized_operations, since(8));
  }
};

struct MetadataResponse {
  static constexpr ApiKey kKey = ApiKey::kMetadata;

  struct Broker {
    std::int32_t node_id = 0;
    String host;
    std::int32_t port = 0;
    NullableString rack;

    template <class F>
    void describe(F& f) {
      f(node_id);
      f(host);
      f(port);
      f(rack, since(1));
    }
  };
  struct Partition {
    Code error_code = Code::kNone;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;
    std::int32_t leader_epoch = -1;
    Array<std::int32_t> replica_nodes;
    Array<std::int32_t> isr_nodes;
    Array<std::int32_t> offline_replicas;

    template <class F>
    void describe(F& f) {
      f(error_code);
      f(partition_index);
      f(leader_id);
      f(leader_epoch, since(7));
      f(replica_nodes);
      f(isr_nodes);
      f(offline_replicas, since(5));
    }
  };
  struct Topic {
    Code error_code = Code::kNone;
    String name;
    bool is_internal = false;
    Array<Partition> partitions;
    std::int32_t topic_authorized_operations = kOperationsNotAsked;

    template <class F>
    void describe(F& f) {
      f(error_code);
      f(name);
      f(is_internal, since(1));
      f(partitions);
      f(topic_authorized_operations, since(8));
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Broker> brokers;
  NullableString cluster_id;
  std::int32_t controller_id = -1;
  Array<Topic> topics;
  std::int32_t cluster_authorized_operations = kOperationsNotAsked;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms, since(3));
    f(brokers);
    f(cluster_id, since(2));
    f(controller_id, since(1));
    f(topics);
    f(cluster_authorized_operations, since(8));
  }
};

struct DescribeClusterRequest {
  static constexpr ApiKey kKey = ApiKey::kDescribeCluster;

  bool include_cluster_authorized_operations = false;

  template <class F>
  void describe(F& f) {
    f(include_cluster_authorized_operations);
  }
};

struct DescribeClusterResponse {
  static constexpr ApiKey kKey = ApiKey::kDescribeCluster;

  struct Broker {
    std::int32_t broker_id = 0;
    String host;
    std::int32_t port = 0;
    NullableString rack;

    template <class F>
    void describe(F& f) {
      f(broker_id);
      f(host);
      f(port);
      f(rack);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Code error_code = Code::kNone;
  NullableString error_message;
  String cluster_id;
  std::int32_t controller_id = -1;
  Array<Broker> brokers;
  std::int32_t cluster_authorized_operations = kOperationsNotAsked;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(error_code);
    f(error_message);
    f(cluster_id);
    f(controller_id);
    f(brokers);
    f(cluster_authorized_operations);
  }
};

}  // namespace plimsoll::kafka
