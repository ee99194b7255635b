// Topic: a name, how its logs are kept, and its partitions.
//
// Handed out as std::shared_ptr: whoever holds one may use its partitions, also after the topic was removed
// from its store (they then say removed() and refuse). A topic that gets more partitions is a new Topic with
// the same Partitions and some more, so that partition_count() never changes under a reader.
//
// Thread-safety: any thread. Cost: config() a lock and a shared_ptr. Limits: see LogStore. Errors: an index
// that is not below partition_count() aborts. Ownership: of its partitions, together with its successors.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/commitlog/partition.h"
#include "plimsoll/commitlog/topic_config.h"

namespace plimsoll {

using TopicId = std::array<std::uint8_t, 16>;

// What a topic's successors and partitions share.
class TopicIdentity {
 public:
  TopicIdentity(std::string name, TopicId id, TopicConfig config);

  const std::string& name() const { return name_; }
  const TopicId& id() const { return id_; }
  std::shared_ptr<const TopicConfig> config() const;
  void set_config(TopicConfig config);

 private:
  const std::string name_;
  const TopicId id_;
  mutable Mutex mutex_;
  std::shared_ptr<const TopicConfig> config_ PLIMSOLL_GUARDED_BY(mutex_);
};

class Topic {
 public:
  Topic(std::shared_ptr<TopicIdentity> identity, std::vector<std::shared_ptr<Partition>> partitions)
      : identity_(std::move(identity)), partitions_(std::move(partitions)) {}

  const std::string& name() const { return identity_->name(); }
  const TopicId& id() const { return identity_->id(); }
  // As it is now; does not change.
  std::shared_ptr<const TopicConfig> config() const { return identity_->config(); }

  std::int32_t partition_count() const { return static_cast<std::int32_t>(partitions_.size()); }
  Partition& partition(std::int32_t index) const { return *shared_partition(index); }
  // For those who keep a partition without its topic.
  const std::shared_ptr<Partition>& shared_partition(std::int32_t index) const {
    PLIMSOLL_CHECK(index >= 0 && index < partition_count(), "partition %d of %d", index, partition_count());
    return partitions_[static_cast<std::size_t>(index)];
  }

  TopicIdentity& identity() const { return *identity_; }  // for the store
  const std::shared_ptr<TopicIdentity>& shared_identity() const { return identity_; }

 private:
  const std::shared_ptr<TopicIdentity> identity_;
  const std::vector<std::shared_ptr<Partition>> partitions_;
};

}  // namespace plimsoll
