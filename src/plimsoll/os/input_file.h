// InputFile: a file, a pipe or the standard input, read once from its beginning.
//
// Why: traces are longer than is worth holding as text and come through pipes, which nothing else here reads.
//
// Thread-safety: one thread. Cost: a system call a read; give it 64 KiB. Limits: none. Errors: kNotFound (no
// such file), kSystem (a directory, no right to read, the disk). Ownership: owns its descriptor, but not the
// standard input's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "plimsoll/base/result.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

class InputFile {
 public:
  // "-" is the standard input.
  static Result<InputFile> open(const std::string& path);

  // Of a file that will not be longer than it is; nothing of a pipe.
  std::optional<std::uint64_t> size() const;
  // Fills the front of `buffer`, which is not empty, and says how much; zero is the end.
  Result<std::size_t> read(std::span<char> buffer);

 private:
  explicit InputFile(FileDescriptor owned) : owned_(std::move(owned)) {}

  FileDescriptor owned_;  // not open: the standard input
};

}  // namespace plimsoll
