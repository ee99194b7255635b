#include "plimsoll/commitlog/internal/store_core.h"

#include <cerrno>
#include <random>
#include <utility>

#include "plimsoll/base/text.h"
#include "plimsoll/os/file.h"

namespace plimsoll {
namespace {

constexpr Bytes kMostPoints = 1_GiB;
constexpr Bytes kMostTopicFile = 1_MiB;
constexpr std::int64_t kProducerBlock = 1000;

TopicId new_id() {
  std::random_device source;
  TopicId id;
  for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(source());
  return id;
}

}  // namespace

Result<void> StoreCore::clear(const std::string& directory) {
  Result<std::vector<DirectoryEntry>> entries = storage().list(directory);
  if (!entries) return tl::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    if (Result<void> done = storage().remove_tree(directory + "/" + entry.name); !done) return done;
  }
  return {};
}

Result<void> StoreCore::open() {
  for (const char* name : {"topics", "removed", "making"}) {
    if (Result<void> done = storage().make_directory(path(name)); !done) return done;
  }
  Result<DirectoryLock> lock = DirectoryLock::take(context_->options.directory);
  if (!lock) return tl::unexpected(lock.error());
  lock_ = *std::move(lock);
  for (const char* name : {"removed", "making"}) {
    if (Result<void> done = clear(path(name)); !done) return done;
  }
  Result<std::string> boot = read_file(context_->options.boot_id_path);
  boot_ = boot ? std::string(trim(*boot)) : "unknown";

  std::optional<Points> points;
  if (Result<std::string> text = storage().read_whole(path("points"), kMostPoints))
    points = read_points(*text);
  const bool clean = points && points->clean;
  const bool same_boot = points && points->boot == boot_ && boot_ != "unknown";
  if (!points) points.emplace();
  if (Result<void> done = load_topics(*points, clean); !done) return done;
  if (!clean && !same_boot) {
    if (Result<void> done = check_all(); !done) return done;
  }
  return store_points(false);
}

Result<void> StoreCore::load_topics(const Points& points, bool trusted) {
  Result<std::vector<DirectoryEntry>> entries = storage().list(context_->topics);
  if (!entries) return tl::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    if (!entry.directory || !LogStore::valid_name(entry.name)) continue;
    Result<std::string> text =
        storage().read_whole(context_->topic_directory(entry.name) + std::string(kTopicFile), kMostTopicFile);
    // Somebody else's directory is left alone; a topic's file that cannot be read is not passed over.
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return tl::unexpected(text.error());
    const std::optional<TopicFile> file = read_topic_file(*text);
    if (!file) return fail(ErrorCode::kInvalid, "a topic.conf is not what was written");
    publish(make_topic(std::make_shared<TopicIdentity>(entry.name, file->id, file->config), file->partitions,
                       nullptr, true, &points, trusted));
  }
  return {};
}

Result<void> StoreCore::check_all() {
  for (const std::shared_ptr<Topic>& topic : topics()) {
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) {
      if (topic->partition(i).log().open_checked() != LogError::kNone) {
        return fail(ErrorCode::kSystem, "a log cannot be checked: the disk does not read or write", EIO);
      }
    }
  }
  return {};
}

std::shared_ptr<Topic> StoreCore::make_topic(std::shared_ptr<TopicIdentity> identity, std::int32_t count,
                                             const Topic* before, bool must, const Points* points,
                                             bool trusted) {
  std::vector<std::shared_ptr<Partition>> partitions;
  partitions.reserve(static_cast<std::size_t>(count));
  Account& state = context_->options.state;
  const std::string id = hex_of(identity->id());
  for (std::int32_t i = 0; i < count; ++i) {
    if (before != nullptr && i < before->partition_count()) {
      partitions.push_back(before->shared_partition(i));
      continue;
    }
    Charge charge = must ? state.charge_held(PartitionLog::cost()) : state.charge(PartitionLog::cost());
    if (!charge) return nullptr;
    const PartitionLog::Point point{.durable = points != nullptr ? points->of(id, i) : 0, .trusted = trusted};
    partitions.push_back(std::make_shared<Partition>(
        std::make_shared<PartitionLog>(context_, identity, i, std::move(charge), point)));
  }
  return std::make_shared<Topic>(std::move(identity), std::move(partitions));
}

void StoreCore::publish(std::shared_ptr<Topic> topic) {
  MutexLock lock(topics_mutex_);
  topics_[topic->name()].swap(topic);
}

std::shared_ptr<Topic> StoreCore::find(std::string_view name) const {
  MutexLock lock(topics_mutex_);
  const auto at = topics_.find(name);
  return at == topics_.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<Topic>> StoreCore::topics() const {
  MutexLock lock(topics_mutex_);
  std::vector<std::shared_ptr<Topic>> all;
  all.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) all.push_back(topic);
  return all;
}

Result<std::shared_ptr<Topic>> StoreCore::create(std::string_view name, std::int32_t count,
                                                 const TopicConfig& config) {
  if (!LogStore::valid_name(name)) {
    return fail(ErrorCode::kInvalid, "a topic's name is 1 to 249 of a-z A-Z 0-9 . _ -, and not . or ..");
  }
  if (count < 1 || count > kMostPartitions) {
    return fail(ErrorCode::kOutOfRange, "a topic has 1 to 10,000 partitions");
  }
  MutexLock lock(changes_);
  if (ended_) return fail(ErrorCode::kRefused, "the store has ended", ESHUTDOWN);
  if (find(name) != nullptr) return fail(ErrorCode::kRefused, "a topic of that name exists", EEXIST);
  auto identity = std::make_shared<TopicIdentity>(std::string(name), new_id(), config);
  std::shared_ptr<Topic> topic = make_topic(std::move(identity), count, nullptr, false, nullptr, true);
  if (topic == nullptr) return fail(ErrorCode::kRefused, "no memory for so many partitions", ENOMEM);
  // Made aside and renamed, so that a topic is there whole or not at all.
  const std::string made = path("making") + "/" + std::string(name);
  const TopicFile file{topic->id(), count, config};
  Result<void> done = storage().make_directory(made);
  if (done) done = storage().write_whole(made + std::string(kTopicFile), write_topic_file(file));
  if (done) done = storage().rename(made, context_->topic_directory(name));
  const bool renamed = done.has_value();
  if (done) done = storage().sync_directory(context_->topics);
  if (!done) {
    // Left where it is, it would be in the way of the next attempt.
    static_cast<void>(storage().remove_tree(renamed ? context_->topic_directory(name) : made));
    return tl::unexpected(done.error());
  }
  publish(topic);
  return topic;
}

