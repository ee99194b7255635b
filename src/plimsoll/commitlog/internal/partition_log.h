// PartitionLog: what a Partition is made of: its segments, the batch that comes next, its producers.
//
// Five files by what is done: partition_log.cc (segments), partition_append.cc, partition_read.cc,
// partition_open.cc (recovery) and partition_keep.cc (what the store's thread does).
//
// Invariant: segments_ rise by base offset, the last is the one appended to; end_offset_ is behind the last
// batch in it; the file of a segment is at least as long as its size says, and what is behind that is not
// part of the log.
//
// Thread-safety: all public methods from any thread, under mutex_, but that syncs and write-back run without
// it.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/charge.h"
#include "plimsoll/commitlog/internal/batch_scanner.h"
#include "plimsoll/commitlog/internal/producer_state.h"
#include "plimsoll/commitlog/internal/reader_places.h"
#include "plimsoll/commitlog/internal/store_context.h"
#include "plimsoll/commitlog/partition.h"
#include "plimsoll/commitlog/topic.h"

namespace plimsoll {

class PartitionLog : public std::enable_shared_from_this<PartitionLog> {
 public:
  static constexpr std::int64_t kUnknownTime = std::numeric_limits<std::int64_t>::min();

  // What is known of its files before they are looked at.
  struct Point {
    std::int64_t durable = 0;  // below this, all is on the disk
    bool trusted = true;       // all is: it was ended cleanly, or is new
  };

  // What one costs while nobody uses it; `charge` is for that.
  static Bytes cost();
  PartitionLog(std::shared_ptr<StoreContext> store, std::shared_ptr<TopicIdentity> topic, std::int32_t index,
               Charge charge, Point point);
  ~PartitionLog();

  AppendOutcome append(std::span<char> batch, std::int64_t now_ms) PLIMSOLL_EXCLUDES(mutex_);
  ReadOutcome read(std::int64_t offset, Bytes most, bool whole_first_batch) PLIMSOLL_EXCLUDES(mutex_);
  OffsetAt find_time(std::int64_t timestamp) PLIMSOLL_EXCLUDES(mutex_);
  OffsetAt latest_time() PLIMSOLL_EXCLUDES(mutex_);
  std::int64_t start_offset() PLIMSOLL_EXCLUDES(mutex_);
  std::int64_t end_offset() PLIMSOLL_EXCLUDES(mutex_);
  LogError delete_before(std::int64_t offset) PLIMSOLL_EXCLUDES(mutex_);
  std::int64_t durable_offset() const PLIMSOLL_EXCLUDES(mutex_);
  Bytes size() PLIMSOLL_EXCLUDES(mutex_);
  // Acquire: pairs with the store in refuse(); who sees it sees the last watchers called.
  bool removed() const { return removed_.load(std::memory_order_acquire); }
  void watch(LogWatcher& watcher) PLIMSOLL_EXCLUDES(mutex_);
  void unwatch(LogWatcher& watcher) PLIMSOLL_EXCLUDES(mutex_);

  // For the store's thread.
  // Checks all behind the durable offset, as after a start of the machine.
  LogError open_checked() PLIMSOLL_EXCLUDES(mutex_);
  struct Due {
    bool again = false;  // there will be more to do
    MonotonicTime at = MonotonicTime::max();
  };
  Due keep(MonotonicTime now) PLIMSOLL_EXCLUDES(mutex_);  // write-behind, letting go, syncs that are due
  bool sync() PLIMSOLL_EXCLUDES(mutex_);                  // all of it; false: it failed
  void upkeep(std::int64_t now_ms, bool may_open) PLIMSOLL_EXCLUDES(mutex_);
  bool close() PLIMSOLL_EXCLUDES(mutex_);       // refuses from then on; false: not all is on the disk
  void refuse_all() PLIMSOLL_EXCLUDES(mutex_);  // the topic is removed
  struct Summary {
    bool open = false;
    std::uint64_t segments = 0;
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    std::uint64_t producers = 0;
  };
  Summary summary() const PLIMSOLL_EXCLUDES(mutex_);
  // For the file of recovery points.
  Point point() const PLIMSOLL_EXCLUDES(mutex_);
  void CheckInvariants() const PLIMSOLL_EXCLUDES(mutex_);

