// Storage, StoredFile: the seam between logs and the file system, so that tests can make files fail.
//
// What a log promises is decided by what happens when the nth write is short, the disk is full, a sync fails
// or the machine stops between two calls. Code above this seam runs unchanged over SystemStorage and over
// FaultyStorage (faulty_storage.h), which does all of that (after LevelDB's Env and its fault injection).
//
//   Result<std::shared_ptr<StoredFile>> file = storage.open(path, OpenMode::kCreate);
//   if (Result<void> done = (*file)->write_at(0, bytes); !done) return tl::unexpected(done.error());
//
// Invariant: write_at() that succeeded has written all; read_at() is short only at the end of the file.
//
// Thread-safety: any thread; writers of overlapping ranges order themselves. Cost: a system call each, 0.3-3
// us from the page cache; sync 0.3-8 ms. Limits: 2^63-1 bytes a file. Errors: kNotFound, kSystem with errno
// (ENOSPC, EIO). After a sync has failed the kernel may have dropped what was to be written: do not trust the
// file's end until it was read again (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
// Ownership: a file is closed with its last owner; the storage outlives its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

struct FileRange {
  std::uint64_t position = 0;
  std::uint64_t size = 0;  // 0: to the end
};

enum class ReadAdvice : std::uint8_t { kNormal, kSequential, kRandom };

class StoredFile {
 public:
  virtual ~StoredFile() = default;

  virtual Result<std::uint64_t> size() const = 0;
  // How many bytes were read: fewer than asked for only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t position, std::span<char> into) const = 0;
  // All of it, or an error: then any part of it may have been written.
  virtual Result<void> write_at(std::uint64_t position, std::span<const char> bytes) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  // Data, and what is needed to find it again (fdatasync).
  virtual Result<void> sync() = 0;

  // Hints: what is refused changes nothing but speed, and is reported all the same.
  virtual Result<void> start_writing(FileRange range) = 0;      // begins write-back, does not wait
  virtual Result<void> wait_written(FileRange range) = 0;       // not a sync: metadata is not written
  virtual Result<void> forget(FileRange range) const = 0;       // clean pages leave the page cache
  virtual Result<void> fetch_ahead(FileRange range) const = 0;  // begins to read
  virtual Result<void> advise(ReadAdvice advice) const = 0;

  // For sendfile(2) and mmap(2); owned by the file.
  virtual int descriptor() const = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,    // exists
  kWrite,   // exists; read and written
  kCreate,  // read and written; made when it does not exist
};

struct DirectoryEntry {
  std::string name;
  bool directory = false;
  std::uint64_t size = 0;  // of a file
};

class Storage {
 public:
  virtual ~Storage() = default;

  virtual Result<std::shared_ptr<StoredFile>> open(const std::string& path, OpenMode mode) = 0;
  // And those above it that do not exist. One that exists is no error.
  virtual Result<void> make_directory(const std::string& path) = 0;
  // Sorted by name.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) const = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // a file
  virtual Result<void> remove_tree(const std::string& path) = 0;
  // Makes names that were made, renamed or removed in it durable.
  virtual Result<void> sync_directory(const std::string& path) = 0;

  // The whole file at once: whoever reads it, even after a crash, reads the old contents or the new.
  Result<void> write_whole(const std::string& path, std::string_view bytes);
  // kOutOfRange above `most`.
  Result<std::string> read_whole(const std::string& path, Bytes most);
};

class SystemStorage final : public Storage {
 public:
  Result<std::shared_ptr<StoredFile>> open(const std::string& path, OpenMode mode) override;
  Result<void> make_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) const override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_tree(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
};

// The right to a directory that no other process has (flock), as long as it lives.
class DirectoryLock {
 public:
  // kRefused when another holds it.
  static Result<DirectoryLock> take(const std::string& directory);

 private:
  explicit DirectoryLock(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  FileDescriptor descriptor_;
};

}  // namespace plimsoll
