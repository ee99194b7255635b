#include "plimsoll/commitlog/partition.h"

#include <utility>

#include "plimsoll/commitlog/internal/partition_log.h"

namespace plimsoll {

Partition::Partition(std::shared_ptr<PartitionLog> log) : log_(std::move(log)) {}
Partition::~Partition() = default;

AppendOutcome Partition::append(std::span<char> batch, std::int64_t now_ms) {
  return log_->append(batch, now_ms);
}
ReadOutcome Partition::read(std::int64_t offset, Bytes most, bool whole_first_batch) {
  return log_->read(offset, most, whole_first_batch);
}
OffsetAt Partition::find_time(std::int64_t timestamp) { return log_->find_time(timestamp); }
OffsetAt Partition::latest_time() { return log_->latest_time(); }
std::int64_t Partition::start_offset() { return log_->start_offset(); }
std::int64_t Partition::end_offset() { return log_->end_offset(); }
LogError Partition::delete_before(std::int64_t offset) { return log_->delete_before(offset); }
std::int64_t Partition::durable_offset() const { return log_->durable_offset(); }
Bytes Partition::size() { return log_->size(); }
Partition::Glance Partition::glance() const {
  const PartitionLog::Summary known = log_->summary();
  return {.open = known.open, .size = Bytes(known.bytes), .records = known.records};
}
bool Partition::removed() const { return log_->removed(); }
void Partition::watch(LogWatcher& watcher) { log_->watch(watcher); }
void Partition::unwatch(LogWatcher& watcher) { log_->unwatch(watcher); }

}  // namespace plimsoll
