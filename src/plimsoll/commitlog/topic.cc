#include "plimsoll/commitlog/topic.h"

#include <utility>

namespace plimsoll {

TopicIdentity::TopicIdentity(std::string name, TopicId id, TopicConfig config)
    : name_(std::move(name)), id_(id), config_(std::make_shared<const TopicConfig>(config)) {}

std::shared_ptr<const TopicConfig> TopicIdentity::config() const {
  MutexLock lock(mutex_);
  return config_;
}

void TopicIdentity::set_config(TopicConfig config) {
  auto next = std::make_shared<const TopicConfig>(config);
  MutexLock lock(mutex_);
  config_.swap(next);
}

}  // namespace plimsoll