Result<void> StoreCore::remove(std::string_view name) {
  MutexLock lock(changes_);
  const std::shared_ptr<Topic> topic = find(name);
  if (topic == nullptr) return fail(ErrorCode::kNotFound, "there is no such topic");
  {
    MutexLock map_lock(topics_mutex_);
    topics_.erase(topics_.find(name));
  }
  // First, or an appender would make the directory anew.
  for (std::int32_t i = 0; i < topic->partition_count(); ++i) topic->partition(i).log().refuse_all();
  const std::string aside = path("removed") + "/" + hex_of(topic->id());
  Result<void> done = storage().rename(context_->topic_directory(name), aside);
  if (!done) {
    publish(make_topic(topic->shared_identity(), topic->partition_count(), nullptr, true, nullptr, false));
    return done;
  }
  const std::int64_t due = later(context_->options.clock.wall_ms(), topic->config()->file_delete_delay_ms);
  context_->queue.doom({aside, true, due});
  return storage().sync_directory(context_->topics);
}

Result<void> StoreCore::store_topic(const Topic& topic, const TopicConfig& config, std::int32_t count) {
  const std::string to = context_->topic_directory(topic.name()) + std::string(kTopicFile);
  return storage().write_whole(to, write_topic_file({topic.id(), count, config}));
}

Result<void> StoreCore::add_partitions(std::string_view name, std::int32_t count) {
  MutexLock lock(changes_);
  const std::shared_ptr<Topic> topic = find(name);
  if (topic == nullptr) return fail(ErrorCode::kNotFound, "there is no such topic");
  if (count <= topic->partition_count() || count > kMostPartitions) {
    return fail(ErrorCode::kOutOfRange, "more partitions than there are, and at most 10,000");
  }
  std::shared_ptr<Topic> more =
      make_topic(topic->shared_identity(), count, topic.get(), false, nullptr, true);
  if (more == nullptr) return fail(ErrorCode::kRefused, "no memory for so many partitions", ENOMEM);
  if (Result<void> done = store_topic(*topic, *topic->config(), count); !done) return done;
  publish(std::move(more));
  return {};
}

Result<void> StoreCore::set_config(std::string_view name, const TopicConfig& config) {
  MutexLock lock(changes_);
  const std::shared_ptr<Topic> topic = find(name);
  if (topic == nullptr) return fail(ErrorCode::kNotFound, "there is no such topic");
  if (Result<void> done = store_topic(*topic, config, topic->partition_count()); !done) return done;
  topic->identity().set_config(config);
  return {};
}

Result<std::int64_t> StoreCore::new_producer_id() {
  MutexLock lock(changes_);
  if (!producers_loaded_) {
    Result<std::string> text = storage().read_whole(path("producer_ids"), 64_B);
    if (!text && text.error().code != ErrorCode::kNotFound) return tl::unexpected(text.error());
    const std::optional<std::int64_t> next = text ? parse_int64(trim(*text)) : 0;
    if (!next || *next < 0) return fail(ErrorCode::kInvalid, "producer_ids is not what was written");
    next_producer_ = producers_end_ = *next;
    producers_loaded_ = true;
  }
  if (next_producer_ == producers_end_) {
    // Written before the first of them is handed out; what is left of a block at the end is never used.
    const std::int64_t end = producers_end_ + kProducerBlock;
    if (Result<void> done = storage().write_whole(path("producer_ids"), std::to_string(end) + "\n"); !done) {
      return tl::unexpected(done.error());
    }
    producers_end_ = end;
  }
  return next_producer_++;
}

Result<void> StoreCore::store_points(bool ended) {
  Points points{.boot = boot_, .clean = ended, .offsets = {}};
  for (const std::shared_ptr<Topic>& topic : topics()) {
    const std::string id = hex_of(topic->id());
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) {
      const PartitionLog::Point point = topic->partition(i).log().point();
      if (point.durable != 0) points.offsets[{id, i}] = point.durable;
      // After a kill, the end of a log that was not opened since may be in the page cache only.
      if (!point.trusted) points.clean = false;
    }
  }
  std::string text = write_points(points);
  if (text == points_) return {};
  Result<void> done = storage().write_whole(path("points"), text);
  if (done) points_ = std::move(text);
  return done;
}

void StoreCore::abandon() {
  for (const std::shared_ptr<Topic>& topic : topics()) {
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) topic->partition(i).log().refuse_all();
  }
  context_->segments.drop_all();
}

bool StoreCore::end_cleanly() {
  bool clean = true;
  for (const std::shared_ptr<Topic>& topic : topics()) {
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) {
      clean = topic->partition(i).log().close() && clean;
    }
  }
  syncs_.fail_all();
  page_cache_.release();
  kept_.clear();
  context_->queue.take_logs();
  const bool written = store_points(clean).has_value();
  context_->segments.drop_all();
  lock_.reset();
  return clean && written;
}

}  // namespace plimsoll
