// Partition: one append-only log of record batches, kept in files and read from the page cache.
//
// A batch is checked, patched by 12 bytes and written as it came; a read is a plan {file, position, size} to
// be sent by sendfile(2), so that message bytes never enter the heap (after Kafka's log). A partition that
// nobody uses is some hundred bytes: it has no file open, no map, and is not looked at before its first use.
//
//   AppendOutcome appended = partition.append(batch, clock.wall_ms());
//   ReadOutcome found = partition.read(offset, 1_MiB, true);
//   send_file(socket, *found.plan.file, {found.plan.position, found.plan.size.count()});
//
// Invariant: start_offset() <= durable_offset() <= end_offset() but after delete_before(); offsets have no
// gaps; an append that failed left the log as it was.
//
// Thread-safety: all methods from any thread; one lock a partition, held over the write of an append and over
// the search of a read, never while anything is sent. Cost: an append is one pwrite and 0.1 ns a byte of
// checking; a read's search below 2 us when its index is mapped. The first call may open the log: some files,
// and a check of at most the last 4 KiB and a batch. Limits: segments below 2 GiB. Errors: LogError; after a
// failed sync all appends are kStorage until the store is opened again. A compressed batch that cannot be
// unfolded, or for which there is no memory, is looked up by time as a whole: its base offset, its maximum
// timestamp; a compacted topic refuses it, as a record without a key may be in it. Ownership: kept by its
// Topic; a SendPlan keeps its file, which stays readable after the segment was deleted.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/stat_sink.h"
#include "plimsoll/commitlog/log_error.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

class PartitionLog;

struct AppendOutcome {
  LogError error = LogError::kNone;
  std::int64_t base_offset = -1;
  std::int64_t last_offset = -1;
  std::int64_t append_time_ms = -1;  // -1: the records keep their own
  std::int64_t start_offset = 0;
  std::int32_t record_index = -1;
  bool duplicate = false;  // nothing was appended: the offsets are those of the first time
};

struct SendPlan {
  std::shared_ptr<const StoredFile> file;  // null: nothing to send
  std::uint64_t position = 0;
  Bytes size;
};

struct ReadOutcome {
  LogError error = LogError::kNone;
  std::int64_t start_offset = 0;
  std::int64_t end_offset = 0;
  SendPlan plan;
};

struct OffsetAt {
  LogError error = LogError::kNone;
  std::int64_t offset = -1;
  std::int64_t timestamp = -1;
};

// Who waits for a log to change. changed() is called with the partition's lock held, on the thread that
// appends, deletes or removes: it must only post. Never again after unwatch().
class LogWatcher {
 public:
  virtual ~LogWatcher() = default;
  virtual void changed() noexcept = 0;

 private:
  friend class PartitionLog;
  LogWatcher* next_ = nullptr;
  LogWatcher* previous_ = nullptr;
  PartitionLog* of_ = nullptr;  // null: watches nothing
};

class Partition {
 public:
  explicit Partition(std::shared_ptr<PartitionLog> log);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  // `batch` is one batch, and is patched.
  AppendOutcome append(std::span<char> batch, std::int64_t now_ms);
  // Begins with the batch that holds `offset` and stays within one segment; may end within a later batch. A
  // first batch larger than `most` comes whole if `whole_first_batch`, so that its reader gets on; or not at
  // all.
  ReadOutcome read(std::int64_t offset, Bytes most, bool whole_first_batch);
  // The first record of that time or later; offset -1 when there is none.
  OffsetAt find_time(std::int64_t timestamp);
  // The first record of the greatest time; offset -1 when the log is empty.
  OffsetAt latest_time();

  // -1 of both when the log cannot be opened.
  std::int64_t start_offset();
  std::int64_t end_offset();
  // Records below are gone for readers at once, and their segments soon. -1: all there is.
  LogError delete_before(std::int64_t offset);
  // Below this, everything is on the disk.
  std::int64_t durable_offset() const;
  Bytes size();
  // What is known without opening it: nothing before its first use.
  struct Glance {
    bool open = false;
    Bytes size;
    std::uint64_t records = 0;
  };
  Glance glance() const;
  bool removed() const;  // with its topic

  // REQUIRES of watch(): it watches nothing. unwatch() may be called for one that does not watch.
  void watch(LogWatcher& watcher);
  void unwatch(LogWatcher& watcher);

  PartitionLog& log() const { return *log_; }  // for the store

 private:
  const std::shared_ptr<PartitionLog> log_;  // also held by what the store's thread is to do
};

}  // namespace plimsoll
