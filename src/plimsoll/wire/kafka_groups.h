// FindCoordinator: who looks after a consumer group.
//
// Thread-safety: values. Cost: kafka_codec.h. Limits: the versions of kafka_api.h. Errors: kafka_codec.h.
// Ownership: views of the caller's bytes.
#pragma once

#include <cstdint>

#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll::kafka {

struct FindCoordinatorRequest {
  static constexpr ApiKey kKey = ApiKey::kFindCoordinator;

  String key;                // the group's id
  std::int8_t key_type = 0;  // 0 group, 1 transaction
  Array<String> coordinator_keys;

  template <class F>
  void describe(F& f) {
    f(key, until(3));
    f(key_type, since(1));
    f(coordinator_keys, since(4));
  }
};

struct FindCoordinatorResponse {
  static constexpr ApiKey kKey = ApiKey::kFindCoordinator;

  struct Coordinator {
    String key;
    std::int32_t node_id = -1;
    String host;
    std::int32_t port = -1;
    Code error_code = Code::kNone;
    NullableString error_message;

    template <class F>
    void describe(F& f) {
      f(key);
      f(node_id);
      f(host);
      f(port);
      f(error_code);
      f(error_message);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Code error_code = Code::kNone;
  NullableString error_message;
  std::int32_t node_id = -1;
  String host;
  std::int32_t port = -1;
  Array<Coordinator> coordinators;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms, since(1));
    f(error_code, until(3));
    f(error_message, since(1).until(3));
    f(node_id, until(3));
    f(host, until(3));
    f(port, until(3));
    f(coordinators, since(4));
  }
};

}  // namespace plimsoll::kafka