 private:
  struct Segment {
    std::int64_t base = 0;
    std::int64_t max_timestamp = kUnknownTime;
    std::uint64_t place = 0;  // of its first byte, from the first of what the log was opened with
    std::uint32_t size = 0;
    bool synced = false;
  };
  struct Place {
    LogError error = LogError::kNone;
    std::uint64_t position = 0;
    BatchHeader header;
  };

  // partition_log.cc
  std::string directory() const;
  std::string path(std::int64_t base, const char* ending) const;
  SegmentCache::Key key(const Segment& segment) const { return {this, segment.base}; }
  bool ready() PLIMSOLL_REQUIRES(mutex_);  // opened, or opens it
  std::shared_ptr<OpenSegment> acquire(const Segment& segment) PLIMSOLL_REQUIRES(mutex_);
  SegmentIndex* index_of(Segment& segment, OpenSegment& open) PLIMSOLL_REQUIRES(mutex_);
  SegmentIndex* rebuild_index(Segment& segment, OpenSegment& open) PLIMSOLL_REQUIRES(mutex_);
  void lose_index(Segment& segment, OpenSegment& open) PLIMSOLL_REQUIRES(mutex_);
  bool begin_segment() PLIMSOLL_REQUIRES(mutex_);
  bool roll() PLIMSOLL_REQUIRES(mutex_);
  void drop_front(std::size_t count) PLIMSOLL_REQUIRES(mutex_);
  void doom_segment(const Segment& segment, std::int64_t due_ms) PLIMSOLL_REQUIRES(mutex_);
  void settle_charge() PLIMSOLL_REQUIRES(mutex_);
  Bytes wanted_charge() const PLIMSOLL_REQUIRES(mutex_);
  void tell_watchers() PLIMSOLL_REQUIRES(mutex_);
  void ask_keeper() PLIMSOLL_REQUIRES(mutex_);
  bool is_active(const Segment& segment) const PLIMSOLL_REQUIRES(mutex_) {
    return &segment == &segments_.back();
  }

  // partition_append.cc
  LogError check_times(const BatchHeader& header, const TopicConfig& config, std::int64_t now_ms) const;
  void check_keys(std::span<const char> batch, BatchCheck& check);
  bool admit_producer(const BatchHeader& header, AppendOutcome& outcome) PLIMSOLL_REQUIRES(mutex_);
  bool make_place(const BatchHeader& header, const TopicConfig& config, std::int64_t now_ms)
      PLIMSOLL_REQUIRES(mutex_);
  bool write(std::span<const char> batch) PLIMSOLL_REQUIRES(mutex_);
  void note_appended(const BatchHeader& header, const TopicConfig& config, std::int64_t now_ms)
      PLIMSOLL_REQUIRES(mutex_);
  void add_to_index(Segment& segment, OpenSegment& open, const BatchHeader& header, std::uint64_t position)
      PLIMSOLL_REQUIRES(mutex_);
  void note_unsynced(const TopicConfig& config) PLIMSOLL_REQUIRES(mutex_);

  // partition_read.cc
  std::size_t segment_of(std::int64_t offset) const PLIMSOLL_REQUIRES(mutex_);
  Place locate(Segment& segment, OpenSegment& open, std::int64_t offset) PLIMSOLL_REQUIRES(mutex_);
  bool time_holds(Segment& segment, OpenSegment& open, TimePoint time) PLIMSOLL_REQUIRES(mutex_);
  bool max_timestamp_of(Segment& segment, std::int64_t& timestamp) PLIMSOLL_REQUIRES(mutex_);
  OffsetAt search_time(Segment& segment, std::int64_t timestamp) PLIMSOLL_REQUIRES(mutex_);
  void note_reader(std::uint64_t from, std::uint64_t to) PLIMSOLL_REQUIRES(mutex_);
  void fetch_ahead(std::size_t segment) PLIMSOLL_REQUIRES(mutex_);

