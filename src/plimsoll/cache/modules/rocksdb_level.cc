// The level on a disk: RocksDB, one column family a generation, so that the oldest goes in one stroke.
//
// Nothing is synced: a write is in the kernel when it returns, which outlives the process. After a crash of
// the machine the log may lack its end, with it an erasure, and so what lies there is trusted only by the
// same boot, or after an orderly end: the file TRUSTED says which (and has to be written before anything is
// kept, and is removed, for which a full disk has room, when a write fails).
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/level.h"

namespace plimsoll {
namespace {

constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";
constexpr int kTries = 500;  // for a second
constexpr const char* kEnded = "ended in order";

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

std::string family_name(std::uint32_t generation) { return "g" + std::to_string(generation); }

// Many may be inside, or one alone; whoever wants to be alone is let in before those who come later.
class Door {
 public:
  void enter() {
    MutexLock lock(mutex_);
    while (waiting_ > 0 || closed_) changed_.wait(mutex_);
    ++inside_;
  }
  void leave() {
    MutexLock lock(mutex_);
    if (--inside_ == 0) changed_.notify_all();
  }
  void close() {
    MutexLock lock(mutex_);
    ++waiting_;
    while (inside_ > 0 || closed_) changed_.wait(mutex_);
    --waiting_;
    closed_ = true;
  }
  void open() {
    MutexLock lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int inside_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  int waiting_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  bool closed_ PLIMSOLL_GUARDED_BY(mutex_) = false;
};

struct Inside {
  explicit Inside(Door& by) : door(by) { door.enter(); }
  ~Inside() { door.leave(); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  Door& door;
};

struct Alone {
  explicit Alone(Door& by) : door(by) { door.close(); }
  ~Alone() { door.open(); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
  Door& door;
};

class RocksDbLevel final : public CacheLevel {
 public:
  explicit RocksDbLevel(const LevelModuleOptions& options)
      : directory_(options.directory), env_(rocksdb::Env::Default()) {
    rocksdb::BlockBasedTableOptions table;
    cache_ = rocksdb::NewLRUCache(options.block_cache, 2);
    table.block_cache = cache_;
    table.cache_index_and_filter_blocks = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    family_.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    // The level above asks for what is there: filters of the last level would only take memory.
    family_.optimize_filters_for_hits = true;
    family_.write_buffer_size = options.write_buffers / 2;
    family_.max_write_buffer_number = 2;
    family_.target_file_size_base = std::max<std::uint64_t>(options.size / 64, 2 << 20);
    family_.level_compaction_dynamic_level_bytes = true;
    family_.compression = rocksdb::kLZ4Compression;
    database_.create_if_missing = true;
    database_.db_write_buffer_size = options.write_buffers;
    database_.max_total_wal_size = 2 * options.write_buffers;
    database_.max_open_files = 256;
    database_.max_background_jobs = 2;
    database_.max_bgerror_resume_count = 0;  // it is begun anew instead
    database_.avoid_flush_during_shutdown = true;
    database_.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    database_.max_log_file_size = 1 << 20;
    database_.keep_log_file_num = 2;
    database_.stats_dump_period_sec = 0;
    database_.stats_persist_period_sec = 0;
  }

  ~RocksDbLevel() override {
    const bool whole = database() != nullptr && !failed_ && db_->SyncWAL().ok();
    close();
    if (whole) static_cast<void>(rocksdb::WriteStringToFile(env_, kEnded, trust_file(), true));
  }

  // Empty, or why it cannot be used.
  std::string open() {
    const rocksdb::Status made = env_->CreateDirIfMissing(directory_);
    if (!made.ok()) return made.ToString();
    if (!trusted()) static_cast<void>(wipe());
    const std::string wrong = open_database();
    // What cannot be opened is not worth more than a cache is. What another process has open is, and is not
    // wiped: it has the lock.
    if (wrong.empty() || !wipe()) return wrong;
    return open_database();
  }

  std::vector<std::uint32_t> generations() override {
    const Inside inside(door_);
    std::vector<std::uint32_t> all;
    for (const auto& [generation, handle] : families_) all.push_back(generation);
    return all;
  }

