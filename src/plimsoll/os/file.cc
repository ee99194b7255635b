#include "plimsoll/os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::size_t kWholeFile = std::size_t{4} << 20;

tl::unexpected<Error> open_error() {
  if (errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no such file");
  return fail(ErrorCode::kSystem, "a file cannot be opened", errno);
}

FileDescriptor open_with(const std::string& path, int flags) {
  return FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC));
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (open()) ::close(number_);
}

Result<KeptFile> KeptFile::open(std::string path) {
  FileDescriptor descriptor = open_with(path, O_RDONLY);
  if (!descriptor.open()) return open_error();
  return KeptFile(std::move(path), std::move(descriptor));
}

Result<std::size_t> KeptFile::read_at(std::span<char> buffer, std::size_t offset) const {
  ssize_t got = 0;
  do {
    got = ::pread(descriptor_.number(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail(ErrorCode::kSystem, "a file cannot be read", errno);
  return static_cast<std::size_t>(got);
}

Result<std::string_view> KeptFile::read(std::span<char> buffer) const {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    Result<std::size_t> got = read_at(buffer.subspan(filled), filled);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return std::string_view(buffer.data(), filled);
    filled += *got;
  }
  return fail(ErrorCode::kOutOfRange, "a file is larger than such files are");
}

Result<std::string_view> KeptFile::read_record(std::span<char> buffer) const {
  Result<std::size_t> got = read_at(buffer, 0);
  if (!got) return tl::unexpected(got.error());
  if (*got == buffer.size()) return fail(ErrorCode::kOutOfRange, "a file is larger than such files are");
  return std::string_view(buffer.data(), *got);
}

// In order, so that it may be a pipe: a shell's <(...), or /dev/stdin.
Result<std::string> read_file(const std::string& path) {
  const FileDescriptor file = open_with(path, O_RDONLY);
  if (!file.open()) return open_error();
  std::string text;
  for (std::size_t filled = 0; filled < kWholeFile;) {
    text.resize(std::max<std::size_t>(4096, filled * 2));
    const ssize_t got = ::read(file.number(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno != EINTR) return fail(ErrorCode::kSystem, "a file cannot be read", errno);
    if (got == 0) {
      text.resize(filled);
      return text;
    }
    filled += static_cast<std::size_t>(std::max<ssize_t>(0, got));
  }
  return fail(ErrorCode::kOutOfRange, "a file is larger than 4 MiB");
}

Result<void> write_file(const std::string& path, std::string_view text) {
  FileDescriptor descriptor = open_with(path, O_WRONLY | O_TRUNC);
  if (!descriptor.open()) return open_error();
  ssize_t put = 0;
  do {
    put = ::write(descriptor.number(), text.data(), text.size());
  } while (put < 0 && errno == EINTR);
  if (put == static_cast<ssize_t>(text.size())) return {};
  return fail(ErrorCode::kSystem, "a file does not take what is written", put < 0 ? errno : EIO);
}

void take_standard_descriptors() {
  int number = -1;
  do number = ::open("/dev/null", O_RDONLY);
  while (number >= 0 && number <= STDERR_FILENO);
  if (number > STDERR_FILENO) ::close(number);
}

Result<std::string> find_program(std::string_view name, std::string_view path) {
  Error fault{.code = ErrorCode::kNotFound, .errno_value = 0, .what = "there is no such program"};
  const auto runs = [&fault](const std::string& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0 || S_ISDIR(found.st_mode)) return false;
    if (::access(file.c_str(), X_OK) == 0) return true;
    fault = {.code = ErrorCode::kSystem, .errno_value = errno, .what = "it cannot be run"};
    return false;
  };
  if (name.find('/') != std::string_view::npos) {
    if (runs(std::string(name))) return std::string(name);
    return tl::unexpected(fault);
  }
  while (!name.empty() && !path.empty()) {
    const std::string folder(take_until(path, ':'));
    if (const std::string file = folder + "/" + std::string(name); !folder.empty() && runs(file)) return file;
  }
  return tl::unexpected(fault);
}

bool anybody_may_read(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && (found.st_mode & S_IROTH) != 0;
}

std::string under(std::string_view root, std::string_view path) {
  while (!root.empty() && root.back() == '/') root.remove_suffix(1);
  std::string joined(root);
  if (path.empty() || path.front() != '/') joined += '/';
  return joined.append(path);
}

}  // namespace plimsoll
