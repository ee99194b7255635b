#include "plimsoll/commitlog/log_store.h"

#include <algorithm>
#include <utility>

#include "plimsoll/commitlog/internal/store_core.h"

namespace plimsoll {

Result<void> LogStore::Options::Validate() const {
  if (directory.empty()) return fail(ErrorCode::kInvalid, "a store needs a directory");
  if (sync_interval <= Duration::zero())
    return fail(ErrorCode::kOutOfRange, "the interval of syncs is above 0");
  if (open_files < 8) return fail(ErrorCode::kOutOfRange, "a store needs at least 8 files");
  if (write_behind < 64_KiB || write_behind.count() % 4096 != 0) {
    return fail(ErrorCode::kOutOfRange, "write-behind is done in whole pages, 64 KiB or more");
  }
  if (snapshot_bytes.zero())
    return fail(ErrorCode::kOutOfRange, "a snapshot for no bytes is one for each batch");
  if (producers == 0) return fail(ErrorCode::kOutOfRange, "a partition remembers at least one producer");
  return {};
}

bool LogStore::valid_name(std::string_view name) {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Result<std::unique_ptr<LogStore>> LogStore::open(const Options& options) {
  if (Result<void> valid = options.Validate(); !valid) return tl::unexpected(valid.error());
  auto core = std::make_unique<StoreCore>(options);
  if (Result<void> done = core->open(); !done) {
    core->abandon();
    return tl::unexpected(done.error());
  }
  return std::unique_ptr<LogStore>(new LogStore(std::move(core)));
}

LogStore::LogStore(std::unique_ptr<StoreCore> core) : core_(std::move(core)) {}
LogStore::~LogStore() { stop(); }

Result<void> LogStore::start() { return core_->start(); }
void LogStore::stop() { core_->stop(); }
Duration LogStore::tick() { return core_->tick(); }

std::shared_ptr<Topic> LogStore::find(std::string_view name) const { return core_->find(name); }
Result<std::shared_ptr<Topic>> LogStore::create(std::string_view name, std::int32_t partitions,
                                                const TopicConfig& config) {
  return core_->create(name, partitions, config);
}
Result<void> LogStore::remove(std::string_view name) { return core_->remove(name); }
Result<void> LogStore::add_partitions(std::string_view name, std::int32_t count) {
  return core_->add_partitions(name, count);
}
Result<void> LogStore::set_config(std::string_view name, const TopicConfig& config) {
  return core_->set_config(name, config);
}

void LogStore::for_each_topic(const std::function<void(const std::shared_ptr<Topic>&)>& visit) const {
  for (const std::shared_ptr<Topic>& topic : core_->topics()) visit(topic);
}

Result<std::int64_t> LogStore::new_producer_id() { return core_->new_producer_id(); }

void LogStore::sync_before(std::shared_ptr<Partition> partition, std::int64_t offset, SyncWaiter& waiter) {
  if (partition->durable_offset() >= offset) {
    waiter.synced(true);
  } else if (partition->removed()) {
    waiter.synced(false);
  } else {
    core_->syncs().add(std::move(partition), offset, waiter);
    core_->context().queue.wake();
  }
}

void LogStore::cancel(SyncWaiter& waiter) { core_->syncs().cancel(waiter); }

LogStore::Sync LogStore::sync() const { return core_->context().options.sync; }
LogStore::Stats LogStore::stats() const { return core_->stats(); }

void LogStore::Describe(StatSink& sink) const {
  const Stats s = stats();
  const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("log_topics", "Topics", count(s.topics));
  sink.gauge("log_partitions", "Partitions", count(s.partitions));
  sink.gauge("log_partitions_open", "Partitions that were used since the start", count(s.partitions_open));
  sink.gauge("log_segments", "Segments of the partitions that were used", count(s.segments));
  sink.gauge("log_stored_bytes", "Bytes in those segments", s.bytes.as_double());
  sink.gauge("log_producers", "Idempotent producers that are remembered", count(s.producers));
  sink.counter("log_batches_total", "Batches appended", count(s.batches));
  sink.counter("log_records_total", "Records appended", count(s.records));
  sink.counter("log_appended_bytes_total", "Bytes appended", s.appended.as_double());
  sink.counter("log_duplicates_total", "Batches that had been appended before", count(s.duplicates));
  sink.counter("log_refused_total", "Batches that were refused", count(s.refused));
  sink.counter("log_reads_total", "Reads planned", count(s.reads));
  sink.counter("log_syncs_total", "Files synced", count(s.syncs));
  sink.counter("log_syncs_failed_total", "Syncs that failed, after which a log refuses",
               count(s.failed_syncs));
  sink.histogram("log_sync_seconds", "What a log's sync takes", core_->context().counters.sync_ns, 1e-9);
  sink.counter("log_rolls_total", "Segments begun after the first", count(s.rolls));
  sink.counter("log_segments_deleted_total", "Segments deleted by retention and by clients",
               count(s.segments_deleted));
  sink.counter("log_truncated_bytes_total", "Bytes cut off behind the last good batch",
               s.truncated.as_double());
  sink.counter("log_recovered_bytes_total", "Bytes checked because the machine had been started anew",
               s.recovered.as_double());
  sink.counter("log_indexes_rebuilt_total", "Indexes that were missing or torn", count(s.indexes_rebuilt));
  sink.gauge("log_indexes_mapped_bytes", "Index files mapped", s.indexes_mapped.as_double());
  sink.gauge("log_indexes_locked_bytes", "Index files locked in memory", s.indexes_locked.as_double());
  sink.counter("log_index_lock_refusals_total", "Indexes that the system did not lock",
               count(s.lock_refusals));
  sink.gauge("log_open_files", "Files kept open", count(s.open_files));
  sink.gauge("log_page_cache_bytes", "Bytes of open segments that are in the page cache",
             s.page_cache.as_double());
  sink.gauge("log_page_cache_ratio", "Share of open segments that is in the page cache",
             ratio(s.page_cache, s.open_bytes));
}

void LogStore::CheckInvariants() const {
  for (const std::shared_ptr<Topic>& topic : core_->topics()) {
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) topic->partition(i).log().CheckInvariants();
  }
  core_->context().segments.CheckInvariants();
}

}  // namespace plimsoll