  Outcome begin(std::uint32_t generation) override {
    const Alone alone(door_);
    if (db_ == nullptr) return Outcome::kFailed;
    if (families_.count(generation) > 0) return Outcome::kDone;
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    const rocksdb::Status status = db_->CreateColumnFamily(family_, family_name(generation), &handle);
    if (!status.ok()) return failed(status);
    families_[generation] = handle;
    return Outcome::kDone;
  }

  Outcome drop_before(std::uint32_t generation) override {
    const Alone alone(door_);
    if (db_ == nullptr) return Outcome::kFailed;
    while (!families_.empty() && families_.begin()->first < generation) {
      rocksdb::ColumnFamilyHandle* handle = families_.begin()->second;
      const rocksdb::Status status = db_->DropColumnFamily(handle);
      if (!status.ok()) return failed(status);
      db_->DestroyColumnFamilyHandle(handle);
      families_.erase(families_.begin());
    }
    return Outcome::kDone;
  }

  Outcome write(std::span<const Write> writes) override {
    const Inside inside(door_);
    if (db_ == nullptr || failed_) return Outcome::kFailed;
    // A store that cannot keep up says so at once: waiting inside it could be for ever, on a full disk.
    rocksdb::Status status = write_once(writes, true);
    for (int tries = 1; status.IsIncomplete() && tries <= kTries; ++tries) {
      if (database_errors() > 0) return failed(status);
      env_->SleepForMicroseconds(2000);
      // Values can be left out, in the end; erasures cannot.
      status = write_once(writes, tries < kTries);
    }
    return status.ok() ? Outcome::kDone : failed(status);
  }

  Outcome read(std::uint32_t generation, std::string_view key, std::string& value) override {
    const Inside inside(door_);
    if (db_ == nullptr) return Outcome::kFailed;
    const auto family = families_.find(generation);
    if (family == families_.end()) return Outcome::kAbsent;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), family->second, slice(key), &value);
    if (status.ok()) return Outcome::kDone;
    if (status.IsNotFound()) return Outcome::kAbsent;
    say(status);
    return Outcome::kFailed;
  }

  Outcome each_key(std::uint32_t generation, std::string_view from,
                   const std::function<bool(std::string_view)>& visit) override {
    const Inside inside(door_);
    if (db_ == nullptr) return Outcome::kFailed;
    const auto family = families_.find(generation);
    if (family == families_.end()) return Outcome::kDone;
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family->second));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
      if (!visit({at->key().data(), at->key().size()})) break;
    }
    if (at->status().ok()) return Outcome::kDone;
    say(at->status());
    return Outcome::kFailed;
  }

  void distrust() override { static_cast<void>(env_->DeleteFile(trust_file())); }

  Outcome restart() override {
    const Alone alone(door_);
    close();
    distrust();
    if (!wipe()) return Outcome::kFailed;
    failed_ = false;
    if (const std::string wrong = open_database(); !wrong.empty()) {
      MutexLock lock(words_mutex_);
      words_ = wrong;
      return Outcome::kFailed;
    }
    return Outcome::kDone;
  }

  Figures figures() override {
    const Inside inside(door_);
    Figures figures;
    if (db_ == nullptr) return figures;
    for (const auto& [generation, handle] : families_) {
      figures.stored_bytes += property(handle, rocksdb::DB::Properties::kTotalSstFilesSize);
      figures.memory_bytes += property(handle, rocksdb::DB::Properties::kSizeAllMemTables);
      figures.memory_bytes += property(handle, rocksdb::DB::Properties::kEstimateTableReadersMem);
    }
    figures.memory_bytes += cache_->GetUsage();
    return figures;
  }

  std::string words() override {
    MutexLock lock(words_mutex_);
    return words_;
  }

 private:
  rocksdb::DB* database() const { return db_.get(); }
  std::string trust_file() const { return directory_ + "/TRUSTED"; }
  std::string data() const { return directory_ + "/data"; }

