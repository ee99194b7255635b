#include <algorithm>
#include <limits>

#include "plimsoll/commitlog/internal/partition_log.h"
#include "plimsoll/commitlog/internal/record_fronts.h"

namespace plimsoll {
namespace {

AppendOutcome refused(LogError error, std::int32_t record_index = -1) {
  return {.error = error, .record_index = record_index};
}

}  // namespace

LogError PartitionLog::check_times(const BatchHeader& header, const TopicConfig& config,
                                   std::int64_t now_ms) const {
  if (header.max_timestamp < 0) return LogError::kNone;  // says that it has none
  const bool ahead = header.max_timestamp > now_ms;
  const std::int64_t away = ahead ? header.max_timestamp - now_ms : now_ms - header.max_timestamp;
  const std::int64_t most = std::min(config.timestamp_difference_max_ms,
                                     ahead ? config.timestamp_after_max_ms : config.timestamp_before_max_ms);
  return away > most ? LogError::kInvalidTimestamp : LogError::kNone;
}

// Of a compressed batch. The usual memory unfolds what clients send by default; what needs more is looked at
// once again.
void PartitionLog::check_keys(std::span<const char> batch, BatchCheck& check) {
  for (const Bytes memory : {Decompressor::kMemory, Decompressor::kMostMemory}) {
    const Charge charge = store_->options.state.charge(memory);
    if (!charge) {
      check.error = LogError::kNoMemory;
      return;
    }
    check = check_compressed_keys(batch, check.header, memory);
    if (check.error != LogError::kUnsupportedCodec) return;
  }
}

AppendOutcome PartitionLog::append(std::span<char> batch, std::int64_t now_ms) {
  const std::shared_ptr<const TopicConfig> config = topic_->config();
  BatchCheck check = check_batch(batch, {.max_bytes = static_cast<std::uint64_t>(config->max_message_bytes),
                                         .require_keys = config->compact});
  BatchHeader& header = check.header;
  if (check.error == LogError::kNone && !config->append_time)
    check.error = check_times(header, *config, now_ms);
  if (check.error == LogError::kNone && config->compact && header.codec() != 0) check_keys(batch, check);
  if (check.error != LogError::kNone) {
    add(store_->counters.refused);
    return refused(check.error, check.record_index);
  }
  if (config->append_time) {
    set_append_time(batch, now_ms);
    header.max_timestamp = now_ms;
  }
  set_leader_epoch(batch, 0);

  MutexLock lock(mutex_);
  AppendOutcome outcome;
  if (!ready() || failed_) outcome = refused(LogError::kStorage);
  outcome.start_offset = start_offset_;
  if (outcome.error == LogError::kNone && header.producer_id >= 0 && admit_producer(header, outcome)) {
    add(store_->counters.duplicates);
    return outcome;
  }
  if (outcome.error == LogError::kNone && !make_place(header, *config, now_ms))
    outcome.error = LogError::kStorage;
  if (outcome.error == LogError::kNone) {
    set_base_offset(batch, end_offset_);
    header.base_offset = end_offset_;
    if (!write(batch)) outcome.error = LogError::kStorage;
  }
  if (outcome.error != LogError::kNone) {
    settle_charge();  // what a new producer was charged
    add(store_->counters.refused);
    return outcome;
  }
  note_appended(header, *config, now_ms);
  outcome.base_offset = header.base_offset;
  outcome.last_offset = header.last_offset();
  if (config->append_time) outcome.append_time_ms = now_ms;
  outcome.start_offset = start_offset_;
  tell_watchers();
  return outcome;
}

bool PartitionLog::admit_producer(const BatchHeader& header, AppendOutcome& outcome) {
  if (!producers_) producers_ = std::make_unique<ProducerState>();
  const ProducerState::Verdict verdict = producers_->judge(header);
  outcome.error = verdict.error;
  if (verdict.duplicate) {
    outcome.duplicate = true;
    outcome.base_offset = verdict.base_offset;
    outcome.last_offset = verdict.last_offset;
    return true;
  }
  if (verdict.fresh) {
    if (producers_->size() >= store_->options.producers) {
      producers_->forget_oldest();
      settle_charge();
    }
    if (!charge_.grow(ProducerState::kCost)) outcome.error = LogError::kNoMemory;
  }
  return false;
}

// The next batch fits into the active segment, or into a new one.
bool PartitionLog::make_place(const BatchHeader& header, const TopicConfig& config, std::int64_t now_ms) {
  if (segments_.empty()) return begin_segment();
  const Segment& active = segments_.back();
  if (active.size == 0) return true;
  const std::uint64_t size = active.size + header.size();
  const std::int64_t relative = end_offset_ + header.last_offset_delta - active.base;
  const bool full = size > static_cast<std::uint64_t>(config.segment_bytes) ||
                    relative > std::numeric_limits<std::int32_t>::max();
  const bool old = first_ms_ >= 0 && now_ms - first_ms_ >= config.segment_ms;
  return full || old ? roll() : true;
}

bool PartitionLog::write(std::span<const char> batch) {
  Segment& active = segments_.back();
  const std::shared_ptr<OpenSegment> open = acquire(active);
  if (!open) return false;
  if (open->log->write_at(active.size, batch)) return true;
  // A part of it may be there; a reader is never told, but the next start would look at it.
  if (!open->log->truncate(active.size)) failed_ = true;
  return false;
}

void PartitionLog::note_appended(const BatchHeader& header, const TopicConfig& config, std::int64_t now_ms) {
  Segment& active = segments_.back();
  const std::uint64_t position = active.size;
  active.size += static_cast<std::uint32_t>(header.size());
  active.synced = false;
  end_offset_ = header.last_offset() + 1;
  if (first_ms_ < 0) first_ms_ = now_ms;
  if (header.max_timestamp > active.max_timestamp) {
    active.max_timestamp = header.max_timestamp;
    max_relative_ = static_cast<std::uint32_t>(header.base_offset - active.base);
  }
  if (unindexed_ > static_cast<std::uint64_t>(config.index_interval_bytes)) {
    if (const std::shared_ptr<OpenSegment> open = acquire(active))
      add_to_index(active, *open, header, position);
    unindexed_ = 0;
  }
  unindexed_ += header.size();
  since_snapshot_ += header.size();
  if (header.producer_id >= 0) {
    if (!producers_) producers_ = std::make_unique<ProducerState>();
    producers_->remember(header, now_ms);
    settle_charge();  // a roll may have given back what a new one was charged
    if (since_snapshot_ >= store_->options.snapshot_bytes.count()) store_snapshot();
  }
  StoreCounters& counters = store_->counters;
  add(counters.batches);
  add(counters.records, static_cast<std::uint64_t>(header.count));
  add(counters.appended, header.size());
  unsynced_records_ += header.count;
  note_unsynced(config);
}

void PartitionLog::add_to_index(Segment& segment, OpenSegment& open, const BatchHeader& header,
                                std::uint64_t position) {
  SegmentIndex* index = index_of(segment, open);
  if (index == nullptr) return;
  const Bytes mapped = index->mapped();
  const auto relative = static_cast<std::uint32_t>(header.base_offset - segment.base);
  const bool added = index->add(TimePoint{segment.max_timestamp, max_relative_}) &&
                     index->add(IndexPoint{relative, static_cast<std::uint32_t>(position)});
  if (!added) {
    lose_index(segment, open);
  } else if (index->mapped() != mapped) {
    store_->segments.settle(key(segment), open, true);
  }
}

void PartitionLog::note_unsynced(const TopicConfig& config) {
  const LogStore::Options& options = store_->options;
  const bool written_enough = segments_.back().size - write_started_ >= options.write_behind.count();
  Duration wait = Duration::max();
  if (options.sync != LogStore::Sync::kNever) wait = options.sync_interval;
  if (config.flush_ms < std::numeric_limits<std::int32_t>::max()) {
    wait = std::min<Duration>(wait, std::chrono::milliseconds(config.flush_ms));
  }
  if (unsynced_records_ >= config.flush_messages) wait = Duration::zero();
  if (wait != Duration::max()) {
    const MonotonicTime due = options.clock.monotonic_now() + wait;
    if (!sync_pending_ || due < sync_due_) {
      sync_due_ = due;
      sync_pending_ = true;
    }
  }
  // Not at each append: the thread comes by itself when a sync that it knows of is due.
  if (written_enough || wait == Duration::zero() || (sync_pending_ && !kept_)) ask_keeper();
}

}  // namespace plimsoll
