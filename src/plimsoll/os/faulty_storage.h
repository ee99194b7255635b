// FaultyStorage: a Storage for tests, over a true directory, that fails when told and crashes like a machine.
//
//   FaultyStorage storage(seed);
//   storage.fail_nth(17);            // the 17th operation from now fails, and those around it do not
//   storage.crash();                 // what was not synced is gone, or torn; open files are dead
//
// After crash() every file is what was synced of it and a random part of what was not, with some of that part
// as garbage; names whose directory was not synced may be gone, renames not made. What no file system
// promises is taken, what it promises is kept (after Pillai et al., "All File Systems Are Not Created Equal",
// OSDI 2014).
//
// Invariant: a range that was synced, under a name that was synced, is what was written.
//
// Thread-safety: any thread. Cost: a lock and a map look-up an operation. Limits: stores through maps of
// files are not seen; removals are never undone; a file that was synced is only appended to and cut. Errors:
// those it is told to give (kSystem with ENOSPC or EIO), and those of the file system. Ownership: outlives
// its files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

class FaultyStorage final : public Storage {
 public:
  explicit FaultyStorage(std::uint64_t seed) : random_(seed) {}

  // Operations that change something are counted from 1; the nth from now fails.
  void fail_nth(std::uint64_t n);
  // All from the nth on fail: the disk is full, or gone. 0: none.
  void fail_from(std::uint64_t n);
  // Each fails with this chance.
  void fail_with_chance(double chance);
  void fail_syncs(bool yes);
  void allow_all();

  std::uint64_t operations() const;  // in all
  std::uint64_t failed() const;

  void crash();

  Result<std::shared_ptr<StoredFile>> open(const std::string& path, OpenMode mode) override;
  Result<void> make_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) const override {
    return system_.list(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_tree(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;

 private:
  class File;
  // A file since it was made or first written.
  struct Track {
    std::string path;
    std::uint64_t synced = 0;  // bytes
    bool touched = false;      // written since the last sync
  };
  struct Rename {
    std::string from;
    std::string to;
  };

  // False: fail it. `torn`: how much of a write that fails is done all the same.
  bool admit(bool is_sync = false) PLIMSOLL_EXCLUDES(mutex_);
  std::uint64_t below(std::uint64_t bound) PLIMSOLL_EXCLUDES(mutex_);
  std::uint64_t generation() const PLIMSOLL_EXCLUDES(mutex_);
  std::shared_ptr<Track> track(const std::string& path, std::uint64_t synced) PLIMSOLL_REQUIRES(mutex_);
  void tear(const Track& track) PLIMSOLL_REQUIRES(mutex_);

  SystemStorage system_;
  mutable Mutex mutex_;
  Random random_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint64_t generation_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t operations_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t failed_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t fail_at_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t fail_from_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  double chance_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  bool fail_syncs_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<Track>> tracks_ PLIMSOLL_GUARDED_BY(mutex_);
  std::set<std::string> new_names_ PLIMSOLL_GUARDED_BY(mutex_);  // files and directories, not synced
  std::vector<Rename> renames_ PLIMSOLL_GUARDED_BY(mutex_);      // not synced, oldest first
};

}  // namespace plimsoll
