#include "plimsoll/os/input_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace plimsoll {

Result<InputFile> InputFile::open(const std::string& path) {
  if (path == "-") return InputFile(FileDescriptor());
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number >= 0) return InputFile(FileDescriptor(number));
  if (errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no such file");
  return fail(ErrorCode::kSystem, "the file cannot be opened", errno);
}

Result<std::size_t> InputFile::read(std::span<char> buffer) {
  const int number = owned_.open() ? owned_.number() : STDIN_FILENO;
  while (true) {
    const ssize_t got = ::read(number, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return fail(ErrorCode::kSystem, "the file cannot be read", errno);
  }
}

}  // namespace plimsoll
