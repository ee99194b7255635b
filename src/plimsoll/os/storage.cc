#include "plimsoll/os/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace plimsoll {
namespace {

tl::unexpected<Error> refused(const char* what, int error = errno) {
  return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kSystem, what, error);
}

class SystemFile final : public StoredFile {
 public:
  explicit SystemFile(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Result<std::uint64_t> size() const override {
    struct stat status{};
    if (::fstat(descriptor(), &status) != 0) return refused("a file's size cannot be read");
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::size_t> read_at(std::uint64_t position, std::span<char> into) const override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      const ssize_t got = ::pread(descriptor(), into.data() + filled, into.size() - filled,
                                  static_cast<off_t>(position + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return refused("a file cannot be read");
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

  Result<void> write_at(std::uint64_t position, std::span<const char> bytes) override {
    std::size_t put = 0;
    while (put < bytes.size()) {
      const ssize_t wrote =
          ::pwrite(descriptor(), bytes.data() + put, bytes.size() - put, static_cast<off_t>(position + put));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return refused("a file does not take what is written");
      if (wrote == 0) return refused("a file does not take what is written", EIO);
      put += static_cast<std::size_t>(wrote);
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    return checked(::ftruncate(descriptor(), static_cast<off_t>(size)), "a file cannot be cut");
  }
  Result<void> sync() override { return checked(::fdatasync(descriptor()), "a file cannot be synced"); }

  Result<void> start_writing(FileRange range) override {
    return checked(::sync_file_range(descriptor(), static_cast<off_t>(range.position),
                                     static_cast<off_t>(range.size), SYNC_FILE_RANGE_WRITE),
                   "write-back of a file cannot be started");
  }
  Result<void> wait_written(FileRange range) override {
    constexpr unsigned kAll =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    return checked(::sync_file_range(descriptor(), static_cast<off_t>(range.position),
                                     static_cast<off_t>(range.size), kAll),
                   "write-back of a file failed");
  }
  Result<void> forget(FileRange range) const override { return advised(range, POSIX_FADV_DONTNEED); }
  Result<void> fetch_ahead(FileRange range) const override { return advised(range, POSIX_FADV_WILLNEED); }
  Result<void> advise(ReadAdvice advice) const override {
    switch (advice) {
      case ReadAdvice::kSequential:
        return advised({}, POSIX_FADV_SEQUENTIAL);
      case ReadAdvice::kRandom:
        return advised({}, POSIX_FADV_RANDOM);
      case ReadAdvice::kNormal:
        break;
    }
    return advised({}, POSIX_FADV_NORMAL);
  }

  int descriptor() const override { return descriptor_.number(); }

 private:
  static Result<void> checked(int outcome, const char* what) {
    if (outcome != 0) return refused(what);
    return {};
  }
  Result<void> advised(FileRange range, int advice) const {
    // It returns its error and does not set errno.
    const int error = ::posix_fadvise(descriptor(), static_cast<off_t>(range.position),
                                      static_cast<off_t>(range.size), advice);
    if (error != 0) return refused("advice on a file is refused", error);
    return {};
  }

  const FileDescriptor descriptor_;
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<void> Storage::write_whole(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  {
    Result<std::shared_ptr<StoredFile>> file = open(temporary, OpenMode::kCreate);
    if (!file) return tl::unexpected(file.error());
    if (Result<void> done = (*file)->truncate(0); !done) return done;
    if (Result<void> done = (*file)->write_at(0, bytes); !done) return done;
    if (Result<void> done = (*file)->sync(); !done) return done;
  }
  if (Result<void> done = rename(temporary, path); !done) return done;
  return sync_directory(parent_of(path));
}

Result<std::string> Storage::read_whole(const std::string& path, Bytes most) {
  Result<std::shared_ptr<StoredFile>> file = open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  Result<std::uint64_t> size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > most.count()) return fail(ErrorCode::kOutOfRange, "a file is larger than such files are");
  std::string bytes(*size, '\0');
  Result<std::size_t> got = (*file)->read_at(0, bytes);
  if (!got) return tl::unexpected(got.error());
  bytes.resize(*got);
  return bytes;
}

Result<std::shared_ptr<StoredFile>> SystemStorage::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC | (mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
  if (mode == OpenMode::kCreate) flags |= O_CREAT;
  FileDescriptor descriptor(::open(path.c_str(), flags, 0644));
  if (!descriptor.open()) return refused("a file cannot be opened");
  return std::make_shared<SystemFile>(std::move(descriptor));
}

Result<void> SystemStorage::make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return refused("a directory cannot be made", error.value());
  return {};
}

Result<std::vector<DirectoryEntry>> SystemStorage::list(const std::string& path) const {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (directory == nullptr) return refused("a directory cannot be read");
  std::vector<DirectoryEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    struct stat status{};
    // What was removed since is not there, nor is what a link to nowhere names.
    const bool there = ::fstatat(::dirfd(directory.get()), entry->d_name, &status, 0) == 0;
    errno = 0;
    if (!there) continue;
    entries.push_back({.name = std::string(name),
                       .directory = S_ISDIR(status.st_mode),
                       .size = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0});
    errno = 0;  // for readdir(), which tells its end and its errors apart by it only
  }
  if (errno != 0) return refused("a directory cannot be read");
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Result<void> SystemStorage::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return refused("a file cannot be renamed");
  return {};
}

Result<void> SystemStorage::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return refused("a file cannot be removed");
  return {};
}

Result<void> SystemStorage::remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return refused("a directory cannot be removed", error.value());
  return {};
}

Result<void> SystemStorage::sync_directory(const std::string& path) {
  const FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.open()) return refused("a directory cannot be opened");
  if (::fsync(descriptor.number()) != 0) return refused("a directory cannot be synced");
  return {};
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  FileDescriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.open()) return refused("the directory cannot be opened");
  if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused("the directory cannot be locked");
    return fail(ErrorCode::kRefused, "another process uses this directory", EWOULDBLOCK);
  }
  return DirectoryLock(std::move(descriptor));
}

}  // namespace plimsoll