  // partition_open.cc
  struct Found;  // what lies in the directory
  LogError open_log(bool check_all) PLIMSOLL_REQUIRES(mutex_);
  LogError look_around(Found& found) PLIMSOLL_REQUIRES(mutex_);
  LogError check_segments(std::size_t first) PLIMSOLL_REQUIRES(mutex_);
  LogError check_tail() PLIMSOLL_REQUIRES(mutex_);
  LogError check_from(Segment& segment, IndexPoint from, std::int64_t& end) PLIMSOLL_REQUIRES(mutex_);
  void drop_behind(std::size_t count) PLIMSOLL_REQUIRES(mutex_);
  LogError load_producers(const Found& found) PLIMSOLL_REQUIRES(mutex_);
  LogError replay(std::int64_t from) PLIMSOLL_REQUIRES(mutex_);
  void load_start() PLIMSOLL_REQUIRES(mutex_);
  bool store_start(std::int64_t offset) PLIMSOLL_REQUIRES(mutex_);
  void store_snapshot() PLIMSOLL_REQUIRES(mutex_);
  bool write_small(const std::string& path, std::string_view bytes);

  // partition_keep.cc
  struct FilePart {
    std::shared_ptr<StoredFile> file;
    FileRange range;
  };
  struct Behind {
    FilePart start;                // write-back begins
    std::vector<FilePart> forget;  // is clean first
  };
  Behind plan_behind(MonotonicTime now) PLIMSOLL_REQUIRES(mutex_);
  void add_parts(ReaderPlaces::Range range, std::vector<FilePart>& parts) PLIMSOLL_REQUIRES(mutex_);
  using OpenedSegments = std::vector<std::pair<std::int64_t, std::shared_ptr<OpenSegment>>>;  // by base
  bool sync_segments(bool active_too) PLIMSOLL_EXCLUDES(mutex_);
  int sync_names();  // 0, or the system's number for why not
  void sync_later(const OpenedSegments& files, bool active_too) PLIMSOLL_EXCLUDES(mutex_);
  void fail() PLIMSOLL_EXCLUDES(mutex_);
  void refuse() PLIMSOLL_REQUIRES(mutex_);
  void retain(const TopicConfig& config, std::int64_t now_ms) PLIMSOLL_REQUIRES(mutex_);
  bool expired(Segment& segment, const TopicConfig& config, std::int64_t now_ms) PLIMSOLL_REQUIRES(mutex_);

  const std::shared_ptr<StoreContext> store_;
  const std::shared_ptr<TopicIdentity> topic_;
  const std::int32_t index_;
  std::atomic<bool> removed_{false};

  mutable Mutex mutex_;
  bool opened_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool failed_ PLIMSOLL_GUARDED_BY(mutex_) = false;        // a sync or a repair failed: no more appends
  bool rolled_ PLIMSOLL_GUARDED_BY(mutex_) = false;        // since the keeper looked
  bool new_names_ PLIMSOLL_GUARDED_BY(mutex_) = false;     // in the directory, not synced
  bool asked_ PLIMSOLL_GUARDED_BY(mutex_) = false;         // the store's thread was told to look now
  bool kept_ PLIMSOLL_GUARDED_BY(mutex_) = false;          // it looks again when the next sync is due
  bool sync_pending_ PLIMSOLL_GUARDED_BY(mutex_) = false;  // sync_due_ is set
  std::vector<Segment> segments_ PLIMSOLL_GUARDED_BY(mutex_);
  std::int64_t start_offset_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::int64_t end_offset_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  Point point_ PLIMSOLL_GUARDED_BY(mutex_);

  // Of the active segment:
  std::int64_t first_ms_ PLIMSOLL_GUARDED_BY(mutex_) = -1;      // of its first batch
  std::uint32_t max_relative_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // of the batch with its greatest time
  std::uint64_t unindexed_ PLIMSOLL_GUARDED_BY(mutex_) = 0;     // bytes since the last entry
  std::uint64_t write_started_ PLIMSOLL_GUARDED_BY(mutex_) = 0;

  std::uint64_t forgotten_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // the place below which pages were let go
  ReaderPlaces readers_ PLIMSOLL_GUARDED_BY(mutex_);

  std::unique_ptr<ProducerState> producers_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint64_t since_snapshot_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // bytes
  std::int64_t snapshot_ PLIMSOLL_GUARDED_BY(mutex_) = -1;        // the newest two, by offset
  std::int64_t older_snapshot_ PLIMSOLL_GUARDED_BY(mutex_) = -1;

  MonotonicTime sync_due_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::int64_t unsynced_records_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  Charge charge_ PLIMSOLL_GUARDED_BY(mutex_);
  LogWatcher* watchers_ PLIMSOLL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace plimsoll
