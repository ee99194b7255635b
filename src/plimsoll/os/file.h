// KeptFile, read_file, write_file: small files of /proc and /sys, read again and again without opening them
// again.
//
// A reader that runs every 10 ms must not open, allocate or copy: a kept descriptor read by pread into the
// caller's buffer costs a third of open-read-close. The kernel makes such a file anew at each read from its
// beginning.
//
//   char buffer[256];
//   Result<std::string_view> text = file.read_record(buffer);
//
// Thread-safety: KeptFile is const after open and may be read from any thread. Cost: one pread, 0.2-7 us
// depending on the file; read() one more to see the end. Limits: contents longer than the buffer are
// kOutOfRange; read_file() takes 4 MiB. Errors: kNotFound (no such file), kSystem (errno: ENODEV from a
// cgroup that was removed, ESRCH from a process that ended). Ownership: KeptFile owns its descriptor.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

// A descriptor that is closed with its owner. Empty when moved from.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();

  int number() const { return number_; }
  bool open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

class KeptFile {
 public:
  static Result<KeptFile> open(std::string path);

  // The whole contents, however many reads they take.
  Result<std::string_view> read(std::span<char> buffer) const;
  // The same in one read, for files that the kernel writes at one go (all but lists such as vmstat).
  Result<std::string_view> read_record(std::span<char> buffer) const;
  const std::string& path() const { return path_; }

 private:
  KeptFile(std::string path, FileDescriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}
  Result<std::size_t> read_at(std::span<char> buffer, std::size_t offset) const;

  std::string path_;
  FileDescriptor descriptor_;
};

// All of a file, or of a pipe until its writers have closed it.
Result<std::string> read_file(const std::string& path);
// One write to a file that exists (settings of /proc and /sys take a value in one piece).
Result<void> write_file(const std::string& path, std::string_view text);
// Opens /dev/null, for reading, in the place of standard input, output or error that is closed: else the next
// file or connection would be that one, and be written to. What is printed there fails as before.
void take_standard_descriptors();
// Where a program is that is named as a shell would have it: itself if it has a slash, else in the folders of
// `path` (as PATH). kNotFound; kSystem where what is there cannot be executed.
Result<std::string> find_program(std::string_view name, std::string_view path);
// Whether every user of the machine may read that file; no, if it is not there.
bool anybody_may_read(const std::string& path);
// `path` under `root`, where the root may be "/" or end in one: under("/tmp/tree", "/proc") is
// "/tmp/tree/proc".
std::string under(std::string_view root, std::string_view path);

}  // namespace plimsoll