  rocksdb::Status write_once(std::span<const Write> writes, bool values) {
    rocksdb::WriteBatch batch;
    for (const Write& write : writes) {
      const auto family = families_.find(write.generation);
      if (family == families_.end() || (write.put && !values)) continue;
      const rocksdb::Status status = write.put
                                         ? batch.Put(family->second, slice(write.key), slice(write.value))
                                         : batch.Delete(family->second, slice(write.key));
      if (!status.ok()) return status;
    }
    if (batch.Count() == 0) return rocksdb::Status::OK();
    rocksdb::WriteOptions options;
    options.no_slowdown = true;
    return db_->Write(options, &batch);
  }

  std::uint64_t database_errors() const {
    std::uint64_t errors = 0;
    return db_->GetIntProperty(rocksdb::DB::Properties::kBackgroundErrors, &errors) ? errors : 0;
  }

  std::uint64_t property(rocksdb::ColumnFamilyHandle* handle, const std::string& name) const {
    std::uint64_t value = 0;
    return db_->GetIntProperty(handle, name, &value) ? value : 0;
  }

  void say(const rocksdb::Status& status) {
    MutexLock lock(words_mutex_);
    words_ = status.ToString();
  }

  Outcome failed(const rocksdb::Status& status) {
    say(status);
    failed_ = true;
    return Outcome::kFailed;
  }

  bool trusted() const {
    std::string said, boot;
    if (!rocksdb::ReadFileToString(env_, trust_file(), &said).ok()) return false;
    return said == kEnded || (rocksdb::ReadFileToString(env_, kBootId, &boot).ok() && said == boot);
  }

  bool wipe() {
    const rocksdb::Status status = rocksdb::DestroyDB(data(), rocksdb::Options(database_, family_));
    if (!status.ok() && !status.IsNotFound()) say(status);
    return status.ok() || status.IsNotFound();
  }

  std::string open_database() {
    std::vector<std::string> names;
    if (!rocksdb::DB::ListColumnFamilies(database_, data(), &names).ok())
      names = {rocksdb::kDefaultColumnFamilyName};
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, family_);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(database_, data(), families, &handles, &opened);
    if (!status.ok()) return status.ToString();
    db_.reset(opened);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].front() == 'g') {
        families_[static_cast<std::uint32_t>(std::strtoul(names[i].c_str() + 1, nullptr, 10))] = handles[i];
      } else {
        default_ = handles[i];
      }
    }
    std::string boot;
    rocksdb::Status told = rocksdb::ReadFileToString(env_, kBootId, &boot);
    if (told.ok()) told = rocksdb::WriteStringToFile(env_, boot, trust_file(), true);
    if (told.ok()) return {};
    close();
    return told.ToString();
  }

  void close() {
    if (db_ == nullptr) return;
    for (const auto& [generation, handle] : families_) db_->DestroyColumnFamilyHandle(handle);
    families_.clear();
    if (default_ != nullptr) db_->DestroyColumnFamilyHandle(default_);
    default_ = nullptr;
    static_cast<void>(db_->Close());
    db_.reset();
  }

  const std::string directory_;
  rocksdb::Env* const env_;
  rocksdb::DBOptions database_;
  rocksdb::ColumnFamilyOptions family_;
  std::shared_ptr<rocksdb::Cache> cache_;
  Door door_;  // alone: who opens, closes, begins and drops
  std::unique_ptr<rocksdb::DB> db_;
  std::map<std::uint32_t, rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;
  std::atomic<bool> failed_{false};
  Mutex words_mutex_;
  std::string words_ PLIMSOLL_GUARDED_BY(words_mutex_);
};

}  // namespace
}  // namespace plimsoll

extern "C" __attribute__((visibility("default"))) plimsoll::CacheLevel* plimsoll_open_level_1(
    const plimsoll::LevelModuleOptions* options, char* error, std::size_t size) {
  if (options->version != plimsoll::kLevelModuleVersion) {
    std::snprintf(error, size, "the module is of another version than the program");
    return nullptr;
  }
  auto level = std::make_unique<plimsoll::RocksDbLevel>(*options);
  if (const std::string wrong = level->open(); !wrong.empty()) {
    std::snprintf(error, size, "%s", wrong.c_str());
    return nullptr;
  }
  return level.release();
}
