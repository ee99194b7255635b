// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs: settings of topics and brokers.
//
// AlterConfigs sets all that it names and puts every other setting back to its default; the incremental one
// changes what it names, and nothing else.
//
// Thread-safety: values. Cost: kafka_codec.h. Limits: the versions of kafka_api.h. Errors: kafka_codec.h.
// Ownership: views of the caller's bytes.
#pragma once

#include <cstdint>

#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll::kafka {

// What resource_type says.
enum class ResourceType : std::int8_t { kUnknown = 0, kTopic = 2, kBroker = 4, kBrokerLogger = 8 };

// What config_type says.
enum class ConfigType : std::int8_t {
  kUnknown = 0,
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
  kClass = 8,
  kPassword = 9,
};

// Where a value comes from, as config_source and source say.
enum class ConfigSource : std::int8_t {
  kUnset = -1,
  kUnknown = 0,
  kTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefaultBroker = 3,
  kStaticBroker = 4,
  kDefault = 5,
  kDynamicBrokerLogger = 6,
};

// What IncrementalAlterConfigs does with a value; append and subtract are for lists.
enum class ConfigOperation : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

struct DescribeConfigsRequest {
  static constexpr ApiKey kKey = ApiKey::kDescribeConfigs;

  struct Resource {
    ResourceType resource_type = ResourceType::kUnknown;
    String resource_name;
    Array<String> configuration_keys;  // null: all

    template <class F>
    void describe(F& f) {
      f(resource_type);
      f(resource_name);
      f(configuration_keys, nullable());
    }
  };

  Array<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  template <class F>
  void describe(F& f) {
    f(resources);
    f(include_synonyms);
    f(include_documentation, since(3));
  }
};

struct DescribeConfigsResponse {
  static constexpr ApiKey kKey = ApiKey::kDescribeConfigs;

  struct Synonym {
    String name;
    NullableString value;
    ConfigSource source = ConfigSource::kUnknown;

    template <class F>
    void describe(F& f) {
      f(name);
      f(value);
      f(source);
    }
  };
  struct Config {
    String name;
    NullableString value;
    bool read_only = false;
    ConfigSource config_source = ConfigSource::kUnset;
    bool is_sensitive = false;
    Array<Synonym> synonyms;
    ConfigType config_type = ConfigType::kUnknown;
    NullableString documentation;

    template <class F>
    void describe(F& f) {
      f(name);
      f(value);
      f(read_only);
      f(config_source);
      f(is_sensitive);
      f(synonyms);
      f(config_type, since(3));
      f(documentation, since(3));
    }
  };
  struct Result {
    Code error_code = Code::kNone;
    NullableString error_message;
    ResourceType resource_type = ResourceType::kUnknown;
    String resource_name;
    Array<Config> configs;

    template <class F>
    void describe(F& f) {
      f(error_code);
      f(error_message);
      f(resource_type);
      f(resource_name);
      f(configs);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Result> results;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(results);
  }
};

struct AlterConfigsRequest {
  static constexpr ApiKey kKey = ApiKey::kAlterConfigs;

  struct Config {
    String name;
    NullableString value;

    template <class F>
    void describe(F& f) {
      f(name);
      f(value);
    }
  };
  struct Resource {
    ResourceType resource_type = ResourceType::kUnknown;
    String resource_name;
    Array<Config> configs;

    template <class F>
    void describe(F& f) {
      f(resource_type);
      f(resource_name);
      f(configs);
    }
  };

  Array<Resource> resources;
  bool validate_only = false;

  template <class F>
  void describe(F& f) {
    f(resources);
    f(validate_only);
  }
};

struct AlterConfigsResponse {
  static constexpr ApiKey kKey = ApiKey::kAlterConfigs;

  struct Resource {
    Code error_code = Code::kNone;
    NullableString error_message;
    ResourceType resource_type = ResourceType::kUnknown;
    String resource_name;

    template <class F>
    void describe(F& f) {
      f(error_code);
      f(error_message);
      f(resource_type);
      f(resource_name);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Resource> responses;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(responses);
  }
};

struct IncrementalAlterConfigsRequest {
  static constexpr ApiKey kKey = ApiKey::kIncrementalAlterConfigs;

  struct Config {
    String name;
    ConfigOperation config_operation = ConfigOperation::kSet;
    NullableString value;

    template <class F>
    void describe(F& f) {
      f(name);
      f(config_operation);
      f(value);
    }
  };
  struct Resource {
    ResourceType resource_type = ResourceType::kUnknown;
    String resource_name;
    Array<Config> configs;

    template <class F>
    void describe(F& f) {
      f(resource_type);
      f(resource_name);
      f(configs);
    }
  };

  Array<Resource> resources;
  bool validate_only = false;

  template <class F>
  void describe(F& f) {
    f(resources);
    f(validate_only);
  }
};

struct IncrementalAlterConfigsResponse {
  static constexpr ApiKey kKey = ApiKey::kIncrementalAlterConfigs;

  struct Resource {
    Code error_code = Code::kNone;
    NullableString error_message;
    ResourceType resource_type = ResourceType::kUnknown;
    String resource_name;

    template <class F>
    void describe(F& f) {
      f(error_code);
      f(error_message);
      f(resource_type);
      f(resource_name);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Resource> responses;

  template <class F>
  void describe(F& f) {
    f(throttle_time_ms);
    f(responses);
  }
};

}  // namespace plimsoll::kafka
