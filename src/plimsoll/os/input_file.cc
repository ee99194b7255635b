#include "plimsoll/os/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
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

std::optional<std::uint64_t> InputFile::size() const {
  struct stat found{};
  const int number = owned_.open() ? owned_.number() : STDIN_FILENO;
  if (::fstat(number, &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(found.st_size);
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
