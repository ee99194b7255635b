// Nested: results of a request that names things within topics, in its order, as the codec reads them: an
// array of topics, each with an array of partitions, without a copy of either.
//
//   Nested<PartitionResult> results;
//   results.begin_topic(name);
//   results.add({...});
//   response.topics = results.topics<Response::Topic, Response::Partition>(to_partition);
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll {

// The protocol calls the same field by different names.
template <typename Topic>
auto& name_of(Topic& topic) {
  if constexpr (requires { topic.name; }) {
    return topic.name;
  } else {
    return topic.topic;
  }
}
template <typename Topic>
auto& parts_of(Topic& topic) {
  if constexpr (requires { topic.partitions; }) {
    return topic.partitions;
  } else {
    return topic.partition_responses;
  }
}
template <typename Part>
std::int32_t number_of(const Part& part) {
  if constexpr (requires { part.partition_index; }) {
    return part.partition_index;
  } else {
    return part.partition;
  }
}

template <typename Item>
struct Nested {
  struct Group {
    std::string_view name;
    std::size_t first = 0;
    std::size_t count = 0;
  };
  std::vector<Group> groups;
  std::vector<Item> items;

  void begin_topic(std::string_view name) { groups.push_back({name, items.size(), 0}); }
  void add(Item item) {
    items.push_back(std::move(item));
    ++groups.back().count;
  }

  // `Convert` makes what is sent of an Item. The arrays refer to this.
  template <typename Topic, typename Part, Part (*Convert)(const Item&)>
  kafka::Array<Topic> topics() const {
    return kafka::Array<Topic>::generated(groups.size(), this,
                                          [](const void* self, std::uint64_t, std::size_t i) {
                                            const auto& nested = *static_cast<const Nested*>(self);
                                            Topic topic;
                                            name_of(topic) = nested.groups[i].name;
                                            parts_of(topic) = kafka::Array<Part>::generated(
                                                nested.groups[i].count, self,
                                                [](const void* again, std::uint64_t group, std::size_t j) {
                                                  const auto& inner = *static_cast<const Nested*>(again);
                                                  return Convert(inner.items[inner.groups[group].first + j]);
                                                },
                                                i);
                                            return topic;
                                          });
  }
};

}  // namespace plimsoll
